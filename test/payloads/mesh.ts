/**
 * What Istio makes of every environment with a mesh: its own validation takes all policies, and its own control plane, given the
 * pods and policies of a cluster, has the agents on the nodes let in each declared connection and nothing else.
 */
import { join } from 'node:path';
import { run } from '../../acceptance/kubectl';
import { findPrograms } from '../../acceptance/programs';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import type { Connections } from '../../constructs/platform/connections';
import { MESH_LABEL, principalOf } from '../../constructs/platform/mesh';
import type { Manifest } from '../../constructs/platform/manifest';
import type { Platform } from '../../synth/platform';
import { inventoryOf, type PodSource } from '../../synth/inventory';
import type { Report } from './report';

const ROOT = join(__dirname, '..', '..');

export async function check(report: Report): Promise<void> {
  const { 'istio-mesh': program } = await findPrograms(['istio-mesh'], console.error);
  const { images, environments } = loadConfig(join(ROOT, 'config'));
  for (const environment of environments.filter(({ mesh }) => mesh)) {
    for (const cluster of environment.clusters) {
      const name = `${environment.environment}/${cluster.name}`;
      await judge(program, buildPlatform(environment, cluster, images), (what, wrong, detail) =>
        report(`${name}: ${what}`, wrong.length === 0, wrong.join('\n') || detail),
      );
    }
  }
}

/** Somebody who connects, or tries to. */
interface Question {
  /** Empty where no identity is shown. */
  readonly principal: string;
  readonly source: string;
  /** Namespace and name of a pod. */
  readonly to: string;
  readonly port: number;
}

interface Answer {
  readonly refused: readonly string[];
  readonly tunnelled: number;
  readonly policies: number;
  readonly answers: readonly boolean[];
}

type Say = (what: string, wrong: readonly string[], detail?: string) => void;

/** An address of nobody outside. */
const NOBODY = '192.0.2.1';

async function judge(program: string, platform: Platform, say: Say): Promise<void> {
  const pods = podsOf(platform);
  const policies = platform.objects
    .map(({ manifest }) => manifest)
    .filter(({ apiVersion }) => apiVersion === 'security.istio.io/v1');
  const { declared, others } = questionsOf(platform, pods);
  const input = { namespaces: namespacesOf(platform), pods, policies, questions: [...declared, ...others] };
  const { status, stdout, stderr } = await run(program, [], JSON.stringify(input));
  if (status !== 0) throw new Error(`istio-mesh ended with ${status}: ${stderr.trim()}`);
  const { refused, tunnelled, policies: told, answers } = JSON.parse(answerIn(stdout)) as Answer;
  const isWrong = (questions: readonly Question[], from: number, right: boolean): string[] =>
    questions.flatMap((question, index) =>
      answers[from + index] === right
        ? []
        : `${question.principal || question.source} to ${question.to}:${question.port}`,
    );
  say('Istio takes every policy', refused, `${policies.length} policies`);
  say(
    'every pod is reached through the mesh',
    tunnelled === pods.length ? [] : [`${tunnelled} of ${pods.length}`],
    `${pods.length} pods, ${told} policies told to agents`,
  );
  say('what is declared is let in', isWrong(declared, 0, true), `${declared.length} connections`);
  say('nothing else is', isWrong(others, declared.length, false), `${others.length} attempts refused`);
}

/** Istio's own log goes to the same place. */
function answerIn(stdout: string): string {
  return stdout.split('\n').find((line) => line.startsWith('{')) ?? '';
}

interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly account: string;
  readonly address: string;
}

/** One pod of each set; CloudNativePG's run as what they are made of. */
function podsOf(platform: Platform): Pod[] {
  return inventoryOf(platform).pods.map(({ object: { manifest }, workload, namespace }, index) => ({
    namespace,
    name: `${manifest.kind.toLowerCase()}-${manifest.metadata.name}`,
    labels: workload.labels,
    account: workload.pod?.serviceAccountName ?? manifest.metadata.name,
    address: `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}`,
  }));
}

function namespacesOf({ objects }: Platform): Pick<Pod, 'name' | 'labels'>[] {
  const made = objects.map(({ manifest }) => manifest).filter(({ kind }) => kind === 'Namespace');
  const labels = ({ metadata }: Manifest): Record<string, string> => ({ ...metadata.labels });
  const others = new Set(objects.flatMap(({ manifest }) => manifest.metadata.namespace ?? []));
  for (const { metadata } of made) others.delete(metadata.name);
  return [
    ...made.map((manifest) => ({ name: manifest.metadata.name, labels: labels(manifest) })),
    ...[...others].map((name) => ({ name, labels: { [MESH_LABEL]: 'ambient' } })),
  ];
}

/** Every client that there is, and one without an identity, at every port that pods listen on. */
function questionsOf(
  platform: Platform,
  pods: readonly Pod[],
): { readonly declared: readonly Question[]; readonly others: readonly Question[] } {
  const { connections } = platform;
  const principals = new Set(
    connections.flatMap((own) =>
      [own, ...[...own.clients.values()].flatMap((peers) => [...peers])].flatMap(
        (peer) => principalOf(peer) ?? [],
      ),
    ),
  );
  const declared: Question[] = [];
  const others: Question[] = [];
  for (const own of connections) {
    const targets = pods.filter((pod) => pod.namespace === own.namespace && selects(own, pod.labels));
    for (const { namespace, name } of targets) {
      const to = `${namespace}/${name}`;
      for (const port of new Set(
        own.endpoints.filter(({ protocol }) => protocol === 'TCP').map(({ port }) => port),
      )) {
        const clients = clientsAt(own, port);
        for (const principal of principals) {
          (clients.has(principal) ? declared : others).push({ principal, source: NOBODY, to, port });
        }
        others.push({ principal: '', source: NOBODY, to, port });
        for (const source of outsidersAt(own, port)) declared.push({ principal: '', source, to, port });
      }
    }
  }
  return { declared, others };
}

function selects({ labels }: Connections, of: PodSource['workload']['labels']): boolean {
  return Object.entries(labels).every(([key, value]) => of[key] === value);
}

function clientsAt(own: Connections, port: number): ReadonlySet<string> {
  const peers = [...own.clients].flatMap(([endpoint, each]) =>
    endpoint.port === port && endpoint.protocol === 'TCP' ? [...each] : [],
  );
  return new Set(peers.flatMap((peer) => principalOf(peer) ?? []));
}

/** The first address of each block. */
function outsidersAt(own: Connections, port: number): string[] {
  return [...own.outsiders].flatMap(([endpoint, cidrs]) =>
    endpoint.port === port ? cidrs.map((cidr) => cidr.slice(0, cidr.indexOf('/'))) : [],
  );
}
