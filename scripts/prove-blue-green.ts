import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadAll } from 'js-yaml';
import { Cluster, type Live } from '../acceptance/cluster';
import { ControlPlane } from '../acceptance/control-plane';
import { prepare } from '../acceptance/prepare';
import { findPrograms } from '../acceptance/programs';
import { isGood, Recorder, summaryOf } from '../acceptance/report';
import { Sandbox } from '../acceptance/sandbox';
import { buildPlatform } from '../charts/platform';
import { loadImages } from '../config/images';
import { loadEnvironment } from '../config/load';
import type { Manifest } from '../constructs/platform/manifest';
import { Authority } from '../guarantees/certificates/authority';
import { runCommand } from './command';
import { definitionTexts, fetchModule } from './imports/fetch';
import { CUSTOM_RESOURCES } from './imports/sources';

const USAGE = `usage: npm run prove:blue-green

Delivers Lighthouse blue-green with the real controller of Argo Rollouts, on a control plane of real Kubernetes: a switch, a
sync in its midst, a revision that the objectives end after its switch, one that never gets as far, and the way back. Nodes are
played by kwok, and Prometheus by this program, over TLS; the analyses are the platform's own, only faster. Everything runs
on loopback and is gone afterwards. Takes two minutes, and once the time to build Kubernetes and the controller.
Exit status 1 where something failed.

  --help           this text`;

const ROOT = process.env['LIGHTHOUSE_ROOT'] ?? '.';
const NAMESPACE = 'bridge';
const PODS = 3;
const HASH = 'rollouts-pod-template-hash';

/** What Prometheus says at the moment, by a part of the query. */
const GOOD = { restarts: '0', ready: '1', service_healthy: '1', objective_burn: '0.5' } as const;

/** Prometheus' answers to the platform's own questions, over TLS with a certificate that must be trusted. */
class Answers {
  says: Readonly<Record<string, string>> = GOOD;
  readonly asked = new Set<string>();

  private constructor(
    private readonly server: Server,
    /** File with the authority to trust. */
    readonly authority: string,
  ) {}

  static async start(folder: string): Promise<Answers> {
    const authority = new Authority();
    const trusted = join(folder, 'ca.crt');
    writeFileSync(trusted, authority.certificate);
    const { certificate, key } = authority.issue('prometheus', { names: ['127.0.0.1'] });
    const server = createServer({ key, cert: certificate });
    const answers = new Answers(server, trusted);
    server.on('request', (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const query = new URLSearchParams(body || request.url?.split('?')[1]).get('query') ?? '';
        answers.asked.add(query);
        const value = Object.entries(answers.says).find(([part]) => query.includes(part))?.[1] ?? '0';
        const result = [{ metric: {}, value: [Date.now() / 1000, value] }];
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return answers;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
  }
}

/** The objects of the example with its state elsewhere that a switch is made of. */
function objectsOf(): { manifests: Manifest[]; place: Parameters<typeof prepare>[2] } {
  const environment = loadEnvironment(join(ROOT, 'test', 'external', 'production.yaml'));
  const shipped = loadImages(join(ROOT, 'config', 'images.yaml'));
  const place = environment.clusters.find(({ role }) => role === 'primary');
  if (!place) throw new Error('the example has no primary cluster');
  const { objects } = buildPlatform(environment, place, (name) =>
    name === 'bridge' ? 'registry.example.com/lighthouse/bridge:2.0.0' : shipped(name),
  );
  const kinds = ['ServiceAccount', 'Service', 'AnalysisTemplate', 'Rollout'];
  const manifests = objects
    .map(({ manifest }) => manifest)
    .filter(({ kind, metadata }) =>
      kind === 'Namespace'
        ? metadata.name === NAMESPACE
        : metadata.namespace === NAMESPACE && kinds.includes(kind) && metadata.name.startsWith('bridge'),
    );
  return { manifests, place: { ...place, nodes: { ...place.nodes, count: 6 } } };
}

/** All that the controller keeps, its runs of analyses included, which nobody else writes. */
function definitions(): Manifest[] {
  const source = CUSTOM_RESOURCES.find(({ module }) => module === 'github.com/argoproj/argo-rollouts');
  if (!source) throw new Error('there is no source of the definitions of Argo Rollouts');
  return definitionTexts(source, fetchModule(source))
    .flatMap((text) => loadAll(text) as (Manifest | null)[])
    .filter((manifest): manifest is Manifest => manifest?.kind === 'CustomResourceDefinition');
}

/** The platform's own analysis at another address, and in a moment. */
function hastened(manifest: Manifest, url: string): Manifest {
  const text = JSON.stringify(manifest)
    .replaceAll(/https:\/\/prometheus\.observability[\w.]*:\d+/g, url)
    .replaceAll(/"(initialDelay|interval)":"\d+s"/g, '"$1":"1s"');
  return JSON.parse(text) as Manifest;
}

interface RolloutStatus {
  readonly phase?: string;
  readonly abort?: boolean;
  readonly currentPodHash?: string;
  readonly stableRS?: string;
  readonly message?: string;
}

/** The delivery of one revision after another. */
class Delivery {
  constructor(
    private readonly cluster: Cluster,
    private readonly rollout: Manifest,
    private readonly service: Manifest,
  ) {}

  /** Applies a revision as a sync does; another number of it is another pod template. */
  async deliver(revision: number): Promise<void> {
    const { spec } = this.rollout as unknown as { spec: { template: { metadata: object } } };
    const { template } = spec;
    await this.cluster.apply({
      ...this.rollout,
      spec: {
        ...spec,
        template: {
          ...template,
          metadata: { ...template.metadata, annotations: { revision: String(revision) } },
        },
      },
    });
    // The autoscaler's part, by another hand.
    await this.cluster.kubectl(['-n', NAMESPACE, 'scale', 'rollout', 'bridge', `--replicas=${PODS}`]);
  }

  async status(): Promise<RolloutStatus> {
    return (
      ((await this.cluster.get(this.rollout)) as (Live & { status?: RolloutStatus }) | undefined)?.status ??
      {}
    );
  }

  /** The revision that the Service leads to. */
  async active(): Promise<string> {
    const live = (await this.cluster.get(this.service)) as
      { spec?: { selector?: Record<string, string> } } | undefined;
    return live?.spec?.selector?.[HASH] ?? 'none';
  }

  /** Pods of a revision that are ready. */
  async ready(hash: string): Promise<number> {
    const sets = await this.cluster.list('apps/v1', 'ReplicaSet', NAMESPACE, `${HASH}=${hash}`);
    return sets.reduce(
      (sum, set) => sum + ((set as { status?: { readyReplicas?: number } }).status?.readyReplicas ?? 0),
      0,
    );
  }

  async until(what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (!(await holds())) {
      if (performance.now() > end)
        throw new Error(`not ${what} within ${seconds} s: ${JSON.stringify(await this.status())}`);
      await sleep(200);
    }
  }

  async healthy(): Promise<string> {
    await this.until('healthy', async () => (await this.status()).phase === 'Healthy');
    return this.active();
  }
}

function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}

async function prove(
  recorder: Recorder,
  delivery: Delivery,
  cluster: Cluster,
  service: Manifest,
  answers: Answers,
): Promise<void> {
  let first = '';
  let second = '';
  const step = (name: string, what: () => Promise<string>) => recorder.check('blue-green', name, what);

  await step('the first revision is led to when it is ready', async () => {
    await delivery.deliver(1);
    first = await delivery.healthy();
    same(await delivery.ready(first), PODS, 'ready pods');
    return first;
  });
  await step('a sync leaves the Service where it leads', async () => {
    await cluster.apply(service);
    same(await delivery.active(), first, 'the Service');
    return first;
  });
  await step('a good revision takes over, the old one stays beside it', async () => {
    await delivery.deliver(2);
    second = await delivery.healthy();
    if (second === first) throw new Error('the Service still leads to the first');
    same(await delivery.ready(first), PODS, 'ready pods of the old revision');
    return `${first} -> ${second}`;
  });
  await step('a revision that the objectives suffer from is left again after its switch', async () => {
    await delivery.deliver(3);
    await delivery.until('switched', async () => (await delivery.active()) !== second);
    const third = await delivery.active();
    answers.says = { ...GOOD, objective_burn: '20' };
    await delivery.until('aborted', async () => (await delivery.status()).abort === true);
    await delivery.until('switched back', async () => (await delivery.active()) === second);
    same((await delivery.status()).phase, 'Degraded', 'the phase');
    same(await delivery.ready(second), PODS, 'ready pods of the revision before');
    return `${second} -> ${third} -> ${second}`;
  });
  await step('a revision whose pods restart is never led to', async () => {
    answers.says = { ...GOOD, restarts: '1' };
    await delivery.deliver(4);
    await delivery.until('aborted', async () => {
      same(await delivery.active(), second, 'the Service');
      const { abort, phase } = await delivery.status();
      return abort === true && phase === 'Degraded';
    });
    return second;
  });
  await step('the commit that reverts it makes all well', async () => {
    answers.says = GOOD;
    await delivery.deliver(2);
    same(await delivery.healthy(), second, 'the Service');
    return `${answers.asked.size} questions were asked over TLS`;
  });
}

async function main(): Promise<number> {
  parseArgs({ options: {} });
  const recorder = new Recorder('blue-green delivery by Argo Rollouts');
  const programs = await findPrograms(['rollouts-controller'], console.error);
  const sandbox = new Sandbox('blue-green');
  const answers = await Answers.start(sandbox.folder);
  const { manifests, place } = objectsOf();
  const plane = await ControlPlane.start({ fakeNodes: true });
  const cluster = await Cluster.connect(plane.kubeconfig);
  await prepare(cluster, [], place, definitions());
  const named = (kind: string, name = 'bridge'): Manifest => {
    const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
    if (!found) throw new Error(`the example has no ${kind} ${name}`);
    return found;
  };
  await cluster.apply(named('Namespace'));
  for (const manifest of manifests)
    if (!['Namespace', 'Rollout'].includes(manifest.kind))
      await cluster.apply(hastened(manifest, answers.url));
  sandbox.start('rollouts-controller', '/usr/bin/env', [
    `SSL_CERT_FILE=${answers.authority}`,
    programs['rollouts-controller'],
    ...['--kubeconfig', plane.kubeconfig, '--leader-elect=false', '--metricsPort=0', '--healthzPort=0'],
  ]);
  const service = named('Service');
  await prove(recorder, new Delivery(cluster, named('Rollout'), service), cluster, service, answers);
  const report = recorder.report();
  if (!isGood(report)) console.error(sandbox.lastWords('rollouts-controller', 20));
  answers.close();
  cluster.close();
  await plane.stop();
  await sandbox.close();
  console.log(summaryOf(report));
  return isGood(report) ? 0 : 1;
}

runCommand(USAGE, main);
