import { isDeepStrictEqual } from 'node:util';
import type { Cluster as Place } from '../config/schema';
import type { Manifest } from '../constructs/platform/manifest';
import { type Workload, workloadsIn } from '../constructs/platform/workloads';
import type { Printed } from '../synth/dist';
import { provisionsOf } from '../synth/provisions';
import { identify, referencesOf } from '../synth/references';
import { type Applied, applyAll, type Waiting, waitForHealth, wantedOf, type Wave, wavesOf } from './apply';
import type { Cluster, Live } from './cluster';
import { drained } from './drains';
import { answersTo, makersThatRead, questionsOf } from './permissions';
import { type Budget, budgetOf, crowdsOf, homelessness, type LivePod, podsOf, skewOf } from './pods';
import type { Finding, Recorder } from './report';
import { nextRevision } from './revisions';
import { emptyOf, standInsFor } from './stand-ins';
import { makesPods, podOf, refusedPods } from './templates';
import { Watchman } from './watchman';

/** One cluster of an environment, to be tried. */
export interface Site {
  /** Its zones and nodes, as configured. */
  readonly place: Place;
  readonly objects: readonly Printed[];
  /**
   * The revision after it.
   * @default - the same, every pod template changed
   */
  readonly next?: readonly Printed[];
  /**
   * How long the pods of a wave may take to become ready, seconds.
   * @default 60
   */
  readonly patience?: number;
}

/** What came of one step: what was seen, and what is wrong. */
interface Seen {
  readonly seen: string;
  readonly findings: readonly Finding[];
}

const ZONE = 'topology.kubernetes.io/zone';

/** Tries one cluster of an environment on an API server that is prepared for it; everything seen goes to the recorder. */
export class Acceptance {
  private readonly namespaces: readonly string[];

  constructor(
    private readonly cluster: Cluster,
    private readonly site: Site,
    private readonly recorder: Recorder,
  ) {
    this.namespaces = site.objects
      .filter(({ manifest }) => manifest.kind === 'Namespace')
      .map(({ manifest }) => manifest.metadata.name);
  }

  async run(): Promise<void> {
    const { objects, next = nextRevision(objects) } = this.site;
    this.recorder.count('objects', objects.length);
    this.recorder.count('refused', 0);
    this.recorder.count('warned', 0);
    this.recorder.count('pending', 0);
    let isReady = true;
    for (const wave of wavesOf(objects)) isReady = (await this.wave(wave)) && isReady;
    await this.recorder.checkAll('references', 'what is named is there', () => this.references());
    await this.recorder.checkAll('permissions', 'service accounts', () => this.permissions());
    if (!isReady) {
      this.recorder.skip('drains and revisions', 'all', 'not everything is ready');
      return;
    }
    const isPlaced = await this.recorder.checkAll('placement', 'pods', () => this.placement(objects));
    if (isPlaced) await this.drains();
    await this.recorder.checkAll('second apply', `${objects.length} objects`, () => this.again());
    const before = await this.snapshot(objects);
    await this.revision('update', objects, next);
    await this.revision('rollback', next, objects);
    await this.recorder.checkAll('rollback', 'objects are what they were', () => this.returned(before));
  }

  /** Applies one wave and waits until its pods are ready. */
  private wave(wave: Wave, prefix = ''): Promise<boolean> {
    const subject = prefix + wave.name;
    return this.recorder.checkAll(subject, `${wave.objects.length} objects`, async () => {
      const { applied, findings } = await this.apply(wave.objects);
      this.note(subject, applied, findings);
      const refused = new Set(findings.map(({ name }) => name));
      const started = applied.map(({ printed }) => printed.manifest).filter(makesPods);
      const waiting = await waitForHealth(
        this.cluster,
        started.filter((manifest) => !refused.has(identityOf(manifest))),
        this.site.patience ?? 60,
      );
      this.recorder.count('pending', waiting.length);
      const pending = await Promise.all(waiting.map((each) => this.explained(each, started)));
      const outcomes = (outcome: Applied['outcome']): number =>
        applied.filter((each) => each.outcome === outcome).length;
      const seen = (['created', 'configured', 'unchanged'] as const)
        .filter((outcome) => outcomes(outcome) > 0)
        .map((outcome) => `${outcomes(outcome)} ${outcome}`);
      return { seen: seen.join(', '), findings: [...findings, ...pending] };
    });
  }

  /** First what makes no pods, then what operators and Jobs would make of it, then what makes pods. */
  private async apply(objects: readonly Printed[]): Promise<{ applied: Applied[]; findings: Finding[] }> {
    const plain = await applyAll(
      this.cluster,
      objects.filter(({ manifest }) => !makesPods(manifest)),
    );
    for (const { manifest } of objects) await this.provide(manifest);
    const started = objects.flatMap(standIns).filter(({ manifest }) => makesPods(manifest));
    const findings = await refusedPods(this.cluster, await this.new(started));
    const extras = objects
      .flatMap(standIns)
      .filter((each) => !objects.includes(each) && !makesPods(each.manifest));
    const applied = [...plain, ...(await applyAll(this.cluster, [...extras, ...started]))];
    const refusals = applied.flatMap(({ printed, message }) =>
      message === undefined ? [] : [{ name: identityOf(printed.manifest), message }],
    );
    return { applied, findings: [...refusals, ...findings] };
  }

  /** What is not there yet: beside the pods of what is, a quota has no room for one pod more. */
  private async new(printed: readonly Printed[]): Promise<Manifest[]> {
    const live = await Promise.all(printed.map(({ manifest }) => this.cluster.get(manifest)));
    return printed.filter((_, index) => !live[index]).map(({ manifest }) => manifest);
  }

  /** Makes, empty, what is made of an object, unless it is there. */
  private async provide(manifest: Manifest): Promise<void> {
    for (const provision of provisionsOf(manifest, this.namespaces).slice(1)) {
      const empty = emptyOf(provision);
      if (empty && !(await this.cluster.get(empty))) await this.cluster.apply(empty);
    }
  }

  private note(subject: string, applied: readonly Applied[], findings: readonly Finding[]): void {
    this.recorder.count('refused', findings.length);
    for (const { printed, warnings } of applied)
      for (const warning of warnings) {
        this.recorder.count('warned', 1);
        this.recorder.warn(subject, identityOf(printed.manifest), warning);
      }
  }

  /** Why something does not become ready: what the scheduler says of its pods, or the last thing that its controller complained of. */
  private async explained({ identity, message }: Waiting, started: readonly Manifest[]): Promise<Finding> {
    const manifest = started.find((each) => identityOf(each) === identity);
    const workload = manifest && workloadsIn([manifest])[0];
    if (!workload) return { name: identity, message };
    const { namespace, name } = workload.manifest.metadata;
    const homeless = podsOf(workload, await this.pods()).flatMap((pod) => homelessness(pod) ?? []);
    const events = await this.cluster.list('v1', 'Event', namespace);
    const complaints = events.flatMap((event) => {
      const {
        type,
        involvedObject,
        message: said,
      } = event as unknown as {
        readonly type: string;
        readonly involvedObject: { readonly name: string };
        readonly message: string;
      };
      return type === 'Warning' && involvedObject.name.startsWith(name) ? said : [];
    });
    const reason = homeless[0] ?? complaints.at(-1);
    return { name: identity, message: reason === undefined ? message : `${message}: ${reason}` };
  }

  /** Secrets, ConfigMaps, service accounts and claims that objects name, with the keys that they read. */
  private async references(): Promise<Seen> {
    const kinds = ['Secret/', 'ConfigMap/', 'ServiceAccount/', 'PersistentVolumeClaim/'];
    const references = this.effective(this.site.objects).flatMap((manifest) =>
      referencesOf(manifest)
        .filter(({ to }) => kinds.some((kind) => to.startsWith(kind)))
        .map((reference) => ({ ...reference, from: identityOf(manifest) })),
    );
    const there = new Map<string, Promise<Live | undefined>>();
    const findings = await Promise.all(
      references.map(async ({ to, keys, field, from }) => {
        const [kind = '', namespace, name = ''] = to.split('/');
        const asked =
          there.get(to) ?? this.cluster.get({ apiVersion: 'v1', kind, metadata: { namespace, name } });
        there.set(to, asked);
        const live = await asked;
        if (!live) return [{ name: from, message: `${field} names ${to}, which is not there` }];
        const data = {
          ...(live['data'] as object | undefined),
          ...(live['binaryData'] as object | undefined),
        };
        return keys
          .filter((key) => Object.keys(data).length > 0 && !(key in data))
          .map((key) => ({
            name: from,
            message: `${field} reads ${key} of ${to}, which has only ${Object.keys(data).join(', ')}`,
          }));
      }),
    );
    return { seen: `${references.length} references to ${there.size} objects`, findings: findings.flat() };
  }

  private async permissions(): Promise<Seen> {
    const manifests = this.site.objects.map(({ manifest }) => manifest);
    const questions = questionsOf(manifests);
    const findings = [...makersThatRead(manifests), ...(await answersTo(this.cluster, questions))];
    const allowed = questions.filter(({ isAllowed }) => isAllowed).length;
    return { seen: `${allowed} things allowed, ${questions.length - allowed} denied, as declared`, findings };
  }

  /** Whether pods lie as their constraints demand, and budgets are about pods and let one go. */
  private async placement(objects: readonly Printed[]): Promise<Seen> {
    const { workloads, budgets } = this.watched(objects);
    const live = await this.cluster.list('v1', 'Node');
    const nodes = new Map(live.map(({ metadata }) => [metadata.name, metadata.labels ?? {}]));
    const pods = await this.pods();
    const findings = workloads.flatMap((workload) => {
      const own = podsOf(workload, pods);
      const pod = workload.pod ?? { containers: [] };
      const inNamespace = pods.filter(
        ({ metadata }) => metadata.namespace === workload.manifest.metadata.namespace,
      );
      const wrong = [
        ...(pod.topologySpreadConstraints ?? []).flatMap((each) => skewOf(each, own, nodes) ?? []),
        ...crowdsOf(pod, inNamespace, nodes),
        ...(own.length === workload.replicas ? [] : [`${own.length} pods instead of ${workload.replicas}`]),
      ];
      return wrong.map((message) => ({ name: identityOf(workload.manifest), message }));
    });
    const held = budgets.flatMap(({ name, namespace, expected, minimum }) => {
      const identity = identify('PodDisruptionBudget', namespace, name);
      if (expected === 0) return [{ name: identity, message: 'selects no pods' }];
      return minimum < expected
        ? []
        : [
            {
              name: identity,
              message: `lets none of its ${expected} pods go, so that no node can be drained`,
            },
          ];
    });
    const zones = new Set(live.map(({ metadata }) => metadata.labels?.[ZONE]));
    const amount = workloads.reduce((sum, { replicas }) => sum + replicas, 0);
    return {
      seen: `${amount} pods of ${workloads.length} workloads over ${live.length} nodes in ${zones.size} zones, ${budgets.length} budgets`,
      findings: [...findings, ...held],
    };
  }

  /** Every node, then every zone, is drained and comes back. */
  private async drains(): Promise<void> {
    const nodes = await this.cluster.list('v1', 'Node');
    const zoneOf = ({ metadata }: Live): string => metadata.labels?.[ZONE] ?? '';
    const zones = [...new Set(nodes.map(zoneOf))];
    for (const zone of zones) {
      const own = nodes.filter((node) => zoneOf(node) === zone);
      for (const node of own) await this.drain(`node ${node.metadata.name}`, [node], own.length === 1);
      if (own.length > 1) await this.drain(`zone ${zone}`, own, true);
    }
  }

  private drain(name: string, nodes: readonly Live[], mayWait: boolean): Promise<boolean> {
    return this.recorder.checkAll('drain', name, async () => {
      const watched = this.watched(this.site.objects);
      const watchman = new Watchman(
        this.cluster,
        nodes.length === (await this.cluster.list('v1', 'Node')).length ? [] : watched.budgets,
      );
      const { evicted, waiting, findings } = await drained(this.cluster, nodes, watched, mayWait);
      const low = await watchman.close();
      const late = await waitForHealth(
        this.cluster,
        this.effective(this.site.objects).filter(makesPods),
        this.site.patience ?? 60,
      );
      const back = late.map(({ identity, message }) => ({
        name: identity,
        message: `does not come back: ${message}`,
      }));
      return {
        seen: `${evicted} pods evicted${waiting > 0 ? `, ${waiting} had to wait` : ''}`,
        findings: [...findings, ...low, ...back],
      };
    });
  }

  private async again(): Promise<Seen> {
    const applied = await applyAll(this.cluster, this.site.objects);
    const findings = applied
      .filter(({ outcome }) => outcome !== 'unchanged')
      .map(({ printed, outcome, message }) => ({
        name: identityOf(printed.manifest),
        message: message ?? `was ${outcome} by a second apply of the same`,
      }));
    return { seen: 'nothing changed', findings };
  }

  /** Goes from one revision to another, wave by wave, while somebody watches the budgets. */
  private async revision(name: string, from: readonly Printed[], to: readonly Printed[]): Promise<void> {
    const { workloads, budgets } = this.watched(from);
    const before = await this.pods();
    const watchman = new Watchman(this.cluster, budgets);
    let isGood = true;
    for (const wave of wavesOf(to)) isGood = (await this.wave(wave, `${name}: `)) && isGood;
    await this.prune(from, to);
    const low = await watchman.close();
    await this.recorder.checkAll(name, 'rolls and stays available', async () => {
      const after = new Set((await this.pods()).map(({ metadata }) => metadata.uid));
      const changed = workloads.filter((workload) => this.isChanged(workload, to));
      const old = changed.flatMap((workload) => podsOf(workload, before));
      const kept = old.filter(({ metadata }) => after.has(metadata.uid));
      return {
        seen: `${old.length} pods replaced, ${budgets.length} budgets kept${isGood ? '' : ', not all ready'}`,
        findings: [
          ...low,
          ...kept.map(({ metadata }) => ({
            name: identify('Pod', metadata.namespace, metadata.name),
            message: 'is still of the revision before',
          })),
        ],
      };
    });
  }

  private isChanged({ manifest }: Workload, to: readonly Printed[]): boolean {
    const now = this.effective(to).find((each) => identityOf(each) === identityOf(manifest));
    return now === undefined || !isDeepStrictEqual(podOf(manifest), podOf(now));
  }

  /** Removes what the new revision has no more, except what a person must agree to. */
  private async prune(from: readonly Printed[], to: readonly Printed[]): Promise<void> {
    const kept = new Set(this.effective(to).map(identityOf));
    for (const manifest of this.effective(from)) {
      const options = manifest.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '';
      if (!kept.has(identityOf(manifest)) && !options.includes('Prune=confirm'))
        await this.cluster.remove(manifest);
    }
  }

  private async snapshot(objects: readonly Printed[]): Promise<Map<Manifest, Manifest | undefined>> {
    const manifests = objects.map(({ manifest }) => manifest);
    const live = await Promise.all(manifests.map((manifest) => this.cluster.get(manifest)));
    return new Map(manifests.map((manifest, index) => [manifest, live[index] && wantedOf(live[index])]));
  }

  private async returned(before: ReadonlyMap<Manifest, Manifest | undefined>): Promise<Seen> {
    const after = await this.snapshot(this.site.objects);
    const findings = [...before]
      .filter(([manifest, wanted]) => !isDeepStrictEqual(wanted, after.get(manifest)))
      .map(([manifest]) => ({ name: identityOf(manifest), message: 'is not what it was before the update' }));
    return { seen: `${before.size} objects equal`, findings };
  }

  private watched(objects: readonly Printed[]): { workloads: Workload[]; budgets: Budget[] } {
    const manifests = this.effective(objects);
    const workloads = workloadsIn(manifests).filter(({ replicas }) => replicas > 0);
    const budgets = manifests
      .filter(({ kind }) => kind === 'PodDisruptionBudget')
      .map((manifest) => budgetOf(manifest, workloads));
    return { workloads, budgets };
  }

  private effective(objects: readonly Printed[]): Manifest[] {
    return objects.flatMap(standIns).map(({ manifest }) => manifest);
  }

  private async pods(): Promise<LivePod[]> {
    return (await this.cluster.list('v1', 'Pod')) as LivePod[];
  }
}

/** An object, or what stands in for what an operator makes of it. */
function standIns(printed: Printed): Printed[] {
  const made = standInsFor(printed.manifest);
  return made.length === 0 ? [printed] : made.map((manifest) => ({ ...printed, manifest }));
}

function identityOf({ kind, metadata: { namespace, name } }: Manifest): string {
  return identify(kind, namespace, name);
}
