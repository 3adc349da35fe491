import { App } from 'cdk8s';
import { parseDuration } from '../constructs/platform/duration';
import { BridgeWithFuse } from '../constructs/bridge-with-fuse';
import { archiveOf, type Foundation } from './foundation';
import { PhaseChart } from './phase-chart';

/** Lighthouse, where it runs. */
export interface Automation {
  readonly chart: PhaseChart;
  /** Undefined in a standby cluster: its database takes no writes, and sessions live in one process. */
  readonly bridge?: BridgeWithFuse;
}

/** Lighthouse itself, and what moves it. */
export function automation(app: App, ground: Foundation): Automation {
  const chart = new PhaseChart(app, 'automation');
  if (ground.site.cluster.role === 'standby') return { chart };
  return { chart, bridge: bridge(chart, ground) };
}

function bridge(chart: PhaseChart, { site, bridge: { namespace, bucket } }: Foundation): BridgeWithFuse {
  const { environment, cluster, images, ground } = site;
  const { cpu, memory, storage } = environment.bridge;
  return new BridgeWithFuse(namespace.continuedIn(chart), 'bridge', {
    ...ground,
    image: images('bridge'),
    resources: { cpu, memory },
    storage,
    storageClass: cluster.storageClass,
    backup: {
      image: images('awsCli'),
      bucket,
      folder: archiveOf(environment, cluster),
      recoveryPointMinutes: parseDuration(environment.targets.recoveryPoint) / 60,
    },
  });
}
