import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Holes } from '../platform/config-files';

/** One thing that a test says of an alert: that it fires, or that it does not. */
export interface AlertCase {
  readonly alert: string;
  readonly firing: boolean;
}

/** A file of unit tests as promtool reads it. */
export interface TestFile {
  readonly tests?: readonly {
    readonly alert_rule_test?: readonly { alertname: string; exp_alerts?: readonly unknown[] }[];
    readonly [further: string]: unknown;
  }[];
  readonly [further: string]: unknown;
}

const TERM = String.raw`[A-Z][A-Z0-9_]*|\d+(?:\.\d+)?`;
const HOLE = new RegExp(String.raw`@(${TERM})(?: ([-+*/]) (${TERM}))?@`, 'g');

const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

/**
 * The unit tests beside a file of rules, with the same values in their holes, so that they stay on both sides of a
 * threshold wherever it is set. A hole may reckon: one term, or two with `+`, `-`, `*` or `/` between them.
 *
 * @example values: '0x5 @LAG_SECONDS + 1@x10'
 * @returns undefined where there is no such file
 * @throws Error for a hole without a value, and for reckoning with what is no number
 */
export function renderAlertTests(folder: string, holes: Holes): string | undefined {
  const file = join(folder, 'alerts.test.yaml');
  if (!existsSync(file)) return undefined;
  return readFileSync(file, 'utf8').replace(
    HOLE,
    (hole, left: string, operator: string | undefined, right: string | undefined) => {
      const value = termOf(left, holes, file);
      const operation = operator === undefined ? undefined : OPERATIONS[operator];
      if (operation === undefined || right === undefined) return String(value);
      const result = operation(Number(value), Number(termOf(right, holes, file)));
      if (!Number.isFinite(result)) throw new Error(`${file}: ${hole} is no number`);
      // 12 digits: 0.9 * 0.1 is 0.09, whatever the last bits say.
      return String(Number(result.toPrecision(12)));
    },
  );
}

function termOf(term: string, holes: Holes, file: string): string | number {
  const value = /^\d/.test(term) ? Number(term) : holes[term];
  if (value === undefined) {
    throw new Error(
      `${file}: no value for @${term}@; values given: ${Object.keys(holes).join(', ') || 'none'}`,
    );
  }
  return value;
}

/** What a test file says of alerts. */
export function alertCases(tests: string): AlertCase[] {
  const { tests: groups = [] } = parse(tests) as TestFile;
  return groups.flatMap(({ alert_rule_test: cases = [] }) =>
    cases.map(({ alertname, exp_alerts: expected }) => ({
      alert: alertname,
      firing: (expected?.length ?? 0) > 0,
    })),
  );
}
