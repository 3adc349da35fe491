import { type ClusterChange, placeOf, withoutHash } from '../changes/changes';
import { movedBackup, shorterRetention } from './backups';
import { lostCluster, lostData } from './data';
import { immutableField } from './immutable';
import { lostBudget, lostQuorum } from './members';
import { lostConnection } from './network';
import type { Danger, Direction, Rule } from './rule';
import { movedSchema } from './schema';
import { shrunkStorage } from './storage';
import { brokenTrust } from './trust';

/** Everything that is refused unless it is allowed by name. */
export const rules: readonly Rule[] = [
  lostCluster,
  lostData,
  immutableField,
  shrunkStorage,
  lostQuorum,
  lostBudget,
  lostConnection,
  movedBackup,
  shorterRetention,
  movedSchema,
  brokenTrust,
];

/** What would hurt, cluster by cluster. Objects are named without the hash of their content, which changes with each edit. */
export function dangersIn(changes: readonly ClusterChange[], direction: Direction): Danger[] {
  return changes.flatMap((change) =>
    rules.flatMap(({ name, why, remedy, find }) =>
      find(change, direction).map(({ object, what }) => ({
        rule: name,
        place: placeOf(change),
        object: withoutHash(object),
        what,
        why,
        remedy,
      })),
    ),
  );
}
