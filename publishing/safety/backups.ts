import type { Manifest } from '../../constructs/platform/manifest';
import { containersOf, spec, workloadOf } from '../../constructs/platform/workloads';
import { nameOf, type ObjectChange } from '../changes/changes';
import { fieldsBetween, valueAt } from '../changes/fields';
import type { Hazard, Rule } from './rule';

/** What each kind says of where backups go, and whether they do. */
const DESTINATIONS: Readonly<Record<string, (manifest: Manifest) => unknown>> = {
  ObjectStore: (manifest) => pick(manifest, 'destinationPath', 'endpointURL'),
  Cluster: (manifest) => {
    const { plugins = [] } = spec<{ plugins?: readonly { isWALArchiver?: boolean }[] }>(manifest);
    return { plugins: plugins.filter(({ isWALArchiver }) => isWALArchiver === true) };
  },
  ScheduledBackup: (manifest) => ({ suspend: spec<{ suspend?: boolean }>(manifest).suspend ?? false }),
  CronJob: (manifest) => ({
    suspend: isBackup(manifest) && (spec<{ suspend?: boolean }>(manifest).suspend ?? false),
  }),
  StatefulSet: (manifest) => {
    const pod = workloadOf(manifest)?.pod;
    const variables = pod ? containersOf(pod).flatMap(({ env = [] }) => env) : [];
    return { env: variables.filter(({ name }) => /BACKUP.*(BUCKET|ENDPOINT|PATH)/.test(name)) };
  },
};

/** Backups that go elsewhere or stop, although what they save stays. */
export const movedBackup: Rule = {
  name: 'moved-backup',
  why: 'a recovery looks where backups go now, and finds nothing there until the first new one is complete',
  remedy:
    'keep the destination and the name; to move, allow it by name, take a base backup at once, and keep the old place as long as its backups are needed',
  find: ({ changes, after }) =>
    changes.flatMap((change) => {
      if (change.how === 'removed')
        return stopped(
          change,
          after.map(({ manifest }) => manifest),
        );
      const destination = change.after && DESTINATIONS[change.after.manifest.kind];
      if (!change.before || !change.after || !destination) return [];
      const object = nameOf(change.after.manifest);
      return fieldsBetween(destination(change.before.manifest), destination(change.after.manifest)).map(
        (field) => ({
          object,
          what: `changes where or whether backups go: ${field.path} from ${show(field.before)} to ${show(field.after)}`,
        }),
      );
    }),
};

/** Kinds that backups are taken of. */
const SAVED: ReadonlySet<string> = new Set(['Cluster', 'StatefulSet']);

function stopped({ before }: ObjectChange, after: readonly Manifest[]): Hazard[] {
  if (!before || !isBackup(before.manifest)) return [];
  const { namespace } = before.manifest.metadata;
  const saved = after.find(({ kind, metadata }) => SAVED.has(kind) && metadata.namespace === namespace);
  return saved
    ? [{ object: nameOf(before.manifest), what: `is taken away, while ${nameOf(saved)} stays` }]
    : [];
}

function isBackup({ kind, metadata }: Manifest): boolean {
  const component = metadata.labels?.['app.kubernetes.io/component'];
  return kind === 'ScheduledBackup' || (kind === 'CronJob' && component === 'backup');
}

function pick(manifest: Manifest, ...fields: readonly string[]): unknown {
  return Object.fromEntries(fields.map((field) => [field, valueAt(manifest, `spec.configuration.${field}`)]));
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** Days that something is kept, as each object says it. */
const RETENTIONS: Readonly<Record<string, (manifest: Manifest) => number | undefined>> = {
  ObjectStore: (manifest) => daysIn(spec<{ retentionPolicy?: string }>(manifest).retentionPolicy),
  // The event store's settings are a payload file: constructs/postgres-cluster/event-store/settings.sql.
  ConfigMap: (manifest) => {
    const settings =
      (manifest['data'] as Readonly<Record<string, string>> | undefined)?.['settings.sql'] ?? '';
    const [, days] = /'retention_days', '(\d+)'/.exec(settings) ?? [];
    return days === undefined ? undefined : Number(days);
  },
};

/** What was to be kept longer and is deleted at the next occasion. */
export const shorterRetention: Rule = {
  name: 'shorter-retention',
  why: 'what is older is deleted at the next occasion, and going back does not bring it back',
  remedy: 'keep the retention; where it was lengthened by mistake, make sure that nobody needs what would go',
  find: ({ changes }) =>
    changes.flatMap(({ before, after }) => {
      const retention = after && RETENTIONS[after.manifest.kind];
      if (!before || !retention) return [];
      const [from, to] = [retention(before.manifest), retention(after.manifest)];
      if (from === undefined || to === undefined || to >= from) return [];
      return [{ object: nameOf(after.manifest), what: `keeps ${to} days instead of ${from}` }];
    }),
};

const DAYS: Readonly<Record<string, number>> = { d: 1, w: 7, m: 30 };

/** As Barman counts: `30d`, `8w`, `6m`. */
function daysIn(text = ''): number | undefined {
  const [, count, unit = ''] = /^(\d+)([dwm])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (DAYS[unit] ?? 1);
}
