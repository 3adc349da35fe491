import { Construct } from 'constructs';
import { parse } from 'yaml';
import { dashboard, row } from '../../../constructs/observability-stack/dashboards/dashboard';
import { see, stat } from '../../../constructs/observability-stack/dashboards/panels';
import { now, SOURCES } from '../../../constructs/observability-stack/dashboards/queries';
import { Grafana, GrafanaProps } from '../../../constructs/observability-stack/grafana';
import { Connections } from '../../../constructs/platform/connections';
import type { Manifest } from '../../../constructs/platform/manifest';
import { spec } from '../../../constructs/platform/workloads';
import { ClusterStore } from '../../../constructs/platform/secret-source';
import type { DeploymentSpec, NetworkPolicySpec, ServiceSpec } from '../../../imports/k8s';
import { find, manifestsOf, platformWith } from '../../support';

/** Something that answers on one port. */
class Store extends Construct {
  readonly connections = new Connections(this, { name: 'store', component: 'server' });
  readonly https = this.connections.listen('https', 8443);
}

const home = (about = 'What is seen first.') =>
  dashboard('platform', {
    about,
    to: [see('logs')],
    rows: [
      row('One', [stat('Up', { about: 'All of them.', unit: 'none', queries: [now('count(up == 1)')] })]),
    ],
  });

const OIDC = {
  host: 'sso.example.com',
  range: { name: 'sso', cidr: '203.0.113.7/32', port: 443 },
  clientId: 'lighthouse',
  paths: { authorize: '/authorize', token: '/token', userinfo: '/userinfo' },
  groupsClaim: 'teams',
  groups: { administrators: 'platform', editors: 'on-call' },
  source: new ClusterStore('platform'),
  secretPath: 'lighthouse/staging/grafana',
} as const;

function build(
  change: Partial<GrafanaProps> = {},
  look: (grafana: Grafana) => void = (grafana) => grafana.dashboard(home()),
): Manifest[] {
  return manifestsOf(
    platformWith(({ namespaces, authority, maker }) => {
      const namespace = namespaces.add('observability');
      const store = (id: string) => new Store(namespace, id).https;
      const props: Required<Omit<GrafanaProps, 'oidc'>> = {
        image: 'docker.io/grafana/grafana:13.2.0',
        replicas: 2,
        prometheus: { endpoint: store('prometheus'), intervalSeconds: 30 },
        loki: { endpoint: store('loki'), tenants: { platform: 'platform', bridge: 'bridge' } },
        tempo: store('tempo'),
        domain: 'grafana.example.com',
        maker,
        authority,
        spreading: 'required',
      };
      look(new Grafana(namespace, 'grafana', { ...props, ...change }));
    }),
  );
}

const starting = (manifests: readonly Manifest[], kind: string, prefix: string): Manifest[] =>
  manifests.filter(({ kind: k, metadata }) => k === kind && metadata.name.startsWith(prefix));

function file(manifests: readonly Manifest[], prefix: string, name: string): string {
  const [config] = starting(manifests, 'ConfigMap', prefix);
  return (config?.['data'] as Record<string, string> | undefined)?.[name] ?? '';
}

/** `section.key` → value, as Grafana reads it. */
function settings(ini: string): Record<string, string> {
  let section = '';
  const read: Record<string, string> = {};
  for (const line of ini.split('\n').filter((text) => text !== '' && !text.startsWith('#'))) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    const [key = '', ...value] = line.split(' = ');
    if (heading === undefined) read[`${section}.${key}`] = value.join(' = ');
    else section = heading;
  }
  return read;
}

describe('grafana', () => {
  const manifests = build();
  const deployment = spec<DeploymentSpec>(find(manifests, 'Deployment', 'grafana'));
  const pod = deployment.template.spec;
  const [container] = pod?.containers ?? [];
  const ini = settings(file(manifests, 'grafana-config', 'grafana.ini'));

  test('has no password that is known: both are read from files that are made in the cluster', () => {
    expect(ini['security.admin_password']).toBe('$__file{/secrets/admin}');
    expect(ini['security.secret_key']).toBe('$__file{/secrets/signing}');
    const secrets = pod?.volumes?.find(({ name }) => name === 'secrets')?.projected?.sources;
    expect(secrets?.map(({ secret }) => [secret?.name, secret?.items?.[0]?.path])).toEqual([
      ['grafana-users-admin', 'admin'],
      ['grafana-users-signing', 'signing'],
    ]);
  });

  test.each([
    ['auth.anonymous.enabled', 'false'],
    ['users.allow_sign_up', 'false'],
    ['analytics.reporting_enabled', 'false'],
    ['analytics.check_for_updates', 'false'],
    ['analytics.check_for_plugin_updates', 'false'],
    ['security.disable_gravatar', 'true'],
    ['security.cookie_secure', 'true'],
    ['snapshots.enabled', 'false'],
    ['public_dashboards.enabled', 'false'],
    ['unified_alerting.enabled', 'false'],
    // Without it, the data sources of the image are ended at every start: its root is read-only.
    ['plugins.preinstall_disabled', 'true'],
  ])('sets %s to %s', (key, value) => {
    expect(ini[key]).toBe(value);
  });

  test('loads the three kinds of data sources that it asks, and no other', () => {
    const off = ini['plugins.disable_plugins']?.split(',') ?? [];
    expect(off).toHaveLength(10);
    for (const { type } of Object.values(SOURCES)) expect(off).not.toContain(type);
  });

  test('serves HTTPS by the platform’s certificate, and reads a renewed one', () => {
    expect(ini['server.protocol']).toBe('https');
    expect(ini['server.root_url']).toBe('https://grafana.example.com/');
    expect(ini['server.certs_watch_interval']).toBe('10m');
    expect(find(manifests, 'Certificate', 'grafana-tls')['spec']).toMatchObject({
      dnsNames: expect.arrayContaining(['grafana.observability.svc.cluster.local']) as unknown,
    });
    expect(container?.readinessProbe?.httpGet).toMatchObject({ path: '/api/health', scheme: 'HTTPS' });
  });

  test('may write nothing but its own empty folders', () => {
    expect(container?.securityContext?.readOnlyRootFilesystem).toBe(true);
    expect(pod?.securityContext?.runAsUser).toBe(472);
    const writable = container?.volumeMounts
      ?.filter(({ readOnly }) => !readOnly)
      .map(({ mountPath }) => mountPath);
    expect(writable).toEqual(['/var/lib/grafana', '/tmp']);
    expect(pod?.volumes?.filter(({ emptyDir }) => emptyDir).map(({ name }) => name)).toEqual(['data', 'tmp']);
  });

  test('leads a browser to the pod that knows its session, and keeps one pod while nodes are drained', () => {
    expect(spec<ServiceSpec>(find(manifests, 'Service', 'grafana')).sessionAffinity).toBe('ClientIP');
    expect(find(manifests, 'PodDisruptionBudget', 'grafana')['spec']).toMatchObject({ maxUnavailable: 1 });
    expect(starting(build({ replicas: 1 }), 'PodDisruptionBudget', 'grafana')).toEqual([]);
  });

  test('may ask its stores, and nobody else', () => {
    const { egress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'grafana'));
    const names = egress.flatMap(({ to = [] }) =>
      to.map(({ podSelector }) => podSelector?.matchLabels?.['app.kubernetes.io/instance']),
    );
    expect(names.filter((name) => name !== undefined).sort()).toEqual(['loki', 'prometheus', 'tempo']);
  });

  test('refuses replicas that are no number of pods', () => {
    expect(() => build({ replicas: 0 })).toThrow('replicas must be a whole number of at least 1, got 0');
  });
});

describe('data sources', () => {
  const text = file(build(), 'grafana-config', 'datasources.yaml');
  const { datasources } = parse(text) as { datasources: Record<string, unknown>[] };

  test('are those that dashboards ask, by type and uid, and nobody edits them', () => {
    expect(datasources.map(({ type, uid }) => ({ type, uid }))).toEqual(Object.values(SOURCES));
    expect(datasources.every(({ editable }) => editable === false)).toBe(true);
  });

  test('are verified against the platform’s roots', () => {
    for (const source of datasources) {
      expect(source['url']).toMatch(
        /^https:\/\/(prometheus|loki|tempo)\.observability\.svc\.cluster\.local:8443$/,
      );
      expect(source['jsonData']).toMatchObject({ tlsAuthWithCACert: true });
      expect(source['secureJsonData']).toMatchObject({ tlsCACert: '$__file{/trust/ca.crt}' });
    }
  });

  test('tell Loki’s tenants apart', () => {
    const tenants = datasources
      .filter(({ type }) => type === 'loki')
      .map(({ secureJsonData }) => (secureJsonData as Record<string, string>)['httpHeaderValue1']);
    expect(tenants).toEqual(['platform', 'bridge']);
  });

  test('lead from metrics to traces, from traces to logs and metrics, and from logs back to traces', () => {
    const of = (uid: string) => datasources.find((source) => source['uid'] === uid)?.['jsonData'];
    expect(of('prometheus')).toMatchObject({ exemplarTraceIdDestinations: [{ datasourceUid: 'tempo' }] });
    expect(of('tempo')).toMatchObject({
      tracesToLogsV2: { datasourceUid: 'loki-bridge' },
      tracesToMetrics: { datasourceUid: 'prometheus' },
    });
    for (const uid of ['loki', 'loki-bridge']) {
      expect(of(uid)).toMatchObject({
        derivedFields: [{ datasourceUid: 'tempo', matcherRegex: 'trace_id' }],
      });
    }
  });

  test('leave to Grafana what is Grafana’s to fill when somebody clicks', () => {
    expect(text).toContain('"$${__span.traceId}"');
    expect(JSON.stringify(datasources).match(/(?<!\$)\$(?!\$|__file)/g)).toBeNull();
  });
});

describe('dashboards', () => {
  test('are files that nobody changes or deletes, each immutable and named by its content', () => {
    const manifests = build();
    expect(parse(file(manifests, 'grafana-config', 'dashboards.yaml'))).toMatchObject({
      providers: [{ allowUiUpdates: false, disableDeletion: true, options: { path: '/dashboards' } }],
    });
    const [map] = starting(manifests, 'ConfigMap', 'grafana-dashboard-platform-');
    expect(map?.['immutable']).toBe(true);
    const [changed] = starting(
      build({}, (grafana) => grafana.dashboard(home('Something else.'))),
      'ConfigMap',
      'grafana-dashboard-platform-',
    );
    expect(changed?.metadata.name).not.toBe(map?.metadata.name);
    const volumes = spec<DeploymentSpec>(find(manifests, 'Deployment', 'grafana')).template.spec?.volumes;
    expect(volumes?.find(({ name }) => name === 'dashboards')?.projected?.sources).toEqual([
      { configMap: { name: map?.metadata.name } },
    ]);
  });

  test('are refused where a uid is taken, or what is seen first is missing', () => {
    const twice = (grafana: Grafana) => [home(), home()].forEach((each) => grafana.dashboard(each));
    expect(() => build({}, twice)).toThrow('dashboard "platform" is there twice');
    expect(() => build({}, () => undefined)).toThrow('must have the dashboard "platform"');
  });

  test('are refused where no ConfigMap can hold them', () => {
    expect(() => build({}, (grafana) => grafana.dashboard(home('long'.repeat(2 ** 18))))).toThrow(
      'below 1 MiB',
    );
  });
});

describe('sign-on', () => {
  const manifests = build({ oidc: OIDC });
  const ini = settings(file(manifests, 'grafana-config', 'grafana.ini'));

  test('is off where no provider is named', () => {
    expect(file(build(), 'grafana-config', 'grafana.ini')).not.toContain('generic_oauth');
  });

  test('knows its secret by reference only', () => {
    expect(find(manifests, 'ExternalSecret', 'grafana-oidc')['spec']).toMatchObject({
      secretStoreRef: { kind: 'ClusterSecretStore', name: 'platform' },
      data: [{ secretKey: 'clientSecret', remoteRef: { key: 'lighthouse/staging/grafana' } }],
    });
    expect(ini['auth.generic_oauth.client_secret']).toBe('$__file{/secrets/client-secret}');
  });

  test('asks the provider where it listens, and may go there', () => {
    expect(ini['auth.generic_oauth.token_url']).toBe('https://sso.example.com:443/token');
    const { egress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'grafana'));
    expect(egress.flatMap(({ to = [] }) => to.map(({ ipBlock }) => ipBlock?.cidr))).toContain(
      '203.0.113.7/32',
    );
  });

  test('makes nobody more than a viewer whose group is not named', () => {
    expect(ini['auth.generic_oauth.role_attribute_path']).toBe(
      "contains(teams[*], 'platform') && 'Admin' || contains(teams[*], 'on-call') && 'Editor' || 'Viewer'",
    );
    expect(ini['auth.generic_oauth.allow_assign_grafana_admin']).toBe('false');
  });
});
