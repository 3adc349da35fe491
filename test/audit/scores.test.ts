import { compare, type Finding, findingsIn, type Scorecard } from '../../audit/scores';

const found = (own: Partial<Finding> = {}): Finding => ({
  environment: 'production',
  check: 'deployment-replicas',
  says: 'few',
  object: 'Deployment/redis/cache',
  ...own,
});

const accepted = {
  checks: ['deployment-replicas'],
  says: 'few',
  objects: ['Deployment/redis/*'],
  environments: ['production'],
  reason: 'one will do',
} as const;

test('a finding with a reason is none, and its reason is needed', () => {
  expect(compare([found()], [accepted])).toEqual({ unexplained: [], stale: [] });
});

test.each<Partial<Finding>>([
  { object: 'Deployment/bridge/edge' },
  { object: 'StatefulSet/x/Deployment/redis/cache' },
  { environment: 'staging' },
  { check: 'deployment-strategy' },
  { says: 'none' },
])('%j is another finding than the one that is accepted', (own) => {
  const other = found(own);

  const { unexplained, stale } = compare([found(), other], [accepted]);

  expect(unexplained).toEqual([`${other.environment}: ${other.object}: ${other.says} (${other.check})`]);
  expect(stale).toEqual([]);
});

test('what is accepted must be found: each check, of each object, in each environment', () => {
  const wider = {
    ...accepted,
    checks: [...accepted.checks, 'deployment-strategy'],
    objects: [...accepted.objects, 'Deployment/bridge/edge'],
    environments: [...accepted.environments, 'staging'] as const,
  };

  expect(compare([found()], [wider]).stale).toHaveLength(2 * 2 * 2 - 1);
  expect(compare([], [accepted]).stale).toEqual([
    'production: Deployment/redis/*: few (deployment-replicas)',
  ]);
});

test('what kube-score skips or praises is no finding; a warning is one, without the hash of its object', () => {
  const check = (grade: number, skipped = false) => ({
    check: { id: `grade-${grade}` },
    grade,
    skipped,
    comments: [{ summary: 'look' }],
  });
  const scorecard: Scorecard = [
    {
      type_meta: { kind: 'Job' },
      object_meta: { name: 'users-f76495290f', namespace: 'redis' },
      checks: [check(1), check(5), check(10), check(1, true)],
    },
  ];

  expect(findingsIn(scorecard, 'staging').map(({ check: id, object }) => [id, object])).toEqual([
    ['grade-1', 'Job/redis/users'],
    ['grade-5', 'Job/redis/users'],
  ]);
});
