import { selects } from '../../guarantees/label-selector';
import type { LabelSelector } from '../../imports/k8s';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec, type Workload, workloadOf } from '../../constructs/platform/workloads';
import { type ClusterChange, nameOf } from '../changes/changes';
import type { Hazard, Rule } from './rule';

/** Kinds whose pods hold votes and copies of data, rather than being any number of the same. */
const VOTING: ReadonlySet<string> = new Set(['StatefulSet', 'Cluster']);

/** Below this many members none can be lost. */
const QUORUM = 3;

/** One set of pods on both sides. */
interface Pair {
  readonly before: Workload;
  readonly after: Workload;
}

/** Members that leave, or that make a majority harder. */
export const lostQuorum: Rule = {
  name: 'lost-quorum',
  why: 'those that leave take votes and copies with them; an even number bears no more losses than one less',
  remedy:
    'keep an odd number of at least 3; a group is made smaller by its own procedure, one member at a time, and then allowed by name',
  find: (change) =>
    pairs(change).flatMap(({ before, after }) => {
      const { manifest, replicas: to } = after;
      const from = before.replicas;
      const isVoting = VOTING.has(manifest.kind) && from >= QUORUM;
      const object = nameOf(manifest);
      if (isVoting && to < from) return [{ object, what: `goes from ${from} to ${to} members` }];
      if (isVoting && from % 2 === 1 && to % 2 === 0)
        return [{ object, what: `goes from ${from} to ${to} members, an even number` }];
      if (from > 1 && to < 2 && budgetsOf(change.before, before).length > 0)
        return [
          {
            object,
            what: `goes from ${from} to ${to} pods, which a drain takes away all at once or not at all`,
          },
        ];
      return [];
    }),
};

/** Pods that drains may take away all at once from now on. */
export const lostBudget: Rule = {
  name: 'lost-budget',
  why: 'a drain of nodes may then take all of its pods at once, and with them the service or its majority',
  remedy: 'keep the PodDisruptionBudget as long as its pods are there',
  find: (change) =>
    pairs(change).flatMap(({ before, after }): Hazard[] => {
      if (after.replicas < 2 || budgetsOf(change.after, after).length > 0) return [];
      return budgetsOf(change.before, before).map((budget) => ({
        object: nameOf(budget),
        what: `guards ${nameOf(after.manifest)} (${after.replicas} pods) no more`,
      }));
    }),
};

/** Objects that make pods, and that stay. */
function pairs({ before, after }: ClusterChange): Pair[] {
  const old = new Map(before.map(({ manifest }) => [nameOf(manifest), manifest]));
  return after.flatMap(({ manifest }) => {
    const former = old.get(nameOf(manifest));
    const [from, to] = [former && workloadOf(former), workloadOf(manifest)];
    return from && to ? [{ before: from, after: to }] : [];
  });
}

/** What keeps drains from taking all pods of a workload: budgets that select them, or the operator's own. */
function budgetsOf(objects: ClusterChange['after'], { manifest, labels }: Workload): Manifest[] {
  if (manifest.kind === 'Cluster')
    return spec<{ enablePDB?: boolean }>(manifest).enablePDB === false ? [] : [manifest];
  return objects
    .map((printed) => printed.manifest)
    .filter(
      (budget) =>
        budget.kind === 'PodDisruptionBudget' &&
        budget.metadata.namespace === manifest.metadata.namespace &&
        selects(spec<{ selector?: LabelSelector }>(budget).selector, labels),
    );
}
