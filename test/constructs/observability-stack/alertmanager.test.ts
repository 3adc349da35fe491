import { parse } from 'yaml';
import { Alertmanager, type AlertmanagerProps } from '../../../constructs/observability-stack/alertmanager';
import type { OutsideReceivers } from '../../../constructs/observability-stack/alertmanager/receivers';
import {
  configurationOf,
  OWNERS,
  TIMINGS,
  WAYS,
} from '../../../constructs/observability-stack/alertmanager/routes';
import type { Manifest } from '../../../constructs/platform/manifest';
import { spec } from '../../../constructs/platform/workloads';
import { ClusterStore } from '../../../constructs/platform/secret-source';
import type { ExternalSecretSpec } from '../../../imports/external-secrets.io';
import type { NetworkPolicySpec, StatefulSetSpec } from '../../../imports/k8s';
import { find, manifestsOf, platformWith } from '../../support';

const range = (name: string) => ({ name, cidr: '203.0.113.7/32', port: 443 });

const OUTSIDE: OutsideReceivers = {
  kind: 'outside',
  chat: { kind: 'slack', range: range('hooks.example.com') },
  page: { kind: 'pagerduty', range: range('events.example.com') },
  deadMansSwitch: { kind: 'webhook', range: range('switch.example.com') },
  source: new ClusterStore('platform'),
  secretPath: 'lighthouse/test/alerting',
};

const LOGGED: AlertmanagerProps['receivers'] = { kind: 'logged', image: 'docker.io/library/python:3.13.9' };

function build(change: Partial<AlertmanagerProps> = {}): Manifest[] {
  return manifestsOf(
    platformWith(({ namespaces, authority }) => {
      new Alertmanager(namespaces.add('observability'), 'alertmanager', {
        image: 'quay.io/prometheus/alertmanager:v0.34.0',
        receivers: OUTSIDE,
        storageClass: 'standard',
        authority,
        ...change,
      });
    }),
  );
}

interface Receiver {
  readonly name: string;
  readonly [kind: `${string}_configs`]: readonly Readonly<Record<string, unknown>>[];
}

interface Configuration {
  readonly receivers: readonly Receiver[];
  readonly time_intervals?: readonly object[];
}

const files = (manifests: readonly Manifest[]): Record<string, string> =>
  manifests.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('alertmanager-config'),
  )?.['data'] as Record<string, string>;

const configuration = (manifests: readonly Manifest[]): Configuration =>
  parse(files(manifests)['alertmanager.yaml'] ?? '') as Configuration;

const members = (manifests: readonly Manifest[]) =>
  spec<StatefulSetSpec>(find(manifests, 'StatefulSet', 'alertmanager'));

const args = (manifests: readonly Manifest[]) => members(manifests).template.spec?.containers[0]?.args ?? [];

const open = (manifests: readonly Manifest[]) => {
  const { ingress = [], egress = [] } = spec<NetworkPolicySpec>(
    find(manifests, 'NetworkPolicy', 'alertmanager'),
  );
  const show = ({ ports = [] }: { ports?: readonly { port?: number | string; protocol?: string }[] }) =>
    ports.map(({ port, protocol }) => `${protocol} ${port}`);
  return { into: ingress.flatMap(show), out: egress.slice(1).flatMap(show) };
};

describe('members', () => {
  test('three in different zones, of which one may go, that find each other by name and talk over TLS alone', () => {
    const manifests = build();
    expect(members(manifests)).toMatchObject({ replicas: 3, podManagementPolicy: 'Parallel' });
    expect(members(manifests).template.spec?.topologySpreadConstraints?.[0]).toMatchObject({
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'DoNotSchedule',
    });
    expect(find(manifests, 'PodDisruptionBudget', 'alertmanager')).toMatchObject({
      spec: { maxUnavailable: 1 },
    });
    expect(args(manifests).filter((arg) => arg.startsWith('--cluster.peer='))).toEqual(
      [0, 1, 2].map(
        (n) => `--cluster.peer=alertmanager-${n}.alertmanager.observability.svc.cluster.local:9094`,
      ),
    );
    expect(args(manifests)).toContain('--cluster.tls-config=/config/cluster.yaml');
    expect(parse(files(manifests)['cluster.yaml'] ?? '')).toMatchObject({
      tls_server_config: {
        client_auth_type: 'RequireAndVerifyClientCert',
        client_allowed_sans: ['alertmanager.observability.svc.cluster.local'],
      },
      tls_client_config: { server_name: 'alertmanager.observability.svc.cluster.local' },
    });
    expect(open(manifests)).toEqual({ into: ['TCP 9094'], out: ['TCP 443', 'TCP 9094'] });
  });

  test('one is no cluster: nothing to gossip, nothing to evict', () => {
    const manifests = build({ replicas: 1 });
    expect(args(manifests)).toContain('--cluster.listen-address=');
    expect(args(manifests).some((arg) => arg.startsWith('--cluster.peer'))).toBe(false);
    expect(manifests.some(({ kind }) => kind === 'PodDisruptionBudget')).toBe(false);
  });

  test.each([0, 1.5])('not %d', (replicas) => {
    expect(() => build({ replicas })).toThrow('replicas must be a whole number of at least 1');
  });

  test('speak HTTPS, to the kubelet as well', () => {
    const container = members(build()).template.spec?.containers[0];
    expect(container?.args).toContain('--web.config.file=/config/web.yaml');
    for (const probe of [container?.startupProbe, container?.readinessProbe, container?.livenessProbe])
      expect(probe?.httpGet).toMatchObject({ scheme: 'HTTPS', port: 'web' });
  });
});

test('everything can be chosen', () => {
  const manifests = manifestsOf(
    platformWith(({ namespaces, authority }) => {
      const all: Required<AlertmanagerProps> = {
        image: 'registry.example.com/alertmanager:1',
        replicas: 2,
        receivers: LOGGED,
        maintenance: [
          { name: 'night', weekdays: ['sunday'], from: '02:00', to: '05:00', timeZone: 'Europe/Berlin' },
        ],
        storageClass: 'fast',
        spreading: 'preferred',
        authority,
      };
      new Alertmanager(namespaces.add('observability'), 'alertmanager', all);
    }),
  );
  const set = members(manifests);
  expect(set.replicas).toBe(2);
  expect(set.template.spec?.containers[0]?.image).toBe('registry.example.com/alertmanager:1');
  expect(set.volumeClaimTemplates?.[0]?.spec?.storageClassName).toBe('fast');
  expect(set.template.spec?.topologySpreadConstraints?.[0]?.whenUnsatisfiable).toBe('ScheduleAnyway');
  expect(configuration(manifests).time_intervals).toEqual([
    {
      name: 'night',
      time_intervals: [
        {
          weekdays: ['sunday'],
          times: [{ start_time: '02:00', end_time: '05:00' }],
          location: 'Europe/Berlin',
        },
      ],
    },
  ]);
});

describe('receivers outside', () => {
  test('have a secret each, read from a file: none is in an object', () => {
    const manifests = build();
    const { data = [] } = spec<ExternalSecretSpec>(
      find(manifests, 'ExternalSecret', 'alertmanager-receivers'),
    );
    const fetched = data.map(({ secretKey }) => secretKey);
    const { receivers } = configuration(manifests);
    const read = receivers.flatMap((receiver) =>
      Object.values(receiver)
        .flat()
        .flatMap((config) => Object.entries(config))
        .filter(([key]) => key.endsWith('_file'))
        .map(([, file]) => String(file).replace('/receivers/', '')),
    );
    expect(read).toEqual([
      ...OWNERS.flatMap((owner) => WAYS.map((way) => `${owner}-${way}`)),
      'dead-mans-switch',
    ]);
    expect(fetched).toEqual(read);
    expect(data[0]?.remoteRef).toEqual({ key: 'lighthouse/test/alerting/platform', property: 'chat' });
    expect(find(manifests, 'StatefulSet', 'alertmanager')).toMatchObject({
      spec: {
        template: {
          spec: {
            volumes: expect.arrayContaining([
              { name: 'receivers', secret: { secretName: 'alertmanager-receivers', defaultMode: 0o440 } },
            ]) as object[],
          },
        },
      },
    });
  });

  test('are told that it is over, the dead man is not', () => {
    const told = configuration(build()).receivers.flatMap(({ name, ...configs }) =>
      Object.values(configs)
        .flat()
        .map((config) => [name, (config as { send_resolved: boolean }).send_resolved]),
    );
    expect(told.filter(([, resolved]) => !resolved)).toEqual([['dead-mans-switch', false]]);
  });

  test('are all reached through a proxy where there is one', () => {
    const proxy = { name: 'proxy.example.com', cidr: '203.0.113.128/32', port: 3128 };
    const through = { ...OUTSIDE, proxy };
    const configs = configuration(build({ receivers: through })).receivers.flatMap((receiver) =>
      Object.values(receiver).flatMap((value) => (typeof value === 'string' ? [] : value)),
    );
    expect(configs).toHaveLength(7);
    for (const config of configs)
      expect(config).toMatchObject({ http_config: { proxy_url: 'http://proxy.example.com:3128' } });
    expect(open(build({ receivers: through })).out).toContain('TCP 3128');
  });
});

test('without services outside a pod prints the messages of every receiver, and needs no secret', () => {
  const manifests = build({ receivers: LOGGED });
  expect(manifests.some(({ kind }) => kind === 'ExternalSecret')).toBe(false);
  const urls = configuration(manifests).receivers.flatMap(({ name, webhook_configs = [] }) =>
    webhook_configs.map(({ url }) => [name, url]),
  );
  expect(urls).toHaveLength(7);
  for (const [name, url] of urls)
    expect(url).toBe(`http://alertmanager-log.observability.svc.cluster.local:8080/${String(name)}`);
  expect(find(manifests, 'Deployment', 'alertmanager-log')).toMatchObject({ spec: { replicas: 1 } });
});

test('warnings alone are held back during maintenance', () => {
  const { route } = configurationOf({
    integrations: () => ({}),
    maintenance: [{ name: 'night', weekdays: ['sunday'], from: '02:00', to: '05:00', timeZone: 'UTC' }],
    timings: TIMINGS,
  }) as { route: { routes: { routes?: { matchers: string[]; mute_time_intervals?: string[] }[] }[] } };
  const leaves = route.routes.flatMap(({ routes = [] }) => routes);
  expect(leaves).toHaveLength(OWNERS.length * 3);
  for (const { matchers, mute_time_intervals: muted } of leaves)
    expect(muted).toEqual(matchers.includes('severity="warning"') ? ['night'] : undefined);
});
