import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'cdk8s';
import { PHASES, PhaseChart } from '../../charts/phase-chart';
import { PlatformNamespaces } from '../../constructs/platform-namespaces';
import { ConfigMap } from '../../imports/k8s';
import { PLATFORMS } from './support';

test('names are short and without hash', () => {
  const chart = new PhaseChart(new App(), 'operations');
  const namespace = new PlatformNamespaces(chart, 'Namespaces').add('Tools');
  expect(new ConfigMap(namespace, 'FrontPage', { data: {} }).name).toBe('front-page');
});

test('every object is in one of the phases', () => {
  for (const [, { objects }] of PLATFORMS) for (const { phase } of objects) expect(PHASES).toContain(phase);
});

test('there is no snapshot of what there is no more', () => {
  const expected = PLATFORMS.flatMap(([name, { objects }]) =>
    [...new Set(objects.map(({ phase }) => phase))].map(
      (phase) => `${name.replaceAll('/', '-')}-${phase}.yaml`,
    ),
  );
  expect(readdirSync(join(__dirname, '__snapshots__')).sort()).toEqual(expected.sort());
});
