import type { Outcome } from '../acceptance/kubectl';

/** Where attacks are tried: kubectl, signed in as somebody who may do everything, to impersonate and to put things right. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<Outcome>;

/** One attack, and the same thing where it is permitted: an attack that cannot succeed anywhere would prove nothing. */
export interface Attack {
  readonly name: string;
  /** What stops it. */
  readonly means: string;
  /** What the refusal must say. */
  readonly refusal: RegExp;
  readonly attempt: (kubectl: Kubectl) => Promise<Outcome>;
  /** What the control case is. */
  readonly permitted: string;
  readonly control: (kubectl: Kubectl) => Promise<Outcome>;
}

/** What came of an attack. */
export interface Result {
  readonly attack: Attack;
  /** Undefined where the attack was stopped and its control passed. */
  readonly problem?: string;
  /** The refusal, as it was said. */
  readonly said: string;
}

/** Tries one attack and its control. */
export async function tryAttack(attack: Attack, kubectl: Kubectl): Promise<Result> {
  const control = await attack.control(kubectl);
  const { status, stdout, stderr } = await attack.attempt(kubectl);
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
