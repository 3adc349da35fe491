import { fieldsBetween, isSame } from '../../../publishing/changes/fields';

const told = (before: unknown, after: unknown): [string, unknown, unknown][] =>
  fieldsBetween(before, after).map((field) => [field.path, field.before, field.after]);

test('a field is told by its path, with both sides', () => {
  expect(told({ spec: { a: 1, same: 1 } }, { spec: { a: 2, same: 1 } })).toEqual([['spec.a', 1, 2]]);
  expect(told({ spec: {} }, { spec: { a: { b: 1 } } })).toEqual([['spec.a', undefined, { b: 1 }]]);
  expect(told({ a: null }, { a: {} })).toEqual([['a', null, {}]]);
});

test('keys with dots are quoted', () => {
  expect(told({ labels: { 'a.b/c': 'x' } }, { labels: { 'a.b/c': 'y' } })).toEqual([
    ['labels["a.b/c"]', 'x', 'y'],
  ]);
});

test('the order of keys is no difference', () => {
  expect(told({ a: 1, b: [{ c: 1, d: 2 }] }, { b: [{ d: 2, c: 1 }], a: 1 })).toEqual([]);
  expect(isSame({ a: undefined }, { b: 1 })).toBe(false);
});

test('lists of named things are matched by name, wherever they stand', () => {
  const before = {
    containers: [
      { name: 'a', image: '1' },
      { name: 'b', image: '1' },
    ],
  };
  const after = { containers: [{ name: 'new' }, { name: 'a', image: '1' }, { name: 'b', image: '2' }] };
  expect(told(before, after)).toEqual([
    ['containers[new]', undefined, { name: 'new' }],
    ['containers[b].image', '1', '2'],
  ]);
});

test('another order of named things is a difference of its own', () => {
  expect(told({ l: [{ name: 'a' }, { name: 'b' }] }, { l: [{ name: 'b' }, { name: 'a' }] })).toEqual([
    ['l (order)', ['a', 'b'], ['b', 'a']],
  ]);
});

test('what has no name is matched by being the same, and the rest by place', () => {
  const rule = (port: number): unknown => ({ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port }] });
  expect(told({ egress: [rule(1), rule(2)] }, { egress: [rule(2), rule(3)] })).toEqual([
    ['egress[1].ports[3]', undefined, { port: 3 }],
    ['egress[1].ports[1]', { port: 1 }, undefined],
  ]);
  expect(told({ l: [{ x: {} }, { x: {} }] }, { l: [{ x: {} }] })).toEqual([
    ['l', [{ x: {} }, { x: {} }], [{ x: {} }]],
  ]);
});

test('plain lists are told whole', () => {
  expect(told({ args: ['a', 'b'] }, { args: ['a', 'c'] })).toEqual([['args', ['a', 'b'], ['a', 'c']]]);
});

test('long text is compared by line', () => {
  const [field, ...others] = fieldsBetween({ conf: 'one\ntwo\n' }, { conf: 'one\n2\n' });

  expect(others).toEqual([]);
  expect(field?.edits).toEqual([
    { mark: ' ', line: 'one' },
    { mark: '-', line: 'two' },
    { mark: '+', line: '2' },
    { mark: ' ', line: '' },
  ]);
});
