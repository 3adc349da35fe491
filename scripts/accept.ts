import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Groups } from '../acceptance/access';
import { Acceptance, type Step, STEPS } from '../acceptance/acceptance';
import { Cluster } from '../acceptance/cluster';
import { ControlPlane } from '../acceptance/control-plane';
import { customDefinitions } from '../acceptance/definitions';
import { prepare, tidy } from '../acceptance/prepare';
import { isGood, Recorder, type Report, summaryOf, tableOf } from '../acceptance/report';
import { Volumes } from '../acceptance/volumes';
import { environmentFiles, loadEnvironments } from '../config/load';
import type { Cluster as Place } from '../config/schema';
import type { Manifest } from '../constructs/platform/manifest';
import { type Printed, readDist } from '../synth/dist';
import { Misuse, runCommand } from './command';

const USAGE = `usage: npm run accept -- --environment NAME [OPTION ...]
       npm run accept -- --all [OPTION ...]

Applies environments, in wave order, to a real API server with fake nodes in their zones. Everything must be admitted, be
scheduled and spread as declared; each node and each zone is drained; a second apply must change nothing; an update must
roll without falling below a PodDisruptionBudget, and a rollback return. Each cluster gets a control plane of its own, on
loopback, that is gone afterwards.

  --environment NAME  one environment
  --cluster NAME      one cluster of it (default: each)
  --all               every environment
  --steps LIST        what is tried after all is applied, some of ${STEPS.join(',')}, or none (default: all)
  --dist DIR          what is applied (default: dist)
  --next DIR          the revision to update to (default: the same, every pod template changed)
  --config DIR        folder with the environment files, for zones and nodes (default: config)
  --kubeconfig FILE   use this cluster; nothing may be on it, and kwok must be at work for its nodes; what is made there
                      is removed again, unless interrupted
  --patience SECONDS  how long the pods of a wave may take to be ready (default: 60)
  --json FILE         also write the reports there
  --help              show this

Programs come from KUBEBUILDER_ASSETS, else from PATH at the right version, else they are built once with Go.
Exit status: 0 all holds, 1 something does not, 2 wrong usage.`;

const options = {
  environment: { type: 'string' },
  cluster: { type: 'string' },
  all: { type: 'boolean', default: false },
  steps: { type: 'string', default: STEPS.join(',') },
  dist: { type: 'string', default: 'dist' },
  next: { type: 'string' },
  config: { type: 'string', default: 'config' },
  kubeconfig: { type: 'string' },
  patience: { type: 'string', default: '60' },
  json: { type: 'string' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

/** One cluster of an environment, and what is applied to it. */
interface Target {
  readonly title: string;
  readonly place: Place;
  readonly objects: readonly Printed[];
  readonly next?: readonly Printed[];
  readonly groups?: Groups;
}

/** The clusters that are meant. @throws Misuse where there is none */
function targetsOf({ environment, cluster, all, config, dist, next }: Values): Target[] {
  if (all === (environment !== undefined))
    throw new Misuse('either --environment NAME or --all must be given');
  const environments = loadEnvironments(environmentFiles(config));
  const places = environments.flatMap((each) =>
    each.clusters.map((place) => ({
      environment: each.environment,
      place,
      ...(each.access ? { groups: each.access.groups } : {}),
    })),
  );
  const meant = places.filter(
    (each) =>
      (all || each.environment === environment) && (cluster === undefined || each.place.name === cluster),
  );
  if (meant.length === 0) {
    const known = places.map((each) => `${each.environment}/${each.place.name}`).join(', ');
    throw new Misuse(
      `there is no cluster ${environment ?? '*'}/${cluster ?? '*'} in ${config}/, only ${known}`,
    );
  }
  const printed = readDist(resolve(dist));
  const following = next === undefined ? undefined : readDist(resolve(next));
  return meant.map(({ environment: name, place, groups }) => ({
    title: `${name}/${place.name}`,
    place,
    objects: objectsOf(printed, dist, name, place.name),
    ...(groups ? { groups } : {}),
    ...(following ? { next: objectsOf(following, next ?? '', name, place.name) } : {}),
  }));
}

function objectsOf(
  printed: readonly Printed[],
  folder: string,
  environment: string,
  cluster: string,
): Printed[] {
  const own = printed.filter((each) => each.environment === environment && each.cluster === cluster);
  if (own.length > 0) return own;
  throw new Error(`${folder}/${environment}/${cluster}: there is no manifest; run \`npm run synth\` first`);
}

function stepsOf({ steps }: Values): Step[] {
  const wanted = steps.split(',').filter((step) => step !== '' && step !== 'none');
  const unknown = wanted.filter((step) => !STEPS.some((known) => known === step));
  if (unknown.length > 0)
    throw new Misuse(`--steps: must be of ${STEPS.join(', ')}, got ${unknown.join(', ')}`);
  return STEPS.filter((step) => wanted.includes(step));
}

function patienceOf({ patience }: Values): number {
  const seconds = Number(patience);
  if (!(seconds > 0)) throw new Misuse(`--patience: must be a number of seconds, got ${patience}`);
  return seconds;
}

/** How everything is tried, whatever cluster it is. */
interface Manner {
  readonly kubeconfig?: string;
  readonly definitions: readonly Manifest[];
  readonly steps: readonly Step[];
  readonly patience: number;
}

async function accept(
  { title, place, ...target }: Target,
  { kubeconfig, definitions, ...manner }: Manner,
): Promise<Report> {
  console.log(`\nacceptance of ${title}`);
  const recorder = new Recorder(title);
  const plane = kubeconfig === undefined ? await ControlPlane.start({ fakeNodes: true }) : undefined;
  const cluster = await Cluster.connect(plane?.kubeconfig ?? kubeconfig ?? '');
  try {
    const made = await prepare(cluster, target.objects, place, definitions);
    try {
      const volumes = new Volumes(cluster);
      await new Acceptance(cluster, recorder, { ...target, ...manner, auditLog: plane?.auditLog }).run();
      await volumes.close();
    } finally {
      if (!plane)
        await tidy(cluster, [
          ...made,
          ...[...target.objects, ...(target.next ?? [])].map(({ manifest }) => manifest),
        ]);
    }
  } finally {
    cluster.close();
    await plane?.stop();
  }
  const report = recorder.report();
  console.log(summaryOf(report));
  return report;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options });
  const targets = targetsOf(values);
  const manner: Manner = {
    kubeconfig: values.kubeconfig,
    steps: stepsOf(values),
    patience: patienceOf(values),
    definitions: customDefinitions(),
  };
  const reports: Report[] = [];
  const { json } = values;
  for (const target of targets) {
    reports.push(await accept(target, manner));
    // As they come: what was seen is kept where a later one fails.
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(reports, null, 2)}\n`);
  }
  console.log(`\n${tableOf(reports)}`);
  return reports.every(isGood) ? 0 : 1;
}

runCommand(USAGE, main);
