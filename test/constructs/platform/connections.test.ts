import fc from 'fast-check';
import { Construct } from 'constructs';
import { Connections } from '../../../constructs/platform/connections';
import { Endpoint } from '../../../constructs/platform/endpoint';
import type { Manifest } from '../../../constructs/platform/manifest';
import { spec } from '../../../constructs/platform/workloads';
import type { NetworkPolicySpec, ServiceSpec } from '../../../imports/k8s';
import type { PodMonitorSpec } from '../../../imports/monitoring.coreos.com';
import { find, Ground, manifestsOf, platformWith } from '../../support';

/** A set of pods that is nothing but its connections. */
class Pods extends Construct {
  readonly connections: Connections;

  constructor(scope: Construct, id: string, service: 'cluster' | 'headless' = 'cluster') {
    super(scope, id);
    this.connections = new Connections(this, { name: 'thing', component: 'part', service });
  }
}

const print = (build: (ground: Ground) => void) => manifestsOf(platformWith(build));
const policy = (manifests: readonly Manifest[], name: string) =>
  spec<NetworkPolicySpec>(find(manifests, 'NetworkPolicy', name));

describe('connections', () => {
  test('one declaration opens exactly one port, on both ends', () => {
    const manifests = print(({ namespaces }) => {
      const server = new Pods(namespaces.add('data'), 'server');
      const client = new Pods(namespaces.add('apps'), 'client');
      server.connections.listen('other', 1000);
      client.connections.allowTo(server.connections.listen('main', 2000));
    });
    expect(policy(manifests, 'server').ingress).toEqual([
      {
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'apps' } },
            podSelector: {
              matchLabels: { 'app.kubernetes.io/name': 'thing', 'app.kubernetes.io/instance': 'client' },
            },
          },
        ],
        ports: [{ protocol: 'TCP', port: 2000 }],
      },
    ]);
    expect(policy(manifests, 'client').egress?.slice(1)).toEqual([
      {
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'data' } },
            podSelector: {
              matchLabels: { 'app.kubernetes.io/name': 'thing', 'app.kubernetes.io/instance': 'server' },
            },
          },
        ],
        ports: [{ protocol: 'TCP', port: 2000 }],
      },
    ]);
    expect(policy(manifests, 'client').ingress).toBeUndefined();
    expect(policy(manifests, 'server').egress).toHaveLength(1);
  });

  test('DNS is the only thing open to all', () => {
    const manifests = print(({ namespaces }) => void new Pods(namespaces.add('a'), 'alone'));
    expect(policy(manifests, 'alone')).toEqual({
      podSelector: {
        matchLabels: { 'app.kubernetes.io/name': 'thing', 'app.kubernetes.io/instance': 'alone' },
      },
      policyTypes: ['Ingress', 'Egress'],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
              podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
            },
          ],
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
      ],
    });
  });

  test('two endpoints on one port let the clients of both in', () => {
    const manifests = print(({ namespaces }) => {
      const data = namespaces.add('data');
      const server = new Pods(data, 'server');
      const write = server.connections.listen('write', 5432, { host: 'w.data.svc' });
      const read = server.connections.listen('read', 5432, { host: 'r.data.svc' });
      new Pods(data, 'writer').connections.allowTo(write);
      new Pods(data, 'reader').connections.allowTo(read);
    });
    const { ingress = [] } = policy(manifests, 'server');
    expect(ingress).toHaveLength(1);
    expect(ingress[0]?.from).toHaveLength(2);
  });

  test('the service balances over the pods, by the names of their ports', () => {
    const manifests = print(({ namespaces }) => {
      const { connections } = new Pods(namespaces.add('a'), 'web');
      expect(connections.listen('https', 8443).address).toBe('web.a.svc.cluster.local:8443');
      connections.listen('elsewhere', 9000, { host: 'proxy.a.svc.cluster.local' });
    });
    const { selector, ports, clusterIP } = spec<ServiceSpec>(find(manifests, 'Service', 'web'));
    expect(selector).toEqual(policy(manifests, 'web').podSelector?.matchLabels);
    expect(ports).toEqual([{ name: 'https', port: 8443, targetPort: 'https' }]);
    expect(clusterIP).toBeUndefined();
  });

  test('a headless service names every pod, ready or not', () => {
    const manifests = print(({ namespaces }) => {
      const { connections } = new Pods(namespaces.add('a'), 'db', 'headless');
      connections.listen('sql', 5432);
      expect(connections.podHost(2)).toBe('db-2.db.a.svc.cluster.local');
    });
    expect(spec<ServiceSpec>(find(manifests, 'Service', 'db'))).toMatchObject({
      clusterIP: 'None',
      publishNotReadyAddresses: true,
    });
  });

  test('metrics are scraped, and only by Prometheus', () => {
    const manifests = print(({ namespaces, scrape }) => {
      const pods = new Pods(namespaces.add('a'), 'web');
      pods.connections.listen('metrics', 9000, { metricsPath: '/m' });
      scrape(pods);
    });
    const { selector, podMetricsEndpoints } = spec<PodMonitorSpec>(find(manifests, 'PodMonitor', 'web'));
    expect(selector.matchLabels).toEqual(policy(manifests, 'web').podSelector?.matchLabels);
    expect(podMetricsEndpoints).toEqual([{ port: 'metrics', path: '/m', scheme: 'http' }]);
    const peers = policy(manifests, 'web').ingress?.flatMap(({ from = [] }) => from);
    expect(peers?.map((peer) => peer.podSelector?.matchLabels)).toEqual([
      { 'app.kubernetes.io/name': 'prometheus', 'app.kubernetes.io/instance': 'prometheus' },
    ]);
  });

  test('what is only looked at may be reached, and orders nothing', () => {
    const platform = platformWith(({ namespaces }) => {
      const server = new Pods(namespaces.add('a'), 'server').connections.listen('web', 8080);
      new Pods(namespaces.add('b'), 'looker').connections.watch(server);
    });
    const [server, looker] = ['server', 'looker'].map((name) =>
      platform.connections.find(({ serviceName }) => serviceName === name),
    );
    expect([...(looker?.reached ?? [])].map(({ owner }) => owner)).toEqual([server]);
    expect(looker?.targets.size).toBe(0);
    const manifests = manifestsOf(platform);
    expect(policy(manifests, 'looker').egress).toHaveLength(2);
    expect(policy(manifests, 'server').ingress).toHaveLength(1);
  });

  test.each([
    ['name', 'web', 9000],
    ['port', 'other', 8080],
  ])('a %s that is taken is refused', (_, name, port) => {
    expect(() =>
      print(({ namespaces }) => {
        const { connections } = new Pods(namespaces.add('a'), 'web');
        connections.listen('web', 8080);
        connections.listen(name, port);
      }),
    ).toThrow(`foundation/Namespaces/a/web: port ${name} (${port}) is taken by web (8080)`);
  });

  test.each([['Web'], ['a-name-too-long-x'], ['-x'], ['123'], ['']])('port name "%s" is refused', (name) => {
    expect(() =>
      print(({ namespaces }) => new Pods(namespaces.add('a'), 'w').connections.listen(name, 1)),
    ).toThrow(`port name "${name}" must be`);
  });

  test.each([[0], [65536], [1.5], [NaN]])('port %d is refused', (port) => {
    expect(() =>
      print(({ namespaces }) => new Pods(namespaces.add('a'), 'w').connections.listen('w', port)),
    ).toThrow(`port w must be between 1 and 65535, got ${port}`);
  });

  test('whatever is declared, both halves agree, and the order of declaration does not show', () => {
    const sets = 5;
    const edges = fc.uniqueArray(fc.tuple(fc.nat(sets - 1), fc.nat(sets - 1)), {
      selector: ([from, to]) => `${from}-${to}`,
    });
    const build = (order: readonly (readonly [number, number])[]) =>
      print(({ namespaces }) => {
        const namespace = namespaces.add('a');
        const pods = Array.from({ length: sets }, (_, index) => new Pods(namespace, `pods-${index}`));
        const ports = pods.map(({ connections }, index): Endpoint =>
          connections.listen('main', 1000 + index),
        );
        for (const [from, to] of order) {
          const endpoint = ports[to];
          if (endpoint) pods[from]?.connections.allowTo(endpoint);
        }
      });
    const instance = (labels: Readonly<Record<string, string>> = {}) => labels['app.kubernetes.io/instance'];
    fc.assert(
      fc.property(edges, (order) => {
        const manifests = build(order);
        const policies = Array.from({ length: sets }, (_, index) => policy(manifests, `pods-${index}`));
        const outgoing = policies.flatMap(({ egress = [] }, from) =>
          egress
            .slice(1)
            .map(({ to = [], ports = [] }) => [
              `pods-${from}`,
              instance(to[0]?.podSelector?.matchLabels),
              ports[0]?.port,
            ]),
        );
        const incoming = policies.flatMap(({ ingress = [] }, to) =>
          ingress.flatMap(({ from = [], ports = [] }) =>
            from.map((peer) => [instance(peer.podSelector?.matchLabels), `pods-${to}`, ports[0]?.port]),
          ),
        );
        const expected = order.map(([from, to]) => [`pods-${from}`, `pods-${to}`, 1000 + to]);
        expect(outgoing.sort()).toEqual([...expected].sort());
        expect(incoming.sort()).toEqual([...expected].sort());
        expect(build([...order].reverse())).toEqual(manifests);
      }),
      { numRuns: 40 },
    );
  });
});
