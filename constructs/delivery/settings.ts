import type { ApplicationOperationRetry } from '../../imports/argoproj.io';

/** The cluster that Argo CD itself runs in: every cluster syncs itself. */
export const LOCAL_CLUSTER = 'https://kubernetes.default.svc';

/**
 * Retries that take up a newer revision as soon as there is one: without `refresh` a failed sync tries its old revision
 * again until the limit, and so a bad commit blocks the commit that mends it.
 */
export const RETRY: ApplicationOperationRetry = {
  limit: 10,
  refresh: true,
  backoff: { duration: '10s', factor: 2, maxDuration: '3m' },
};
