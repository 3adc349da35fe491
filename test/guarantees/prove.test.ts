import { guarantees } from '../../guarantees/all';
import type { Guarantee } from '../../guarantees/guarantee';
import {
  describe as describeFinding,
  findingsAgainst,
  GuaranteeError,
  proofsOf,
} from '../../guarantees/prove';
import { platformOf } from './objects';

const first = platformOf([], { name: 'first' });
const second = platformOf([], { name: 'second' }, { environment: 'production' });

const finding = { path: 'app/X', cause: 'it is so', remedy: 'change it' };

const against = (name: string, ...clusters: string[]): Guarantee => ({
  name,
  check: ({ cluster }) => ({ findings: clusters.includes(cluster.name) ? [finding] : [], facts: [] }),
});

test('what holds everywhere passes', () => {
  expect(findingsAgainst(first, [against('a'), against('b')])).toEqual([]);
});

test('all findings of all guarantees are told at once', () => {
  expect(findingsAgainst(second, [against('a', 'first', 'second'), against('b', 'second')])).toEqual([
    'production/second/app/X: it is so (a)\n    change it',
    'production/second/app/X: it is so (b)\n    change it',
  ]);
});

test('the error counts the findings', () => {
  expect(new GuaranteeError(['x', 'y']).message).toBe('x\ny\n2 finding(s): nothing was written');
});

test('each guarantee says something about each platform', () => {
  const proofs = proofsOf([against('a', 'first')], [first, second]);

  expect(proofs.map(({ platform, guarantee, findings }) => [platform, guarantee, findings])).toEqual([
    [first, 'a', [finding]],
    [second, 'a', []],
  ]);
  expect(describeFinding({ platform: second, guarantee: 'a' }, finding)).toMatch(
    /^production\/second\/app\/X: /,
  );
});

test('guarantees have names of their own', () => {
  expect(new Set(guarantees.map(({ name }) => name)).size).toBe(guarantees.length);
});
