import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Acceptance } from '../acceptance/acceptance';
import { Cluster } from '../acceptance/cluster';
import { ControlPlane } from '../acceptance/control-plane';
import { customDefinitions } from '../acceptance/definitions';
import { prepare } from '../acceptance/prepare';
import { isGood, Recorder, type Report, summaryOf } from '../acceptance/report';
import { Volumes } from '../acceptance/volumes';
import { environmentFiles, loadEnvironments } from '../config/load';
import type { Cluster as Place } from '../config/schema';
import type { Manifest } from '../constructs/platform/manifest';
import { type Printed, readDist } from '../synth/dist';

const USAGE = `usage: npm run accept -- --environment NAME [OPTION ...] | --all [OPTION ...]

Applies environments, in wave order, to a real API server with fake nodes in their zones: everything must be admitted, be
scheduled and spread as declared; each node and each zone is drained; a second apply must change nothing; an update must
roll without falling below a PodDisruptionBudget; a rollback must return. A control plane of its own is started for each
cluster, on loopback, and is gone afterwards.

  --environment NAME  one environment
  --cluster NAME      one cluster of it (default: each)
  --all               every environment
  --dist DIR          what is applied (default: dist)
  --next DIR          the revision to update to (default: the same with every pod template changed)
  --config DIR        folder with the environment files: zones, nodes (default: config)
  --kubeconfig FILE   use this cluster, which must have nothing on it and kwok at work for its nodes; what is made is
                      removed again
  --patience SECONDS  how long the pods of a wave may take to be ready (default: 60)
  --json FILE         also write the reports there
  --help              show this

Exit status: 0 all holds, 1 something does not, 2 wrong usage.`;

const options = {
  environment: { type: 'string' },
  cluster: { type: 'string' },
  all: { type: 'boolean', default: false },
  dist: { type: 'string', default: 'dist' },
  next: { type: 'string' },
  config: { type: 'string', default: 'config' },
  kubeconfig: { type: 'string' },
  patience: { type: 'string', default: '60' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

class UsageError extends Error {}

/** One cluster of an environment, and what is applied to it. */
interface Target {
  readonly environment: string;
  readonly place: Place;
  readonly objects: readonly Printed[];
  readonly next?: readonly Printed[];
}

type Values = ReturnType<typeof parse>;

function parse() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws UsageError where no cluster is meant, or an unknown one */
function targetsOf({ environment, cluster, all, config, dist, next }: Values): Target[] {
  if (all === (environment !== undefined))
    throw new UsageError('either --environment NAME or --all must be given');
  const known = loadEnvironments(environmentFiles(config));
  const chosen = all ? known : known.filter((each) => each.environment === environment);
  const names = known.map((each) => each.environment).join(', ');
  if (chosen.length === 0) throw new UsageError(`--environment: must be one of ${names}, got ${environment}`);
  const printed = readDist(resolve(dist));
  const following = next === undefined ? undefined : readDist(resolve(next));
  const targets = chosen.flatMap((each) =>
    each.clusters
      .filter(({ name }) => cluster === undefined || name === cluster)
      .map((place) => {
        const isOwn = (one: Printed): boolean =>
          one.environment === each.environment && one.cluster === place.name;
        return {
          environment: each.environment,
          place,
          objects: printed.filter(isOwn),
          ...(following ? { next: following.filter(isOwn) } : {}),
        };
      }),
  );
  if (targets.length === 0)
    throw new UsageError(`--cluster: ${environment ?? 'no environment'} has no cluster ${cluster}`);
  for (const { environment: name, place, objects } of targets)
    if (objects.length === 0)
      throw new Error(`${dist}/${name}/${place.name}: there is no manifest; run \`npm run synth\` first`);
  return targets;
}

async function accept(
  target: Target,
  definitions: readonly Manifest[],
  values: Values,
  patience: number,
): Promise<Report> {
  const title = `acceptance of ${target.environment}/${target.place.name}`;
  console.log(`\n${title}`);
  const recorder = new Recorder(title);
  const plane = values.kubeconfig === undefined ? await ControlPlane.start({ fakeNodes: true }) : undefined;
  const cluster = await Cluster.connect(plane?.kubeconfig ?? resolve(values.kubeconfig ?? ''));
  try {
    const made = await prepare(cluster, target.objects, target.place, definitions);
    const volumes = new Volumes(cluster);
    await new Acceptance(cluster, { ...target, patience }, recorder).run();
    await volumes.close();
    if (!plane) await tidy(cluster, [...made, ...target.objects.map(({ manifest }) => manifest)]);
  } finally {
    cluster.close();
    await plane?.stop();
  }
  const report = recorder.report();
  console.log(summaryOf(report));
  return report;
}

/** Removes what was made on a cluster that stays: namespaces take what is in them along. */
async function tidy(cluster: Cluster, manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests.toReversed())
    if (manifest.metadata.namespace === undefined) await cluster.remove(manifest);
}

async function main(): Promise<number> {
  const values = parse();
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const patience = Number(values.patience);
  if (!(patience > 0))
    throw new UsageError(`--patience: must be a number of seconds, got ${values.patience}`);
  const targets = targetsOf(values);
  const definitions = customDefinitions();
  const reports: Report[] = [];
  for (const target of targets) reports.push(await accept(target, definitions, values, patience));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reports, null, 2)}\n`);
  console.log(`\n${tableOf(reports)}`);
  return reports.every(isGood) ? 0 : 1;
}

function tableOf(reports: readonly Report[]): string {
  const rows = reports.map(({ title, figures, checks, seconds }) => [
    title,
    ...['objects', 'refused', 'warned', 'pending'].map((figure) => String(figures[figure] ?? 0)),
    String(checks.filter(({ outcome }) => outcome === 'passed').length),
    String(checks.filter(({ outcome }) => outcome === 'failed').length),
    seconds.toFixed(0),
  ]);
  const table = [['', 'objects', 'refused', 'warned', 'pending', 'passed', 'failed', 'seconds'], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  const passed = reports.flatMap(({ checks }) => checks).filter(({ outcome }) => outcome === 'passed').length;
  const failed = reports.flatMap(({ checks }) => checks).filter(({ outcome }) => outcome === 'failed').length;
  return [...table.map(line), `${passed} passed, ${failed} failed`].join('\n');
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (!(error instanceof Error)) throw error;
    const isUsage = error instanceof UsageError;
    console.error(process.env['LIGHTHOUSE_DEBUG'] ? error.stack : error.message);
    if (isUsage) console.error(`\n${USAGE}`);
    process.exit(isUsage ? 2 : 1);
  },
);
