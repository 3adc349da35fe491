import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTERS } from './clusters';
import { wrongOn } from './findings';

const PAGE = readFileSync(join(__dirname, '../../docs/guides/manual-overrides.md'), 'utf8');

/** Rows of the table of automations, by their cells. */
const ROWS = (PAGE.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| automation') && !line.startsWith('| --'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** Kinds whose objects act by themselves, and not only on what a person changed. */
const ACTING = ['CronJob', 'HorizontalPodAutoscaler', 'Rollout', 'ScaledObject', 'ScheduledBackup'];

/** Such objects of every cluster, and the phases that Argo CD syncs in one. */
const AUTOMATIONS = CLUSTERS.flatMap(({ objects }) =>
  objects.flatMap(({ manifest: { kind, metadata, ...rest } }) => {
    const isPhase = kind === 'Application' && metadata.name.startsWith('lighthouse-');
    const isDatabase = kind === 'Cluster' && String(rest.apiVersion).startsWith('postgresql.cnpg.io');
    // A CronJob that is suspended for good is a template.
    const isActing = ACTING.includes(kind) && (rest['spec'] as { suspend?: boolean }).suspend !== true;
    return isActing || isPhase || isDatabase ? [metadata.name] : [];
  }),
).filter((name) => name !== 'lighthouse-bootstrap');

test.each([...new Set(AUTOMATIONS)].toSorted())('%s is in the table', (name) => {
  expect(ROWS.filter(([, automation = '']) => automation.includes(`\`${name}\``))).not.toEqual([]);
});

test.each(ROWS.map((row) => [row[1], row] as const))('%s: what a person does instead is said', (_, row) => {
  expect(row[3]).toMatch(/`(kubectl|npm run) |there is no switch/);
});

test('every command names what is there', () => expect(wrongOn(PAGE)).toEqual([]));
