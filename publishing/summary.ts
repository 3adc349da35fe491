import { type ClusterChange, type ObjectChange, placeOf } from './changes/changes';

const WORDS: readonly ObjectChange['how'][] = ['added', 'changed', 'replaced', 'moved', 'removed'];

/** A line for each cluster that changes, as in `production/frankfurt: 1 added, 2 changed`. */
export function countsOf(clusters: readonly ClusterChange[]): string[] {
  return clusters
    .filter(({ changes }) => changes.length > 0)
    .map((cluster) => `${placeOf(cluster)}: ${countOf(cluster)}`);
}

export function countOf({ changes }: ClusterChange): string {
  return WORDS.map((word) => ({ word, count: changes.filter(({ how }) => how === word).length }))
    .filter(({ count }) => count > 0)
    .map(({ word, count }) => `${count} ${word}`)
    .join(', ');
}
