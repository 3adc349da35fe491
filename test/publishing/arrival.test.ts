import {
  type Application,
  arrival,
  type Seen,
  seenIn,
  type State,
  stateOfAll,
} from '../../publishing/arrival';

const REVISION = 'b'.repeat(40);
const OLDER = 'a'.repeat(40);
const NEWER = 'c'.repeat(40);

type Status = NonNullable<Application['status']>;

const application = (
  status?: Status,
  source: Application['spec']['source'] = { path: 'x/y/foundation' },
) => ({
  metadata: { name: 'foundation' },
  spec: { source },
  status,
});

const expected = { revision: REVISION, names: ['foundation'], isNewer: (at: string) => at === NEWER };

const at = (revision: string, status: Status = {}): Status => ({
  ...status,
  sync: { status: 'Synced', ...status.sync, revision },
});

const stateOf = (status?: Status, source?: Application['spec']['source']): Seen | undefined =>
  seenIn([application(status, source)], expected)[0];

const synced = (phase: string, revision: string): Status['operationState'] => ({
  phase,
  message: 'so it says',
  syncResult: { revision },
});

describe('an Application', () => {
  test.each<readonly [string, Status | undefined, State, RegExp]>([
    ['has not been compared', undefined, 'untried', /not been compared/],
    ['is at an older revision', at(OLDER, { health: { status: 'Healthy' } }), 'untried', /is at aaaa/],
    ['is at a newer revision', at(NEWER, { health: { status: 'Degraded' } }), 'superseded', /newer/],
    ['is there and healthy', at(REVISION, { health: { status: 'Healthy' } }), 'healthy', /healthy/],
    [
      'is there and not healthy yet',
      at(REVISION, { health: { status: 'Progressing', message: '1 of 3' } }),
      'waiting',
      /progressing: 1 of 3/,
    ],
    ['is there and degraded', at(REVISION, { health: { status: 'Degraded' } }), 'waiting', /degraded/],
    ['says nothing of its health', at(REVISION), 'waiting', /unknown/],
    [
      'is being synced',
      at(REVISION, { sync: { status: 'OutOfSync' }, operationState: synced('Running', REVISION) }),
      'waiting',
      /being synced: so it says/,
    ],
    [
      'is held by the sync of an older revision',
      at(REVISION, { sync: { status: 'OutOfSync' }, operationState: synced('Running', OLDER) }),
      'untried',
      /another/,
    ],
    [
      'could not be synced',
      at(REVISION, { sync: { status: 'OutOfSync' }, operationState: synced('Failed', REVISION) }),
      'failed',
      /so it says/,
    ],
    [
      'waits for its window, the last sync having failed',
      at(REVISION, { sync: { status: 'OutOfSync' }, operationState: synced('Failed', OLDER) }),
      'untried',
      /not synced/,
    ],
    [
      'differs again after its sync',
      at(REVISION, { sync: { status: 'OutOfSync' }, operationState: synced('Succeeded', REVISION) }),
      'waiting',
      /not synced/,
    ],
  ])('%s', (_, status, state, why) => {
    expect(stateOf(status)).toMatchObject({ name: 'foundation', state, why: expect.stringMatching(why) });
  });

  test('that is not there was never tried', () => {
    expect(seenIn([], expected)).toEqual([{ name: 'foundation', state: 'untried', why: 'is not there' }]);
  });

  test('of a chart is at a version of its own', () => {
    const status = { sync: { status: 'Synced', revision: 'v1.0.0' }, health: { status: 'Healthy' } };
    expect(stateOf(status, {})?.state).toBe('healthy');
    expect(stateOf({ ...status, health: { status: 'Degraded' } }, {})?.state).toBe('waiting');
  });
});

const seen = (...states: State[]): Seen[] => states.map((state) => ({ name: state, state, why: state }));

test.each<readonly [State[], State]>([
  [['healthy', 'healthy'], 'healthy'],
  [['healthy', 'untried'], 'untried'],
  [['waiting', 'untried', 'healthy'], 'waiting'],
  [['waiting', 'failed', 'healthy'], 'failed'],
  [['failed', 'superseded'], 'superseded'],
])('%j is %s', (states, state) => {
  expect(stateOfAll(seen(...states))).toBe(state);
});

describe('waiting', () => {
  const patience = { timeoutSeconds: 0.2, pollSeconds: 0.01 };
  const looking = (...looks: Seen[][]) => {
    const made: Seen[][] = [];
    const look = (): Promise<Seen[]> => {
      const next = looks[Math.min(made.length, looks.length - 1)] ?? [];
      made.push(next);
      return Promise.resolve(next);
    };
    return { made, look };
  };

  test('ends when everything was healthy three times in a row', async () => {
    const { made, look } = looking(
      seen('untried'),
      seen('healthy'),
      seen('waiting'),
      seen('healthy'),
      seen('healthy'),
      seen('healthy'),
    );
    expect(stateOfAll(await arrival(look, () => undefined, patience))).toBe('healthy');
    expect(made).toHaveLength(6);
  });

  test('ends at once when something failed, or was superseded', async () => {
    for (const state of ['failed', 'superseded'] as const) {
      const { made, look } = looking(seen('waiting'), seen(state, 'waiting'));
      expect(stateOfAll(await arrival(look, () => undefined, patience))).toBe(state);
      expect(made).toHaveLength(2);
    }
  });

  test('what is still waited for when the time is up has failed; what was never tried has not', async () => {
    expect(
      stateOfAll(await arrival(looking(seen('waiting', 'untried')).look, () => undefined, patience)),
    ).toBe('failed');
    expect(
      stateOfAll(await arrival(looking(seen('untried', 'healthy')).look, () => undefined, patience)),
    ).toBe('untried');
  });

  test('says what changes, once', async () => {
    const said: string[] = [];
    const { look } = looking(seen('waiting'), seen('waiting'), seen('failed'));
    await arrival(look, (line) => said.push(line), patience);
    expect(said).toEqual(['waiting waiting', 'failed failed']);
  });
});
