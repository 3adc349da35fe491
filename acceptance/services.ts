import type { Manifest } from '../constructs/platform/manifest';
import { identify } from '../synth/references';
import type { Cluster, Live } from './cluster';
import { healthOf } from './health';

/** One service of the platform, and the objects whose health is its own. */
export interface Service {
  readonly name: string;
  readonly objects: readonly Manifest[];
}

/** How a service is. */
export interface ServiceHealth {
  readonly name: string;
  readonly isHealthy: boolean;
  /** What it has, or what it lacks. */
  readonly detail: string;
}

/** Kinds whose pods are always there: each such object is a service. */
const RUNNING: ReadonlySet<string> = new Set([
  'Alertmanager',
  'Cluster',
  'DaemonSet',
  'Deployment',
  'Pooler',
  'Prometheus',
  'Rollout',
  'StatefulSet',
]);

/** What is no service of its own, by kind. */
const SHARED: Readonly<Record<string, string>> = {
  ClusterIssuer: 'certificate authority',
  Issuer: 'certificate authority',
  Bundle: 'certificate authority',
  Certificate: 'certificates',
  Job: 'credentials, buckets and schemas',
  Database: 'credentials, buckets and schemas',
  ExternalSecret: 'credentials, buckets and schemas',
  SecretStore: 'credentials, buckets and schemas',
  ScheduledBackup: 'backups',
};

/** The services of a platform: what runs, by name, and what they all stand on. */
export function servicesIn(manifests: readonly Manifest[]): Service[] {
  const services = new Map<string, Manifest[]>();
  for (const manifest of manifests) {
    const name = serviceOf(manifest);
    if (name === undefined) continue;
    const known = services.get(name) ?? [];
    known.push(manifest);
    services.set(name, known);
  }
  return [...services]
    .map(([name, objects]) => ({ name, objects }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function serviceOf({ kind, metadata }: Manifest): string | undefined {
  if (!RUNNING.has(kind)) return SHARED[kind];
  const program = metadata.labels?.['app.kubernetes.io/name'];
  return program === undefined || program === metadata.name ? metadata.name : `${program} ${metadata.name}`;
}

/** How each service is now. */
export async function healthOfServices(
  cluster: Cluster,
  manifests: readonly Manifest[],
): Promise<ServiceHealth[]> {
  const backups = await backupsIn(cluster, manifests);
  return Promise.all(
    servicesIn(manifests).map(async ({ name, objects }) => {
      const live = await Promise.all(objects.map((object) => cluster.get(object)));
      return judged(name, objects, live, backups);
    }),
  );
}

/**
 * A service is healthy when all its objects are, and backups are when there is one.
 * @param backups of any database
 */
export function judged(
  name: string,
  objects: readonly Manifest[],
  live: readonly (Live | undefined)[],
  backups: readonly Live[],
): ServiceHealth {
  const lacking = objects.flatMap((object, index) => {
    const found = live[index];
    const identity = identify(object.kind, object.metadata.namespace, object.metadata.name);
    const { health, message } = found
      ? judge(asWanted(object, found), backups)
      : { health: 'Missing', message: 'is not there' };
    return health === 'Healthy' ? [] : [`${identity}: ${message}`];
  });
  const count = `${objects.length - lacking.length}/${objects.length}`;
  return { name, isHealthy: lacking.length === 0, detail: [count, ...lacking].join('; ') };
}

/** As many as the manifests want, whatever somebody has scaled it to since. */
function asWanted(object: Manifest, live: Live): Live {
  const { replicas, instances } = (object['spec'] ?? {}) as { replicas?: number; instances?: number };
  const wanted = {
    ...(replicas === undefined ? {} : { replicas }),
    ...(instances === undefined ? {} : { instances }),
  };
  return { ...live, spec: { ...(live['spec'] as object | undefined), ...wanted } };
}

function judge(live: Live, backups: readonly Live[]): { health: string; message: string } {
  if (live.kind !== 'ScheduledBackup') return healthOf(live);
  const { name: cluster } = (live['spec'] as { cluster: { name: string } }).cluster;
  const own = backups.filter(
    ({ metadata, spec }) =>
      metadata.namespace === live.metadata.namespace &&
      (spec as { cluster?: { name?: string } }).cluster?.name === cluster,
  );
  const phases = own.map(({ status }) => (status as { phase?: string } | undefined)?.phase ?? 'new');
  return phases.includes('completed')
    ? { health: 'Healthy', message: '' }
    : {
        health: 'Progressing',
        message: `no backup has completed (${phases.join(', ') || 'none was started'})`,
      };
}

async function backupsIn(cluster: Cluster, manifests: readonly Manifest[]): Promise<Live[]> {
  const scheduled = manifests.find(({ kind }) => kind === 'ScheduledBackup');
  return scheduled ? cluster.list(scheduled.apiVersion, 'Backup') : [];
}

/** The table for people, its last line how many of them are healthy, as in `12/12`. */
export function healthTable(services: readonly ServiceHealth[]): string {
  const width = Math.max(...services.map(({ name }) => name.length));
  const rows = services.map(
    ({ name, isHealthy, detail }) => `${name.padEnd(width)}  ${isHealthy ? 'healthy' : 'NOT OK '}  ${detail}`,
  );
  const healthy = services.filter(({ isHealthy }) => isHealthy).length;
  return [...rows, `${healthy}/${services.length} healthy`].join('\n');
}
