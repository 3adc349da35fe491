import { setTimeout as sleep } from 'node:timers/promises';
import { short } from './source';

/** What Argo CD says of an Application, as far as it matters here. */
export interface Application {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly source?: { readonly path?: string } };
  readonly status?: {
    readonly sync?: { readonly status?: string; readonly revision?: string };
    readonly health?: { readonly status?: string; readonly message?: string };
    readonly operationState?: {
      readonly phase?: string;
      readonly message?: string;
      readonly syncResult?: { readonly revision?: string };
    };
  };
}

/** How far a revision has come: `untried` where nothing of it was applied, so that nothing speaks against it. */
export type State = 'healthy' | 'superseded' | 'failed' | 'waiting' | 'untried';

export interface Seen {
  readonly name: string;
  readonly state: State;
  readonly why: string;
}

/** What is waited for: all Applications of a cluster at a revision. */
export interface Expected {
  readonly revision: string;
  readonly names: readonly string[];
  /** Whether a revision was published after the expected one. */
  readonly isNewer: (revision: string) => boolean;
}

/** What each expected Application has come to. */
export function seenIn(applications: readonly Application[], expected: Expected): Seen[] {
  return expected.names.map((name) => {
    const application = applications.find(({ metadata }) => metadata.name === name);
    const [state, why] = application
      ? stateOf(application, expected)
      : (['untried', 'is not there'] as const);
    return { name, state, why };
  });
}

function stateOf(
  { spec, status = {} }: Application,
  { revision, isNewer }: Expected,
): readonly [State, string] {
  const { sync = {}, health = {}, operationState: operation = {} } = status;
  // Operators are charts of other repositories: their revisions are not the branch's.
  const isOurs = spec.source?.path !== undefined;
  const at = sync.revision ?? '';
  if (isOurs && at !== revision) {
    if (at !== '' && isNewer(at)) return ['superseded', `is at ${short(at)}, which is newer`];
    return ['untried', at === '' ? 'has not been compared' : `is at ${short(at)}`];
  }
  const wasTried = !isOurs || operation.syncResult?.revision === revision;
  const { phase = '', message = '' } = operation;
  // A sync of an older revision that has not ended yet says nothing of this one.
  if (phase === 'Running' || phase === 'Terminating')
    return wasTried
      ? ['waiting', `is being synced: ${message}`]
      : ['untried', `still syncs another: ${message}`];
  if (sync.status !== 'Synced') {
    const isOver = wasTried && (phase === 'Failed' || phase === 'Error');
    return isOver ? ['failed', message] : [wasTried ? 'waiting' : 'untried', 'is not synced'];
  }
  if (health.status === 'Healthy') return ['healthy', 'is healthy'];
  return [
    'waiting',
    `is ${(health.status ?? 'unknown').toLowerCase()}${health.message ? `: ${health.message}` : ''}`,
  ];
}

/** The state of all of them: whoever published again has the last word, and what is open decides before what is done. */
export function stateOfAll(seen: readonly Seen[]): State {
  const order = ['superseded', 'failed', 'waiting', 'untried', 'healthy'] as const;
  return order.find((state) => seen.some((each) => each.state === state)) ?? 'healthy';
}

export interface Patience {
  readonly timeoutSeconds: number;
  /** @default 10 */
  readonly pollSeconds?: number;
  /**
   * Looks in a row that must find everything healthy: a controller that has not seen its new object yet calls it healthy.
   * @default 3
   */
  readonly looks?: number;
}

/**
 * Looks again and again until a revision is healthy, failed or superseded, or the time is up.
 * @param look what is there now; an error is something to wait for as well
 * @param say is told whatever changes
 * @returns the last look; what was still waited for has failed, what was never tried stays so
 */
export async function arrival(
  look: () => Promise<readonly Seen[]>,
  say: (line: string) => void,
  { timeoutSeconds, pollSeconds = 10, looks = 3 }: Patience,
): Promise<Seen[]> {
  const end = Date.now() + timeoutSeconds * 1000;
  const told = new Map<string, string>();
  let healthy = 0;
  for (;;) {
    const seen = await look();
    for (const { name, why } of seen) {
      if (told.get(name) !== why) say(`${name} ${why}`);
      told.set(name, why);
    }
    const state = stateOfAll(seen);
    healthy = state === 'healthy' ? healthy + 1 : 0;
    if (state === 'failed' || state === 'superseded' || healthy >= looks) return [...seen];
    if (Date.now() + pollSeconds * 1000 > end && state !== 'healthy')
      return seen.map((each) => (each.state === 'waiting' ? { ...each, state: 'failed' } : each));
    await sleep(pollSeconds * 1000);
  }
}
