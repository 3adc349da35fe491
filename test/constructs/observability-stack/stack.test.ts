import { Construct } from 'constructs';
import { ObservabilityStack } from '../../../constructs/observability-stack';
import { platformDashboard } from '../../../constructs/observability-stack/dashboards/platform';
import { ForeignPods } from '../../../constructs/observability-stack/prometheus/foreign-pods';
import { Connections } from '../../../constructs/platform/connections';
import type { Manifest } from '../../../constructs/platform/manifest';
import { spec } from '../../../constructs/platform/workloads';
import type {
  ClusterRole,
  DaemonSetSpec,
  DeploymentSpec,
  NetworkPolicySpec,
  Role,
} from '../../../imports/k8s';
import type { PodMonitorSpec, ProbeSpec, PrometheusSpec } from '../../../imports/monitoring.coreos.com';
import { API_SERVER, bucketOf, find, Ground, manifestsOf, platformWith } from '../../support';

/** What Grafana shows first. */
const HOME = platformDashboard({ memoryBudget: 1, services: 1, latencySeconds: 1, renewalDays: 1 });

const KUBELETS = { name: 'kubelets', cidr: '10.0.0.0/24', port: 10250 };

/** A server with one port for clients and one for metrics. */
class Shop extends Construct {
  readonly connections = new Connections(this, { name: 'shop', component: 'server' });
  readonly https = this.connections.listen('https', 8443);
  readonly metrics = this.connections.listen('metrics', 9000, { metricsPath: '/m', metricsScheme: 'https' });
}

type Change = Partial<ConstructorParameters<typeof ObservabilityStack>[2]>;

function build(
  look: (stack: ObservabilityStack, ground: Ground) => void = () => undefined,
  change: Change = {},
): Manifest[] {
  return manifestsOf(
    platformWith((ground) => {
      const { namespaces, authority, maker } = ground;
      const stack = new ObservabilityStack(namespaces.add('observability'), 'Default', {
        images: {
          prometheus: 'quay.io/prometheus/prometheus:v3.14.0',
          alertmanager: 'quay.io/prometheus/alertmanager:v0.34.0',
          blackboxExporter: 'quay.io/prometheus/blackbox-exporter:v0.28.0',
          kubeStateMetrics: 'registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.19.1',
          nodeExporter: 'quay.io/prometheus/node-exporter:v1.12.1',
          loki: 'docker.io/grafana/loki:3.7.6',
          tempo: 'docker.io/grafana/tempo:2.10.8',
          grafana: 'docker.io/grafana/grafana:13.2.0',
          collector: 'docker.io/otel/opentelemetry-collector-contrib:0.144.0',
        },
        cluster: {
          labels: { environment: 'staging', cluster: 'test' },
          apiServer: API_SERVER,
          kubelets: KUBELETS,
          nodes: 6,
          storageClass: 'standard',
        },
        metrics: { replicas: 2, series: 50_000, intervalSeconds: 30, retentionDays: 7 },
        alerting: { receivers: { kind: 'logged', image: 'docker.io/library/python:3.13.9-slim-bookworm' } },
        logs: {
          perDay: '5Gi',
          replicas: 3,
          bucket: bucketOf('logs'),
          retentionDays: { platform: 7, bridge: 14 },
        },
        traces: { spansPerSecond: 200, retentionDays: 3, gateways: 2, bucket: bucketOf('traces') },
        dashboards: { domain: 'grafana.example.com' },
        runbooks: 'https://git.example.com/runbooks',
        agents: namespaces.add('node-agents', { podSecurity: 'privileged' }),
        authority,
        maker,
        spreading: 'required',
        ...change,
      });
      stack.dashboard(HOME);
      look(stack, ground);
    }),
  );
}

const policy = (manifests: readonly Manifest[], name: string): NetworkPolicySpec =>
  spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', name));

/** `namespace:port` of every pod that a policy lets out to. */
function targets(manifests: readonly Manifest[], name: string): string[] {
  return (policy(manifests, name).egress ?? []).flatMap(({ to = [], ports = [] }) =>
    to.flatMap(({ namespaceSelector }) => {
      const namespace = namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'];
      return namespace === undefined ? [] : ports.map(({ port }) => `${namespace}:${port}`);
    }),
  );
}

describe('prometheus', () => {
  const manifests = build();
  const server = spec<PrometheusSpec>(find(manifests, 'Prometheus', 'prometheus'));

  test('sees what the platform declares, in every namespace, and nothing that is not labelled as its own', () => {
    const own = { matchLabels: { 'app.kubernetes.io/part-of': 'lighthouse' } };
    for (const selector of [
      'podMonitorSelector',
      'serviceMonitorSelector',
      'probeSelector',
      'ruleSelector',
    ]) {
      expect(server).toHaveProperty(selector, own);
    }
    expect(server.podMonitorNamespaceSelector).toEqual({});
    for (const kind of ['PodMonitor', 'ServiceMonitor', 'Probe']) {
      for (const { metadata } of manifests.filter((manifest) => manifest.kind === kind)) {
        expect(metadata.labels).toMatchObject(own.matchLabels);
      }
    }
  });

  test('speaks TLS only, with a certificate for its Service', () => {
    expect(server.web?.tlsConfig?.keySecret).toEqual({ name: 'prometheus-tls', key: 'tls.key' });
    expect(find(manifests, 'Certificate', 'prometheus-tls')['spec']).toMatchObject({
      dnsNames: expect.arrayContaining(['prometheus.observability.svc.cluster.local']) as unknown,
    });
  });

  test('is given what its load needs: memory by series, a volume by samples, of which it fills four fifths', () => {
    // 50,000 series of 8 KiB and 160 MiB; 7 days of 1,667 samples a second, 2 bytes each, and the log.
    expect(server.resources?.limits).toEqual({ memory: '551Mi' });
    expect(server.storage?.volumeClaimTemplate?.spec?.resources?.requests).toEqual({ storage: '3Gi' });
    expect(server.retention).toBe('7d');
    expect(Number.parseInt(server.retentionSize ?? '', 10)).toBeLessThanOrEqual(3 * 1024 * 0.8);
  });

  test('many series are shared among servers', () => {
    const metrics = { replicas: 1, series: 5_000_000, intervalSeconds: 30, retentionDays: 7 };
    const many = spec<PrometheusSpec>(find(build(undefined, { metrics }), 'Prometheus', 'prometheus'));
    expect(many.shards).toBe(3);
  });

  test('may find pods where it scrapes, read metrics of nodes, and nothing else', () => {
    const roles = manifests.filter(
      ({ kind, metadata }) => kind === 'Role' && metadata.name === 'prometheus',
    ) as (Manifest & Pick<Role, never>)[];
    expect(roles.map(({ metadata }) => metadata.namespace).sort()).toEqual(['node-agents', 'observability']);
    const rules = roles.flatMap((role) => role['rules'] as { resources: string[]; verbs: string[] }[]);
    expect(new Set(rules.flatMap(({ resources }) => resources))).toEqual(
      new Set(['pods', 'services', 'endpoints', 'endpointslices']),
    );
    expect(new Set(rules.flatMap(({ verbs }) => verbs))).toEqual(new Set(['get', 'list', 'watch']));
    const nodes = find(manifests, 'ClusterRole', 'observability-prometheus') as Manifest &
      Pick<ClusterRole, never>;
    expect(nodes['rules']).toEqual([{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }]);
  });

  test('reaches the API server, the kubelets and what it scrapes', () => {
    const ranges = (policy(manifests, 'prometheus').egress ?? []).flatMap(({ to = [], ports = [] }) =>
      to.flatMap(({ ipBlock }) => (ipBlock ? ports.map(({ port }) => `${ipBlock.cidr}:${port}`) : [])),
    );
    expect(ranges.sort()).toEqual(['10.0.0.0/24:10250', '10.0.0.1/32:6443']);
    expect(
      targets(manifests, 'prometheus')
        .filter((target) => !target.endsWith(':53'))
        .sort(),
    ).toEqual([
      'node-agents:8888',
      'node-agents:8889',
      'node-agents:9100',
      'observability:3000',
      'observability:3100',
      'observability:3200',
      'observability:8080',
      'observability:8081',
      'observability:8888',
      'observability:8889',
      'observability:9090',
      'observability:9093',
      'observability:9115',
    ]);
  });
});

describe('verbs', () => {
  test('scrape: a monitor of every port with metrics, verified by the name of its Service, and both policies', () => {
    const manifests = build((stack, { namespaces }) =>
      stack.scrape(new Shop(namespaces.add('market'), 'shop')),
    );
    const { podMetricsEndpoints, selector } = spec<PodMonitorSpec>(find(manifests, 'PodMonitor', 'shop'));
    expect(podMetricsEndpoints).toEqual([
      {
        port: 'metrics',
        path: '/m',
        scheme: 'https',
        tlsConfig: {
          ca: { configMap: { name: 'lighthouse-trust', key: 'ca.crt' } },
          serverName: 'shop.market.svc.cluster.local',
        },
      },
    ]);
    expect(selector.matchLabels).toEqual(policy(manifests, 'shop').podSelector?.matchLabels);
    expect(targets(manifests, 'prometheus')).toContain('market:9000');
    expect(policy(manifests, 'shop').ingress?.map(({ ports }) => ports?.[0]?.port)).toEqual([9000]);
  });

  test('scrapeOutside: pods of others by port number, what is read of them in their own words, and the way to them', () => {
    const jobs: string[] = [];
    const labels = { 'app.kubernetes.io/name': 'robot' };
    const manifests = build((stack) => {
      stack.scrapeOutside(new ForeignPods('argocd', 'robot', labels, 8082, ['robot_a', 'robot_b_.+']));
      jobs.push(...stack.declared.jobs);
    });
    const monitor = find(manifests, 'PodMonitor', 'robot');
    expect(monitor.metadata.namespace).toBe('argocd');
    expect(spec<PodMonitorSpec>(monitor)).toEqual({
      selector: { matchLabels: labels },
      podMetricsEndpoints: [
        {
          portNumber: 8082,
          path: '/metrics',
          honorLabels: true,
          metricRelabelings: [{ sourceLabels: ['__name__'], regex: 'robot_a|robot_b_.+', action: 'keep' }],
        },
      ],
    });
    expect(policy(manifests, 'prometheus').egress).toContainEqual({
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'argocd' } },
          podSelector: { matchLabels: labels },
        },
      ],
      ports: [{ protocol: 'TCP', port: 8082 }],
    });
    const mayRead = manifests.filter(
      ({ kind, metadata }) => kind === 'RoleBinding' && metadata.namespace === 'argocd',
    );
    expect(mayRead).toHaveLength(1);
    expect(jobs).toContain('argocd/robot');
  });

  test('what serves no metrics cannot be scraped', () => {
    expect(() =>
      build((stack, { namespaces }) => stack.scrape(new Construct(namespaces.add('market'), 'stall'))),
    ).toThrow('foundation/Namespaces/market/stall: serves no metrics to scrape');
  });

  test('probe: the prober asks the endpoint, and the result carries the name of the service', () => {
    const manifests = build((stack, { namespaces }) => {
      const shop = new Shop(namespaces.add('market'), 'shop');
      stack.probe('shop', shop.https, { module: 'https', path: '/ready' });
      stack.probe('shop', shop.https, { module: 'tls' });
    });
    expect(spec<ProbeSpec>(find(manifests, 'Probe', 'shop'))).toMatchObject({
      jobName: 'probe',
      module: 'https',
      prober: { url: 'blackbox.observability.svc.cluster.local:9115' },
      targets: {
        staticConfig: {
          static: ['https://shop.market.svc.cluster.local:8443/ready'],
          labels: { service: 'shop' },
        },
      },
    });
    expect(spec<ProbeSpec>(find(manifests, 'Probe', 'shop-2')).targets?.staticConfig).toEqual({
      static: ['shop.market.svc.cluster.local:8443'],
      labels: { service: 'shop' },
    });
    expect(targets(manifests, 'blackbox')).toContain('market:8443');
    expect(policy(manifests, 'shop').ingress?.map(({ ports }) => ports?.[0]?.port)).toEqual([8443]);
  });

  test('a provider is probed at its addresses', () => {
    const range = { name: 'store', cidr: '203.0.113.0/24', port: 443 };
    const manifests = build((stack) => stack.probeOutside('store', 's3.example.com', range));
    expect(spec<ProbeSpec>(find(manifests, 'Probe', 'store'))).toMatchObject({
      module: 'public',
      targets: { staticConfig: { static: ['s3.example.com:443'] } },
    });
    expect(JSON.stringify(policy(manifests, 'blackbox').egress)).toContain('203.0.113.0/24');
  });
});

describe('exporters', () => {
  const manifests = build();

  test('every module that a probe may name is in the configuration', () => {
    const config = manifests.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('blackbox-config-'),
    );
    const { 'blackbox.yaml': text = '' } = (config?.['data'] ?? {}) as Record<string, string>;
    for (const module of ['http', 'https', 'tcp', 'tls', 'public']) {
      expect(text).toMatch(new RegExp(`^  ${module}:$`, 'm'));
    }
  });

  test('kube-state-metrics asks for exactly what its role lets it list', () => {
    const { template } = spec<DeploymentSpec>(find(manifests, 'Deployment', 'kube-state-metrics'));
    const asked = template.spec?.containers[0]?.args?.find((arg) => arg.startsWith('--resources='));
    const rules = find(manifests, 'ClusterRole', 'observability-kube-state-metrics')['rules'] as {
      resources: string[];
    }[];
    expect(asked).toBe(`--resources=${rules.flatMap(({ resources }) => resources).join(',')}`);
    expect(asked).not.toMatch(/secrets|configmaps/);
  });

  test('the node exporter is on every node, reads its folders and writes nowhere', () => {
    const { template } = spec<DaemonSetSpec>(find(manifests, 'DaemonSet', 'node-exporter'));
    const [container] = template.spec?.containers ?? [];
    expect(template.spec?.tolerations).toEqual([{ operator: 'Exists' }]);
    expect(container?.volumeMounts?.map(({ mountPath, readOnly }) => [mountPath, readOnly])).toEqual([
      ['/host/procfs', true],
      ['/host/sysfs', true],
      ['/host/rootfs', true],
    ]);
    expect(template.spec?.securityContext?.runAsNonRoot).toBe(true);
  });
});
