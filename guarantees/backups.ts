import type { ObjectStoreSpec } from '../imports/barmancloud.cnpg.io';
import type { Container } from '../imports/k8s';
import type { ClusterSpec, ScheduledBackupSpec } from '../imports/postgresql.cnpg.io';
import { CLUSTER_DOMAIN } from '../constructs/platform/endpoint';
import { claimsOf, containersOf, spec } from '../constructs/platform/workloads';
import { type Inventory, inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import type { Fact, Finding, Guarantee } from './guarantee';

/**
 * Every database is backed up; nobody writes where somebody else writes, in this cluster or another of the environment,
 * or with somebody else's keys, or where it was recovered from; backups are kept as long as is configured and, in
 * production, outlive their cluster.
 */
export const backups: Guarantee = {
  name: 'backups',
  check: (platform) => {
    const inventory = inventoryOf(platform);
    const writers = [...databases(platform, inventory), ...others(inventory)];
    return {
      findings: [
        ...uncovered(platform, inventory),
        ...shared(writers),
        ...writers.flatMap((writer) => [...anonymous(writer, platform), ...captive(writer, platform)]),
        ...circular(platform, inventory),
        ...forgetful(platform),
      ],
      facts: facts(writers, inventory),
    };
  },
};

/** Who writes backups, where to, and with whose keys. */
interface Writer {
  readonly path: string;
  /** As in `Cluster postgres/events`. */
  readonly name: string;
  readonly host: string;
  readonly bucket: string;
  /** Below the bucket, without slashes at its ends. */
  readonly folder: string;
  /** Secret of the access key, with its namespace. */
  readonly keys: string;
  /** Whether the archive of another cluster in the same bucket is read too: its own folder must be telling then. */
  readonly isDatabase: boolean;
}

function databases(platform: Platform, inventory: Inventory): Writer[] {
  return clustersIn(platform).flatMap(({ path, manifest }) => {
    const { namespace, name } = manifest.metadata;
    const archiver = spec<ClusterSpec>(manifest).plugins?.find(({ isWALArchiver }) => isWALArchiver);
    const place = placeOf(inventory, namespace, name, archiver?.parameters);
    return place ? { path, name: `Cluster ${namespace}/${name}`, isDatabase: true, ...place } : [];
  });
}

function clustersIn({ objects }: Platform): PlatformObject[] {
  return objects.filter(({ manifest }) => manifest.kind === 'Cluster');
}

/** Where the backup plugin writes or reads, by its parameters. */
function placeOf(
  { objects }: Inventory,
  namespace: string | undefined,
  cluster: string,
  parameters: Readonly<Record<string, string>> = {},
): Pick<Writer, 'host' | 'bucket' | 'folder' | 'keys'> | undefined {
  const store = objects.get(`ObjectStore/${namespace}/${parameters['barmanObjectName']}`);
  if (!store) return undefined;
  const { destinationPath, endpointURL, s3Credentials, serverName } = spec<ObjectStoreSpec>(
    store.manifest,
  ).configuration;
  const [bucket = '', ...folders] = destinationPath.replace(/^[a-z0-9]+:\/\//, '').split('/');
  // The plugin's own order: its parameter, the store's, the cluster's name.
  const folder = [...folders, parameters['serverName'] ?? serverName ?? cluster];
  return {
    host: endpointURL === undefined ? '' : new URL(endpointURL).hostname,
    bucket,
    folder: folder.filter((part) => part !== '').join('/'),
    keys: `${namespace}/${s3Credentials?.accessKeyId?.name ?? 'none'}`,
  };
}

/** Programs that write backups themselves: they are told the bucket by a variable `…BUCKET`, and keys by AWS's own. */
function others({ pods }: Inventory): Writer[] {
  return pods.flatMap((source) => {
    const { object, workload, namespace } = source;
    return (workload.pod ? containersOf(workload.pod) : []).flatMap((container) => {
      const value = (name: string): string =>
        container.env?.find((variable) => variable.name === name)?.value ?? '';
      const variable = container.env?.find(({ name }) => /(^|_)BUCKET$/.test(name))?.name;
      const keys = keysOf(container);
      if (variable === undefined || keys === undefined) return [];
      const sibling = (suffix: string): string => value(variable.replace(/BUCKET$/, suffix));
      return {
        path: object.path,
        name: nameOf(source),
        host: sibling('ENDPOINT')
          .replace(/^https?:\/\//, '')
          .replace(/:\d+$/, ''),
        bucket: value(variable),
        folder: (sibling('PATH') || sibling('PREFIX')).replace(/^\/+|\/+$/g, ''),
        keys: `${namespace}/${keys}`,
        isDatabase: false,
      };
    });
  });
}

function keysOf({ env = [] }: Container): string | undefined {
  return env.find(({ name }) => name === 'AWS_ACCESS_KEY_ID')?.valueFrom?.secretKeyRef?.name;
}

/** Databases without an archive, or without whole backups that the archive continues. */
function uncovered(platform: Platform, inventory: Inventory): Finding[] {
  const scheduled = new Set(
    platform.objects
      .filter(({ manifest }) => manifest.kind === 'ScheduledBackup')
      .flatMap(({ manifest }) => {
        const { cluster, suspend, method } = spec<ScheduledBackupSpec>(manifest);
        return suspend || method !== 'plugin' ? [] : `${manifest.metadata.namespace}/${cluster.name}`;
      }),
  );
  const archived = new Set(databases(platform, inventory).map(({ name }) => name));
  return clustersIn(platform).flatMap(({ path, manifest }) => {
    const key = `${manifest.metadata.namespace}/${manifest.metadata.name}`;
    if (!archived.has(`Cluster ${key}`)) {
      return {
        path,
        cause: `Cluster ${key} archives nothing: what its volumes lose is lost`,
        remedy:
          'give it a backup bucket, with the plugin as isWALArchiver on an ObjectStore of its namespace',
      };
    }
    if (scheduled.has(key)) return [];
    return {
      path,
      cause: `Cluster ${key} archives its log, and no ScheduledBackup makes the whole backup that the log continues`,
      remedy: 'add a ScheduledBackup with method: plugin, not suspended',
    };
  });
}

function shared(writers: readonly Writer[]): Finding[] {
  return writers.flatMap((writer, index) =>
    writers.slice(0, index).flatMap((other) => [
      ...(overlap(writer, other)
        ? [
            {
              path: writer.path,
              cause: `${writer.name} writes backups to ${placeName(writer)}, ${other.name} to ${placeName(other)}: one is inside the other`,
              remedy: 'give each a bucket or a folder of its own',
            },
          ]
        : []),
      ...(writer.keys === other.keys
        ? [
            {
              path: writer.path,
              cause: `${writer.name} and ${other.name} write backups with the same keys, Secret ${writer.keys}: who has one's keys can destroy both`,
              remedy: 'give each a bucket of its own, with its own keys',
            },
          ]
        : []),
    ]),
  );
}

function overlap(a: Writer, b: Writer): boolean {
  if (a.host !== b.host || a.bucket !== b.bucket) return false;
  const [inner, outer] = a.folder.length > b.folder.length ? [a, b] : [b, a];
  return outer.folder === '' || `${inner.folder}/`.startsWith(`${outer.folder}/`);
}

function placeName({ host, bucket, folder }: Writer): string {
  return [host, bucket, ...(folder === '' ? [] : [folder])].join('/');
}

/**
 * Clusters of an environment differ in their names alone: where a place names environment and cluster, every other
 * cluster's place is another.
 */
function anonymous(writer: Writer, { environment, cluster }: Platform): Finding[] {
  const { path, name, bucket, folder, isDatabase } = writer;
  if (!isDatabase && isInside(writer)) return [];
  const identity = `${environment.environment}-${cluster.name}`;
  const telling = new RegExp(`(^|[-/])${environment.environment}[-/](.*[-/])?${cluster.name}($|[-/])`);
  if (telling.test(isDatabase ? folder : `${bucket}/${folder}`)) return [];
  const twins = environment.clusters
    .filter((other) => other.name !== cluster.name)
    .map((other) => other.name);
  return [
    {
      path,
      cause: `${name} writes backups to ${placeName(writer)}, which does not name environment and cluster, ${identity}: ${twins.length > 0 ? `clusters ${twins.join(', ')} write` : 'a cluster that is made again writes'} to the same place`,
      remedy: `have "${identity}" in the folder's name${isDatabase ? ' (serverName)' : ''}`,
    },
  ];
}

/** A service of the cluster itself, on its own volumes. */
function isInside({ host }: Writer): boolean {
  return host.endsWith(`.svc.${CLUSTER_DOMAIN}`);
}

function captive(writer: Writer, { environment }: Platform): Finding[] {
  if (environment.environment !== 'production' || !isInside(writer)) return [];
  return [
    {
      path: writer.path,
      cause: `${writer.name} keeps its backups at ${writer.host}, inside the cluster that they are to bring back`,
      remedy: 'write objectStorage.engine: external in config/production.yaml',
    },
  ];
}

/** Databases that start from, or follow, the very archive that they write. */
function circular(platform: Platform, inventory: Inventory): Finding[] {
  return clustersIn(platform).flatMap(({ path, manifest }) => {
    const { namespace, name } = manifest.metadata;
    const { plugins = [], bootstrap, replica, externalClusters = [] } = spec<ClusterSpec>(manifest);
    const place = (parameters?: Readonly<Record<string, string>>): string | undefined => {
      const found = placeOf(inventory, namespace, name, parameters);
      return found && `${found.host}/${found.bucket}/${found.folder}`;
    };
    const own = place(plugins.find(({ isWALArchiver }) => isWALArchiver)?.parameters);
    const sources = new Set([bootstrap?.recovery?.source, replica?.source]);
    return externalClusters
      .filter((external) => sources.has(external.name) && own !== undefined)
      .filter(({ plugin }) => plugin && place(plugin.parameters) === own)
      .map((external) => ({
        path,
        cause: `Cluster ${namespace}/${name} is recovered from ${external.name}, ${own}, and writes to the same place`,
        remedy: 'give the recovered cluster a new serverName: its history would mix with the old one',
      }));
  });
}

const DAYS: Readonly<Record<string, number>> = { d: 1, w: 7, m: 30 };

function days(text = ''): number {
  const [, count, unit = ''] = /^(\d+)([dwm])$/.exec(text) ?? [];
  return Number(count ?? 0) * (DAYS[unit] ?? 0);
}

function forgetful({ environment, objects }: Platform): Finding[] {
  const { retention } = environment.postgres.backup;
  return objects
    .filter(({ manifest }) => manifest.kind === 'ObjectStore')
    .flatMap(({ path, manifest }) => {
      const { retentionPolicy } = spec<ObjectStoreSpec>(manifest);
      if (days(retentionPolicy) >= days(retention)) return [];
      return {
        path,
        cause: `ObjectStore ${manifest.metadata.namespace}/${manifest.metadata.name} keeps backups ${retentionPolicy ?? 'for no stated time'}, postgres.backup.retention is ${retention}`,
        remedy: `write retentionPolicy: ${retention}`,
      };
    });
}

/** As in `StatefulSet redis/cache-members`. */
function nameOf({ object: { manifest }, namespace }: PodSource): string {
  return `${manifest.kind} ${namespace}/${manifest.metadata.name}`;
}

function facts(writers: readonly Writer[], { pods }: Inventory): Fact[] {
  const written = new Set(writers.map(({ name }) => name));
  // A writer may also be somebody who reads another's volume.
  const read = pods
    .filter((source) => written.has(nameOf(source)))
    .flatMap(({ workload, namespace }) =>
      (workload.pod?.volumes ?? []).map(
        ({ persistentVolumeClaim }) => `${namespace}/${persistentVolumeClaim?.claimName}`,
      ),
    );
  const bare = pods.flatMap((source) => {
    const claims = claimsOf(source.object.manifest);
    const isRead = claims.some((claim) => read.includes(`${source.namespace}/${claim}`));
    return claims.length > 0 && !isRead && !written.has(nameOf(source)) ? [nameOf(source)] : [];
  });
  return [
    ...writers.map((writer) => ({ subject: writer.name, figure: placeName(writer) })),
    { subject: 'volumes without a backup', figure: bare.join(', ') || 'none' },
  ];
}
