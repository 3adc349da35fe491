import { buildPlatform } from '../../../charts/platform';
import { loadConfig } from '../../../config/load';
import type { Dashboard, Panel, Placed } from '../../../constructs/observability-stack/dashboards/model';
import { SOURCES } from '../../../constructs/observability-stack/dashboards/queries';
import { DASHBOARDS } from '../../../constructs/observability-stack/dashboards/uids';
import { dashboardsIn } from '../../../synth/dashboards';

const { images, environments } = loadConfig('config');

/** What Grafana fills in by itself. */
const BUILT_IN = ['__rate_interval', '__all'];

const placed = ({ panels }: Dashboard): Placed<Panel>[] =>
  panels.flatMap((each) => (each.type === 'row' ? [] : [each]));

describe.each(
  environments.flatMap((environment) => environment.clusters.map((cluster) => ({ environment, cluster }))),
)('dashboards of $environment.environment/$cluster.name', ({ environment, cluster }) => {
  const dashboards = dashboardsIn(buildPlatform(environment, cluster, images));
  const panels = dashboards.flatMap((each) => placed(each).map((panel) => ({ uid: each.uid, panel })));

  test('are all there, once', () => {
    const shown = Object.keys(DASHBOARDS).filter((uid) => uid !== 'edge' || cluster.role === 'primary');
    expect(dashboards.map(({ uid }) => uid).toSorted()).toEqual(shown.toSorted());
  });

  test('have panels beside each other, none over another or over the edge', () => {
    for (const { uid, panels: all } of dashboards) {
      const cells = new Set<string>();
      for (const { gridPos = { x: 0, y: 0, w: 0, h: 0 } } of all) {
        const { x, y, w, h } = gridPos;
        expect({ uid, end: x + w <= 24, area: w * h > 0 }).toEqual({ uid, end: true, area: true });
        for (let column = x; column < x + w; column++) {
          for (let line = y; line < y + h; line++) {
            expect({ uid, taken: cells.has(`${column}:${line}`) }).toEqual({ uid, taken: false });
            cells.add(`${column}:${line}`);
          }
        }
      }
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    }
  });

  test('ask data sources that are there', () => {
    const known = Object.values(SOURCES).map(({ type, uid }) => `${type}/${uid}`);
    for (const { panel } of panels) {
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const { datasource } of panel.targets)
        expect(known).toContain(`${datasource.type}/${datasource.uid}`);
    }
  });

  test('lead on from every panel, to dashboards that are there, with variables that these have', () => {
    const variables = new Map(
      dashboards.map(({ uid, templating: { list = [] } }) => [uid, list.map(({ name }) => name)]),
    );
    for (const { panel } of panels) {
      const links = [...(panel.links ?? []), ...(panel.fieldConfig.defaults.links ?? [])];
      expect(links.length).toBeGreaterThan(0);
      for (const { url = '' } of links) {
        const [, uid = '', query = ''] = /^\/d\/([^?]+)\??(.*)$/.exec(url) ?? [];
        expect(variables.has(uid)).toBe(true);
        for (const name of query.split('&').filter((text) => text !== '')) {
          expect(variables.get(uid)).toContain(/^var-(\w+)=/.exec(name)?.[1]);
        }
      }
    }
  });

  test('use no variable that they do not declare', () => {
    for (const {
      uid,
      templating: { list = [] },
      panels: all,
    } of dashboards) {
      const declared = [...BUILT_IN, ...list.map(({ name }) => name)];
      const used = JSON.stringify(all.flatMap((each) => ('targets' in each ? each.targets : []))).matchAll(
        /\$(\w+)/g,
      );
      for (const [, name = ''] of used)
        expect({ uid, known: declared.includes(name), name }).toMatchObject({ known: true });
    }
  });

  test('say of every panel what is seen, in which unit', () => {
    for (const { panel } of panels) {
      expect(panel.description).toMatch(/^[A-Z0-9].*\.$/);
      expect(panel.fieldConfig.defaults.unit).toBeTruthy();
    }
  });
});
