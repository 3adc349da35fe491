import { isExcused } from '../../acceptance/drains';

const said = (...reasons: readonly string[]): string => `0/9 nodes are available: ${reasons.join(', ')}.`;

test.each([
  [
    'its volume lies in the drained zone',
    ['3 node(s) were unschedulable', "6 node(s) didn't match PersistentVolume's node affinity"],
  ],
  [
    'nor does a full node elsewhere matter',
    [
      '1 Insufficient cpu',
      '3 node(s) were unschedulable',
      "5 node(s) didn't match PersistentVolume's node affinity",
    ],
  ],
  [
    'it may not share a zone',
    ['3 node(s) were unschedulable', "6 node(s) didn't match pod topology spread constraints"],
  ],
])('a pod may wait: %s', (_, reasons) => expect(isExcused(said(...reasons))).toBe(true));

test.each([
  [
    'its volume lies in a zone without room',
    [
      '3 Insufficient cpu',
      '3 node(s) were unschedulable',
      "3 node(s) didn't match PersistentVolume's node affinity",
    ],
  ],
  ['no node has room', ['3 node(s) were unschedulable', '6 Insufficient memory']],
  [
    'two kinds of room are lacking in a zone',
    [
      '2 Insufficient cpu',
      '1 Insufficient memory',
      '3 node(s) were unschedulable',
      "3 node(s) didn't match PersistentVolume's node affinity",
    ],
  ],
])('a pod may not wait for room: %s', (_, reasons) => expect(isExcused(said(...reasons))).toBe(false));

test('nor for what the scheduler has not said', () => {
  expect(isExcused(undefined)).toBe(false);
  expect(isExcused('is not ready')).toBe(false);
});
