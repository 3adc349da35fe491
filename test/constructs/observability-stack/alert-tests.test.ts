import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alertCases, renderAlertTests } from '../../../constructs/observability-stack/alert-tests';

const folder = mkdtempSync(join(tmpdir(), 'alert-tests-'));
const file = join(folder, 'alerts.test.yaml');

const rendered = (text: string, holes: Record<string, string | number>): string | undefined => {
  writeFileSync(file, text);
  return renderAlertTests(folder, holes);
};

afterEach(() => rmSync(file, { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

test('a folder without tests has none', () => {
  expect(renderAlertTests(folder, {})).toBeUndefined();
});

test('holes take the values of the rules, and may reckon with them', () => {
  const holes = { LAG: 30, SHARE: 0.1, JOB: 'redis' };
  expect(rendered('@JOB@: @LAG@x5 @LAG + 1@ @LAG - 0.5@ @LAG / 4@ @LAG * SHARE@', holes)).toBe(
    'redis: 30x5 31 29.5 7.5 3',
  );
});

test('what is reckoned has no error in its last digits', () => {
  expect(rendered('@SHARE * 3@ @SHARE + 0.2@', { SHARE: 0.1 })).toBe('0.3 0.3');
});

test('an at sign that opens no hole stays', () => {
  expect(rendered("expr: 'up @ 1600 and a@b@c'", {})).toBe("expr: 'up @ 1600 and a@b@c'");
});

test('a value that is used in rules alone is no mistake', () => {
  expect(rendered('tests: []', { LAG: 1 })).toBe('tests: []');
});

test('a hole without a value is one', () => {
  expect(() => rendered('@LAG + 1@', { OTHER: 2 })).toThrow(
    `${file}: no value for @LAG@; values given: OTHER`,
  );
});

test('reckoning with text is one', () => {
  expect(() => rendered('@JOB + 1@', { JOB: 'redis' })).toThrow(`${file}: @JOB + 1@ is no number`);
});

test('cases fire or are silent', () => {
  const text = `
tests:
  - alert_rule_test:
      - { eval_time: 1m, alertname: Down, exp_alerts: [] }
      - { eval_time: 2m, alertname: Down, exp_alerts: [{ exp_labels: { severity: info } }] }
      - { eval_time: 2m, alertname: Slow }
  - promql_expr_test: []
`;
  expect(alertCases(text)).toEqual([
    { alert: 'Down', firing: false },
    { alert: 'Down', firing: true },
    { alert: 'Slow', firing: false },
  ]);
});
