import { App } from 'cdk8s';
import { parseDuration } from '../constructs/platform/duration';
import { BridgeEdge } from '../constructs/bridge-edge';
import { BridgeWithFuse, type BridgeWithFuseProps } from '../constructs/bridge-with-fuse';
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

function bridge(namespace: NamespaceScope, { site, bridge: { bucket } }: Foundation): BridgeWithFuse {
  const { environment, cluster, images, ground } = site;
  const { cpu, memory, storage } = environment.bridge;
  return new BridgeWithFuse(namespace, 'bridge', {
    ...ground,
    image: images('bridge'),
    resources: { cpu, memory },
    storage,
    storageClass: cluster.storageClass,
    fuse: fuseOf(site),
    backup: {
      image: images('awsCli'),
      bucket,
      folder: archiveOf(environment, cluster),
      recoveryPointMinutes: parseDuration(environment.targets.recoveryPoint) / 60,
    },
  });
}

function edge(
  namespace: NamespaceScope,
  { environment, images, ground }: Site,
  { api }: BridgeWithFuse,
): BridgeEdge {
  const { connections, ...entry } = environment.edge;
  return new BridgeEdge(namespace, 'edge', {
    ...ground,
    ...entry,
    image: images('haproxy'),
    backend: api,
    domain: `bridge.${environment.domain}`,
    // One process keeps sessions to itself, and is all there is.
    sessions: 'one-process',
    limits: { connections, servers: 1 },
  });
}
