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

/**
 * Holds platforms against guarantees.
 * @throws GuaranteeError with every finding of every guarantee against any of the platforms
 */
export function prove(guarantees: readonly Guarantee[], ...platforms: readonly Platform[]): void {
  const findings = proofsOf(guarantees, platforms).flatMap((proof) =>
    proof.findings.map((finding) => describe(proof, finding)),
  );
  if (findings.length > 0) throw new GuaranteeError(findings);
}

/** A finding for people: where, what, and what to do. */
export function describe(
  { platform: { environment, cluster }, guarantee }: Pick<Proof, 'platform' | 'guarantee'>,
  { path, cause, remedy }: Finding,
): string {
  return `${environment.environment}/${cluster.name}/${path}: ${cause} (${guarantee})\n    ${remedy}`;
}
