import type { ClusterSpec, ScheduledBackupSpec } from '../imports/postgresql.cnpg.io';
import { parseDuration } from '../constructs/platform/duration';
import { parseQuantity } from '../constructs/platform/quantity';
import { spec } from '../constructs/platform/workloads';
import type { Platform, PlatformObject } from '../synth/platform';
import { longestGap } from '../constructs/platform/cron';
import { time } from './figures';
import type { Fact, Finding, Guarantee } from './guarantee';

/**
 * What the event store loses, and how long it is away, after each disaster that it is built to survive: within the
 * environment's targets. The model and its limits are in docs/decisions/recovery-model.md.
 */
export const recovery: Guarantee = {
  name: 'recovery',
  check: (platform) => {
    const databases = platform.objects.filter(({ manifest }) => manifest.kind === 'Cluster');
    const outcomes = databases.map((object) => ({ object, outcomes: outcomesOf(object, platform) }));
    return {
      findings: [
        ...outcomes.flatMap(({ object, outcomes: all }) =>
          all.flatMap((outcome) => (outcome.promised ? missed(object, outcome, platform) : [])),
        ),
        ...databases.flatMap((object) => wrongRole(object, platform)),
      ],
      facts: outcomes.flatMap(({ object, outcomes: all }) => all.map((outcome) => fact(object, outcome))),
    };
  },
};

/**
 * What the model takes for granted. Rates are for one process on what clouds sell as their ordinary ssd class; measure
 * them in the quarterly restore drill.
 */
export const ASSUMED = {
  /** Seconds until Kubernetes takes a silent node for lost: node-monitor-grace-period, 50 s since 1.32. */
  nodeLost: 50,
  /** Seconds that pods stay on a lost node: the toleration that admission gives every pod. */
  podEvicted: 300,
  /** Seconds until a volume may be attached elsewhere without its old node's word: attach-detach controller, 6 min. */
  volumeDetached: 360,
  /** Seconds of CloudNativePG's lease of the primary, where primaryLease does not say otherwise. */
  primaryLease: 15,
  /** Seconds for an election, its timeline, and poolers that find the new primary (server_login_retry 1 s). */
  promotion: 30,
  /** Seconds until a person has been woken and has decided to give a region up. */
  decision: 600,
  /** Seconds from a commit to the change in the cluster: pipeline, and Argo CD's poll of 3 min. */
  delivery: 480,
  /** Seconds until a recovered instance begins to load: volume, image, job. */
  provisioning: 180,
  /** Seconds to upload a segment of 16 MiB: one attempt may fail, and PostgreSQL tries again after 60 s. */
  upload: 60,
  /** Bytes a second of a base backup: one stream, unpacked by one core of gzip (150 to 250 MiB/s), with half to spare. */
  restore: 100 * 2 ** 20,
  /** Bytes a second of log that one recovering process replays: 8 GiB take some five minutes after a crash. */
  replay: 27 * 2 ** 20,
  /** Part of a volume that is full: the rest is what alerts keep free. */
  filled: 0.8,
  /** Bytes of log per byte that stays: rows, indexes, and whole pages after checkpoints. */
  logPerData: 3,
} as const;

type Disaster = 'node' | 'volume' | 'zone' | 'region' | 'mistake';

interface Outcome {
  readonly disaster: Disaster;
  /** Seconds of writes that are lost. */
  readonly point: number;
  /** Seconds until writes are accepted again. */
  readonly time: number;
  readonly how: string;
  /** Settings that decide over each of the two. */
  readonly settings: { readonly point: string; readonly time: string };
  /** Whether the environment's targets are meant to hold. */
  readonly promised: boolean;
}

const DISASTERS: Readonly<Record<Disaster, string>> = {
  node: 'loss of a node',
  volume: 'loss of a volume',
  zone: 'loss of a zone',
  region: 'loss of the region',
  mistake: 'a mistake, undone by a restore',
};

function outcomesOf(object: PlatformObject, platform: Platform): Outcome[] {
  const { environment, cluster } = platform;
  const { instances } = spec<ClusterSpec>(object.manifest);
  const isMany = instances > 1;
  const takeover = failoverOf(object);
  const restore = restoreOf(object, platform);
  // Backups on a volume of the cluster are lost with the zone that the volume is in.
  const elsewhere = environment.objectStorage.engine === 'external' ? restore : LOST;
  const hasSecondRegion = new Set(environment.clusters.map(({ region }) => region)).size > 1;
  const outcome = (disaster: Disaster, way: Way, promised = true): Outcome => ({
    disaster,
    ...way,
    promised,
  });
  return [
    outcome('node', isMany ? takeover : restartOf(object)),
    outcome('volume', isMany ? takeover : restore),
    ...(cluster.zones.length > 1 ? [outcome('zone', isMany ? takeover : elsewhere)] : []),
    // What a standby loses, the primary still has.
    ...(cluster.role === 'primary'
      ? [
          hasSecondRegion ? outcome('region', promotionOf(object)) : outcome('region', elsewhere, false),
          outcome('mistake', restore, false),
        ]
      : []),
  ];
}

/** Nothing brings it back. */
const LOST: Way = {
  point: Infinity,
  time: Infinity,
  how: 'its backups are lost with it',
  settings: {
    point: 'objectStorage.engine to external',
    time: 'objectStorage.engine to external, or postgres.instances to 3',
  },
};

type Way = Pick<Outcome, 'point' | 'time' | 'how' | 'settings'>;

/** Another instance takes over. */
function failoverOf({ manifest }: PlatformObject): Way {
  const { postgresql, failoverDelay = 0, primaryLease } = spec<ClusterSpec>(manifest);
  const { synchronous } = postgresql ?? {};
  const isSafe = (synchronous?.number ?? 0) > 0 && synchronous?.dataDurability !== 'preferred';
  const lease = primaryLease?.leaseDurationSeconds ?? ASSUMED.primaryLease;
  return {
    // What nobody else has acknowledged may never have left the lost node: no bound can be proved.
    point: isSafe ? 0 : Infinity,
    time: ASSUMED.nodeLost + lease + failoverDelay + ASSUMED.promotion,
    how: 'another instance takes over',
    settings: {
      point: 'spec.postgresql.synchronous with dataDurability: required',
      time: `failoverDelay (${failoverDelay} s), primaryLease (${lease} s)`,
    },
  };
}

/** The only instance starts on another node, with its volume, and recovers from the crash. */
function restartOf({ manifest }: PlatformObject): Way {
  const log = bytesOf(spec<ClusterSpec>(manifest).postgresql?.parameters?.['max_wal_size'] ?? '1GB');
  return {
    point: 0,
    time: ASSUMED.nodeLost + ASSUMED.podEvicted + ASSUMED.volumeDetached + log / ASSUMED.replay,
    how: 'its pod moves, with its volume',
    settings: { point: 'nothing', time: 'postgres.instances (3 for a failover)' },
  };
}

/** The last whole backup, and the log since. */
function restoreOf(object: PlatformObject, { environment, objects }: Platform): Way {
  const { manifest } = object;
  const { storage } = spec<ClusterSpec>(manifest);
  const data = parseQuantity(storage?.size ?? '0') * ASSUMED.filled;
  const kept = parseDuration(environment.postgres.eventRetention);
  const schedules = objects.flatMap((other) => scheduleOf(other, manifest.metadata));
  const interval = Math.min(Infinity, ...schedules.map(longestGap));
  // A backup is of the moment at which it began.
  const since = interval + data / ASSUMED.restore;
  const log = (data / kept) * ASSUMED.logPerData * since;
  return {
    point: archiving(object),
    time: ASSUMED.provisioning + data / ASSUMED.restore + log / ASSUMED.replay,
    how: `restored from ${interval === Infinity ? 'no backups' : `backups every ${time(interval)}`}`,
    settings: {
      point: archiveSettings(object),
      time: 'postgres.instances (3 for a failover), postgres.storage, postgres.backup.schedule',
    },
  };
}

/** The standby in the other region becomes the primary, by a person's decision. */
function promotionOf(object: PlatformObject): Way {
  const point = archiving(object);
  return {
    point,
    time: ASSUMED.decision + ASSUMED.delivery + ASSUMED.promotion,
    how: 'the standby of the other region is promoted',
    settings: { point: archiveSettings(object), time: 'the assumptions in guarantees/recovery.ts' },
  };
}

/** Seconds until what was written is in the archive. */
function archiving({ manifest }: PlatformObject): number {
  const { plugins = [] } = spec<ClusterSpec>(manifest);
  if (!plugins.some(({ isWALArchiver }) => isWALArchiver)) return Infinity;
  const timeout = archiveTimeout(manifest);
  return timeout === 0 ? Infinity : timeout + ASSUMED.upload;
}

function archiveSettings({ manifest }: PlatformObject): string {
  const timeout = archiveTimeout(manifest);
  return `archive_timeout (${timeout === 0 ? 'off' : time(timeout)}, and ${ASSUMED.upload} s to upload)`;
}

/** CloudNativePG's default: 5 min (pkg/postgres/configuration.go). */
function archiveTimeout(manifest: PlatformObject['manifest']): number {
  const { parameters = {} } = spec<ClusterSpec>(manifest).postgresql ?? {};
  const [, count, unit = 's'] =
    /^(\d+)\s*(ms|s|min|h|d)?$/.exec(parameters['archive_timeout'] ?? '5min') ?? [];
  const units: Readonly<Record<string, number>> = { ms: 1e-3, s: 1, min: 60, h: 3600, d: 86400 };
  return Number(count ?? 0) * (units[unit] ?? 1);
}

/** A size as PostgreSQL writes it; bare numbers are megabytes, as for max_wal_size. */
function bytesOf(text: string): number {
  const [, count, unit = 'MB'] = /^(\d+)\s*(kB|MB|GB|TB)?$/.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = { kB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };
  return Number(count ?? 0) * (units[unit] ?? 1);
}

function scheduleOf(
  { manifest }: PlatformObject,
  { name, namespace }: PlatformObject['manifest']['metadata'],
): string[] {
  if (manifest.kind !== 'ScheduledBackup' || manifest.metadata.namespace !== namespace) return [];
  const { cluster, schedule, suspend } = spec<ScheduledBackupSpec>(manifest);
  return cluster.name === name && !suspend ? [schedule] : [];
}

function missed({ path, manifest }: PlatformObject, outcome: Outcome, { environment }: Platform): Finding[] {
  const { recoveryPoint, recoveryTime } = environment.targets;
  const subject = `${DISASTERS[outcome.disaster]}: Cluster ${manifest.metadata.namespace}/${manifest.metadata.name} (${outcome.how})`;
  return [
    ...(outcome.point > parseDuration(recoveryPoint)
      ? [
          {
            path,
            cause: `${subject} loses ${outcome.point === Infinity ? 'writes without a bound' : `up to ${time(outcome.point)} of writes`}, targets.recoveryPoint is ${recoveryPoint}`,
            remedy: `change ${outcome.settings.point}`,
          },
        ]
      : []),
    ...(outcome.time > parseDuration(recoveryTime)
      ? [
          {
            path,
            cause: `${subject} is away ${outcome.time === Infinity ? 'for good' : `for ${time(outcome.time)}`}, targets.recoveryTime is ${recoveryTime}`,
            remedy: `change ${outcome.settings.time}`,
          },
        ]
      : []),
  ];
}

/** A standby cluster whose database accepts writes, a primary cluster whose database does not, or a follower of nobody. */
function wrongRole({ path, manifest }: PlatformObject, { environment, cluster }: Platform): Finding[] {
  const { replica, externalClusters = [] } = spec<ClusterSpec>(manifest);
  const name = `Cluster ${manifest.metadata.namespace}/${manifest.metadata.name}`;
  const follows =
    replica?.enabled ??
    (replica !== undefined && replica.primary !== (replica.self ?? manifest.metadata.name));
  if (follows !== (cluster.role === 'standby')) {
    return [
      {
        path,
        cause: `${name} is ${follows ? 'a standby' : 'a primary'}, cluster ${cluster.name} is ${cluster.role}`,
        remedy: 'have spec.replica exactly where clusters[].role is standby',
      },
    ];
  }
  if (!follows) return [];
  const primary = environment.clusters.find(({ role }) => role === 'primary');
  const source = externalClusters.find((external) => external.name === replica?.source);
  const archive = source?.plugin?.parameters?.['serverName'];
  const expected = `${environment.environment}-${primary?.name}`;
  // A primary that was recovered archives to a folder of its name and the time it was recovered to.
  if (archive === expected || archive?.startsWith(`${expected}-`)) return [];
  return [
    {
      path,
      cause: `${name} follows ${archive ?? 'no archive'}, the primary writes to ${expected}`,
      remedy: "give it the primary's archive as the source of spec.replica",
    },
  ];
}

function fact({ manifest }: PlatformObject, outcome: Outcome): Fact {
  const { disaster, point, time: away, how, promised } = outcome;
  return {
    subject: `${manifest.metadata.namespace}/${manifest.metadata.name}, ${DISASTERS[disaster]}`,
    figure: `RPO ${time(point)}, RTO ${time(away)}: ${how}${promised ? '' : ' (no target)'}`,
  };
}
