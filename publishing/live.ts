import { PHASES } from '../charts/phase-chart';
import { type Answer, type Cluster, type Live, Refusal } from '../acceptance/cluster';
import type { Manifest } from '../constructs/platform/manifest';
import { PLATFORM_LABELS } from '../constructs/platform/labels';
import type { Printed } from '../synth/dist';
import { type ClusterChange, clusterChanges, nameOf, placeOf } from './changes/changes';
import { isMadeAnew } from './safety/immutable';
import type { Danger } from './safety/rule';

/** What a running cluster holds beside what is printed for it. */
export interface LiveComparison {
  readonly clusters: readonly ClusterChange[];
  /** What the API server would not take. */
  readonly refused: readonly Danger[];
}

/** The parts of a client that are needed; nothing is changed through them. */
export type Reader = Pick<Cluster, 'get' | 'list' | 'pathOf' | 'request'>;

/** Who applies where nobody has yet: Argo CD. */
const MANAGER = 'argocd-controller';

/** Marks of what this program prints; what an object makes may carry them as well, but has an owner. */
const OURS = Object.entries({ ...PLATFORM_LABELS, 'app.kubernetes.io/managed-by': 'cdk8s' })
  .map(([label, value]) => `${label}=${value}`)
  .join(',');

/**
 * Compares a running cluster with what is printed for it, field by field, defaults and all: the API server is asked what it
 * would make of each object (a server-side apply that is not kept), as whoever applied the live one. Objects of ours that
 * are printed no more are found by their labels, among the kinds that are printed.
 */
export async function compareLive(cluster: Reader, printed: readonly Printed[]): Promise<LiveComparison> {
  const sides = await Promise.all(printed.map((each) => sidesOf(cluster, each)));
  const strays = await straysIn(cluster, printed);
  return {
    clusters: clusterChanges(
      [...sides.flatMap(({ before }) => before ?? []), ...strays],
      sides.map(({ after }) => after),
    ),
    refused: sides.flatMap(({ refused }) => refused ?? []),
  };
}

interface Sides {
  readonly before?: Printed;
  readonly after: Printed;
  readonly refused?: Danger;
}

async function sidesOf(cluster: Reader, printed: Printed): Promise<Sides> {
  const live = await find(cluster, printed.manifest);
  const before = live && { ...printed, manifest: told(live) };
  try {
    const { body } = await tryApply(cluster, printed.manifest, live);
    // What is new is shown as it is printed: nobody needs the defaults of what is not there yet.
    return before ? { before, after: { ...printed, manifest: told(body) } } : { after: printed };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // Its namespace or its kind is printed as well and comes first, or it is deleted and made anew.
    if (error.reason === 'NotFound' || isMadeAnew(printed.manifest))
      return { ...(before && { before }), after: printed };
    const refused: Danger = {
      rule: 'refused',
      place: placeOf(printed),
      object: nameOf(printed.manifest),
      what: `would be refused: ${error.message}`,
      why: 'the sync fails, and with it whatever comes in later waves',
      remedy: 'change what the API server has against it',
    };
    return { ...(before && { before }), after: printed, refused };
  }
}

/** The live object; undefined also where the cluster does not know its kind. */
async function find(cluster: Reader, manifest: Manifest): Promise<Live | undefined> {
  try {
    return await cluster.get(manifest);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

/** Only who applied a field before takes it away by leaving it out. */
async function tryApply(cluster: Reader, manifest: Manifest, live: Live | undefined): Promise<Answer<Live>> {
  const managers = (
    (live?.metadata as { managedFields?: readonly { manager: string; operation: string }[] } | undefined)
      ?.managedFields ?? []
  ).filter(({ operation }) => operation === 'Apply');
  return cluster.request('PATCH', await cluster.pathOf(manifest), {
    query: {
      dryRun: 'All',
      fieldManager: managers[0]?.manager ?? MANAGER,
      fieldValidation: 'Strict',
      force: 'true',
    },
    body: manifest,
    contentType: 'application/apply-patch+yaml',
  });
}

/** Objects of ours that nothing prints any more. */
async function straysIn(cluster: Reader, printed: readonly Printed[]): Promise<Printed[]> {
  const [first] = printed;
  if (!first) return [];
  const names = new Set(printed.map(({ manifest }) => nameOf(manifest)));
  const kinds = new Map(
    printed.map(({ manifest: { apiVersion, kind } }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]),
  );
  const found = await Promise.all(
    [...kinds.values()].map(({ apiVersion, kind }) => listed(cluster, apiVersion, kind)),
  );
  return found
    .flat()
    .filter((live) => !live.metadata.ownerReferences && !names.has(nameOf(live)))
    .map((live) => ({ ...first, file: nameOf(live), phase: phaseOf(live), manifest: told(live) }));
}

async function listed(cluster: Reader, apiVersion: string, kind: string): Promise<Live[]> {
  try {
    return await cluster.list(apiVersion, kind, undefined, OURS);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'NotFound') return [];
    throw error;
  }
}

/** Argo CD writes the Application's name, which ends in the phase, into what it syncs. */
function phaseOf({ metadata }: Live): Printed['phase'] {
  const application = metadata.annotations?.['argocd.argoproj.io/tracking-id']?.split(':')[0] ?? '';
  return PHASES.find((phase) => application.endsWith(`-${phase}`)) ?? 'foundation';
}

/** What a person or a program wanted of an object, without what the API server notes of it. */
function told({ apiVersion, kind, metadata, ...fields }: Live): Manifest {
  const wanted = Object.fromEntries(Object.entries(fields).filter(([field]) => field !== 'status'));
  const { name, namespace, labels, annotations } = metadata;
  const own = Object.entries(annotations ?? {}).filter(
    ([key]) =>
      key !== 'kubectl.kubernetes.io/last-applied-configuration' && key !== 'argocd.argoproj.io/tracking-id',
  );
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels ? { labels } : {}),
      ...(own.length > 0 ? { annotations: Object.fromEntries(own) } : {}),
    },
    ...wanted,
  };
}
