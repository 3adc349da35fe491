import { App } from 'cdk8s';
import { parseDuration } from '../constructs/platform/duration';
import { BridgeEdge } from '../constructs/bridge-edge';
import { BridgeWithFuse, type BridgeWithFuseProps } from '../constructs/bridge-with-fuse';
import { Experts } from '../constructs/bridge-with-fuse/experts';
import { EventStoreMigration } from '../constructs/event-store-migration';
import { FuseOpener } from '../constructs/fuse-mount/opener';
import type { NamespaceScope } from '../constructs/platform/names';
import { archiveOf, type Foundation, type Site } from './foundation';
import { PhaseChart } from './phase-chart';

/** Lighthouse, where it runs. */
export interface Automation {
  readonly chart: PhaseChart;
  /** Undefined in a standby cluster: its database takes no writes, and sessions live in one process. */
  readonly bridge?: BridgeWithFuse;
  /** Where its clients arrive; undefined where it is. */
  readonly edge?: BridgeEdge;
}

/** Lighthouse itself, and what moves it. */
export function automation(app: App, ground: Foundation): Automation {
  const chart = new PhaseChart(app, 'automation');
  if (ground.site.cluster.role === 'standby') return { chart };
  const namespace = ground.bridge.namespace.continuedIn(chart);
  const lighthouse = bridge(namespace, ground);
  fuseOpener(chart, ground, lighthouse);
  migration(namespace, ground, lighthouse);
  experts(namespace, ground, lighthouse);
  return { chart, bridge: lighthouse, edge: edge(namespace, ground.site, lighthouse) };
}

function migration(namespace: NamespaceScope, { site, services }: Foundation, bridge: BridgeWithFuse): void {
  const { migration } = site.environment.bridge;
  if (!migration) return;
  new EventStoreMigration(namespace, 'migration', {
    ...migration,
    image: site.images('eventStoreMigration'),
    bridge,
    postgres: services.postgres,
  });
}

function experts(namespace: NamespaceScope, { site }: Foundation, { api }: BridgeWithFuse): void {
  const { experts } = site.environment.bridge;
  if (experts) new Experts(namespace, 'experts', { image: site.images('bridge'), bridge: api, experts });
}

/** What mounts for Lighthouse's pods on their nodes: there before them, and taken away after them. */
function fuseOpener(chart: PhaseChart, { site, observability }: Foundation, bridge: BridgeWithFuse): void {
  const { environment, cluster, images } = site;
  if (environment.bridge.fuse?.mode !== 'fd-passing') return;
  const opener = new FuseOpener(observability.agents.continuedIn(chart), 'fuse-opener', {
    image: images('fuse'),
    nodes: cluster.nodes.count,
  });
  bridge.connections.startAfter(opener.connections);
}

function fuseOf({ environment, images }: Foundation['site']): BridgeWithFuseProps['fuse'] {
  const { fuse } = environment.bridge;
  if (!fuse) return undefined;
  const { mode, command, cpu, memory } = fuse;
  return { mode, command, image: images('fuse'), resources: { cpu, memory } };
}

function bridge(namespace: NamespaceScope, foundation: Foundation): BridgeWithFuse {
  const { environment, images, ground } = foundation.site;
  const { cpu, memory } = environment.bridge;
  return new BridgeWithFuse(namespace, 'bridge', {
    image: images('bridge'),
    resources: { cpu, memory },
    maker: ground.maker,
    fuse: fuseOf(foundation.site),
    state: stateOf(foundation),
  });
}

function edge(
  namespace: NamespaceScope,
  { environment, images, ground }: Site,
  { api, most }: BridgeWithFuse,
): BridgeEdge {
  const { connections, agents = [], ...entry } = environment.edge;
  const edge = new BridgeEdge(namespace, 'edge', {
    ...ground,
    ...entry,
    image: images('haproxy'),
    backend: api,
    domain: `bridge.${environment.domain}`,
    sessions: environment.bridge.state === 'local' ? 'one-process' : 'shared',
    limits: { connections, servers: most },
  });
  agents.forEach((agent) => edge.admit(agent));
  return edge;
}

/** Where sessions, experts and events live. */
function stateOf({ site, bridge: { bucket }, services }: Foundation): BridgeWithFuseProps['state'] {
  const { environment, cluster, images, ground } = site;
  const { bridge, targets } = environment;
  switch (bridge.state) {
    case 'local':
      return {
        kind: bridge.state,
        storage: bridge.storage,
        storageClass: cluster.storageClass,
        backup: {
          image: images('awsCli'),
          bucket,
          folder: archiveOf(environment, cluster),
          recoveryPointMinutes: parseDuration(targets.recoveryPoint) / 60,
        },
      };
    case 'external':
      return {
        kind: bridge.state,
        replicas: bridge.replicas,
        spreading: ground.spreading,
        authority: ground.authority,
        postgres: services.postgres,
        sessions: services.redis.sessions,
        autoscaling: bridge.autoscaling,
        delivery: bridge.delivery,
      };
  }
}
