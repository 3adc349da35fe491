import fc from 'fast-check';
import { longestGap } from '../../../constructs/platform/cron';

const HOUR = 3600;
const DAY = 24 * HOUR;

test.each([
  ['0 0 */6 * * *', 6 * HOUR],
  ['0 30 0 * * *', DAY],
  ['0 0 0,1 * * *', 23 * HOUR],
  ['0 0 8-18/5 * * *', 14 * HOUR],
  ['0 */15 * * * *', HOUR / 4],
  ['0 7/20 * * * *', HOUR / 3],
  ['0 0 0 * * 0', 7 * DAY],
  ['0 0 0 * * 7', 7 * DAY],
  ['0 0 0 * * 1-5', 3 * DAY],
  ['0 0 0 1 * *', 31 * DAY],
  ['0 0 0 31 * *', 61 * DAY],
  // Where date and weekday are both given, either will do.
  ['0 0 0 1 * 1', 7 * DAY],
  ['0 0 0 1 1 *', 365 * DAY],
  ['0 0 0 30 2 *', Infinity],
  ['0 0 5-3 * * *', Infinity],
])('%s leaves at most %i s between two runs', (schedule, seconds) => {
  expect(longestGap(schedule)).toBe(seconds);
});

test('a schedule of several hours has the gap that counting them one by one finds', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 6 }), (hours) => {
      const runs = Array.from({ length: 72 }, (_, hour) => hour).filter((hour) => hours.includes(hour % 24));
      const gaps = runs.slice(1).map((run, index) => run - (runs[index] ?? 0));

      expect(longestGap(`0 0 ${hours.join(',')} * * *`)).toBe(Math.max(...gaps) * HOUR);
    }),
  );
});
