import { type ClusterChange, placeOf } from '../changes/changes';
import { lostCluster, lostData } from './data';
import { immutableField } from './immutable';
import type { Danger, Direction, Rule } from './rule';

/** Everything that is refused unless it is allowed by name. */
export const rules: readonly Rule[] = [lostCluster, lostData, immutableField];

/** What would hurt, cluster by cluster. */
export function dangersIn(changes: readonly ClusterChange[], direction: Direction): Danger[] {
  return changes.flatMap((change) =>
    rules.flatMap(({ name, why, remedy, find }) =>
      find(change, direction).map((hazard) => ({
        rule: name,
        place: placeOf(change),
        why,
        remedy,
        ...hazard,
      })),
    ),
  );
}
