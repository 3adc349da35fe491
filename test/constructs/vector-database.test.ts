import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Construct } from 'constructs';
import type {
  Container,
  CronJobSpec,
  NetworkPolicySpec,
  ServiceSpec,
  StatefulSetSpec,
} from '../../imports/k8s';
import { Bucket } from '../../constructs/platform/bucket';
import { Connections } from '../../constructs/platform/connections';
import { Manifest } from '../../constructs/platform/manifest';
import { NamespaceScope } from '../../constructs/platform/names';
import { containersOf, spec, workloadOf } from '../../constructs/platform/workloads';
import { VectorDatabase, VectorDatabaseProps } from '../../constructs/vector-database';
import { Embeddings, EmbeddingsProps } from '../../constructs/vector-database/embeddings';
import { BRIDGE, COLLECTIONS, READER, type Role } from '../../constructs/vector-database/roles';
import type { SignOn } from '../../constructs/vector-database/sign-on';
import { find, Ground, manifestsOf, platformWith } from '../support';

const IMAGE = 'registry.example.com/weaviate:1.0.0';
const size = { cpu: '1', memory: '2Gi' };

const SIGN_ON: SignOn = {
  issuer: 'https://sso.example.com/realms/x',
  keys: 'https://sso.example.com/keys',
  range: { name: 'sso.example.com', cidr: '203.0.113.7/32', port: 443 },
  clientId: 'weaviate',
  groupsClaim: 'teams',
  groups: { platform: 'owners', onCall: 'on-call', auditor: 'auditors', developer: 'developers' },
};

interface Collection {
  readonly class: string;
  readonly properties: readonly { readonly name: string; readonly description: string }[];
  readonly vectorConfig: {
    readonly content: {
      readonly vectorizer: Readonly<Record<string, { readonly properties: readonly string[] }>>;
    };
  };
}

interface Choice {
  readonly database?: Partial<VectorDatabaseProps>;
  readonly embeddings?: Partial<EmbeddingsProps>;
  readonly before?: (ground: Ground, namespace: NamespaceScope) => Partial<VectorDatabaseProps>;
}

function build({ database: choice = {}, embeddings = {}, before }: Choice = {}): Manifest[] {
  return manifestsOf(
    platformWith((ground) => {
      const namespace = ground.namespaces.add('vectors');
      const database = new VectorDatabase(namespace, 'weaviate', {
        image: IMAGE,
        scriptImage: 'registry.example.com/python:3.0.0',
        resources: size,
        storage: '10Gi',
        embeddings: new Embeddings(namespace, 'embeddings', {
          image: 'registry.example.com/inference:1.0.0',
          resources: size,
          ...embeddings,
        }),
        maker: ground.maker,
        authority: ground.authority,
        ...before?.(ground, namespace),
        ...choice,
      });
      ground.scrape(database);
    }),
  );
}

function policy(manifests: readonly Manifest[], name: string): NetworkPolicySpec {
  return spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', name));
}

function ports(rules: NetworkPolicySpec['ingress'] | NetworkPolicySpec['egress'] = []): string[] {
  return rules.flatMap((rule) => (rule.ports ?? []).map(({ protocol, port }) => `${port}/${protocol}`));
}

function statefulSet(manifests: readonly Manifest[]): StatefulSetSpec {
  return spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'weaviate-members'));
}

function weaviate(manifests: readonly Manifest[]): Container {
  const [container] = statefulSet(manifests).template.spec?.containers ?? [];
  if (!container) throw new Error('no container');
  return container;
}

function environment(manifests: readonly Manifest[]): Record<string, string | undefined> {
  return Object.fromEntries((weaviate(manifests).env ?? []).map(({ name, value }) => [name, value]));
}

function schemaJob(manifests: readonly Manifest[]): Manifest {
  const found = manifests.find(
    ({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('weaviate-schema-'),
  );
  if (!found) throw new Error('no schema job');
  return found;
}

describe('members', () => {
  test('three by default, each with a voice and a copy of everything', () => {
    const manifests = build();
    expect(statefulSet(manifests).replicas).toBe(3);
    expect(environment(manifests)).toMatchObject({
      RAFT_JOIN: 'weaviate-members-0,weaviate-members-1,weaviate-members-2',
      RAFT_BOOTSTRAP_EXPECT: '3',
      CLUSTER_JOIN: 'weaviate-members.vectors.svc.cluster.local:7000',
    });
    const files = manifests.find(({ metadata }) => metadata.name.startsWith('weaviate-schema-config-'));
    expect(JSON.parse((files?.['data'] as Record<string, string>)['replication.json'] ?? '')).toMatchObject({
      factor: 3,
    });
  });

  test('start at the same time, and find each other before they are ready', () => {
    const manifests = build();
    expect(statefulSet(manifests).podManagementPolicy).toBe('Parallel');
    const { clusterIP, publishNotReadyAddresses, selector } = spec<ServiceSpec>(
      find(manifests, 'Service', statefulSet(manifests).serviceName ?? ''),
    );
    expect({ clusterIP, publishNotReadyAddresses }).toEqual({
      clusterIP: 'None',
      publishNotReadyAddresses: true,
    });
    expect(statefulSet(manifests).template.metadata?.labels).toMatchObject(selector ?? {});
  });

  test('are asked by clients only when they are ready, by HTTPS and by gRPC', () => {
    const service = spec<ServiceSpec>(find(build(), 'Service', 'weaviate'));
    expect(service.publishNotReadyAddresses).toBeUndefined();
    expect(service.type).toBeUndefined();
    expect(service.ports?.map(({ port, targetPort }) => [port, targetPort])).toEqual([
      [8443, 'https'],
      [50051, 'grpc'],
    ]);
  });

  test('speak TLS only, with a certificate that names the service and every member', () => {
    const manifests = build();
    const { args = [], env = [], startupProbe, readinessProbe, livenessProbe } = weaviate(manifests);
    expect(args).toContain('--scheme=https');
    expect(env.find(({ name }) => name === 'GRPC_CERT_FILE')?.value).toBe('/tls/tls.crt');
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
      expect(probe?.httpGet).toMatchObject({ scheme: 'HTTPS', port: 'https' });
    }
    const { dnsNames } = spec<{ dnsNames: string[] }>(find(manifests, 'Certificate', 'weaviate-members-tls'));
    expect(dnsNames).toEqual(
      expect.arrayContaining([
        'weaviate.vectors.svc.cluster.local',
        '*.weaviate-members.vectors.svc.cluster.local',
      ]),
    );
  });

  test('let nobody in without a key, and no key is written anywhere', () => {
    const manifests = build();
    expect(environment(manifests)).toMatchObject({
      AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED: 'false',
      AUTHENTICATION_APIKEY_USERS: 'schema@lighthouse,bridge,reader,backup',
      AUTHENTICATION_APIKEY_ALLOWED_KEYS: '$(KEY_SCHEMA),$(KEY_BRIDGE),$(KEY_READER),$(KEY_BACKUP)',
      AUTHORIZATION_RBAC_ROOT_USERS: 'schema@lighthouse',
    });
    const names = (weaviate(manifests).env ?? []).map(({ name }) => name);
    // Kubernetes fills in only what was declared further up.
    expect(names.indexOf('KEY_READER')).toBeLessThan(names.indexOf('AUTHENTICATION_APIKEY_ALLOWED_KEYS'));
  });

  test('leave memory beside Go’s heap', () => {
    expect(environment(build({ database: { resources: { cpu: '1', memory: '1000Mi' } } }))).toMatchObject({
      GOMEMLIMIT: '800MiB',
    });
  });

  test('have time to end what is under way', () => {
    const { terminationGracePeriodSeconds = 0 } = statefulSet(build()).template.spec ?? {};
    expect(terminationGracePeriodSeconds).toBeGreaterThan(5 + 60 + 60);
  });

  test('may be one: no majority to wait for, no budget that would block a drain, no gossip', () => {
    const manifests = build({ database: { members: 1 } });
    expect(environment(manifests)).toMatchObject({
      RAFT_JOIN: 'weaviate-members-0',
      RAFT_BOOTSTRAP_EXPECT: '1',
    });
    expect(
      manifests.filter(
        ({ kind, metadata }) => kind === 'PodDisruptionBudget' && metadata.name.startsWith('weaviate'),
      ),
    ).toEqual([]);
    expect(ports(policy(manifests, 'weaviate-members').ingress)).not.toContain('7000/TCP');
  });

  test.each([0, 2, 4, 1.5, -1])('cannot be %p', (members) => {
    expect(() => build({ database: { members } })).toThrow(
      /vectors\/weaviate: members must be 1, or odd and at least 3 .* got/,
    );
  });
});

describe('connections', () => {
  test('members reach each other, the schema job HTTPS, Prometheus the metrics; nothing else', () => {
    const { ingress = [] } = policy(build(), 'weaviate-members');
    expect(ports(ingress)).toEqual([
      '2112/TCP',
      '7000/TCP',
      '7000/UDP',
      '7001/TCP',
      '8300/TCP',
      '8301/TCP',
      '8443/TCP',
    ]);
    const peers = (port: number) =>
      ingress
        .filter((rule) => rule.ports?.some((each) => each.port === port))
        .flatMap(({ from = [] }) =>
          from.map(({ podSelector }) => podSelector?.matchLabels?.['app.kubernetes.io/instance']),
        );
    for (const port of [7000, 7001, 8300, 8301])
      expect(peers(port)).toEqual(expect.arrayContaining(['weaviate-members']));
    expect(peers(8443)).toEqual(['weaviate-schema']);
  });

  test('only members reach the embeddings', () => {
    const { ingress = [] } = policy(build(), 'embeddings');
    expect(ingress).toEqual([
      {
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'vectors' } },
            podSelector: {
              matchLabels: {
                'app.kubernetes.io/name': 'weaviate',
                'app.kubernetes.io/instance': 'weaviate-members',
              },
            },
          },
        ],
        ports: [{ protocol: 'TCP', port: 8080 }],
      },
    ]);
    expect(environment(build())['TRANSFORMERS_INFERENCE_API']).toBe(
      'http://embeddings.vectors.svc.cluster.local:8080',
    );
  });

  test('an application is let in by an edge to an endpoint', () => {
    platformWith((ground) => {
      const namespace = ground.namespaces.add('vectors');
      const embeddings = new Embeddings(namespace, 'embeddings', { image: IMAGE, resources: size });
      const database = new VectorDatabase(namespace, 'weaviate', {
        image: IMAGE,
        scriptImage: IMAGE,
        resources: size,
        storage: '1Gi',
        embeddings,
        maker: ground.maker,
        authority: ground.authority,
      });
      expect(database.rest.url('https')).toBe('https://weaviate.vectors.svc.cluster.local:8443');
      expect(database.grpc.address).toBe('weaviate.vectors.svc.cluster.local:50051');
      expect(embeddings.endpoint.url('http')).toBe('http://embeddings.vectors.svc.cluster.local:8080');
      expect(database.users.of('bridge').secretName).toBe('weaviate-users-bridge');
      const client = new Construct(ground.namespaces.add('bridge'), 'server');
      const connections = new Connections(client, { name: 'bridge', component: 'server' });
      connections.allowTo(database.rest, database.grpc);
      expect(connections.targets).toEqual(new Set([database.rest, database.grpc]));
    });
  });
});

describe('embeddings', () => {
  test('are ready when the model is loaded, and ask nobody for it', () => {
    const pod = workloadOf(find(build(), 'Deployment', 'embeddings'))?.pod;
    const [container] = pod ? containersOf(pod) : [];
    expect(container?.readinessProbe?.httpGet?.path).toBe('/.well-known/ready');
    const { periodSeconds = 0, failureThreshold = 0 } = container?.startupProbe ?? {};
    expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(600);
    expect(container?.env).toContainEqual({ name: 'TRANSFORMERS_OFFLINE', value: '1' });
  });

  test('one replica has no disruption budget, two have one', () => {
    const budgets = (replicas?: number) =>
      build({ embeddings: { replicas } }).filter(
        ({ kind, metadata }) => kind === 'PodDisruptionBudget' && metadata.name === 'embeddings',
      ).length;
    expect([budgets(1), budgets(), budgets(3)]).toEqual([0, 1, 1]);
  });

  test.each([0, 1.5])('replicas cannot be %p', (replicas) => {
    expect(() => build({ embeddings: { replicas } })).toThrow(/embeddings: replicas must be .* got/);
  });
});

describe('people', () => {
  const rolesOf = (manifests: readonly Manifest[]) =>
    manifests.flatMap(({ kind, data = {} }) =>
      kind === 'ConfigMap'
        ? Object.entries(data as Record<string, string>)
            .filter(([file]) => file.startsWith('role-'))
            .map(([, text]) => JSON.parse(text) as Role)
        : [],
    );
  const groupsOf = (manifests: readonly Manifest[]) =>
    Object.fromEntries(rolesOf(manifests).flatMap(({ name, group }) => (group ? [[name, group]] : [])));

  test('are nobody where nothing signs them in', () => {
    const manifests = build();
    expect(Object.keys(environment(manifests)).filter((name) => name.includes('OIDC'))).toEqual([]);
    expect(groupsOf(manifests)).toEqual({});
  });

  test('are known by tokens of the provider, which is only asked for its keys, when somebody comes', () => {
    const manifests = build({ database: { signOn: SIGN_ON } });
    expect(environment(manifests)).toMatchObject({
      AUTHENTICATION_OIDC_ENABLED: 'true',
      AUTHENTICATION_OIDC_ISSUER: 'https://sso.example.com/realms/x',
      AUTHENTICATION_OIDC_JWKS_URL: 'https://sso.example.com/keys',
      AUTHENTICATION_OIDC_CLIENT_ID: 'weaviate',
      AUTHENTICATION_OIDC_USERNAME_CLAIM: 'sub',
      AUTHENTICATION_OIDC_GROUPS_CLAIM: 'teams',
      AUTHENTICATION_APIKEY_ENABLED: 'true',
    });
    expect(policy(manifests, 'weaviate-members').egress).toContainEqual({
      to: [{ ipBlock: { cidr: '203.0.113.7/32' } }],
      ports: [{ protocol: 'TCP', port: 443 }],
    });
  });

  test('have a role by their group, developers none; nobody may change users and roles', () => {
    const manifests = build({ database: { signOn: SIGN_ON } });
    expect(groupsOf(manifests)).toEqual({ platform: 'owners', 'on-call': 'on-call', auditor: 'auditors' });
    const actions = rolesOf(manifests).flatMap(({ permissions }) => permissions.map(({ action }) => action));
    expect(
      actions.filter((action) => /_(users|roles|groups)$/.test(action) && !action.startsWith('read_')),
    ).toEqual([]);
  });
});

describe('schema', () => {
  const file = (name: string) =>
    readFileSync(join(__dirname, '../../constructs/vector-database/schema', name), 'utf8');
  const collections = ['code-context', 'decision', 'pattern'].map((name): Collection =>
    JSON.parse(file(`collection-${name}.json`)),
  );

  test('every collection that roles speak of is there, and says what each property is', () => {
    expect(collections.map((each) => each.class)).toEqual([...COLLECTIONS]);
    for (const { properties } of collections) {
      for (const { description } of properties) expect(description).not.toBe('');
    }
  });

  test('vectors are made of properties that exist', () => {
    for (const each of collections) {
      const sources = each.vectorConfig.content.vectorizer['text2vec-transformers']?.properties ?? [];
      expect(sources.length).toBeGreaterThan(0);
      expect(each.properties.map(({ name }) => name)).toEqual(expect.arrayContaining(sources));
    }
  });

  test('an application may change objects, never a collection, user or role', () => {
    expect(
      BRIDGE.permissions.map(({ action }) => action).filter((action) => !action.endsWith('_data')),
    ).toEqual(['read_collections']);
    expect(READER.permissions.every(({ action }) => action.startsWith('read_'))).toBe(true);
  });

  test('the key of the job is a file, and its name changes with what it applies', () => {
    const job = schemaJob(build());
    expect(JSON.stringify(job)).not.toContain('secretKeyRef');
    const other = schemaJob(build({ database: { members: 1 } }));
    expect(other.metadata.name).not.toBe(job.metadata.name);
  });
});

describe('backups', () => {
  const bucket = (ground: Ground, trust: Bucket['trust']): Bucket => {
    const store = new Construct(ground.namespaces.add('storage'), 'store');
    const connections = new Connections(store, { name: 'store', component: 'server' });
    const endpoint = connections.listen('s3', 9000);
    return {
      name: 'vectors',
      host: endpoint.host,
      port: endpoint.port,
      region: 'here',
      trust,
      accessKey: { name: 'keys', key: 'access' },
      secretKey: { name: 'keys', key: 'secret' },
      allowFrom: (client) => client.allowTo(endpoint),
    };
  };

  test('go to the bucket, over TLS that the platform vouches for', () => {
    const manifests = build({ before: (ground) => ({ backup: bucket(ground, 'platform') }) });
    expect(environment(manifests)).toMatchObject({
      ENABLE_MODULES: 'text2vec-transformers,backup-s3',
      BACKUP_S3_BUCKET: 'vectors',
      BACKUP_S3_ENDPOINT: 'store.storage.svc.cluster.local:9000',
      SSL_CERT_FILE: '/trust/ca.crt',
    });
    expect(ports(policy(manifests, 'weaviate-members').egress)).toContain('9000/TCP');
  });

  test('are made every six hours, or when it is said, never two at once', () => {
    const cron = (database: Partial<VectorDatabaseProps> = {}) =>
      spec<CronJobSpec>(
        find(
          build({ database, before: (ground) => ({ backup: bucket(ground, 'platform') }) }),
          'CronJob',
          'weaviate-backup',
        ),
      );
    expect(cron()).toMatchObject({ schedule: '15 0,6,12,18 * * *', concurrencyPolicy: 'Forbid' });
    expect(cron({ backupSchedule: '0 3 * * *' }).schedule).toBe('0 3 * * *');
  });

  test('trust what every image trusts where the bucket is elsewhere', () => {
    const manifests = build({ before: (ground) => ({ backup: bucket(ground, 'public') }) });
    expect(environment(manifests)['SSL_CERT_FILE']).toBeUndefined();
  });

  test('are off without a bucket', () => {
    expect(environment(build())['ENABLE_MODULES']).toBe('text2vec-transformers');
  });
});

test('every choice can be made', () => {
  platformWith((ground) => {
    const namespace = ground.namespaces.add('vectors');
    const clients = [ground.namespaces.add('bridge')];
    const store = new Construct(ground.namespaces.add('storage'), 'store');
    const connections = new Connections(store, { name: 'store', component: 'server' });
    const endpoint = connections.listen('s3', 9000);
    const inference: Required<EmbeddingsProps> = {
      image: IMAGE,
      resources: size,
      replicas: 3,
      spreading: 'preferred',
    };
    const all: Required<VectorDatabaseProps> = {
      image: IMAGE,
      scriptImage: IMAGE,
      members: 5,
      resources: size,
      storage: '10Gi',
      storageClass: 'ssd',
      spreading: 'preferred',
      embeddings: new Embeddings(namespace, 'embeddings', inference),
      maker: ground.maker,
      authority: ground.authority,
      clients,
      backupSchedule: '0 3 * * *',
      signOn: SIGN_ON,
      backup: {
        name: 'vectors',
        host: endpoint.host,
        port: endpoint.port,
        region: 'here',
        trust: 'platform',
        accessKey: { name: 'keys', key: 'access' },
        secretKey: { name: 'keys', key: 'secret' },
        allowFrom: (client) => client.allowTo(endpoint),
      },
    };
    new VectorDatabase(namespace, 'weaviate', all);
  });
});

test('all of it', () => {
  const own = build().filter(({ metadata }) => metadata.namespace === 'vectors');
  expect(own).toMatchSnapshot();
});
