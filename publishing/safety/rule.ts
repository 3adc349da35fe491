import type { ClusterChange } from '../changes/changes';

/** What a rule found in one cluster. */
export interface Hazard {
  /** As in `StatefulSet/redis/cache-members`. */
  readonly object: string;
  /** What would happen to it. */
  readonly what: string;
}

/** A kind of change that hurts once it is applied. Rules are pure: both sides in, hazards out. */
export interface Rule {
  /** How it is allowed by name. */
  readonly name: string;
  /** Why it hurts. */
  readonly why: string;
  readonly remedy: string;
  readonly find: (change: ClusterChange, direction: Direction) => readonly Hazard[];
}

/** Whether sources move on, or an earlier revision comes back. */
export type Direction = 'forward' | 'back';

/** A hazard with all that is known of it. */
export interface Danger extends Hazard, Pick<Rule, 'why' | 'remedy'> {
  readonly rule: string;
  /** As in `production/frankfurt`. */
  readonly place: string;
}
