import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from '../acceptance/cluster';
import { ControlPlane } from '../acceptance/control-plane';
import { customDefinitions } from '../acceptance/definitions';
import { prepare } from '../acceptance/prepare';
import { isGood, Recorder, summaryOf } from '../acceptance/report';
import { Sandbox } from '../acceptance/sandbox';
import { Volumes } from '../acceptance/volumes';
import { loadConfig } from '../config/load';
import type { Cluster as Place } from '../config/schema';
import type { Files } from '../synth/memory';
import { ArgoCd } from '../test/delivery/argo-cd';
import { runDrills } from '../test/delivery/drills';
import { Operators } from '../test/delivery/operators';
import { FIRST, objectsIn, PLACE, printed, Repository } from '../test/delivery/revisions';

const USAGE = `usage: npm run prove:delivery

Delivers an environment with the real Argo CD, from a branch of a repository, to a control plane of real Kubernetes: a
first sync, a new commit, changes by hand, pruning, bad revisions and their fixes, a rollback, a sync window. Everything
runs on loopback and is gone afterwards. Nodes are played by kwok, operators by this program: what is shown is delivery, not
that anything works. Redis must be installed. Takes six to ten minutes, and once the time to build Kubernetes and Argo CD.
Ends with "N passed, N failed"; exit status 1 where something failed.

  --help           this text`;

const place = (): Place => {
  const { environments } = loadConfig(join(process.env['LIGHTHOUSE_ROOT'] ?? '.', 'config'));
  const environment = environments.find((each) => each.environment === PLACE.environment);
  const found = environment?.clusters.find(({ name }) => name === PLACE.cluster);
  if (!found) throw new Error(`the configuration has no ${PLACE.environment}/${PLACE.cluster}`);
  return found;
};

/** Does what README.md says a person does, once per cluster. */
async function bootstrap(cluster: Cluster, files: Files, folder: string): Promise<void> {
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const at = join(folder, PLACE.environment, PLACE.cluster, 'bootstrap');
  const { status, stderr } = await cluster.kubectl([
    ...['apply', '--server-side', '--force-conflicts', '--field-manager', 'argocd-controller'],
    ...['-f', join(at, 'ConfigMap.*'), '-f', join(at, 'AppProject.*')],
    ...['-f', join(at, 'Application.argocd.lighthouse-bootstrap.yaml')],
  ]);
  if (status !== 0) throw new Error(`the root could not be applied: ${stderr.trim()}`);
}

async function prove(recorder: Recorder): Promise<void> {
  const sandbox = new Sandbox('delivery');
  const repository = new Repository(sandbox.folder);
  const files = printed(repository.url, FIRST);
  const objects = objectsIn(files);
  const first = await repository.publish(FIRST);

  const plane = await ControlPlane.start({ fakeNodes: true });
  const cluster = await Cluster.connect(plane.kubeconfig);
  await prepare(cluster, objects, place(), customDefinitions());
  await bootstrap(cluster, files, join(sandbox.folder, 'branch'));
  const players = [new Volumes(cluster), new Operators(cluster)];
  const settings = objects.map(({ manifest }) => manifest);
  const argocd = await ArgoCd.start(cluster, settings);

  await runDrills(recorder, { argocd, cluster, repository, first });
  if (!isGood(recorder.report())) console.error(argocd.lastWords());

  await argocd.stop();
  for (const player of players) await player.close();
  cluster.close();
  await plane.stop();
  await sandbox.close();
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const recorder = new Recorder('delivery by Argo CD');
  await prove(recorder);
  const report = recorder.report();
  console.log(summaryOf(report));
  return isGood(report) ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (!(error instanceof Error)) throw error;
    console.error(process.env['LIGHTHOUSE_DEBUG'] ? error.stack : error.message);
    const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') ?? false;
    if (isUsage) console.error(`\n${USAGE}`);
    process.exit(isUsage ? 2 : 1);
  },
);
