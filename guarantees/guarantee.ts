import type { Platform } from '../synth/platform';

/** Something that would not work, or would not be safe, when it is applied. */
export interface Finding {
  /** The construct that made it. */
  readonly path: string;
  /** What is wrong, with the values that show it. */
  readonly cause: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** What a guarantee found, and the numbers that it proved on the way. */
export interface Verdict {
  readonly findings: readonly Finding[];
  /** What was proved, for the report: a subject and a figure each. */
  readonly facts: readonly Fact[];
}

export interface Fact {
  readonly subject: string;
  readonly figure: string;
}

/** A promise about a whole platform. It only looks; it never changes an object. */
export interface Guarantee {
  /** A few words, as in the report. */
  readonly name: string;
  readonly check: (platform: Platform) => Verdict;
}
