import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlertRules } from '../../constructs/observability-stack/alert-rules';
import { alerts } from '../../guarantees/alerts';
import type { Platform } from '../../synth/platform';
import { PLATFORMS } from '../charts/support';
import { platformWith } from '../support';

const RUNBOOKS = join(__dirname, '../../docs/runbooks');
const FOLDER = join(__dirname, '../../constructs/observability-stack/volumes');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'alerts-'));
  cpSync(FOLDER, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The rules about volumes, after a change to one of their files. */
function changed(file: string, from: RegExp, to: string): Platform {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  expect(text).toMatch(from);
  writeFileSync(path, text.replace(from, to));
  const platform = platformWith(({ namespaces }) => {
    const scope = namespaces.add('observability');
    const holes = { FULL_DAYS: 4 };
    new AlertRules(scope, 'volumes', { folder, holes, runbooks: 'https://git.example.com' });
  });
  return { ...platform, runbooks: new Set(readdirSync(RUNBOOKS)) };
}

const causes = (platform: Platform): string[] => alerts.check(platform).findings.map(({ cause }) => cause);

test.each(PLATFORMS)('every alert of %s has all that it needs', (_, platform) => {
  expect(alerts.check(platform).findings).toEqual([]);
});

test('every runbook belongs to an alert', () => {
  const names = PLATFORMS.flatMap(([, platform]) =>
    platform.alerts.flatMap(({ groups }) =>
      groups.flatMap(({ rules = [] }) => rules.flatMap(({ alert }) => alert ?? [])),
    ),
  );
  expect(
    readdirSync(RUNBOOKS)
      .map((file) => file.replace(/\.md$/, ''))
      .toSorted(),
  ).toEqual([...new Set(names)].toSorted());
});

test.each([
  ['alerts.yaml', /severity: critical/, 'severity: loud', 'alert VolumeAlmostFull has severity "loud"'],
  ['alerts.yaml', /owner: platform/, 'owner: nobody', 'alert VolumeAlmostFull has owner "nobody"'],
  ['alerts.yaml', /summary:/, 'note:', 'alert VolumeAlmostFull says nothing'],
])('in %s, what %s says is found when it is wrong', (file, from, to, cause) => {
  expect(causes(changed(file, from, to))).toEqual([cause]);
});

test('an alert without a runbook, and one without tests, are found', () => {
  expect(causes(changed('alerts.yaml', /alert: VolumeAlmostFull/, 'alert: VolumeUnheardOf'))).toEqual([
    'alert VolumeUnheardOf has no runbook',
    'alert VolumeUnheardOf fires in no test',
    'alert VolumeUnheardOf is silent in no test',
  ]);
});
