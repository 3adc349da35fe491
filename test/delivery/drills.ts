import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../../acceptance/cluster';
import type { Recorder } from '../../acceptance/report';
import type { Manifest } from '../../constructs/platform/manifest';
import type { Application, ArgoCd } from './argo-cd';
import type { Repository, Revision } from './revisions';

/** What drills work on. */
export interface Stage {
  readonly argocd: ArgoCd;
  readonly cluster: Cluster;
  readonly repository: Repository;
  /** The commit of the first revision. */
  readonly first: string;
}

const ROOT = 'lighthouse-bootstrap';
const FOUNDATION = 'lighthouse-foundation';
const AUTOMATION = 'lighthouse-automation';

/** Seconds that a sync may take in the drills that wait for its end; as delivered it is half an hour. */
const SYNC_LIMIT = 45;

/** As delivered. */
const PATIENT = 1800;

/** Seconds between two looks of Argo CD at the branch, and what it takes then. */
const NEWS = 45;

const drill = (apiVersion: string, kind: string, name: string): Manifest => ({
  apiVersion,
  kind,
  metadata: { namespace: 'drill', name },
});
const STORE = drill('apps/v1', 'StatefulSet', 'store');
const FRONT = drill('apps/v1', 'Deployment', 'front');
const SETTINGS = drill('v1', 'ConfigMap', 'settings');
const EXTRA = drill('v1', 'ConfigMap', 'extra');

/** One drill: what it shows, and how. It returns what was seen. */
type Drill = (stage: Stage) => Promise<string>;

/** In this order; each leaves everything synced and healthy. */
export const DRILLS: Readonly<Record<string, Drill>> = {
  'first sync: everything is synced and healthy, phase after phase': firstSync,
  'nothing is done where nothing changed': idle,
  'a new commit is synced': newCommit,
  'a change that Jobs are part of is synced, and they run anew': newJobs,
  'what somebody changed by hand is put back': selfHeal,
  'what holds no data is pruned unasked': pruned,
  'what holds data stays until somebody agrees, and a fix gets in': pruneRefused,
  'what holds data goes when somebody agrees': pruneConfirmed,
  'a revision that the API server refuses gives way to its fix': refused,
  'a revision that never becomes healthy gives way to its fix': stuck,
  'a rollback is synced': rolledBack,
  'in a window that denies it nothing is synced, and a commit opens it': windowed,
};

export async function runDrills(recorder: Recorder, stage: Stage): Promise<void> {
  for (const [name, action] of Object.entries(DRILLS))
    // What comes after a failure would fail because of it.
    if (!(await recorder.check('Argo CD', name, () => action(stage)))) return;
}

async function firstSync({ argocd }: Stage): Promise<string> {
  const start = performance.now();
  const foundation = await until('the foundation is healthy', 240, () => whole(argocd, FOUNDATION));
  const healthyAt = Date.now();
  const took = since(start);
  const later = await until('the next phase is there', 60, () => argocd.application(AUTOMATION));
  const made = Date.parse(later.metadata.creationTimestamp ?? '');
  // Times of objects are whole seconds, and this looks every half.
  if (made < healthyAt - 1500)
    throw new Error(`${AUTOMATION} was made ${(healthyAt - made) / 1000} s before ${FOUNDATION} was healthy`);
  await until('the next phase is healthy', 60, () => whole(argocd, AUTOMATION));
  const root = await until('the root is healthy', 60, () => whole(argocd, ROOT));
  const objects = [foundation, root].flatMap(({ status }) => status?.resources ?? []);
  return `${objects.length} objects; foundation ${took}, all ${since(start)}`;
}

async function idle({ argocd }: Stage): Promise<string> {
  const names = [ROOT, FOUNDATION, AUTOMATION];
  const startOf = async (name: string) => (await argocd.application(name))?.status?.operationState?.startedAt;
  const before = await Promise.all(names.map(startOf));
  await sleep(15_000);
  const after = await Promise.all(names.map(startOf));
  const again = names.filter((_, i) => before[i] !== after[i]);
  if (again.length > 0) throw new Error(`${again.join(', ')} was synced again`);
  await Promise.all(names.map((name) => until(`${name} is as it was`, 1, () => whole(argocd, name))));
  return 'no sync in 15 s';
}

async function newCommit(stage: Stage): Promise<string> {
  const took = await deliver(stage, { marker: 'two' }, NEWS);
  if ((await marker(stage)) !== 'two') throw new Error('the ConfigMap is the old one');
  return `${took} after the push`;
}

async function newJobs(stage: Stage): Promise<string> {
  const { cluster, repository } = stage;
  const jobs = async () => {
    const all = await cluster.list('batch/v1', 'Job', 'postgres');
    return new Map(all.map(({ metadata }) => [metadata.name, metadata.uid]));
  };
  const before = await jobs();
  const commit = await repository.publish(later('two'));
  const start = performance.now();
  await until('the foundation is synced', 4 * NEWS, () => at(stage, commit, FOUNDATION));
  const took = since(start);
  const after = await jobs();
  const kept = [...after.values()].filter((uid) => [...before.values()].includes(uid));
  if (after.size !== before.size || kept.length > 0)
    throw new Error(`${kept.length} of ${before.size} Jobs were not made anew, there are ${after.size}`);
  return `${after.size} Jobs of PostgreSQL made anew, all in ${took} after the push`;
}

async function selfHeal({ cluster, argocd }: Stage): Promise<string> {
  const scaled = performance.now();
  await cluster.kubectl(['-n', 'drill', 'scale', 'deployment/front', '--replicas=5']);
  await until('replicas are put back', 30, async () =>
    ((await cluster.get(FRONT))?.['spec'] as { replicas: number }).replicas === 2 ? true : undefined,
  );
  const tookBack = since(scaled);
  const [policy] = await cluster.list('networking.k8s.io/v1', 'NetworkPolicy', 'redis');
  if (!policy) throw new Error('there is no policy in redis');
  const deleted = performance.now();
  await cluster.remove(policy);
  await until('the policy is made again', 60, () => cluster.get(policy));
  const made = since(deleted);
  await until('the foundation is healthy again', 60, () => whole(argocd, FOUNDATION));
  return `replicas after ${tookBack}, a deleted policy after ${made}`;
}

async function pruned(stage: Stage): Promise<string> {
  await deliver(stage, later('three', { hasExtra: true }), NEWS);
  if (!(await stage.cluster.get(EXTRA))) throw new Error('the extra ConfigMap was not made');
  const took = await deliver(stage, later('three'), NEWS);
  if (await stage.cluster.get(EXTRA)) throw new Error('the extra ConfigMap is still there');
  return `${took} after the push`;
}

async function pruneRefused(stage: Stage): Promise<string> {
  const store = await stage.cluster.get(STORE);
  await stage.argocd.limitSyncs(SYNC_LIMIT);
  const asked = await askedToConfirm(stage);
  await sleep(10_000);
  const still = await stage.cluster.get(STORE);
  if (!store || still?.metadata.uid !== store.metadata.uid) throw new Error('the StatefulSet is gone');
  if ((await marker(stage)) !== 'no store') throw new Error('the rest of the revision waits too');
  const took = await deliver(stage, later('four'), SYNC_LIMIT + NEWS);
  return `"${asked}"; the StatefulSet stays, the fix is in ${took} after its push`;
}

async function pruneConfirmed(stage: Stage): Promise<string> {
  await askedToConfirm(stage);
  const start = performance.now();
  const approval = `argocd.argoproj.io/deletion-approved=${new Date().toISOString().replace(/\.\d+Z/, 'Z')}`;
  await stage.cluster.kubectl(['-n', 'argocd', 'annotate', 'application', AUTOMATION, approval]);
  await until('the StatefulSet is gone', 60, async () =>
    (await stage.cluster.get(STORE)) ? undefined : true,
  );
  const gone = since(start);
  await deliver(stage, later('five'), NEWS);
  return `gone ${gone} after the annotation`;
}

/** Takes the StatefulSet off the branch, past the safety check, and waits until Argo CD asks. */
async function askedToConfirm({ repository, argocd }: Stage): Promise<string> {
  repository.push(later('no store', { store: false }));
  return until('Argo CD asks', NEWS, async () => {
    const message = (await argocd.application(AUTOMATION))?.status?.operationState?.message ?? '';
    return /pruning confirmation of apps\/v1\/StatefulSet\/store/.test(message) ? message : undefined;
  });
}

async function refused(stage: Stage): Promise<string> {
  const { argocd } = stage;
  await stage.repository.publish(later('refused', { isRefused: true }));
  const start = performance.now();
  const why = await until('the revision is refused', 2 * NEWS, async () => {
    const state = (await argocd.application(AUTOMATION))?.status?.operationState;
    return (state?.retryCount ?? 0) >= 1 ? state?.message : undefined;
  });
  const seen = since(start);
  const isWhole = (await marker(stage)) !== 'refused';
  const took = await deliver(stage, later('six'), NEWS);
  return `"${why}" after ${seen}; ${isWhole ? 'nothing' : 'a part'} of it was applied; the fix is in ${took} after its push`;
}

async function stuck(stage: Stage): Promise<string> {
  const { argocd, repository } = stage;
  await repository.publish(later('stuck', { isStuck: true }));
  const message = await until('a wave waits', NEWS, async () => {
    const state = (await argocd.application(AUTOMATION))?.status?.operationState;
    return state?.phase === 'Running' && /healthy state of apps\/StatefulSet\/store/.test(state.message ?? '')
      ? state.message
      : undefined;
  });
  const commit = await repository.publish(later('seven'));
  const start = performance.now();
  await until('the fix is healthy', SYNC_LIMIT + 2 * NEWS, () => at(stage, commit));
  const took = since(start);
  await argocd.limitSyncs(PATIENT);
  return `"${message}"; the fix is in ${took} after its push (a sync may take ${SYNC_LIMIT} s here)`;
}

async function rolledBack(stage: Stage): Promise<string> {
  const start = performance.now();
  const commit = stage.repository.rollback(stage.first);
  await until('the rollback is synced', NEWS, () => at(stage, commit));
  if ((await marker(stage)) !== 'one') throw new Error('the ConfigMap is not the first');
  const took = since(start);
  await until('the foundation is back too', 4 * NEWS, () => at(stage, commit, FOUNDATION));
  return `${took} after the command; the foundation with its Jobs ${since(start)}`;
}

async function windowed(stage: Stage): Promise<string> {
  const { argocd, repository } = stage;
  const always = { schedule: '* * * * *', duration: '1h', timeZone: 'UTC', manualSync: true };
  await deliver(stage, { marker: 'eight' }, NEWS);
  await repository.publish({ marker: 'eight', syncWindows: [{ kind: 'deny', ...always }] });
  await until('the window is there', 2 * NEWS, async () => {
    const project = await stage.cluster.get({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AppProject',
      metadata: { namespace: 'argocd', name: 'lighthouse' },
    });
    return (project?.['spec'] as { syncWindows?: unknown }).syncWindows;
  });
  const denied = { marker: 'nine', syncWindows: [{ kind: 'deny' as const, ...always }] };
  const commit = await repository.publish(denied);
  await until('Argo CD sees the commit', NEWS, async () => {
    const sync = (await argocd.application(AUTOMATION))?.status?.sync;
    return sync?.revision === commit && sync.status === 'OutOfSync' ? true : undefined;
  });
  await sleep(15_000);
  if ((await marker(stage)) !== 'eight') throw new Error('it was synced all the same');
  const took = await deliver(stage, { marker: 'nine' }, SYNC_LIMIT + NEWS);
  return `not synced in 8 s; after the commit that opens it: ${took}`;
}

/** A revision after the one that changed the foundation, which stays as it is then. */
function later(marker: string, more: Partial<Revision> = {}): Revision {
  return { marker, isUpdated: true, ...more };
}

/** What the ConfigMap in the cluster says of the revision. */
async function marker({ cluster }: Stage): Promise<string | undefined> {
  return ((await cluster.get(SETTINGS))?.['data'] as { marker?: string } | undefined)?.marker;
}

/** Publishes a revision and waits until it is synced and healthy. @returns how long that took */
async function deliver(stage: Stage, revision: Revision, seconds: number): Promise<string> {
  const commit = await stage.repository.publish(revision);
  const start = performance.now();
  await until(`${revision.marker} is synced`, seconds, () => at(stage, commit));
  return since(start);
}

async function at({ argocd }: Stage, commit: string, name = AUTOMATION): Promise<Application | undefined> {
  const application = await whole(argocd, name);
  return application?.status?.sync?.revision === commit ? application : undefined;
}

/** An Application that is synced and healthy, with everything in it; undefined as long as it is not. */
async function whole(argocd: ArgoCd, name: string): Promise<Application | undefined> {
  const application = await argocd.application(name);
  const { sync, health, operationState, resources = [] } = application?.status ?? {};
  const isWhole =
    sync?.status === 'Synced' &&
    health?.status === 'Healthy' &&
    operationState?.phase !== 'Running' &&
    resources.every(({ status }) => status === undefined || status === 'Synced');
  return isWhole ? application : undefined;
}

/**
 * Asks again and again until there is an answer.
 * @throws Error where there is none in time
 */
async function until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + seconds * 1000; ; await sleep(500)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`);
  }
}

function since(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
