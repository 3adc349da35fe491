import { dump } from 'js-yaml';
import { type ClusterChange, type ObjectChange, phaseOf } from '../changes/changes';
import type { FieldChange } from '../changes/fields';
import { type Edit, editsBetween } from '../changes/lines';
import type { Verdict } from '../safety/allowances';

/** What is shown: two sides, what differs, and what of it hurts. */
export interface Comparison {
  /** As in `dist at origin, 1a2b3c4d5e`. */
  readonly before: string;
  /** As in `dist/`. */
  readonly after: string;
  readonly clusters: readonly ClusterChange[];
  readonly verdict: Verdict;
}

/** How a field is shown: short values in one line, long ones line by line. */
export type Shown = { readonly path: string } & (
  { readonly before: string; readonly after: string } | { readonly edits: readonly Edit[] }
);

/** Signs of what happens to an object. */
export const SIGNS: Readonly<Record<ObjectChange['how'], string>> = {
  added: '+',
  changed: '~',
  replaced: '±',
  moved: '»',
  removed: '-',
};

/** Clusters that differ. */
export function changedIn({ clusters }: Comparison): ClusterChange[] {
  return clusters.filter(({ changes }) => changes.length > 0);
}

/** Changes of a cluster by phase, in the order of phases. */
export function byPhase({ changes }: ClusterChange): [phase: string, changes: ObjectChange[]][] {
  const phases = [...new Set(changes.map(phaseOf))];
  return phases.map((phase) => [phase, changes.filter((change) => phaseOf(change) === phase)]);
}

/** What is to be read of a change; an object that comes or goes is shown whole. */
export function shownOf({ how, before, after, fields }: ObjectChange): Shown[] {
  if (how !== 'added' && how !== 'removed') return fields.map(shown);
  return [{ path: '', edits: editsBetween(yaml(before?.manifest), yaml(after?.manifest)) }];
}

function shown({ path, before, after, edits }: FieldChange): Shown {
  if (edits) return { path, edits };
  if (isFlat(before) && isFlat(after)) return { path, before: inline(before), after: inline(after) };
  return { path, edits: editsBetween(yaml(before), yaml(after)).filter(({ line }) => line !== '') };
}

function isFlat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Array.isArray(value) && value.every((each) => typeof each !== 'object');
}

function inline(value: unknown): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}

function yaml(value: unknown): string {
  return value === undefined ? '' : dump(value, { lineWidth: -1, noRefs: true }).trimEnd();
}
