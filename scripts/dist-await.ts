import { parseArgs } from 'node:util';
import { findKubectl, run } from '../acceptance/kubectl';
import { parseDuration } from '../constructs/platform/duration';
import {
  type Application,
  arrival,
  type Expected,
  type Seen,
  seenIn,
  stateOfAll,
} from '../publishing/arrival';
import { DistBranch } from '../publishing/branch';
import { configuredBranch } from '../publishing/delivery';
import { Git } from '../publishing/git';
import { markHealthy } from '../publishing/healthy';
import { placesIn, revisionOn } from '../publishing/scope';
import { isAncestor, short } from '../publishing/source';
import { readPrinted } from '../synth/dist';
import { runCommand } from './command';

const USAGE = `usage: npm run dist:await -- [REVISION] --environment NAME --kubeconfig FILE [OPTION ...]

Waits until Argo CD has synced a revision to the clusters of an environment and everything there is healthy. Changes
nothing in a cluster. Exit status 0 where all are healthy, or a newer revision took its place; 4 where one is not, which
is a reason to go back; 3 where nothing of it was tried (a sync window, an Argo CD that does not answer), which is none.

  REVISION             a revision of the branch, or a source that was published there  (default: what is published)
  --environment NAME   the environment
  --cluster NAME       only this cluster of it
  --kubeconfig FILE    has a context for each cluster, called as the cluster is; for one cluster its current one will do
  --timeout TIME       as in 30m                                                       (default: 30m)
  --poll SECONDS       how often to look; healthy is what was so three times in a row  (default: 10)
  --mark               marks each cluster that is healthy, as npm run dist:healthy does
  --remote NAME        remote, or where it is                                          (default: origin)
  --branch NAME        branch there                         (default: delivery.branch of the configuration)
  --config DIR         folder with the environment files                               (default: config)
  --help               this text`;

/** What a kubeconfig leads to. */
interface Way {
  readonly kubectl: string;
  readonly args: readonly string[];
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      environment: { type: 'string' },
      cluster: { type: 'string' },
      kubeconfig: { type: 'string' },
      timeout: { type: 'string', default: '30m' },
      poll: { type: 'string', default: '10' },
      mark: { type: 'boolean', default: false },
      remote: { type: 'string', default: 'origin' },
      branch: { type: 'string' },
      config: { type: 'string', default: 'config' },
    },
  });
  const { environment, kubeconfig } = values;
  if (environment === undefined || kubeconfig === undefined || positionals.length > 1) {
    console.error('give --environment and --kubeconfig, and at most one REVISION');
    return 2;
  }
  const patience = { timeoutSeconds: parseDuration(values.timeout), pollSeconds: Number(values.poll) };
  if (!(patience.pollSeconds > 0)) throw new Error(`--poll must be seconds, more than 0, got ${values.poll}`);
  const branch = DistBranch.of(
    Git.open('.'),
    values.remote,
    values.branch ?? configuredBranch(values.config),
  );
  const tip = branch.fetch();
  if (tip === undefined) throw new Error(`${branch.name}: there is no such branch`);
  const revision = revisionOn(branch, tip, positionals[0] ?? tip);
  const places = placesIn([...branch.ids(revision).keys()], { environment, cluster: values.cluster });

  const kubectl = findKubectl();
  // All that may be wrong is found before anything is waited for.
  const clusters = await Promise.all(
    places.map(async (place) => {
      const [, cluster = ''] = place.split('/');
      const context = await contextOf(kubectl, kubeconfig, cluster, places.length === 1);
      const way = { kubectl, args: ['--kubeconfig', kubeconfig, ...context, '--request-timeout', '20s'] };
      return { cluster, place, way, expected: expectedAt(branch, revision, place) };
    }),
  );
  const ends = await Promise.all(
    clusters.map(async ({ cluster, place, way, expected }) => {
      const say = (line: string): void => console.log(`${place}: ${line}`);
      const seen = await arrival(() => lookAt(way, expected), say, patience);
      return { cluster, place, state: stateOfAll(seen) };
    }),
  );
  for (const { cluster, place, state } of ends) {
    console.log(`${place} at ${short(revision)}: ${state}`);
    if (values.mark && state === 'healthy')
      console.log(markHealthy(branch, revision, { environment, cluster }).join('\n'));
  }
  if (ends.some(({ state }) => state === 'failed')) return 4;
  return ends.some(({ state }) => state === 'untried') ? 3 : 0;
}

/** The context that is called as the cluster is. */
async function contextOf(
  kubectl: string,
  kubeconfig: string,
  cluster: string,
  isOnly: boolean,
): Promise<string[]> {
  const { status, stdout, stderr } = await run(kubectl, [
    ...['--kubeconfig', kubeconfig],
    ...['config', 'get-contexts', '--output', 'name'],
  ]);
  if (status !== 0) throw new Error(`${kubeconfig}: ${stderr.trim()}`);
  const contexts = stdout.split('\n').filter((name) => name !== '');
  if (contexts.includes(cluster)) return ['--context', cluster];
  if (isOnly && contexts.length > 0) return [];
  throw new Error(
    `${kubeconfig}: no context is called ${cluster}; there are ${contexts.join(', ') || 'none'}: \`kubectl config rename-context\`, or name one cluster with --cluster`,
  );
}

/** The Applications of a cluster, and the namespace that they are in. */
interface Applications extends Expected {
  readonly namespace: string;
}

/** What a revision says that a cluster is to have. */
function expectedAt(branch: DistBranch, revision: string, place: string): Applications {
  const applications = [...branch.files(revision)]
    .filter(([path]) => path.startsWith(`${place}/bootstrap/Application.`))
    .map(([path, text]) => readPrinted(path, text).manifest);
  const namespace = applications[0]?.metadata.namespace;
  if (namespace === undefined) throw new Error(`${short(revision)} has no Application for ${place}`);
  const known = new Map<string, boolean>();
  const isNewer = (at: string): boolean => {
    const answer = known.get(at) ?? isPublishedAfter(branch, revision, at);
    known.set(at, answer);
    return answer;
  };
  return { namespace, revision, names: applications.map(({ metadata }) => metadata.name), isNewer };
}

function isPublishedAfter(branch: DistBranch, revision: string, at: string): boolean {
  if (branch.git.ask(['cat-file', '-e', at]).status !== 0) branch.fetch();
  return isAncestor(branch.git, revision, at);
}

async function lookAt({ kubectl, args }: Way, expected: Applications): Promise<Seen[]> {
  const { status, stdout, stderr } = await run(kubectl, [
    ...args,
    ...['--namespace', expected.namespace, 'get', 'applications.argoproj.io', '--output', 'json'],
  ]);
  if (status !== 0) return [{ name: 'Argo CD', state: 'untried', why: `cannot be asked: ${stderr.trim()}` }];
  const { items } = JSON.parse(stdout) as { readonly items: readonly Application[] };
  return seenIn(items, expected);
}

runCommand(USAGE, main);
