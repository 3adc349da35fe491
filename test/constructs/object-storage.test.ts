import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Construct } from 'constructs';
import { BucketProps } from '../../constructs/object-storage/buckets';
import { ExternalProps } from '../../constructs/object-storage/external';
import { ObjectStorage, ObjectStorageProps } from '../../constructs/object-storage';
import { MinioProps } from '../../constructs/object-storage/minio';
import { SeaweedFsProps } from '../../constructs/object-storage/seaweedfs';
import { Bucket, bucketEnv, bucketUrl } from '../../constructs/platform/bucket';
import { renderPayload } from '../../constructs/platform/config-files';
import { Connections } from '../../constructs/platform/connections';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { ExternalSecretSpec } from '../../imports/external-secrets.io';
import type { JobSpec, NetworkPolicySpec, ServiceSpec, StatefulSetSpec } from '../../imports/k8s';
import type { PodMonitorSpec } from '../../imports/monitoring.coreos.com';
import { find, Ground, manifestsOf, platformWith } from '../support';

const FOLDER = join(__dirname, '..', '..', 'constructs', 'object-storage');

const server = ({ authority, maker }: Ground) =>
  ({ authority, maker, cpu: '100m', memory: '512Mi', storage: '20Gi', storageClass: 'ssd' }) as const;

const minio = (ground: Ground): Required<MinioProps> => ({
  kind: 'minio',
  image: 'quay.io/minio/minio:1.0.0',
  clientImage: 'quay.io/minio/mc:1.0.0',
  ...server(ground),
});

const seaweedfs = (ground: Ground): Required<SeaweedFsProps> => ({
  kind: 'seaweedfs',
  image: 'docker.io/chrislusf/seaweedfs:4.44',
  ...server(ground),
});

const external = (): Required<ExternalProps> => ({
  kind: 'external',
  host: 's3.example.com',
  range: { name: 'S3', cidr: '203.0.113.0/24', port: 443 },
  region: 'eu-central-1',
  secretStore: 'platform',
  secretPath: 'lighthouse/test/object-storage',
  administrator: 'administrator',
});

type Engine = (ground: Ground) => ObjectStorageProps<string>['engine'];
type Change = Partial<Omit<BucketProps, 'consumer'>>;

/** Two consumers in two namespaces, each a set of pods that uses its bucket. */
function build(engine: Engine, change: Change = {}, prefix?: string) {
  const buckets: Bucket[] = [];
  const platform = platformWith((ground) => {
    const { namespaces } = ground;
    const [postgres, weaviate] = [namespaces.add('postgres'), namespaces.add('weaviate')];
    const storage = new ObjectStorage(namespaces.add('object-storage'), 's3', {
      engine: engine(ground),
      cliImage: 'docker.io/amazon/aws-cli:2.0.0',
      prefix,
      buckets: {
        'database-backups': { consumer: postgres, purpose: 'backups', ...change },
        exports: { consumer: weaviate, purpose: 'data' },
      },
    });
    if (storage.seen.kind === 'server') ground.scrape(storage);
    for (const [scope, id] of [
      [postgres, 'database-backups'],
      [weaviate, 'exports'],
    ] as const) {
      const bucket = storage.bucket(id);
      bucket.allowFrom(new Connections(new Construct(scope, 'client'), { name: id, component: 'client' }));
      buckets.push(bucket);
    }
  });
  return { manifests: manifestsOf(platform), buckets };
}

const config = (manifests: readonly Manifest[], prefix = 's3-buckets-config-') =>
  manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith(prefix))?.[
    'data'
  ] as Readonly<Record<string, string>>;

const applyJob = (manifests: readonly Manifest[]) =>
  manifests.find(({ kind, metadata }) => kind === 'Job' && /^s3-buckets-[0-9a-f]{10}$/.test(metadata.name));

const wave = ({ metadata }: Manifest) => Number(metadata.annotations?.['argocd.argoproj.io/sync-wave']);

const policyOf = (manifests: readonly Manifest[], name: string, namespace: string) =>
  spec<NetworkPolicySpec>(
    find(
      manifests.filter(({ metadata }) => metadata.namespace === namespace),
      'NetworkPolicy',
      name,
    ),
  );

describe('the buckets', () => {
  test('by default backups can be brought back for a week and data cannot', () => {
    const { buckets, 'database-backups.lifecycle.json': lifecycle = '' } = config(build(minio).manifests);
    expect(buckets).toBe('database-backups Enabled none backups\nexports Suspended none data\n');
    expect(JSON.parse(lifecycle)).toEqual({
      Rules: [
        {
          ID: 'expiry',
          Status: 'Enabled',
          Filter: { Prefix: '' },
          Expiration: { ExpiredObjectDeleteMarker: true },
          NoncurrentVersionExpiration: { NoncurrentDays: 7 },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        },
      ],
    });
  });

  test('with everything declared', () => {
    const all: Required<Omit<BucketProps, 'consumer'>> = {
      purpose: 'data',
      expireDays: 30,
      restoreDays: 3,
      quota: '8Gi',
    };
    const { manifests, buckets } = build(minio, all, 'acme-');
    const files = config(manifests);
    expect(files['buckets']).toBe(
      'acme-database-backups Enabled 8589934592 data\nacme-exports Suspended none data\n',
    );
    expect(JSON.parse(files['acme-database-backups.lifecycle.json'] ?? '')).toMatchObject({
      Rules: [{ Expiration: { Days: 30 }, NoncurrentVersionExpiration: { NoncurrentDays: 3 } }],
    });
    expect(buckets.map(({ name }) => name)).toEqual(['acme-database-backups', 'acme-exports']);
  });

  test('a user has rights in its own bucket only, and none to destroy versions', () => {
    const files = config(build(minio).manifests);
    const { Statement } = JSON.parse(files['exports.rights.json'] ?? '') as {
      Statement: { Effect: string; Action: string[]; Resource: string }[];
    };
    expect(new Set(Statement.map(({ Resource }) => Resource))).toEqual(
      new Set(['arn:aws:s3:::exports', 'arn:aws:s3:::exports/*']),
    );
    const allowed = Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action);
    expect(allowed.filter((action) => /Version|\*|Put(?!Object$)|DeleteBucket/.test(action))).toEqual([]);
    expect(Statement).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Action: ['s3:DeleteObjectVersion'] }),
    );
  });

  test.each([
    [
      { expireDays: 0 },
      'expireDays of bucket database-backups must be a whole number of days, at least 1, got 0',
    ],
    [
      { restoreDays: 1.5 },
      'restoreDays of bucket database-backups must be a whole number of days, at least 0, got 1.5',
    ],
    [{ quota: 'much' }, '"much" is no Kubernetes quantity'],
    [{ quota: '30Gi' }, 'quotas of 30Gi do not fit a volume of 20Gi; lower them or enlarge it'],
  ])('%j is refused', (change, message) => {
    expect(() => build(minio, change)).toThrow(message);
  });

  test('a name that no service takes, no bucket, and an unknown one are refused', () => {
    expect(() => build(minio, {}, 'Acme.')).toThrow('bucket name "Acme.database-backups" must be 3 to 63');
    const make = (look: (storage: ObjectStorage<string>) => void, consumers: readonly string[]) => () =>
      platformWith((ground) => {
        const scope = ground.namespaces.add('object-storage');
        const buckets = Object.fromEntries(
          consumers.map((id) => [id, { consumer: scope, purpose: 'data' as const }]),
        );
        look(new ObjectStorage(scope, 's3', { engine: minio(ground), cliImage: 'a/b:1', buckets }));
      });
    expect(make(() => undefined, [])).toThrow('buckets must name at least one, got none');
    expect(make((storage) => storage.bucket('b'), ['one'])).toThrow('no bucket "b"; there are one');
  });
});

describe.each([
  ['minio', minio, 9000],
  ['seaweedfs', seaweedfs, 8333],
] as const)('%s in the cluster', (name, engine, port) => {
  const { manifests, buckets } = build(engine);
  const server = spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 's3'));

  test('consumers reach it over TLS with the keys of their own namespace', () => {
    const [bucket] = buckets;
    expect(bucket).toMatchObject({
      name: 'database-backups',
      host: 's3.object-storage.svc.cluster.local',
      port,
      trust: 'platform',
      accessKey: { name: 's3-for-postgres-database-backups', key: 'username' },
      secretKey: { name: 's3-for-postgres-database-backups', key: 'password' },
    });
    expect(bucket && bucketUrl(bucket)).toBe(`https://s3.object-storage.svc.cluster.local:${port}`);
    expect(bucket && bucketEnv(bucket).map((variable) => variable.name)).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
    ]);
    const made = manifests.flatMap(
      ({ metadata }) =>
        metadata.annotations?.['lighthouse/makes']?.split(',').map((each) => each.split(':', 1)[0]) ?? [],
    );
    expect(made).toContain('Secret/postgres/s3-for-postgres-database-backups');
    expect(made).not.toContain('Secret/weaviate/s3-for-postgres-database-backups');
    expect(made.filter((secret) => secret?.endsWith('administrator'))).toEqual([
      'Secret/object-storage/s3-users-administrator',
    ]);
  });

  test('the Service selects its pod and nothing else is let in than consumers, the Job and Prometheus', () => {
    const { selector = {}, ports } = spec<ServiceSpec>(find(manifests, 'Service', 's3'));
    expect(server.template.metadata?.labels).toMatchObject(selector);
    expect(server.selector.matchLabels).toEqual(selector);
    expect(ports?.map((each) => each.port)).toContain(port);
    const { ingress = [] } = policyOf(manifests, 's3', 'object-storage');
    const peers = ingress
      .filter(({ ports: [first] = [] }) => first?.port === port)
      .flatMap(({ from = [] }) => from)
      .map(({ namespaceSelector }) => namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name']);
    expect(peers).toEqual(
      [...(name === 'minio' ? ['observability'] : []), 'object-storage', 'postgres', 'weaviate'].sort(),
    );
  });

  test('the buckets are made before their consumers start, after the server is up', () => {
    const job = applyJob(manifests);
    const client = find(
      manifests.filter(({ metadata }) => metadata.namespace === 'postgres'),
      'NetworkPolicy',
      'client',
    );
    expect(job && wave(job)).toBeGreaterThan(wave(find(manifests, 'StatefulSet', 's3')));
    expect(job && wave(client)).toBeGreaterThan(job ? wave(job) : 0);
  });

  test('every container is restricted, limited and probed over TLS where it speaks TLS', () => {
    const { containers = [] } = server.template.spec ?? {};
    for (const container of containers) {
      expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true });
      expect(container.resources?.limits).toHaveProperty('memory');
      expect(container).toHaveProperty('readinessProbe');
    }
    expect(containers[0]?.readinessProbe?.httpGet).toMatchObject({ port: 's3', scheme: 'HTTPS' });
    expect(server.replicas).toBe(1);
    expect(manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
  });

  test('no secret key is in any object', () => {
    const { containers = [] } = server.template.spec ?? {};
    const values = containers.flatMap(({ env = [] }) =>
      env.filter(({ name: key }) => /PASSWORD|SECRET/.test(key)),
    );
    expect(values.map(({ value = '' }) => value).filter((value) => !value.startsWith('/'))).toEqual([]);
  });
});

describe('minio', () => {
  const { manifests } = build(minio);

  test('metrics are scraped over verified TLS', () => {
    expect(spec<PodMonitorSpec>(find(manifests, 'PodMonitor', 's3')).podMetricsEndpoints).toEqual([
      {
        port: 's3',
        path: '/minio/v2/metrics/cluster',
        scheme: 'https',
        tlsConfig: {
          ca: { configMap: { name: 'lighthouse-trust', key: 'ca.crt' } },
          serverName: 's3.object-storage.svc.cluster.local',
        },
      },
    ]);
  });

  test('buckets come first, then users, in one Job that changes its name with what is declared', () => {
    const job = applyJob(manifests);
    const pod = job && spec<JobSpec>(job).template.spec;
    expect(pod?.initContainers?.map(({ name }) => name)).toEqual(['buckets']);
    expect(pod?.containers.map(({ name }) => name)).toEqual(['users']);
    const changed = applyJob(build(minio, { expireDays: 3 }).manifests);
    expect(changed?.metadata.name).not.toBe(job?.metadata.name);
    expect(applyJob(build(minio).manifests)?.metadata.name).toBe(job?.metadata.name);
  });

  test('as a whole', () => {
    expect(find(manifests, 'StatefulSet', 's3')).toMatchSnapshot();
    expect(applyJob(manifests)).toMatchSnapshot();
  });
});

describe('seaweedfs', () => {
  test('a user acts in its own bucket only, and quotas are whole MiB', () => {
    const files = config(build(seaweedfs, { quota: '1.5Gi' }).manifests, 's3-config-');
    expect(files['identities']).toContain(
      'exports ["Read:exports","List:exports","Tagging:exports","Write:exports"]\n',
    );
    expect(files['quotas']).toBe(
      's3.bucket.quota -name=database-backups -op=set -sizeMB=1536\ns3.bucket.quota -name=exports -op=remove\n',
    );
  });
});

/** Actions that are not named as their call is. */
const ACTIONS: Readonly<Record<string, string>> = {
  'put-bucket-lifecycle-configuration': 'PutLifecycleConfiguration',
};

const pascal = (call: string): string =>
  call.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());

describe('a provider', () => {
  const { manifests, buckets } = build(external, {}, 'acme-');

  test('nothing runs but the Job, and only its addresses are let out to', () => {
    expect(manifests.filter(({ kind }) => /Set$|Deployment|Service$/.test(kind))).toEqual([]);
    expect(policyOf(manifests, 'client', 'postgres').egress).toContainEqual({
      to: [{ ipBlock: { cidr: '203.0.113.0/24' } }],
      ports: [{ protocol: 'TCP', port: 443 }],
    });
    expect(buckets[0]).toMatchObject({
      name: 'acme-database-backups',
      host: 's3.example.com',
      trust: 'public',
    });
  });

  test('keys come from the store into the namespace of their consumer', () => {
    const secrets = manifests.filter(({ kind }) => kind === 'ExternalSecret');
    expect(secrets.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'postgres/s3-database-backups',
      'weaviate/s3-exports',
      'object-storage/s3-administrator',
    ]);
    expect(spec<ExternalSecretSpec>(find(manifests, 'ExternalSecret', 's3-exports'))).toMatchObject({
      secretStoreRef: { kind: 'ClusterSecretStore', name: 'platform' },
      target: { name: 's3-exports' },
      data: [
        {
          secretKey: 'username',
          remoteRef: { key: 'lighthouse/test/object-storage/exports', property: 'accessKey' },
        },
        {
          secretKey: 'password',
          remoteRef: { key: 'lighthouse/test/object-storage/exports', property: 'secretKey' },
        },
      ],
    });
  });

  test('each says which rights its keys are to have, so that whoever makes them need not know', () => {
    const annotations = (name: string) => find(manifests, 'ExternalSecret', name).metadata.annotations ?? {};
    const consumer = annotations('s3-exports');
    expect(consumer['lighthouse/bucket']).toBe('acme-exports');
    expect(JSON.parse(consumer['lighthouse/rights'] ?? '')).toMatchObject({
      Statement: [
        { Effect: 'Allow', Resource: 'arn:aws:s3:::acme-exports' },
        { Effect: 'Allow', Resource: 'arn:aws:s3:::acme-exports/*' },
        { Effect: 'Deny', Action: ['s3:DeleteObjectVersion'], Resource: 'arn:aws:s3:::acme-exports/*' },
      ],
    });

    const administrator = annotations('s3-administrator');
    expect(administrator).not.toHaveProperty('lighthouse/bucket');
    const text = administrator['lighthouse/rights'] ?? '';
    expect(JSON.parse(text).Statement[0].Resource).toEqual([
      'arn:aws:s3:::acme-database-backups',
      'arn:aws:s3:::acme-exports',
    ]);
    // Its script writes settings of buckets; a leaked key must not be able to destroy or forge a backup.
    expect(text).not.toMatch(/Delete|PutObject"/);
    for (const [, call = ''] of readFileSync(join(FOLDER, 'buckets.sh'), 'utf8').matchAll(
      / ((?:put|create|get)-bucket[a-z-]*)/g,
    )) {
      expect(text).toContain(`"s3:${ACTIONS[call] ?? pascal(call)}"`);
    }
  });

  test('without an administrator the buckets are there already', () => {
    const { administrator, ...rest } = external();
    expect(administrator).toBe('administrator');
    expect(build(() => rest).manifests.filter(({ kind }) => kind === 'Job')).toEqual([]);
  });
});

describe('the scripts', () => {
  const HOLES: Readonly<Record<string, Readonly<Record<string, string | number>>>> = {
    'buckets.sh': { URL: 'https://s3.example.com:443' },
    'minio-users.sh': { ADMINISTRATOR: 'administrator', ADDRESS: 's3.example.com:443' },
    'start-seaweedfs.sh': { PORT: 8333, METRICS_PORT: 9327 },
    'seaweedfs-quotas.sh': {},
  };

  test.each(readdirSync(FOLDER).filter((file) => file.endsWith('.sh')))('%s is a shell script', (file) => {
    const input = renderPayload(join(FOLDER, file), HOLES[file]);
    execFileSync('sh', ['-n'], { input });
    expect(input).not.toMatch(/@[A-Z_]+@/);
  });
});
