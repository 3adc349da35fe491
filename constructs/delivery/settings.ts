import type { ApplicationOperationRetry, AppProjectSpec } from '../../imports/argoproj.io';

/** The cluster that Argo CD itself runs in: every cluster syncs itself. */
export const LOCAL_CLUSTER = 'https://kubernetes.default.svc';

/**
 * Retries that take up a newer revision as soon as there is one: without `refresh` a failed sync tries its old revision
 * again until the limit, and so a bad commit blocks the commit that mends it. As many as fit into the time that a sync may
 * take (`controller.sync.timeout.seconds`): after that nothing is tried again until there is another revision.
 */
export const RETRY: ApplicationOperationRetry = {
  limit: -1,
  refresh: true,
  backoff: { duration: '10s', factor: 2, maxDuration: '3m' },
};

/**
 * Differences are asked of the API server: what it fills in (the templates of claims, defaults of custom resources) and what
 * webhooks add is none. Compared otherwise, StatefulSets, ExternalSecrets and databases are healed for ever.
 */
export const COMPARED: Readonly<Record<string, string>> = {
  'argocd.argoproj.io/compare-options': 'ServerSideDiff=true',
};

/**
 * What is no longer wanted goes last, when all else is there and healthy: a sync that waits for somebody to confirm a deletion
 * has then done everything else, and pods keep their settings until they are replaced.
 */
export const SYNC_OPTIONS: readonly string[] = ['ServerSideApply=true', 'PruneLast=true'];

/** Time in which Argo CD syncs by itself, or does not. */
export interface SyncWindow {
  readonly kind: 'allow' | 'deny';
  /** When it begins: five cron fields. */
  readonly schedule: string;
  /** Whole hours or minutes, as in `62h`. */
  readonly duration: string;
  /** IANA name of the time zone that the schedule is in. */
  readonly timeZone: string;
  /** Whether a person may sync nevertheless. */
  readonly manualSync: boolean;
}

/** Windows of a project, for all its Applications. */
export function windowsFor(windows: readonly SyncWindow[] | undefined): Pick<AppProjectSpec, 'syncWindows'> {
  if (windows === undefined || windows.length === 0) return {};
  return { syncWindows: windows.map((window) => ({ ...window, applications: ['*'] })) };
}
