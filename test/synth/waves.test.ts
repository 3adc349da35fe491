import { App } from 'cdk8s';
import { Construct } from 'constructs';
import fc from 'fast-check';
import { PhaseChart } from '../../charts/phase-chart';
import { PlatformNamespaces } from '../../constructs/platform-namespaces';
import { Connections } from '../../constructs/platform/connections';
import { manifestOf } from '../../constructs/platform/manifest';
import type { Manifest } from '../../constructs/platform/manifest';
import { Deployment } from '../../imports/k8s';
import { syncWaves } from '../../synth/waves';

/** A unit of one object in a namespace, and a Secret that it names, if any. */
const waveOf = (manifests: readonly (readonly [string, Manifest])[]): Record<string, number | undefined> => {
  const root = new App();
  const units = new Map(manifests.map(([id]) => [id, new Construct(root, id)]));
  const nodes = manifests.flatMap(([id, manifest]) => {
    const unit = units.get(id);
    return unit ? { manifest, unit } : [];
  });
  const waves = syncWaves(nodes);
  return Object.fromEntries([...units].map(([id, unit]) => [id, waves.get(unit)]));
};

const manifest = (kind: string, name: string, spec: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata: kind === 'Namespace' ? { name } : { name, namespace: 'app' },
  spec,
});

test('what is named, and what makes it, comes first, whatever the order of declaration', () => {
  const objects = [
    ['pod', manifest('Pod', 'a', { volumes: [{ secret: { secretName: 'tls' } }] })],
    ['certificate', manifest('Certificate', 'b', { secretName: 'tls', issuerRef: { name: 'c' } })],
    ['issuer', manifest('Issuer', 'c')],
    ['namespace', manifest('Namespace', 'app')],
  ] as const;
  const expected = { namespace: 0, issuer: 1, certificate: 2, pod: 3 };
  expect(waveOf(objects)).toEqual(expected);
  expect(waveOf([...objects].reverse())).toEqual(expected);
});

test('units that need each other share a wave, and what needs them comes after', () => {
  const waves = waveOf([
    ['after', manifest('Pod', 'p', { volumes: [{ secret: { secretName: 'a' } }] })],
    ['one', manifest('Certificate', 'x', { secretName: 'a', passwordSecret: { name: 'b' } })],
    ['two', manifest('Certificate', 'y', { secretName: 'b', passwordSecret: { name: 'a' } })],
  ]);
  expect(waves).toEqual({ one: 0, two: 0, after: 1 });
});

test('connections order sets of pods', () => {
  const app = new App();
  const namespace = new PlatformNamespaces(new PhaseChart(app, 'foundation'), 'Namespaces').add('app');
  const pods = (id: string) => {
    const construct = new Construct(namespace, id);
    const connections = new Connections(construct, { name: id, component: id });
    const selector = { matchLabels: connections.labels };
    const template = { metadata: { labels: connections.podLabels }, spec: { containers: [] } };
    const object = new Deployment(construct, 'Resource', { spec: { selector, template } });
    return { connections, object, construct };
  };
  const [client, server, store] = ['client', 'server', 'store'].map(pods);
  if (!client || !server || !store) throw new Error('three were made');
  client.connections.allowTo(server.connections.listen('a', 1));
  server.connections.allowTo(store.connections.listen('b', 2));
  const waves = syncWaves(
    [client, server, store].map(({ object, construct }) => ({
      manifest: manifestOf(object),
      unit: construct,
    })),
  );
  expect([store, server, client].map(({ construct }) => waves.get(construct))).toEqual([0, 1, 2]);
});

test('for any graph, nothing comes before what it needs, and circles are the only ties', () => {
  const size = 8;
  const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 20 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const objects = Array.from({ length: size }, (_, i) => {
        const needed = pairs.filter(([from, to]) => from === i && to !== i).map(([, to]) => `s${to}`);
        return [`u${i}`, manifest('Certificate', `c${i}`, { secretName: `s${i}`, secrets: needed })] as const;
      });
      const waves = waveOf(objects);
      const reach = closure(size, pairs);
      for (const [from, to] of pairs) {
        if (from === to) continue;
        const [own, other] = [waves[`u${from}`] ?? NaN, waves[`u${to}`] ?? NaN];
        if (reach[to]?.has(from)) expect(own).toBe(other);
        else expect(own).toBeGreaterThan(other);
      }
    }),
    { numRuns: 200 },
  );
});

/** What can be reached from each node. */
function closure(size: number, pairs: readonly (readonly [number, number])[]): Set<number>[] {
  return Array.from({ length: size }, (_, start) => {
    const seen = new Set<number>();
    const open = [start];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const [from, to] of pairs) {
        if (from !== node || seen.has(to)) continue;
        seen.add(to);
        open.push(to);
      }
    }
    return seen;
  });
}
