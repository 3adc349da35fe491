import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  allowanceIn,
  allowedLine,
  describeDangers,
  judge,
  readAllowances,
} from '../../../publishing/safety/allowances';
import type { Danger } from '../../../publishing/safety/rule';
import { temporary } from '../support';

const DANGER: Danger = {
  rule: 'lost-data',
  place: 'production/here',
  object: 'StatefulSet/app/data',
  what: 'is taken away',
  why: 'it hurts',
  remedy: 'do not',
};

function fileOf(text: string): string {
  const file = join(temporary(), 'allowed.yaml');
  writeFileSync(file, text);
  return file;
}

test('an allowance is a rule, an object, a place if it is not for all, and a reason', () => {
  expect(allowanceIn('lost-data:StatefulSet/app/data@production/here=moved to a = b')).toEqual({
    rule: 'lost-data',
    object: 'StatefulSet/app/data',
    place: 'production/here',
    reason: 'moved to a = b',
    from: '--allow',
  });
  expect(allowanceIn('lost-data:Namespace/app=gone').place).toBeUndefined();
  for (const wrong of [
    'lost-data:StatefulSet/app/data',
    'lost-data:StatefulSet/app/data= ',
    'StatefulSet/app/data=why',
    '',
  ])
    expect(() => allowanceIn(wrong)).toThrow(/must be <rule>:<Kind>/);
  expect(() => allowanceIn('lost-dta:Namespace/app=gone')).toThrow(
    /there is no rule lost-dta; there are lost-cluster, lost-data/,
  );
});

test('a file carries them with a pull request', () => {
  const file = fileOf(
    '- rule: lost-data\n  object: StatefulSet/app/data\n  in: production\n  reason: moved\n',
  );
  expect(readAllowances(file)).toEqual([
    {
      rule: 'lost-data',
      object: 'StatefulSet/app/data',
      place: 'production',
      reason: 'moved',
      from: `${file}, entry 1`,
    },
  ]);
  expect(readAllowances(join(temporary(), 'none.yaml'))).toEqual([]);
  expect(readAllowances(fileOf('# nothing now\n'))).toEqual([]);
  expect(() => readAllowances(fileOf('a: b'))).toThrow(/must be a list/);
  expect(() => readAllowances(fileOf('- rule: lost-data\n  object: Namespace/app\n'))).toThrow(
    /entry 1: must have rule, object and reason/,
  );
  expect(() =>
    readAllowances(fileOf('- { rule: lost-data, object: Namespace/app, reason: a, where: b }')),
  ).toThrow(/and nothing else/);
});

test('an allowance covers its own object, rule and place', () => {
  const verdict = (option: string) => judge([DANGER], [allowanceIn(option)]);
  for (const place of ['', '@production', '@production/here'])
    expect(verdict(`lost-data:StatefulSet/app/data${place}=why`)).toEqual({
      refused: [],
      allowed: [{ danger: DANGER, reason: 'why' }],
      unused: [],
    });
  for (const other of [
    'lost-data:StatefulSet/app/data@prod',
    'lost-data:StatefulSet/app/data@production/there',
    'lost-data:StatefulSet/app/other',
    'lost-quorum:StatefulSet/app/data',
  ])
    expect(verdict(`${other}=why`)).toMatchObject({
      refused: [DANGER],
      allowed: [],
      unused: [{ from: '--allow' }],
    });
});

test('a committed allowance is good once; the next time needs a reason of its own', () => {
  const [allowance] = readAllowances(
    fileOf('- { rule: lost-data, object: StatefulSet/app/data, reason: moved in May }'),
  );
  if (!allowance) throw new Error('not read');
  const first = judge([DANGER], [allowance]);
  const line = first.allowed.map(allowedLine);
  expect(line).toEqual(['lost-data:StatefulSet/app/data@production/here=moved in May']);

  expect(judge([DANGER], [allowance], line)).toEqual({ refused: [DANGER], allowed: [], unused: [] });
  expect(judge([DANGER], [{ ...allowance, reason: 'moved in June' }], line).refused).toEqual([]);
  // Who says it now, means it now.
  expect(judge([DANGER], [allowanceIn('lost-data:StatefulSet/app/data=moved in May')], line).refused).toEqual(
    [],
  );
});

test('dangers are told by kind, with how each is allowed', () => {
  const other = { ...DANGER, place: 'staging/here' };

  expect(describeDangers([DANGER, other])).toBe(
    [
      'lost-data: it hurts; do not',
      '  production/here: StatefulSet/app/data is taken away',
      "    --allow 'lost-data:StatefulSet/app/data@production/here=<reason>'",
      '  staging/here: StatefulSet/app/data is taken away',
      "    --allow 'lost-data:StatefulSet/app/data@staging/here=<reason>'",
    ].join('\n'),
  );
  expect(describeDangers([{ ...DANGER, rule: 'refused' }])).not.toContain('--allow');
});
