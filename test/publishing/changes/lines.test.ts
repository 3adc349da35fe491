import fc from 'fast-check';
import { editsBetween } from '../../../publishing/changes/lines';

const told = (before: string, after: string): string[] =>
  editsBetween(before, after).map(({ mark, line }) => mark + line);

test('what is far from a change is left out', () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  const changed = lines.with(10, 'other');

  expect(told(lines.join('\n'), changed.join('\n'))).toEqual([
    '…',
    ' line 8',
    ' line 9',
    '-line 10',
    '+other',
    ' line 11',
    ' line 12',
    '…',
  ]);
});

test('the same text has no line to show', () => expect(told('a\nb', 'a\nb')).toEqual(['…']));

test('edits tell both texts, whatever they are', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const edits = editsBetween(before.join('\n'), after.join('\n'));
      const gone = edits.filter(({ mark }) => mark === '-').length;
      const come = edits.filter(({ mark }) => mark === '+').length;
      expect(come - gone).toBe(Math.max(1, after.length) - Math.max(1, before.length));
      // A text without gaps can be put together again from either side.
      if (!edits.some(({ mark }) => mark === '…')) {
        const side = (other: string): string =>
          edits
            .filter(({ mark }) => mark !== other)
            .map(({ line }) => line)
            .join('\n');
        expect(side('+')).toBe(before.join('\n'));
        expect(side('-')).toBe(after.join('\n'));
      }
    }),
  );
});

test('texts too long to be compared exactly are still told, in time', () => {
  const lines = (from: number): string =>
    Array.from({ length: 5_000 }, (_, index) => `line ${from + index}`).join('\n');
  const start = performance.now();
  const edits = editsBetween(lines(0), lines(10_000));

  expect(edits.filter(({ mark }) => mark === '-')).toHaveLength(5_000);
  expect(performance.now() - start).toBeLessThan(5_000);
});
