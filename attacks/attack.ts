import type { Outcome } from '../acceptance/kubectl';

/** One attack, and the same thing where it is permitted: an attack that cannot succeed anywhere would prove nothing. */
export interface Attack {
  readonly name: string;
  /** What stops it. */
  readonly means: string;
  /** What the refusal must say. */
  readonly refusal: RegExp;
  readonly attempt: () => Promise<Outcome>;
  /** What the control case is. */
  readonly permitted: string;
  /** Tried after the attack: it shows as well that nobody else suffers from it. */
  readonly control: () => Promise<Outcome>;
}

/** What came of an attack. */
export interface Result {
  readonly attack: Attack;
  /** Undefined where the attack was stopped and its control passed. */
  readonly problem?: string;
  /** The refusal, as it was said. */
  readonly said: string;
}

/** Where attacks are tried, while it is there. */
export interface Ground {
  /** As the table calls it. */
  readonly where: string;
  /** Opens it, has its attacks tried, and closes it. */
  readonly open: (tried: (attacks: readonly Attack[]) => Promise<void>) => Promise<void>;
}

/** Tries one attack and its control. */
export async function tryAttack(attack: Attack): Promise<Result> {
  const { status, stdout, stderr } = await attack.attempt();
  const control = await attack.control();
  const said = `${stderr}${stdout}`.trim();
  const problem =
    control.status !== 0
      ? `its control does not pass, so the attack proves nothing: ${control.stderr.trim()}`
      : status === 0
        ? 'it succeeded'
        : attack.refusal.test(said)
          ? undefined
          : `it was stopped by something else: ${said}`;
  return { attack, said, ...(problem === undefined ? {} : { problem }) };
}
