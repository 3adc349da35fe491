import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPlatform } from '../charts/platform';
import { loadConfig } from '../config/load';
import type { Dashboard } from '../constructs/observability-stack/dashboards/model';
import { DASHBOARDS } from '../constructs/observability-stack/dashboards/uids';
import { dashboardsIn } from '../synth/dashboards';
import { runCommand } from './command';
import { pictureOf } from './dashboards/picture';

const USAGE = `usage: npm run dashboards [-- --check]

Draws the layout of every dashboard, from the JSON that Grafana reads, to docs/dashboards/, and their index. They are no
screenshots: panels, units, limits and questions, and no data.

  --check   write nothing; fail where docs/dashboards/ differs
  --help    show this`;

const folder = join(__dirname, '..', 'docs', 'dashboards');

/** A dashboard, and the environment whose it is. */
interface Shown {
  readonly environment: string;
  readonly dashboard: Dashboard;
}

/** Every dashboard once, of the environment in which it has most panels: a provider's storage, for one, shows little. */
function fullest(): Shown[] {
  const { images, environments } = loadConfig('config');
  const all = environments.flatMap((environment) =>
    environment.clusters.slice(0, 1).flatMap((cluster) =>
      dashboardsIn(buildPlatform(environment, cluster, images)).map((dashboard) => ({
        environment: environment.environment,
        dashboard,
      })),
    ),
  );
  const size = ({ environment, dashboard }: Shown): number =>
    dashboard.panels.length + (environment === 'production' ? 0.5 : 0);
  return Object.keys(DASHBOARDS).flatMap((uid) =>
    all
      .filter(({ dashboard }) => dashboard.uid === uid)
      .toSorted((a, b) => size(b) - size(a))
      .slice(0, 1),
  );
}

function index(shown: readonly Shown[]): string {
  const rows = shown.map(({ environment, dashboard: { uid, title, description, panels } }) => {
    const count = panels.filter(({ type }) => type !== 'row').length;
    return `| [${title}](${uid}.svg) | \`${uid}\` | ${count} | ${environment} | ${description} |`;
  });
  return `# Dashboards

What Grafana shows. \`npm run dashboards\` draws these pages from the JSON that Grafana reads: **layouts, not screenshots**.
They show where panels are, what they ask, in which unit and where colours change, and no data. Pointing at a panel shows
its whole question. How dashboards are written: \`constructs/observability-stack/dashboards/README.md\`.

| dashboard | uid | panels | drawn for | what for |
| --------- | --- | ------ | --------- | -------- |
${rows.join('\n')}
`;
}

function main(): number {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  const shown = fullest();
  const files = new Map<string, string>([
    ...shown.map(({ dashboard }) => [`${dashboard.uid}.svg`, pictureOf(dashboard)] as const),
    ['README.md', index(shown)] as const,
  ]);
  const there = existsSync(folder) ? readdirSync(folder) : [];
  const stale = [
    ...[...files]
      .filter(([name, text]) => !there.includes(name) || readFileSync(join(folder, name), 'utf8') !== text)
      .map(([name]) => name),
    ...there.filter((name) => !files.has(name)),
  ];
  if (values.check === true) {
    for (const name of stale)
      console.log(`FAILED docs/dashboards/${name}: run \`npm run dashboards\` and commit it`);
    return stale.length > 0 ? 1 : 0;
  }
  mkdirSync(folder, { recursive: true });
  for (const name of there.filter((name) => !files.has(name))) rmSync(join(folder, name));
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  console.log(`docs/dashboards: ${shown.length} dashboards, ${stale.length} changed`);
  return 0;
}

runCommand(USAGE, main);
