import type { Platform } from '../synth/platform';
import type { Finding, Guarantee, Verdict } from './guarantee';

/** Everything that the guarantees have against the platforms of a synth. */
export class GuaranteeError extends Error {
  constructor(readonly findings: readonly string[]) {
    super([...findings, `${findings.length} finding(s): nothing was written`].join('\n'));
  }
}

/** What one guarantee says about one platform. */
export interface Proof extends Verdict {
  readonly platform: Platform;
  /** The guarantee's name. */
  readonly guarantee: string;
}

/** Holds platforms against guarantees: what each says about each, platform by platform. */
export function proofsOf(guarantees: readonly Guarantee[], platforms: readonly Platform[]): Proof[] {
  return platforms.flatMap((platform) =>
    guarantees.map(({ name, check }) => ({ platform, guarantee: name, ...check(platform) })),
  );
}

/** What any of the guarantees has against a platform, for people. */
export function findingsAgainst(platform: Platform, guarantees: readonly Guarantee[]): string[] {
  return proofsOf(guarantees, [platform]).flatMap((proof) =>
    proof.findings.map((finding) => describe(proof, finding)),
  );
}

/** A finding for people: where, what, and what to do. */
export function describe(
  { platform: { environment, cluster }, guarantee }: Pick<Proof, 'platform' | 'guarantee'>,
  { path, cause, remedy }: Finding,
): string {
  return `${environment.environment}/${cluster.name}/${path}: ${cause} (${guarantee})\n    ${remedy}`;
}
