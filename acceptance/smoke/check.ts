import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../constructs/platform/manifest';
import { MAKES } from '../../constructs/platform/labels';
import { spec } from '../../constructs/platform/workloads';
import { connectedAt, type Goal, type Outside, type Place, type Standing } from '../place';
import type { Trial } from '../trial';

/** One thing that a client of a service does, as a shell script. */
export interface Attempt {
  readonly name: string;
  /** Must succeed; `$ID` is another text each time. */
  readonly script: string;
  /**
   * For what must be refused: the script must fail, and say this.
   * @default - it must succeed
   */
  readonly refusal?: RegExp;
  /** @default 60 */
  readonly seconds?: number;
}

/** An attempt in Python, with the functions of `client` before it. */
export function pythonWith(client: string, script: string): string {
  return `python3 - <<'END_OF_SCRIPT'\n${client}\n${script}\nEND_OF_SCRIPT`;
}

/** What a service's clients do, and where they stand while they do it. */
export interface Visit {
  /** The service. */
  readonly subject: string;
  readonly standing: Standing;
  /** What the place is let through to for the time being. */
  readonly goals: readonly (Goal | Outside)[];
  /** Shell that each script begins with. */
  readonly prelude: string;
  readonly attempts: readonly Attempt[];
}

/** Stands where a client would, and does what it would do: each attempt is a check of its own. */
export async function visit(
  { cluster, recorder }: Trial,
  { subject, standing, goals, ...what }: Visit,
): Promise<void> {
  const { prelude, attempts } = what;
  let tried = 0;
  try {
    await connectedAt(cluster, standing, goals, async (place) => {
      await sleep(POLICY_MILLISECONDS);
      for (const attempt of attempts) {
        tried++;
        await recorder.check(subject, attempt.name, () => attempted(place, prelude, attempt));
      }
    });
  } catch (error) {
    await recorder.check(subject, 'a client of it', () => Promise.reject(error as Error));
    for (const { name } of attempts.slice(tried)) recorder.skip(subject, name, 'no client could stand there');
  }
}

/** Milliseconds that a policy engine may take to know a new pod. */
const POLICY_MILLISECONDS = 2000;

async function attempted(
  place: Place,
  prelude: string,
  { script, refusal, seconds = 60 }: Attempt,
): Promise<string> {
  const whole = `set -eu\nID=${randomUUID()}\n${prelude}\n${script}\n`;
  if (!refusal) return place.run(whole, seconds);
  let said: string;
  try {
    said = `it was allowed: ${await place.run(whole, seconds)}`;
  } catch (error) {
    said = error instanceof Error ? error.message : String(error);
    if (refusal.test(said)) return 'refused';
  }
  throw new Error(`must be refused with ${refusal.source}, but ${said}`);
}

/** The Secret with a user's password that a Job makes in a namespace, by the end of its name. */
export function secretFor(manifests: readonly Manifest[], namespace: string, ending: string): string {
  const made = manifests.flatMap(({ metadata }) => metadata.annotations?.[MAKES]?.split(',') ?? []);
  const prefix = `Secret/${namespace}/`;
  const found = made
    .map((entry) => entry.split(':')[0] ?? '')
    .find((identity) => identity.startsWith(prefix) && identity.endsWith(ending));
  if (found === undefined) throw new Error(`no Job makes a Secret …${ending} in namespace ${namespace}`);
  return found.slice(prefix.length);
}

/** The value of a Secret's key as an environment variable. */
export function fromSecret(name: string, secret: string, key: string) {
  return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
}

/** The pods behind a Service, at the port that one of its ports leads to. */
export function goalOf(
  manifests: readonly Manifest[],
  namespace: string,
  service: string,
  portName: string,
): Goal {
  const found = manifests.find(
    ({ kind, metadata }) =>
      kind === 'Service' && metadata.namespace === namespace && metadata.name === service,
  );
  const { ports, selector } = found
    ? spec<{ ports: readonly { name: string; port: number }[]; selector: Readonly<Record<string, string>> }>(
        found,
      )
    : { ports: [], selector: {} };
  const port = ports.find(({ name }) => name === portName)?.port;
  if (port === undefined)
    throw new Error(`there is no Service ${namespace}/${service} with a port ${portName}`);
  return { namespace, labels: selector, port };
}
