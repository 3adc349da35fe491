import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { applyAll, waitForHealth, wavesOf, type Waiting } from '../acceptance/apply';
import { Cluster } from '../acceptance/cluster';
import { DRILLS } from '../acceptance/drills/all';
import { alone, release } from '../acceptance/lease';
import { missingFor } from '../acceptance/readiness';
import { isGood, Recorder, type Report, summaryOf } from '../acceptance/report';
import { healthOfServices, healthTable } from '../acceptance/services';
import { type Smoke, SMOKES } from '../acceptance/smoke/all';
import { removeTemporary } from '../acceptance/temporary';
import type { Trial } from '../acceptance/trial';
import { type Printed, readDist } from '../synth/dist';
import { Misuse, runCommand } from './command';

const USAGE = `usage: npm run e2e -- --kubeconfig FILE [--environment NAME] [--cluster NAME] [--drills] [--skip-apply]
                    [--only SUBJECT ...] [--json FILE] [--dist DIR]

Applies an environment to a real cluster, wave by wave, and tries it: writes and reads as a client of every service, what
must be refused, every connection between everything, and, on request, failures. Operators must be there already; the
phase bootstrap, which hands a cluster to Argo CD, is not applied. For clusters to try things on: it leaves events
of the type acceptance in the event store, and drills interrupt service.

  --kubeconfig FILE    the cluster to use; there is no default
  --environment NAME   which environment of dist/ (default: development)
  --cluster NAME       which of its clusters, where it has several
  --drills             also what happens when pods are killed, deleted and evicted
  --skip-apply         try what is there as it is
  --only SUBJECT       try this alone, as in the report; may be given several times
  --json FILE          also write the report there
  --dist DIR           the folder to read (default: dist)
  --help               show this

Exit code 0: everything held; 1: something did not; 2: wrong usage.`;

/** Seconds that one wave may take to become healthy: images are pulled, volumes made, a database is initialized. */
const WAVE_SECONDS = 900;

/** Seconds that everything may take to become healthy again at the end, the first backup included. */
const END_SECONDS = 300;

interface Options {
  readonly kubeconfig: string;
  readonly environment: string;
  readonly cluster?: string;
  readonly dist: string;
  readonly json?: string;
  readonly skipsApply: boolean;
  readonly trials: readonly Smoke[];
}

function optionsIn(): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = { kubeconfig: text, environment: text, cluster: text, json: text, dist: text };
  const flags = { drills: flag, 'skip-apply': flag };
  const only = { type: 'string', multiple: true, default: [] as string[] } as const;
  const { values } = parseArgs({ options: { ...options, ...flags, only } });
  const { kubeconfig, environment = 'development', cluster, json, dist = join(root, 'dist') } = values;
  if (kubeconfig === undefined) throw new Misuse('--kubeconfig is missing: which cluster is never guessed');
  if (!existsSync(kubeconfig)) throw new Misuse(`--kubeconfig ${kubeconfig}: there is no such file`);
  if (json !== undefined && !existsSync(dirname(resolve(json))))
    throw new Misuse(`--json ${json}: there is no such folder`);
  return {
    kubeconfig: resolve(kubeconfig),
    environment,
    dist: resolve(dist),
    skipsApply: values['skip-apply'],
    trials: trialsIn(values.drills ? [...SMOKES, ...DRILLS] : SMOKES, values.only),
    ...(cluster === undefined ? {} : { cluster }),
    ...(json === undefined ? {} : { json: resolve(json) }),
  };
}

/** What is tried: everything, or what was named. */
function trialsIn(all: readonly Smoke[], only: readonly string[]): readonly Smoke[] {
  const subjects = new Set(all.map(({ subject }) => subject));
  const unknown = only.filter((subject) => !subjects.has(subject));
  if (unknown.length > 0)
    throw new Misuse(
      `--only ${unknown.join(', ')}: there are ${[...subjects].join(', ')}; drills with --drills`,
    );
  return only.length === 0 ? all : all.filter(({ subject }) => only.includes(subject));
}

const root = join(__dirname, '..');

/** What is to be applied: one cluster of one environment, without what hands it to Argo CD. */
function chosen({ dist, environment, cluster }: Options): { name: string; printed: Printed[] } {
  const all = readDist(dist);
  const inside = all.filter((each) => each.environment === environment);
  const environments = [...new Set(all.map((each) => each.environment))];
  if (inside.length === 0)
    throw new Error(`${dist}: there is no environment ${environment}; there are ${environments.join(', ')}`);
  const clusters = [...new Set(inside.map((each) => each.cluster))];
  const name = cluster ?? clusters[0] ?? '';
  if (!clusters.includes(name) || (cluster === undefined && clusters.length > 1))
    throw new Error(
      `environment ${environment} has the clusters ${clusters.join(', ')}: name one with --cluster`,
    );
  return { name, printed: inside.filter((each) => each.cluster === name && !isArgoCds(each)) };
}

/** What hands a cluster to Argo CD, and what looks at that. */
function isArgoCds({ phase, manifest }: Printed): boolean {
  return phase === 'bootstrap' || manifest.metadata.namespace === 'argocd';
}

/** Applies all waves; false where one was refused or does not become healthy: what comes after it would not either. */
async function applied({ cluster, recorder }: Trial, printed: readonly Printed[]): Promise<boolean> {
  const waves = wavesOf(printed);
  for (const [index, { name, objects }] of waves.entries()) {
    const isThere = await recorder.check('apply', name, async () => {
      const outcomes = await applyAll(cluster, objects);
      recorder.count('objects', objects.length);
      const refused = outcomes.filter(({ outcome }) => outcome === 'refused');
      recorder.count('objects refused', refused.length);
      if (refused.length > 0)
        throw new Error(refused.map(({ printed: { file }, message }) => `${file}: ${message}`).join('; '));
      const waiting = await waitForHealth(
        cluster,
        objects.map(({ manifest }) => manifest),
        WAVE_SECONDS,
        (left) => sayWaiting(name, left),
      );
      if (waiting.length > 0) throw new Error(`not healthy: ${textOf(waiting)}`);
      const changed = outcomes.filter(({ outcome }) => outcome !== 'unchanged').length;
      return `${objects.length} objects healthy, ${changed} of them new or changed`;
    });
    if (isThere) continue;
    for (const later of waves.slice(index + 1)) recorder.skip('apply', later.name, `${name} is not healthy`);
    return false;
  }
  return true;
}

/** Objects that a line of progress names; the others are counted. */
const NAMED = 3;

function sayWaiting(wave: string, waiting: readonly Waiting[]): void {
  if (waiting.length === 0) return;
  const others = waiting.length > NAMED ? ` and ${waiting.length - NAMED} more` : '';
  console.log(`        ${wave}: waiting for ${textOf(waiting.slice(0, NAMED))}${others}`);
}

function textOf(waiting: readonly Waiting[]): string {
  return waiting.map(({ identity, message }) => `${identity} (${message})`).join(', ');
}

async function sayHealth({ cluster, recorder, manifests }: Trial): Promise<string> {
  const end = performance.now() + END_SECONDS * 1000;
  let services = await healthOfServices(cluster, manifests);
  const isOver = (): boolean => services.every(({ isHealthy }) => isHealthy) || performance.now() > end;
  while (!isOver()) {
    await new Promise((done) => setTimeout(done, 2000));
    services = await healthOfServices(cluster, manifests);
  }
  for (const { name, isHealthy, detail } of services) {
    await recorder.check('health', name, () =>
      isHealthy ? Promise.resolve(detail) : Promise.reject(new Error(detail)),
    );
  }
  return healthTable(services);
}

async function e2e(cluster: Cluster, options: Options): Promise<Report> {
  const { name, printed } = chosen(options);
  const manifests = printed.map(({ manifest }) => manifest);
  const missing = await missingFor(cluster, manifests);
  if (missing.length > 0)
    throw new Error(`${options.kubeconfig}: not ready for this:\n${missing.join('\n')}`);
  const left = await removeTemporary(cluster);
  if (left > 0) console.log(`removed ${left} objects that an earlier run left behind`);

  const recorder = new Recorder(`e2e of ${options.environment}/${name}`);
  const trial: Trial = { cluster, recorder, manifests };
  const isThere = options.skipsApply || (await applied(trial, printed));
  for (const { subject, run } of options.trials) {
    if (isThere) await recorded(recorder, subject, () => run(trial));
    else recorder.skip(subject, 'all of it', 'the platform is not there');
  }
  console.log(`\n${await sayHealth(trial)}\n`);
  return recorder.report();
}

/** What goes wrong outside the checks of a trial is a failure of it as a whole. */
async function recorded(recorder: Recorder, subject: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    await recorder.check(subject, 'could not be tried', () => Promise.reject(error as Error));
  }
}

/** Ends tidily on Ctrl-C: nothing temporary is left, and the next run need not wait. */
function tidyOnSignal(cluster: Cluster): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error(`${signal}: removing what the checks put there`);
      void removeTemporary(cluster)
        .then(() => release(cluster))
        .catch((error: unknown) => console.error(error instanceof Error ? error.message : error))
        .finally(() => process.exit(130));
    });
  }
}

const main = async (): Promise<number> => {
  const options = optionsIn();
  const cluster = await Cluster.connect(options.kubeconfig);
  try {
    const report = await alone(cluster, () => {
      tidyOnSignal(cluster);
      return e2e(cluster, options);
    });
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
    console.log(summaryOf(report));
    return isGood(report) ? 0 : 1;
  } finally {
    cluster.close();
  }
};

runCommand(USAGE, main);
