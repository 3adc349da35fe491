import type { Platform } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';

/** Everything that the guarantees have against the platforms of a synth. */
export class GuaranteeError extends Error {
  constructor(readonly findings: readonly string[]) {
    super([...findings, `${findings.length} finding(s): nothing was written`].join('\n'));
  }
}

/**
 * Holds a platform against guarantees.
 * @throws GuaranteeError with every finding of every guarantee
 */
export function prove(guarantees: readonly Guarantee[], platform: Platform): void {
  const findings = guarantees.flatMap(({ name, check }) =>
    check(platform).findings.map((finding) => describe(platform, name, finding)),
  );
  if (findings.length > 0) throw new GuaranteeError(findings);
}

function describe(
  { environment, cluster }: Platform,
  guarantee: string,
  { path, cause, remedy }: Finding,
): string {
  return `${environment.environment}/${cluster.name}/${path}: ${cause} (${guarantee})\n    ${remedy}`;
}
