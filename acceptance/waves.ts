import type { Manifest } from '../constructs/platform/manifest';
import { workloadsIn } from '../constructs/platform/workloads';
import type { Printed } from '../synth/dist';
import { provisionsOf } from '../synth/provisions';
import { identityOf } from '../synth/references';
import { type Applied, applyAll, type Waiting, waitForHealth, type Wave } from './apply';
import type { Cluster } from './cluster';
import { homelessness, podsIn, podsOf } from './pods';
import type { Finding, Recorder } from './report';
import { emptyOf, standInsFor } from './stand-ins';
import { makesPods, refusedPods } from './templates';

/** What is really applied for an object: itself, or what stands in for what an operator makes of it. */
export function effective(objects: readonly Printed[]): Printed[] {
  return objects.flatMap((printed) => {
    const made = standInsFor(printed.manifest);
    return made.length === 0 ? [printed] : made.map((manifest) => ({ ...printed, manifest }));
  });
}

/** Applies waves where no operator is at work, and waits for their pods; what is refused or stays pending goes to the recorder. */
export class Waves {
  private readonly namespaces: readonly string[];

  /**
   * @param objects of the whole cluster
   * @param patience how long the pods of a wave may take to become ready, seconds
   */
  constructor(
    private readonly cluster: Cluster,
    private readonly recorder: Recorder,
    objects: readonly Printed[],
    private readonly patience: number,
  ) {
    const manifests = objects.map(({ manifest }) => manifest);
    this.namespaces = manifests
      .filter(({ kind }) => kind === 'Namespace')
      .map(({ metadata }) => metadata.name);
    recorder.count('objects', objects.length);
    for (const figure of ['refused', 'warned', 'pending']) recorder.count(figure, 0);
  }

  /** @returns whether all of it was taken and is ready */
  run({ name, objects }: Wave, prefix = ''): Promise<boolean> {
    const subject = prefix + name;
    return this.recorder.checkAll(subject, `${objects.length} objects`, async () => {
      const { applied, refusals } = await this.apply(objects);
      this.recorder.count('refused', refusals.length);
      this.warn(subject, applied);
      const refused = new Set(refusals.map((each) => each.name));
      const started = applied
        .map(({ printed }) => printed.manifest)
        .filter((manifest) => makesPods(manifest) && !refused.has(identityOf(manifest)));
      const waiting = await waitForHealth(this.cluster, started, this.patience);
      this.recorder.count('pending', waiting.length);
      const pending = await Promise.all(waiting.map((each) => this.explain(each, started)));
      return { seen: countsOf(applied), findings: [...refusals, ...pending] };
    });
  }

  /** First what makes no pods, then what operators and Jobs would make of it, then what makes pods. */
  private async apply(objects: readonly Printed[]): Promise<{ applied: Applied[]; refusals: Finding[] }> {
    const plain = await applyAll(
      this.cluster,
      objects.filter(({ manifest }) => !makesPods(manifest)),
    );
    for (const { manifest } of objects) await this.provide(manifest);
    const rest = effective(objects).filter((each) => makesPods(each.manifest) || !objects.includes(each));
    const ofPods = await refusedPods(this.cluster, await this.new(rest));
    const applied = [...plain, ...(await applyAll(this.cluster, rest))];
    const refused = applied.flatMap(({ printed, message }) =>
      message === undefined ? [] : [{ name: identityOf(printed.manifest), message }],
    );
    return { applied, refusals: [...refused, ...ofPods] };
  }

  /** What is not there yet: beside the pods of what is, a quota has no room for one pod more. */
  private async new(printed: readonly Printed[]): Promise<Manifest[]> {
    const live = await Promise.all(printed.map(({ manifest }) => this.cluster.get(manifest)));
    return printed.filter((_, index) => !live[index]).map(({ manifest }) => manifest);
  }

  /** Makes, empty, what others make of an object, unless it is there. */
  private async provide(manifest: Manifest): Promise<void> {
    for (const provision of provisionsOf(manifest, this.namespaces).slice(1)) {
      const empty = emptyOf(provision);
      if (empty && !(await this.cluster.get(empty))) await this.cluster.apply(empty);
    }
  }

  private warn(subject: string, applied: readonly Applied[]): void {
    for (const { printed, warnings } of applied)
      for (const warning of warnings) {
        this.recorder.count('warned', 1);
        this.recorder.warn(subject, identityOf(printed.manifest), warning);
      }
  }

  /** Why something does not become ready: what the scheduler says of its pods, or the last complaint of its controller. */
  private async explain({ identity, message }: Waiting, started: readonly Manifest[]): Promise<Finding> {
    const [workload] = workloadsIn(started.filter((each) => identityOf(each) === identity));
    if (!workload) return { name: identity, message };
    const { namespace, name } = workload.manifest.metadata;
    const homeless = podsOf(workload, await podsIn(this.cluster)).flatMap((pod) => homelessness(pod) ?? []);
    const reason = homeless[0] ?? (await this.complaintAbout(name, namespace));
    return { name: identity, message: reason === undefined ? message : `${message}: ${reason}` };
  }

  private async complaintAbout(name: string, namespace: string | undefined): Promise<string | undefined> {
    const events = (await this.cluster.list('v1', 'Event', namespace)) as unknown as readonly Event[];
    return events
      .filter(({ type, involvedObject }) => type === 'Warning' && isAbout(involvedObject, name))
      .toSorted((a, b) => (a.lastTimestamp ?? '').localeCompare(b.lastTimestamp ?? ''))
      .at(-1)?.message;
  }
}

/** Whether an event is about an object, or about a ReplicaSet that a Deployment made: called after it, and a hash. */
function isAbout({ kind, name: subject }: Event['involvedObject'], name: string): boolean {
  return subject === name || (kind === 'ReplicaSet' && subject.replace(/-[a-z0-9]+$/, '') === name);
}

interface Event {
  readonly type: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
  readonly message: string;
  readonly lastTimestamp?: string;
}

/** As in `3 created, 5 unchanged`. */
function countsOf(applied: readonly Applied[]): string {
  return (['created', 'configured', 'unchanged'] as const)
    .map((outcome) => ({ outcome, amount: applied.filter((each) => each.outcome === outcome).length }))
    .filter(({ amount }) => amount > 0)
    .map(({ outcome, amount }) => `${amount} ${outcome}`)
    .join(', ');
}
