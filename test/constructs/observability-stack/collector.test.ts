import { Construct } from 'constructs';
import { CollectorAgent } from '../../../constructs/observability-stack/collector/agent';
import {
  CollectorGateway,
  CollectorGatewayProps,
} from '../../../constructs/observability-stack/collector/gateway';
import type { LogSource, Operator } from '../../../constructs/observability-stack/collector/parsers';
import { Connections } from '../../../constructs/platform/connections';
import type { Manifest } from '../../../constructs/platform/manifest';
import { spec } from '../../../constructs/platform/workloads';
import type { DaemonSetSpec } from '../../../imports/k8s';
import { find, manifestsOf, platformWith } from '../../support';
import { fileOf } from './telemetry-support';

interface Agent {
  readonly receivers: {
    readonly filelog: { readonly operators: readonly Operator[]; readonly exclude: string[] };
  };
  readonly connectors: {
    readonly count: { readonly logs: Readonly<Record<string, { conditions?: string[] }>> };
  };
}

const SOURCE: LogSource = {
  namespace: 'market',
  parser: 'shop:\n  - type: regex_parser\n    regex: "^(?P<level>[A-Z]+) "\n',
  counters: {},
  tenant: 'platform',
};

function build(sources: readonly LogSource[], gateway: Partial<CollectorGatewayProps> = {}): Manifest[] {
  return manifestsOf(
    platformWith(({ namespaces, authority }) => {
      const namespace = namespaces.add('observability');
      const stores = new Connections(new Construct(namespace, 'store'), {
        name: 'store',
        component: 'store',
      });
      const made = new CollectorGateway(namespace, 'collector', {
        image: 'collector:1',
        replicas: 2,
        loki: stores.listen('logs', 3100, { host: 'logs.observability.svc.cluster.local' }),
        tempo: stores.listen('spans', 4317, { host: 'spans.observability.svc.cluster.local' }),
        spansPerSecond: 20,
        spreading: 'required',
        authority,
        ...gateway,
      });
      const agent = new CollectorAgent(
        namespaces.add('node-agents', { podSecurity: 'privileged' }),
        'collector',
        { image: 'collector:1', gateway: made.grpc, nodes: 3, authority },
      );
      for (const source of sources) agent.read(source);
    }),
  );
}

const agentOf = (...sources: readonly LogSource[]): Agent => fileOf(build(sources), 'agent.yaml');

describe('agent', () => {
  test('reads as a member of the group of the files, not as root, and cannot write to the node', () => {
    const { template } = spec<DaemonSetSpec>(find(build([]), 'DaemonSet', 'collector'));
    expect(template.spec?.securityContext).toMatchObject({
      runAsUser: 10001,
      runAsGroup: 0,
      runAsNonRoot: true,
    });
    const host = template.spec?.volumes?.filter(({ hostPath }) => hostPath) ?? [];
    const mounts = template.spec?.containers[0]?.volumeMounts ?? [];
    expect(host.map(({ name }) => mounts.find((mount) => mount.name === name)?.readOnly)).toEqual([true]);
    expect(template.spec?.automountServiceAccountToken).toBe(false);
  });

  test('does not read its own lines', () => {
    expect(agentOf().receivers.filelog.exclude).toEqual(['/var/log/pods/node-agents_collector-*/*/*.log']);
  });

  test('workloads are found in the names of their pods', () => {
    const { operators } = agentOf().receivers.filelog;
    const pattern = operators.find(({ parse_from }) => parse_from === 'resource.pod')?.['regex'];
    const regex = new RegExp(String(pattern).replace('?P<', '?<'));
    const workload = (pod: string) => regex.exec(pod)?.groups?.['service'];
    expect(workload('cache-members-0')).toBe('cache-members');
    expect(workload('cache-7d9c8b6f5-x2w4z')).toBe('cache');
    expect(workload('node-exporter-x2w4z')).toBe('node-exporter');
    expect(workload('weaviate-backup-29391120-x2w4z')).toBe('weaviate-backup');
    expect(workload('kube-apiserver-node-a')).toBeUndefined();
  });

  test('lines go through the parser of their container, and all others through the common one', () => {
    const { operators } = agentOf(SOURCE).receivers.filelog;
    const router = operators.find(({ type }) => type === 'router');
    expect(router).toMatchObject({
      default: 'others',
      routes: [
        { expr: '(resource.namespace + "/" + resource.container) in ["market/shop"]', output: 'market/shop' },
      ],
    });
    const ids = new Set(operators.map(({ id }) => id));
    expect(['market/shop', 'others', 'end'].filter((id) => !ids.has(id))).toEqual([]);
  });

  test('the same parser twice is one, two for one container are refused', () => {
    expect(() => agentOf(SOURCE, SOURCE)).not.toThrow();
    const other = { ...SOURCE, parser: 'shop: [{ type: noop }]' };
    expect(() => agentOf(SOURCE, other)).toThrow(/market\/shop have two parsers that differ/);
  });

  test.each(['[]', 'shop: {}', 'shop: []', '"a\\"b": [{ type: noop }]'])('%s is no parser', (parser) => {
    expect(() => agentOf({ ...SOURCE, parser })).toThrow(/parser of logs in market/);
  });

  test('a counter counts in its own namespace only', () => {
    const counters = {
      shop_errors: { description: 'Errors.', conditions: ['attributes["level"] == "error"'] },
    };
    const { logs } = agentOf({ ...SOURCE, counters }).connectors.count;
    expect(logs['shop_errors']?.conditions).toEqual([
      'resource.attributes["namespace"] == "market" and (attributes["level"] == "error")',
    ]);
    expect(logs['lighthouse_log_lines']?.conditions).toBeUndefined();
  });

  test('a tenant other than the platform is said with each line', () => {
    const { operators } = agentOf({ ...SOURCE, tenant: 'bridge' }).receivers.filelog;
    expect(operators).toContainEqual(expect.objectContaining({ field: 'resource.tenant', value: 'bridge' }));
    expect(agentOf(SOURCE).receivers.filelog.operators).not.toContainEqual(
      expect.objectContaining({ field: 'resource.tenant' }),
    );
  });
});

describe('gateway', () => {
  interface Gateway {
    readonly exporters: Readonly<Record<string, { endpoint: string; headers?: Record<string, string> }>>;
    readonly processors: { readonly tail_sampling: { readonly policies: readonly object[] } };
  }
  const config = (change: Partial<CollectorGatewayProps> = {}): Gateway =>
    fileOf(build([], change), 'gateway.yaml');

  test('sends each tenant to Loki under its own name', () => {
    const { exporters } = config();
    expect(exporters['otlp_http/bridge']).toMatchObject({
      endpoint: 'https://logs.observability.svc.cluster.local:3100/otlp',
      headers: { 'X-Scope-OrgID': 'bridge' },
    });
    // Tempo lets nobody in without a certificate; a renewed one needs no restart.
    expect(exporters['otlp_grpc']).toMatchObject({
      tls: {
        ca_file: '/trust/ca.crt',
        cert_file: '/tls/tls.crt',
        key_file: '/tls/tls.key',
        reload_interval: '1h',
      },
    });
    expect(exporters['otlp_http/platform']?.headers).toEqual({ 'X-Scope-OrgID': 'platform' });
  });

  test('keeps errors, slow traces, and a share of the rest', () => {
    const { policies } = config({ slowMilliseconds: 250, keptPercent: 5 }).processors.tail_sampling;
    expect(policies).toEqual([
      expect.objectContaining({ status_code: { status_codes: ['ERROR'] } }),
      expect.objectContaining({ latency: { threshold_ms: 250 } }),
      expect.objectContaining({ probabilistic: { sampling_percentage: 5 } }),
    ]);
  });

  test.each([{ replicas: 0 }, { replicas: 1.5 }, { keptPercent: 101 }, { keptPercent: -1 }])(
    'refuses %p',
    (change) => {
      expect(() => config(change)).toThrow(/must be/);
    },
  );
});
