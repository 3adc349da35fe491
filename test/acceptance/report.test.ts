import { isGood, Recorder, summaryOf, tableOf } from '../../acceptance/report';

const recorded = async (): Promise<{ recorder: Recorder; lines: string[] }> => {
  const lines: string[] = [];
  const recorder = new Recorder('staging/one', (line) => lines.push(line));
  recorder.count('objects', 3);
  await recorder.check('alone', 'works', async () => 'seen');
  return { recorder, lines };
};

test('a check of many objects fails once for each finding, in one line with its name', async () => {
  const { recorder, lines } = await recorded();
  const isClean = await recorder.checkAll('wave 1', '3 objects', async () => ({
    seen: 'unused',
    findings: [
      { name: 'Service/a/b', message: 'duplicate name' },
      { name: 'Job/a/c', message: 'is immutable' },
    ],
  }));
  expect(isClean).toBe(false);
  expect(lines.slice(1)).toEqual([
    'FAILED  wave 1: Service/a/b: duplicate name',
    'FAILED  wave 1: Job/a/c: is immutable',
  ]);
  expect(summaryOf(recorder.report()).split('\n').at(-1)).toBe('1 passed, 2 failed');
  expect(isGood(recorder.report())).toBe(false);
});

test('one that throws has failed, and without findings it passes with what it saw', async () => {
  const { recorder, lines } = await recorded();
  expect(await recorder.checkAll('a', 'b', () => Promise.reject(new Error('gone')))).toBe(false);
  expect(await recorder.checkAll('a', 'c', async () => ({ seen: 'all', findings: [] }))).toBe(true);
  expect(lines.slice(1)).toEqual(['FAILED  a: b: gone', 'ok      a: c: all']);
});

test('a warning and a skip are shown, and fail nothing', async () => {
  const { recorder, lines } = await recorded();
  recorder.warn('wave 1', 'Deployment/a/b', 'is deprecated');
  recorder.skip('drains', 'all', 'not ready');
  expect(lines.slice(1)).toEqual([
    'warned  wave 1: Deployment/a/b: is deprecated',
    'skipped drains: all: not ready',
  ]);
  expect(isGood(recorder.report())).toBe(true);
});

test('nothing tried is not good', () => {
  expect(isGood(new Recorder('empty', () => undefined).report())).toBe(false);
});

test('the table has a line for each report and ends with what they come to', async () => {
  const [one, two] = await Promise.all([recorded(), recorded()]);
  two.recorder.count('refused', 2);
  await two.recorder.check('x', 'y', () => Promise.reject(new Error('no')));
  const lines = tableOf([one.recorder.report(), two.recorder.report()]).split('\n');
  expect(lines[0]).toMatch(/^ +objects +refused +passed +failed +seconds$/);
  expect(lines[2]).toMatch(/^staging\/one +3 +2 +1 +1 +0$/);
  expect(lines.at(-1)).toBe('2 passed, 1 failed');
});
