import { describe, expect, test } from '@jest/globals';
import { Construct } from 'constructs';
import { BridgeEdge, BridgeEdgeProps } from '../../constructs/bridge-edge';
import type { EdgeEntry, GatewayEntry } from '../../constructs/bridge-edge/entry';
import { EDGE_LIMITS, EdgeLimits } from '../../constructs/bridge-edge/limits';
import { Connections } from '../../constructs/platform/connections';
import { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import type { TLSRouteSpec } from '../../imports/gateway.networking.k8s.io';
import type {
  DeploymentSpec,
  NetworkPolicySpec,
  PodDisruptionBudgetSpec,
  ServiceSpec,
} from '../../imports/k8s';
import { policies } from '../../guarantees/policies';
import { ports } from '../../guarantees/ports';
import { routes } from '../../guarantees/routes';
import type { Platform } from '../../synth/platform';
import { find, Ground, manifestsOf, platformWith } from '../support';

type Props = Partial<BridgeEdgeProps> | ((ground: Ground) => BridgeEdgeProps);

const build = (props: Props = {}) => manifestsOf(platform(props));

function platform(props: Props, use: (edge: BridgeEdge) => void = () => undefined): Platform {
  return platformWith((ground) => {
    const namespace = ground.namespaces.add('bridge');
    const server = new Connections(new Construct(namespace, 'server'), {
      name: 'bridge',
      component: 'server',
      service: 'headless',
    });
    const backend = server.listen('api', 8765);
    const edge = new BridgeEdge(namespace, 'edge', {
      image: 'docker.io/library/haproxy:3.3.10-alpine',
      backend,
      authority: ground.authority,
      domain: 'bridge.example.com',
      ...(typeof props === 'function' ? { ...props(ground), backend } : props),
    });
    use(edge);
    ground.scrape(edge);
  });
}

const deployment = (manifests: readonly Manifest[]) =>
  spec<DeploymentSpec>(find(manifests, 'Deployment', 'edge'));

/** One payload file, as the pods get it. */
function file(manifests: readonly Manifest[], name: string): string {
  const config = manifests.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('edge-config-'),
  );
  const text = (config?.['data'] as Record<string, string> | undefined)?.[name];
  if (text === undefined) throw new Error(`no file ${name}`);
  return text;
}

describe('defaults', () => {
  test('two pods in different zones and nodes, of which one at a time may be disrupted', () => {
    const manifests = build();
    const { replicas, selector, template } = deployment(manifests);
    expect(replicas).toBe(2);
    expect(template.spec?.topologySpreadConstraints).toEqual(
      ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: selector,
      })),
    );
    const budget = spec<PodDisruptionBudgetSpec>(find(manifests, 'PodDisruptionBudget', 'edge'));
    expect(budget).toEqual({ maxUnavailable: 1, selector });
  });

  test('a certificate of the platform is asked for, and the domain stands in its own', () => {
    const manifests = build();
    expect(file(manifests, 'haproxy.cfg')).toContain('ca-file /trust/ca.crt verify required');
    const { dnsNames } = spec<CertificateSpec>(find(manifests, 'Certificate', 'edge-tls'));
    expect(dnsNames).toEqual(expect.arrayContaining(['edge.bridge.svc.cluster.local', 'bridge.example.com']));
  });

  test('a client stays with one pod of the edge and, as sessions live in it, with one of the bridge', () => {
    const manifests = build();
    expect(spec<ServiceSpec>(find(manifests, 'Service', 'edge')).sessionAffinity).toBe('ClientIP');
    expect(file(manifests, 'haproxy.cfg')).toMatch(/^ {2}balance source$/m);
  });

  test('it may reach the bridge and nothing else, and nobody outside may reach it', () => {
    const manifests = build();
    const { egress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'edge'));
    expect(egress.slice(1).map(({ ports }) => ports)).toEqual([[{ protocol: 'TCP', port: 8765 }]]);
    expect(manifests.filter(({ metadata }) => metadata.name === 'edge-public')).toEqual([]);
    expect(file(manifests, 'haproxy.cfg')).toContain(
      'server-template bridge 1 server.bridge.svc.cluster.local:8765',
    );
  });

  test('who stops has time for what the bridge may take', () => {
    const { template } = deployment(build());
    expect(template.spec?.terminationGracePeriodSeconds).toBeGreaterThan(5 + EDGE_LIMITS.serverSeconds + 5);
  });

  test('the mode’s ConfigMap need not be there', () => {
    const volumes = deployment(build()).template.spec?.volumes;
    expect(volumes).toContainEqual({ name: 'mode', configMap: { name: 'edge-mode', optional: true } });
  });
});

test('everything can be chosen', () => {
  const limits: EdgeLimits = {
    ...EDGE_LIMITS,
    connections: 5000,
    servers: 50,
    errors: 7,
    routes: { validate: 123 },
  };
  const manifests = build(({ authority, namespaces }) => {
    const elsewhere = new Connections(new Construct(namespaces.add('other'), 'server'), {
      name: 'bridge',
      component: 'server',
    });
    const all: Required<BridgeEdgeProps> = {
      image: 'registry.example.com/haproxy:2',
      backend: elsewhere.listen('api', 8765),
      authority,
      domain: 'lighthouse.example.org',
      replicas: 3,
      spreading: 'preferred',
      clientCertificates: 'without-token',
      sessions: 'shared',
      entry: { kind: 'load-balancer', outside: ['198.51.100.0/24'] },
      limits,
    };
    return all;
  });
  const { replicas, template } = deployment(manifests);
  const [container] = template.spec?.containers ?? [];
  expect(replicas).toBe(3);
  expect(container?.image).toBe('registry.example.com/haproxy:2');
  expect(container?.resources?.limits).toEqual({ memory: '585Mi' });
  expect(template.spec?.topologySpreadConstraints?.[0]?.whenUnsatisfiable).toBe('ScheduleAnyway');
  const config = file(manifests, 'haproxy.cfg');
  expect(config).toContain('ca-file /trust/ca.crt verify optional');
  expect(config).toContain('-m str session-create session-validate sockets');
  expect(config).toMatch(/^ {2}balance leastconn$/m);
  expect(config).toContain('maxconn 5000');
  expect(config).toContain('server-template bridge 50 ');
  expect(config).toContain('error-limit 7 ');
  expect(file(manifests, 'limits.map')).toBe('validate 123\n');
  expect(file(manifests, 'mode.sh')).toContain('seq 1 50');
});

test('a load balancer leads named clients to HTTPS alone, and keeps the addresses that limits are by', () => {
  const outside = ['198.51.100.0/24', '2001:db8::/32'];
  const manifests = build({ entry: { kind: 'load-balancer', outside } });
  expect(spec<ServiceSpec>(find(manifests, 'Service', 'edge-public'))).toMatchObject({
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    loadBalancerSourceRanges: outside,
    ports: [{ port: 443 }],
  });
  const { ingress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'edge'));
  expect(ingress.filter(({ from = [] }) => from.some(({ ipBlock }) => ipBlock))).toEqual([
    { from: outside.map((cidr) => ({ ipBlock: { cidr } })), ports: [{ protocol: 'TCP', port: 443 }] },
  ]);
});

const GATEWAY: GatewayEntry = {
  kind: 'gateway',
  name: 'public',
  namespace: 'gateways',
  hostnames: ['agents.example.org', 'bridge.example.com'],
  pods: { namespace: 'gateway-pods', labels: { gateway: 'public' } },
};

test.each<[EdgeEntry | undefined]>([
  [undefined],
  [{ kind: 'load-balancer', outside: ['198.51.100.0/24'] }],
  [GATEWAY],
])('policies are what is declared, and routes lead to it: entry %j', (entry) => {
  for (const guarantee of [policies, ports, routes]) {
    const { findings } = guarantee.check(platform({ entry }));
    expect(findings.filter(({ path }) => path.includes('/edge'))).toEqual([]);
  }
});

describe('behind a gateway', () => {
  const manifests = build({ entry: GATEWAY });

  test('the route leads every name of the certificate to the port for gateways, and there is no load balancer', () => {
    const { parentRefs, hostnames, rules } = spec<TLSRouteSpec>(find(manifests, 'TLSRoute', 'edge'));
    expect(parentRefs).toEqual([
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public', namespace: 'gateways' },
    ]);
    expect(hostnames).toEqual(['bridge.example.com', 'agents.example.org']);
    const { dnsNames } = spec<CertificateSpec>(find(manifests, 'Certificate', 'edge-tls'));
    expect(dnsNames).toEqual(expect.arrayContaining([...hostnames]));
    expect(rules).toEqual([
      { backendRefs: [{ group: '', kind: 'Service', name: 'edge', port: 8443, weight: 1 }] },
    ]);
    const services = manifests.filter(({ kind }) => kind === 'Service').map(spec<ServiceSpec>);
    expect(services.filter(({ type }) => type === 'LoadBalancer')).toEqual([]);
  });

  test('one of its listeners may be named', () => {
    const named = build({ entry: { ...GATEWAY, sectionName: 'tls' } });
    const { parentRefs = [] } = spec<TLSRouteSpec>(find(named, 'TLSRoute', 'edge'));
    expect(parentRefs.map(({ sectionName }) => sectionName)).toEqual(['tls']);
  });

  test('that port is for its pods alone, and takes nothing without a header', () => {
    const { ingress = [] } = spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', 'edge'));
    expect(ingress.filter(({ ports = [] }) => ports.some(({ port }) => port === 8443))).toEqual([
      {
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'gateway-pods' } },
            podSelector: { matchLabels: { gateway: 'public' } },
          },
        ],
        ports: [{ protocol: 'TCP', port: 8443 }],
      },
    ]);
    expect(file(manifests, 'haproxy.cfg')).toMatch(/^ {2}bind :8443 accept-proxy ssl /m);
    expect(file(manifests, 'haproxy.cfg')).toMatch(/^ {2}bind :443 ssl /m);
  });

  test('clients are counted when it is known who they are; elsewhere as they connect', () => {
    const counted = (config: string) =>
      [...config.matchAll(/tcp-request (\w+) track/g)].map(([, when]) => when);
    expect(counted(file(manifests, 'haproxy.cfg'))).toEqual(['session']);
    expect(counted(file(build(), 'haproxy.cfg'))).toEqual(['connection']);
  });
});

test('an agent that runs elsewhere gets a certificate in its own name, to show and not to serve with', () => {
  const manifests = manifestsOf(platform({}, (edge) => edge.admit('build-farm')));
  expect(spec<CertificateSpec>(find(manifests, 'Certificate', 'edge-agent-build-farm'))).toMatchObject({
    commonName: 'build-farm',
    secretName: 'edge-agent-build-farm',
    usages: ['client auth'],
  });
});

test('one pod has no disruption budget', () => {
  const manifests = build({ replicas: 1 });
  expect(manifests.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
});

test('nobody needs a certificate where none is asked for', () => {
  expect(file(build({ clientCertificates: 'none' }), 'haproxy.cfg')).toContain('verify none');
});

describe('refused', () => {
  test.each<[Partial<BridgeEdgeProps>, string]>([
    [{ replicas: 0 }, 'bridge/edge: replicas must be a whole number of at least 1, got 0'],
    [{ limits: { errors: 1.5 } }, 'bridge/edge: errors must be a whole number of at least 1, got 1.5'],
    [
      { entry: { kind: 'load-balancer', outside: [] } },
      'bridge/edge: a load balancer must be for some address block, got none',
    ],
    [
      { entry: { ...GATEWAY, pods: { namespace: 'gateway-pods', labels: {} } } },
      'the pods of gateway public must be told by labels, or every pod in gateway-pods could say that it is anybody',
    ],
    [
      { limits: { agentRequests: 200 } },
      'bridge/edge: writeFailures must be more than agentRequests 200, so that no agent ends the writing of all, got 101',
    ],
    [
      { limits: { routes: { validate: -1 } } },
      'bridge/edge: validate must be a whole number of at least 1, got -1',
    ],
  ])('%j', (props, message) => {
    expect(() => build(props)).toThrow(message);
  });
});
