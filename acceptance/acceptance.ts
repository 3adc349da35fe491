import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../constructs/platform/manifest';
import type { Printed } from '../synth/dist';
import { identify, identityOf } from '../synth/references';
import { type Groups, inspectAccess } from './access';
import { inspectAdmission } from './admission';
import { inspectAuditLog } from './audit-log';
import { applyAll, waitForHealth, wantedOf, wavesOf } from './apply';
import type { Cluster, Live } from './cluster';
import { drained } from './drains';
import {
  inspectPermissions,
  inspectPlacement,
  inspectReferences,
  type Watched,
  watchedIn,
  ZONE,
} from './inspections';
import { podsIn, podsOf } from './pods';
import type { Recorder, Seen } from './report';
import { nextRevision } from './revisions';
import { makesPods, podOf } from './templates';
import { Watchman } from './watchman';
import { effective, Waves } from './waves';

/** What may be tried after everything was applied and is ready, in this order. */
export const STEPS = ['drains', 'second-apply', 'revisions'] as const;

export type Step = (typeof STEPS)[number];

/** What is to be tried. */
export interface AcceptanceOptions {
  /** The objects of one cluster. */
  readonly objects: readonly Printed[];
  /**
   * The revision after them.
   * @default - the same, every pod template changed
   */
  readonly next?: readonly Printed[];
  /**
   * How long the pods of a wave may take to become ready, seconds.
   * @default 60
   */
  readonly patience?: number;
  /**
   * @default - all
   */
  readonly steps?: readonly Step[];
  /**
   * Groups of people whose roles are held against their matrix.
   * @default - the platform has no roles for people
   */
  readonly groups?: Groups;
  /**
   * Where the API server writes down requests by the platform's own policy.
   * @default - somewhere that cannot be read from here
   */
  readonly auditLog?: string;
}

/** Tries one cluster of an environment on an API server that is prepared for it; everything seen goes to the recorder. */
export class Acceptance {
  private readonly objects: readonly Printed[];
  private readonly next: readonly Printed[];
  private readonly patience: number;
  private readonly steps: readonly Step[];
  private readonly groups?: Groups;
  private readonly auditLog?: string;
  private readonly waves: Waves;

  constructor(
    private readonly cluster: Cluster,
    private readonly recorder: Recorder,
    {
      objects,
      next = nextRevision(objects),
      patience = 60,
      steps = STEPS,
      groups,
      auditLog,
    }: AcceptanceOptions,
  ) {
    this.objects = objects;
    this.next = next;
    this.patience = patience;
    this.steps = steps;
    this.groups = groups;
    this.auditLog = auditLog;
    this.waves = new Waves(cluster, recorder, objects, patience);
  }

  async run(): Promise<void> {
    const { objects, recorder, cluster } = this;
    const manifests = manifestsOf(effective(objects));
    let isReady = true;
    for (const wave of wavesOf(objects)) isReady = (await this.waves.run(wave)) && isReady;
    await recorder.checkAll('references', 'what is named is there', () =>
      inspectReferences(cluster, manifests),
    );
    await recorder.checkAll('permissions', 'service accounts', () =>
      inspectPermissions(cluster, manifestsOf(objects)),
    );
    const { groups, auditLog } = this;
    if (groups) await recorder.checkAll('access', 'people', () => inspectAccess(cluster, groups));
    await recorder.checkAll('admission', 'pods, and mistakes in them', () =>
      inspectAdmission(cluster, manifests),
    );
    if (groups && auditLog !== undefined)
      await recorder.checkAll('audit log', 'what is written down', () =>
        inspectAuditLog(cluster, auditLog, groups),
      );
    const isPlaced = await recorder.checkAll('placement', 'pods', () =>
      inspectPlacement(cluster, watchedIn(manifests)),
    );
    const tries: Readonly<Record<Step, () => Promise<void>>> = {
      drains: () => this.drains(),
      'second-apply': () => this.again(),
      revisions: () => this.revisions(),
    };
    for (const step of STEPS.filter((each) => this.steps.includes(each)))
      if (isReady && isPlaced) await tries[step]();
      else recorder.skip(step, 'all', 'not everything is in its place and ready');
  }

  /** Every node, then every zone, is drained and comes back. */
  private async drains(): Promise<void> {
    const nodes = await this.cluster.list('v1', 'Node');
    const zoneOf = ({ metadata }: Live): string => metadata.labels?.[ZONE] ?? '';
    for (const zone of new Set(nodes.map(zoneOf))) {
      const own = nodes.filter((node) => zoneOf(node) === zone);
      const isAll = own.length === nodes.length;
      for (const node of own)
        await this.drain(`node ${node.metadata.name}`, [node], {
          mayWait: own.length === 1,
          isAll: nodes.length === 1,
        });
      if (own.length > 1) await this.drain(`zone ${zone}`, own, { mayWait: true, isAll });
    }
  }

  /** Where all nodes go, nothing can stay available: then only that pods may leave and come back is looked at. */
  private drain(
    name: string,
    nodes: readonly Live[],
    { mayWait, isAll }: { readonly mayWait: boolean; readonly isAll: boolean },
  ): Promise<boolean> {
    return this.recorder.checkAll('drain', name, async () => {
      const manifests = manifestsOf(effective(this.objects));
      const { workloads, budgets } = watchedIn(manifests);
      const watched: Watched = { workloads, budgets: isAll ? [] : budgets };
      const watchman = new Watchman(this.cluster, watched.budgets);
      const { evicted, waiting, findings } = await drained(this.cluster, nodes, watched, mayWait);
      const low = await watchman.close();
      const late = await waitForHealth(this.cluster, manifests.filter(makesPods), this.patience);
      const lost = late.map(({ identity, message }) => ({
        name: identity,
        message: `does not come back: ${message}`,
      }));
      return {
        seen: `${evicted} pods evicted${waiting > 0 ? `, ${waiting} had to wait` : ''}`,
        findings: [...findings, ...low, ...lost].map((each) => ({
          ...each,
          message: `${each.message} (${name})`,
        })),
      };
    });
  }

  private async again(): Promise<void> {
    await this.recorder.checkAll('second apply', `${this.objects.length} objects`, async () => {
      const applied = await applyAll(this.cluster, this.objects);
      const findings = applied
        .filter(({ outcome }) => outcome !== 'unchanged')
        .map(({ printed, outcome, message }) => ({
          name: identityOf(printed.manifest),
          message: message ?? `was ${outcome} by a second apply of the same`,
        }));
      return { seen: 'nothing changed', findings };
    });
  }

  /** Goes from one revision to another, wave by wave, while somebody watches the budgets. */
  private async revision(name: string, from: readonly Printed[], to: readonly Printed[]): Promise<void> {
    const { budgets } = watchedIn(manifestsOf(effective(from)));
    const before = await podsIn(this.cluster);
    const watchman = new Watchman(this.cluster, budgets);
    for (const wave of wavesOf(to)) await this.waves.run(wave, `${name}: `);
    await this.prune(from, to);
    const low = await watchman.close();
    await this.recorder.checkAll(name, 'rolls and stays available', async () => {
      const old = changedIn(from, to).flatMap((workload) => podsOf(workload, before));
      const now = new Set((await podsIn(this.cluster)).map(({ metadata }) => metadata.uid));
      const kept = old
        .filter(({ metadata }) => now.has(metadata.uid))
        .map(({ metadata }) => ({
          name: identify('Pod', metadata.namespace, metadata.name),
          message: 'is still of the revision before',
        }));
      return {
        seen: `${old.length} pods replaced, ${budgets.length} budgets kept`,
        findings: [...low, ...kept],
      };
    });
  }

  /** To the next revision and back: then all must be as before. */
  private async revisions(): Promise<void> {
    const before = await this.snapshot();
    await this.revision('update', this.objects, this.next);
    await this.revision('rollback', this.next, this.objects);
    await this.recorder.checkAll('rollback', 'objects are what they were', async (): Promise<Seen> => {
      const after = await this.snapshot();
      const findings = this.objects
        .filter((_, index) => !isDeepStrictEqual(before[index], after[index]))
        .map(({ manifest }) => ({
          name: identityOf(manifest),
          message: 'is not what it was before the update',
        }));
      return { seen: `${before.length} objects equal`, findings };
    });
  }

  private async snapshot(): Promise<(Manifest | undefined)[]> {
    const live = await Promise.all(this.objects.map(({ manifest }) => this.cluster.get(manifest)));
    return live.map((each) => each && wantedOf(each));
  }

  /** Removes what the new revision has no more, except what a person must agree to. */
  private async prune(from: readonly Printed[], to: readonly Printed[]): Promise<void> {
    const kept = new Set(manifestsOf(effective(to)).map(identityOf));
    for (const manifest of manifestsOf(effective(from))) {
      const options = manifest.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '';
      if (!kept.has(identityOf(manifest)) && !options.includes('Prune=confirm'))
        await this.cluster.remove(manifest);
    }
  }
}

function manifestsOf(printed: readonly Printed[]): Manifest[] {
  return printed.map(({ manifest }) => manifest);
}

/** The workloads of a revision whose pods the other one replaces. */
function changedIn(from: readonly Printed[], to: readonly Printed[]): Watched['workloads'] {
  const after = new Map(manifestsOf(effective(to)).map((manifest) => [identityOf(manifest), manifest]));
  return watchedIn(manifestsOf(effective(from))).workloads.filter(({ manifest }) => {
    const now = after.get(identityOf(manifest));
    return now === undefined || !isDeepStrictEqual(podOf(manifest), podOf(now));
  });
}
