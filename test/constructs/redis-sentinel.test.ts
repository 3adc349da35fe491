import { describe, expect, test } from '@jest/globals';
import { Construct } from 'constructs';
import { Connections } from '../../constructs/platform/connections';
import { Manifest } from '../../constructs/platform/manifest';
import { containersOf, spec } from '../../constructs/platform/workloads';
import { RedisSentinel, RedisSentinelProps } from '../../constructs/redis-sentinel';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type {
  Container,
  DeploymentSpec,
  NetworkPolicySpec,
  PodDisruptionBudgetSpec,
  PodTemplateSpec,
  ServiceSpec,
  StatefulSetSpec,
} from '../../imports/k8s';
import type { PodMonitorSpec } from '../../imports/monitoring.coreos.com';
import { find, Ground, manifestsOf, platformWith } from '../support';

const BRIDGE = { name: 'bridge', keys: ['bridge:*'], commands: ['+@read', '+@write'] };

type Props = Partial<RedisSentinelProps> | ((ground: Ground) => Partial<RedisSentinelProps>);

/** A platform with one Redis `cache` in namespace `redis`, one client pod, and the construct itself. */
function build(
  props: Props = {},
  client: (redis: RedisSentinel, connections: Connections) => void = () => undefined,
) {
  let made: RedisSentinel | undefined;
  const platform = platformWith((ground) => {
    made = new RedisSentinel(ground.namespaces.add('redis'), 'cache', {
      images: {
        redis: 'docker.io/library/redis:8.8.0-alpine',
        proxy: 'docker.io/library/haproxy:3.3.10-alpine',
        exporter: 'docker.io/oliver006/redis_exporter:v1.89.0',
      },
      purpose: 'cache',
      cpu: '100m',
      memory: '512Mi',
      storage: '2Gi',
      storageClass: 'standard',
      users: [BRIDGE],
      authority: ground.authority,
      maker: ground.maker,
      ...(typeof props === 'function' ? props(ground) : props),
    });
    ground.scrape(made);
    const app = new Construct(ground.namespaces.add('bridge'), 'server');
    client(made, new Connections(app, { name: 'bridge', component: 'server' }));
  });
  if (!made) throw new Error('nothing was built');
  return { redis: made, manifests: manifestsOf(platform) };
}

const statefulSet = (manifests: readonly Manifest[]) =>
  spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'cache-members'));

const deployment = (manifests: readonly Manifest[]) =>
  spec<DeploymentSpec>(find(manifests, 'Deployment', 'cache'));

const policy = (manifests: readonly Manifest[], name: string) =>
  spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', name));

const budgets = (manifests: readonly Manifest[]) =>
  manifests.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name);

function container(template: PodTemplateSpec, name: string): Container {
  const found = template.spec?.containers.find((each) => each.name === name);
  if (!found) throw new Error(`no container ${name}`);
  return found;
}

/** One payload file of the members, as the pods get it. */
function file(manifests: readonly Manifest[], name: string): string {
  const files = manifests
    .filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('cache-'))
    .flatMap((manifest) => Object.entries(manifest['data'] as Record<string, string>));
  const [, text] = files.find(([key]) => key === name) ?? [];
  if (text === undefined)
    throw new Error(`no file ${name}; there are ${files.map(([key]) => key).join(', ')}`);
  return text;
}

/** The value of a setting of redis.conf and the file it includes. */
const setting = (manifests: readonly Manifest[], name: string, from = 'redis.conf') =>
  new RegExp(`^${name} (.*)$`, 'm').exec(file(manifests, from))?.[1];

/** Who may connect to a port: `namespace/name`, as the policy says it. */
function peersOf({ ingress = [] }: NetworkPolicySpec, port: number): string[] {
  return ingress
    .filter(({ ports }) => ports?.some((each) => each.port === port))
    .flatMap(({ from = [] }) =>
      from.map(({ namespaceSelector, podSelector }) => {
        const { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': instance } =
          podSelector?.matchLabels ?? {};
        return `${namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name']}/${instance ?? name}`;
      }),
    );
}

const openPorts = ({ ingress = [] }: NetworkPolicySpec) =>
  ingress.flatMap(({ ports = [] }) => ports.map(({ port, protocol }) => `${port}/${protocol}`));

/** Where these pods may connect to, DNS aside: `namespace/instance:port`. */
const targetsOf = ({ egress = [] }: NetworkPolicySpec) =>
  egress.slice(1).flatMap(({ to = [], ports = [] }) =>
    to.flatMap(({ namespaceSelector, podSelector }) =>
      ports.map(({ port }) => {
        const namespace = namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'];
        return `${namespace}/${podSelector?.matchLabels?.['app.kubernetes.io/instance']}:${port}`;
      }),
    ),
  );

describe('defaults', () => {
  test('three members, started together, and two proxies, in different zones and nodes', () => {
    const { manifests } = build();
    const members = statefulSet(manifests);
    expect(members.replicas).toBe(3);
    expect(members.podManagementPolicy).toBe('Parallel');
    expect(deployment(manifests).replicas).toBe(2);
    for (const { selector, template } of [members, deployment(manifests)]) {
      expect(template.spec?.topologySpreadConstraints).toEqual(
        ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
          topologyKey,
          maxSkew: 1,
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: selector,
        })),
      );
    }
  });

  test('a majority is of all members, and one replica must have a write', () => {
    const { manifests } = build();
    expect(file(manifests, 'members.sh')).toContain(
      "MEMBERS='cache-members-0 cache-members-1 cache-members-2'",
    );
    expect(file(manifests, 'members.sh')).toContain("MAJORITY='2'");
    expect(file(manifests, 'haproxy.cfg')).toContain('div(2)');
    expect(setting(manifests, 'min-replicas-to-write')).toBe('1');
  });

  test('data get three quarters of the memory', () => {
    expect(setting(build().manifests, 'maxmemory')).toBe('384mb');
  });

  test('one pod at a time may be disrupted', () => {
    const { manifests } = build();
    expect(budgets(manifests)).toEqual(expect.arrayContaining(['cache-members', 'cache']));
    const pods = { 'cache-members': statefulSet(manifests), cache: deployment(manifests) };
    for (const [name, { template }] of Object.entries(pods)) {
      const { maxUnavailable, selector } = spec<PodDisruptionBudgetSpec>(
        find(manifests, 'PodDisruptionBudget', name),
      );
      expect(maxUnavailable).toBe(1);
      expect(template.metadata?.labels).toMatchObject(selector?.matchLabels ?? {});
    }
  });

  test('no copies of passwords, no users but the ones that are named', () => {
    const { manifests } = build({ users: [] });
    expect(manifests.filter(({ kind }) => kind === 'Job')).toHaveLength(1);
    expect(file(manifests, 'users.acl')).not.toContain('bridge');
  });
});

test('everything can be chosen', () => {
  const { manifests } = build(({ authority, maker, namespaces }) => {
    const all: Required<RedisSentinelProps> = {
      images: {
        redis: 'registry.example.com/redis:1',
        proxy: 'registry.example.com/haproxy:2',
        exporter: 'registry.example.com/exporter:3',
      },
      purpose: 'sessions',
      members: 5,
      cpu: '2',
      memory: '1Gi',
      storage: '4Gi',
      storageClass: 'fast',
      proxies: 3,
      users: [BRIDGE, { name: 'reader', keys: ['bridge:*', 'other:*'], commands: ['+get'] }],
      clients: [namespaces.add('agents')],
      spreading: 'preferred',
      authority,
      maker,
    };
    return all;
  });
  const members = statefulSet(manifests);
  expect(members.replicas).toBe(5);
  expect(members.template.spec?.containers.map(({ image }) => image)).toEqual([
    'registry.example.com/redis:1',
    'registry.example.com/redis:1',
    'registry.example.com/exporter:3',
  ]);
  expect(container(members.template, 'redis').resources).toEqual({
    requests: { cpu: '2', memory: '1Gi' },
    limits: { memory: '1Gi' },
  });
  expect(members.volumeClaimTemplates?.[0]?.spec).toEqual({
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'fast',
    resources: { requests: { storage: '4Gi' } },
  });
  expect(file(manifests, 'members.sh')).toContain("MAJORITY='3'");
  expect(setting(manifests, 'appendonly', 'sessions.conf')).toBe('yes');
  expect(container(deployment(manifests).template, 'haproxy').image).toBe('registry.example.com/haproxy:2');
  expect(deployment(manifests).replicas).toBe(3);
  for (const { template } of [members, deployment(manifests)]) {
    for (const { whenUnsatisfiable } of template.spec?.topologySpreadConstraints ?? []) {
      expect(whenUnsatisfiable).toBe('ScheduleAnyway');
    }
  }
  expect(file(manifests, 'users.acl')).toContain(
    'user reader on resetchannels ~bridge:* &bridge:* ~other:* &other:* +get',
  );
  const applications = manifests.find(
    ({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('cache-applications-'),
  );
  const made = applications?.metadata.annotations?.['lighthouse/makes']?.split(',') ?? [];
  expect(made.map((entry) => entry.split(':')[0])).toEqual([
    'Secret/redis/cache-applications-bridge',
    'Secret/agents/cache-applications-bridge',
    'Secret/redis/cache-applications-reader',
    'Secret/agents/cache-applications-reader',
  ]);
});

describe('purpose', () => {
  test('a cache keeps nothing and makes room with what was used least recently', () => {
    const { manifests } = build({ purpose: 'cache' });
    expect(file(manifests, 'redis.conf')).toContain('include /config/cache.conf');
    expect(setting(manifests, 'maxmemory-policy', 'cache.conf')).toBe('allkeys-lru');
    expect(setting(manifests, 'appendonly', 'cache.conf')).toBe('no');
    expect(setting(manifests, 'save', 'cache.conf')).toBe('""');
    expect(() => file(manifests, 'sessions.conf')).toThrow('no file');
  });

  test('sessions are kept and make room with what expires soonest', () => {
    const { manifests } = build({ purpose: 'sessions' });
    expect(file(manifests, 'redis.conf')).toContain('include /config/sessions.conf');
    expect(setting(manifests, 'maxmemory-policy', 'sessions.conf')).toBe('volatile-ttl');
    expect(setting(manifests, 'appendfsync', 'sessions.conf')).toBe('everysec');
    expect(() => file(manifests, 'cache.conf')).toThrow('no file');
  });
});

describe('one member', () => {
  const { manifests } = build({ members: 1, proxies: 1 });

  test('blocks no drain', () => {
    expect(budgets(manifests)).toEqual([]);
  });

  test('is a majority of itself and waits for no replica', () => {
    expect(file(manifests, 'members.sh')).toContain("MAJORITY='1'");
    expect(setting(manifests, 'min-replicas-to-write')).toBe('0');
  });
});

describe('refuses', () => {
  const user = (change: Partial<typeof BRIDGE>) => ({ users: [{ ...BRIDGE, ...change }] });

  test.each<[string, Partial<RedisSentinelProps>, string]>([
    ['two members', { members: 2 }, 'members must be 1, or odd and at least 3 for a majority, got 2'],
    ['no member', { members: 0 }, 'members must be 1, or odd and at least 3 for a majority, got 0'],
    ['an even number', { members: 4 }, 'members must be 1, or odd and at least 3 for a majority, got 4'],
    [
      'a part of a member',
      { members: 3.5 },
      'members must be 1, or odd and at least 3 for a majority, got 3.5',
    ],
    ['no proxy', { proxies: 0 }, 'proxies must be a number of at least 1, got 0'],
    ['a part of a proxy', { proxies: 1.5 }, 'proxies must be a number of at least 1, got 1.5'],
    ['too little memory', { memory: '95Mi' }, 'memory must be at least 96Mi, got 95Mi'],
    [
      'a volume too small for what is kept',
      { purpose: 'sessions', memory: '1Gi', storage: '2Gi' },
      'storage of sessions must be at least 3Gi for 1Gi of memory, got 2Gi',
    ],
    [
      "a user named as one of the service's own",
      user({ name: 'sentinel' }),
      'users must not be called default, replication, sentinel, probe, exporter, got "sentinel"',
    ],
    ["Redis' own default user", user({ name: 'default' }), 'got "default"'],
    ['a user name that is no word', user({ name: 'bridge on' }), 'got "bridge on"'],
    ['a pattern of two words', user({ keys: ['a b'] }), 'must be single words, one each, got "a b"'],
    [
      'a rule of two words',
      user({ commands: ['+get +set'] }),
      'must be single words, one each, got "+get +set"',
    ],
    ['an empty rule', user({ commands: [''] }), 'keys and commands of user bridge must be single words'],
    ['one user twice', { users: [BRIDGE, BRIDGE] }, 'users must be one or more different names'],
  ])('%s', (_, props, message) => {
    expect(() => build(props)).toThrow(message);
    expect(() => build(props)).toThrow('redis/cache');
  });

  test('to name the credential of a user it does not have', () => {
    expect(() => build().redis.user('stranger')).toThrow('no user "stranger"; there are bridge');
    expect(() => build({ users: [] }).redis.user('bridge')).toThrow('no user "bridge"; users is empty');
  });

  test('memory that a cache does not keep needs no volume', () => {
    expect(() => build({ purpose: 'cache', memory: '1Gi', storage: '1Gi' })).not.toThrow();
  });
});

describe('endpoints', () => {
  const MEMBERS = 'cache-members.redis.svc.cluster.local';

  test('master: the proxy, open to the client and nobody else', () => {
    const { redis, manifests } = build({}, ({ master }, client) => {
      client.allowTo(master);
    });
    expect(redis.master.address).toBe('cache.redis.svc.cluster.local:6379');
    expect(peersOf(policy(manifests, 'cache'), 6379)).toEqual(['bridge/server']);
    expect(targetsOf(policy(manifests, 'server'))).toEqual(['redis/cache:6379']);
    expect(peersOf(policy(manifests, 'cache-members'), 6379)).not.toContain('bridge/server');
    expect(peersOf(policy(manifests, 'cache-members'), 26379)).not.toContain('bridge/server');
  });

  test('sentinel and direct: the members, each by a port of its own', () => {
    const { redis, manifests } = build({}, ({ sentinel, direct }, client) => {
      client.allowTo(sentinel, direct);
    });
    expect(redis.sentinel.address).toBe(`${MEMBERS}:26379`);
    expect(redis.direct.address).toBe(`${MEMBERS}:6379`);
    for (const port of [6379, 26379]) {
      expect(peersOf(policy(manifests, 'cache-members'), port)).toContain('bridge/server');
    }
    expect(targetsOf(policy(manifests, 'server'))).toEqual([
      'redis/cache-members:26379',
      'redis/cache-members:6379',
    ]);
    expect(peersOf(policy(manifests, 'cache'), 6379)).toEqual([]);
  });

  test('without clients: members and proxy among themselves, and Prometheus', () => {
    const { manifests } = build();
    const members = policy(manifests, 'cache-members');
    expect(openPorts(members)).toEqual(['6379/TCP', '9121/TCP', '26379/TCP']);
    for (const port of [6379, 26379]) {
      expect(peersOf(members, port).sort()).toEqual(['redis/cache', 'redis/cache-members']);
    }
    expect(peersOf(members, 9121)).toEqual(['observability/prometheus']);
    expect(targetsOf(members).sort()).toEqual(['redis/cache-members:26379', 'redis/cache-members:6379']);

    const proxy = policy(manifests, 'cache');
    expect(openPorts(proxy)).toEqual(['8404/TCP']);
    expect(peersOf(proxy, 8404)).toEqual(['observability/prometheus']);
    expect(targetsOf(proxy).sort()).toEqual(['redis/cache-members:26379', 'redis/cache-members:6379']);
  });

  test('Services, policies and monitors select the pods, whose containers listen', () => {
    const { manifests } = build();
    const groups = { 'cache-members': statefulSet(manifests), cache: deployment(manifests) };
    for (const [name, { selector, template }] of Object.entries(groups)) {
      const labels = template.metadata?.labels;
      const service = spec<ServiceSpec>(find(manifests, 'Service', name));
      const monitor = spec<PodMonitorSpec>(find(manifests, 'PodMonitor', name));
      for (const wanted of [
        selector.matchLabels,
        service.selector,
        policy(manifests, name).podSelector?.matchLabels,
        monitor.selector.matchLabels,
      ]) {
        expect(Object.keys(wanted ?? {})).not.toEqual([]);
        expect(labels).toMatchObject(wanted ?? {});
      }
      const ports = template.spec?.containers.flatMap(({ ports = [] }) => ports.map((port) => port.name));
      expect(ports).toEqual(service.ports?.map(({ targetPort }) => targetPort));
      for (const { port } of monitor.podMetricsEndpoints ?? []) expect(ports).toContain(port);
    }
    expect(groups['cache-members'].selector).not.toEqual(groups.cache.selector);
  });

  test('members have names before they are ready, the proxy is found when it is', () => {
    const { manifests } = build();
    expect(spec<ServiceSpec>(find(manifests, 'Service', 'cache-members'))).toMatchObject({
      clusterIP: 'None',
      publishNotReadyAddresses: true,
    });
    expect(statefulSet(manifests).serviceName).toBe('cache-members');
    const proxy = spec<ServiceSpec>(find(manifests, 'Service', 'cache'));
    expect(proxy.clusterIP).toBeUndefined();
    expect(proxy.publishNotReadyAddresses).toBeUndefined();
  });

  test('the certificate of the members carries their names and the proxy’s, who shows it on', () => {
    const { manifests } = build();
    const certificate = spec<CertificateSpec>(find(manifests, 'Certificate', 'cache-members-tls'));
    expect(certificate.dnsNames).toEqual(
      expect.arrayContaining([MEMBERS, `*.${MEMBERS}`, 'cache.redis.svc.cluster.local', 'cache.redis.svc']),
    );
    expect(certificate.usages).toEqual(['server auth', 'client auth']);
    expect(spec<CertificateSpec>(find(manifests, 'Certificate', 'cache-tls')).usages).toContain(
      'client auth',
    );
  });

  test('every host in a payload is a member of this group', () => {
    const { manifests } = build();
    const hosts = ['haproxy.cfg', 'members.sh', 'sentinel.conf', 'redis.conf']
      .flatMap((name) => file(manifests, name).match(/[a-z0-9.-]+\.svc\.cluster\.local/g) ?? [])
      .map((host) => host.replace(/^(cache-members-[0-2])?\./, ''));
    expect([...new Set(hosts)]).toEqual([MEMBERS]);
  });
});

describe('secrets', () => {
  const { redis, manifests } = build({
    users: [BRIDGE, { name: 'reader', keys: ['bridge:*'], commands: ['+get'] }],
  });
  const files = (template: PodTemplateSpec) =>
    template.spec?.volumes
      ?.find(({ name }) => name === 'secrets')
      ?.projected?.sources?.map(({ secret }) => `${secret?.name}:${secret?.items?.[0]?.path}`);

  test('members get the passwords of exactly the users they know', () => {
    const users = [...file(manifests, 'users.acl').matchAll(/^user (\S+)/gm)].map(([, user]) => user);
    expect(users).toEqual(['default', 'replication', 'sentinel', 'probe', 'exporter', 'bridge', 'reader']);
    expect(files(statefulSet(manifests).template)).toEqual([
      ...['replication', 'sentinel', 'probe', 'exporter'].map((user) => `cache-users-${user}:${user}`),
      ...['bridge', 'reader'].map((user) => `cache-applications-${user}:${user}`),
    ]);
    expect(redis.user('bridge').secretName).toBe('cache-applications-bridge');
  });

  test('the proxy gets the one of its checks', () => {
    expect(files(deployment(manifests).template)).toEqual(['cache-users-probe:probe']);
  });

  test('the exporter gets its own, in variables since it reads no file', () => {
    const { env = [], args } = container(statefulSet(manifests).template, 'exporter');
    expect(Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom]))).toEqual({
      POD_NAME: { fieldRef: { fieldPath: 'metadata.name' } },
      REDIS_ADDR: 'rediss://$(POD_NAME).cache-members.redis.svc.cluster.local:6379',
      REDIS_USER: { secretKeyRef: { name: 'cache-users-exporter', key: 'username' } },
      REDIS_PASSWORD: { secretKeyRef: { name: 'cache-users-exporter', key: 'password' } },
      REDIS_EXPORTER_TLS_CLIENT_CERT_FILE: '/tls/tls.crt',
      REDIS_EXPORTER_TLS_CLIENT_KEY_FILE: '/tls/tls.key',
      REDIS_EXPORTER_TLS_CA_CERT_FILE: '/trust/ca.crt',
    });
    expect(args).toEqual(['--config-command=-']);
  });

  test('no object is a Secret, and the rules of users hold no password', () => {
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    // Redis writes a password as `>secret`, its hash as `#hex`.
    for (const name of ['users.acl', 'sentinel-users.acl']) {
      expect(file(manifests, name)).not.toMatch(/^user .*[>#]/m);
      expect(file(manifests, name)).not.toContain('nopass');
      expect(file(manifests, name)).toContain('user default off resetpass resetkeys resetchannels -@all');
    }
    for (const { env = [] } of [statefulSet(manifests), deployment(manifests)].flatMap(({ template }) =>
      containersOf(template.spec ?? { containers: [] }),
    )) {
      for (const { name, value } of env) if (name.includes('PASSWORD')) expect(value).toBeUndefined();
    }
  });

  test('applications may ask Sentinels who leads, and change nothing', () => {
    const rules = /^user bridge (.*)$/m.exec(file(manifests, 'sentinel-users.acl'))?.[1]?.split(' ');
    expect(rules).toContain('+sentinel|get-master-addr-by-name');
    expect(rules).toContain('&+switch-master');
    expect(rules?.filter((rule) => /failover|monitor|remove|set$|config|@/.test(rule))).toEqual([]);
  });
});

describe('pods', () => {
  const { manifests } = build();
  const pods = [statefulSet(manifests), deployment(manifests)].flatMap(({ template }) => template.spec ?? []);

  test('have probes, memory limits and no way to write to their image', () => {
    expect(pods).toHaveLength(2);
    for (const each of pods.flatMap(containersOf)) {
      expect(each.livenessProbe).toBeDefined();
      expect(each.readinessProbe).toBeDefined();
      expect(each.resources?.limits?.['memory']).toBe(each.resources?.requests?.['memory']);
      expect(each.securityContext?.readOnlyRootFilesystem).toBe(true);
    }
  });

  test('run as a user of their own, without a token of the API server', () => {
    for (const pod of pods) {
      expect(pod.securityContext?.runAsNonRoot).toBe(true);
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(manifests).toContainEqual(
        expect.objectContaining({
          kind: 'ServiceAccount',
          automountServiceAccountToken: false,
          metadata: expect.objectContaining({ name: pod.serviceAccountName, namespace: 'redis' }),
        }),
      );
    }
  });

  test('hand over before they stop, within the time they have', () => {
    const { template } = statefulSet(manifests);
    expect(container(template, 'redis').lifecycle?.preStop?.exec?.command).toEqual([
      '/bin/sh',
      '/config/stop-redis.sh',
    ]);
    expect(file(manifests, 'stop-redis.sh')).toContain('CLIENT PAUSE 20000 WRITE');
    expect(template.spec?.terminationGracePeriodSeconds).toBeGreaterThan(20);
  });

  test('mount every folder that their scripts read', () => {
    for (const { name, volumeMounts = [] } of pods.flatMap(containersOf)) {
      const volumes = pods
        .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.name))
        .concat(['data']);
      expect({ name, mounts: volumeMounts.filter((mount) => !volumes.includes(mount.name)) }).toEqual({
        name,
        mounts: [],
      });
    }
  });
});

test('objects', () => {
  const { manifests } = build({}, ({ master }, client) => {
    client.allowTo(master);
  });
  const own = manifests.filter(
    ({ kind, metadata }) => metadata.namespace === 'redis' && kind !== 'ConfigMap',
  );
  expect(own).toMatchSnapshot();
});
