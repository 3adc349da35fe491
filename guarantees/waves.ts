import { PHASES } from '../charts/phase-chart';
import { OPERATOR_NAMES, operatorChart } from '../constructs/platform-operators/operators';
import type { PersistentVolumeClaim } from '../imports/k8s';
import { spec } from '../constructs/platform/workloads';
import { inventoryOf, PodSource } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import { referencesOf } from '../synth/references';
import type { Finding, Guarantee } from './guarantee';

/**
 * Nothing is synced before what it names, lives in or connects to: read back from the printed waves, phase by phase, as
 * Argo CD will.
 */
export const waves: Guarantee = {
  name: 'sync waves',
  check: (platform) => {
    const needs = needsOf(platform);
    const moments = new Map(platform.objects.map((object) => [object, momentOf(object)]));
    const at = (object: PlatformObject): Moment => moments.get(object) ?? momentOf(object);
    const ordered = needs.filter(({ from, to }) => compare(at(to), at(from)) < 0).length;
    return {
      findings: [
        ...platform.objects.flatMap((object) =>
          Number.isInteger(at(object).wave) ? [] : [waveless(object)],
        ),
        ...needs.flatMap((need) => late(need, at(need.from), at(need.to))),
        ...beforeOperators(platform),
      ],
      facts: [
        {
          subject: 'needs that are synced before what needs them',
          figure: `${ordered}, and ${needs.length - ordered} together with it`,
        },
        {
          subject: 'sync waves',
          figure: String(new Set([...moments.values()].map(({ wave }) => wave)).size),
        },
      ],
    };
  },
};

/** When an object is synced: a phase, and a wave in it. */
interface Moment {
  readonly phase: number;
  readonly wave: number;
}

/** `from` cannot work before `to` is there. */
interface Need {
  readonly from: PlatformObject;
  readonly to: PlatformObject;
  /** Why, as in "names Secret/redis/users-bridge". */
  readonly why: string;
}

const WAVE = 'argocd.argoproj.io/sync-wave';

function momentOf({ phase, manifest }: PlatformObject): Moment {
  const wave = manifest.metadata.annotations?.[WAVE];
  return { phase: PHASES.indexOf(phase), wave: wave === undefined ? NaN : Number(wave) };
}

function compare(a: Moment, b: Moment): number {
  return a.phase - b.phase || a.wave - b.wave;
}

function needsOf(platform: Platform): Need[] {
  const { provided, objects, pods } = inventoryOf(platform);
  return platform.objects
    .flatMap((from) => {
      const { namespace } = from.manifest.metadata;
      const home = objects.get(`Namespace/${namespace}`);
      const named = referencesOf(from.manifest).flatMap(({ to: identity }) => {
        const to = provided.get(identity)?.by;
        return to && to !== from ? { from, to, why: `names ${identity}` } : [];
      });
      return home ? [...named, { from, to: home, why: `lies in namespace ${namespace}` }] : named;
    })
    .concat(pods.flatMap(({ object }) => connectionsOf(object, pods)));
}

function connectionsOf(from: PlatformObject, pods: readonly PodSource[]): Need[] {
  const { targets = [], predecessors = [] } = from.connections ?? {};
  const owners = [
    ...[...targets].map(({ owner, address }) => ({ owner, why: `connects to ${address}` })),
    ...[...predecessors].map((owner) => ({ owner, why: `starts after ${owner.construct.node.path}` })),
  ];
  return owners.flatMap(({ owner, why }) =>
    pods
      .filter(({ object }) => object !== from && object.connections === owner)
      .map(({ object: to }) => ({ from, to, why })),
  );
}

function late({ from, to, why }: Need, own: Moment, other: Moment): Finding[] {
  const order = compare(own, other);
  const subject = `${nameOf(from)} (${show(own)}) ${why}`;
  if (order < 0) {
    const remedy =
      own.phase === other.phase
        ? `its ${WAVE} must not be below that of ${to.path}: let it be computed`
        : `build it in phase ${to.phase} or later, or ${to.path} in phase ${from.phase} or earlier`;
    return [
      { path: from.path, cause: `${subject}, which only comes with ${nameOf(to)} (${show(other)})`, remedy },
    ];
  }
  // A volume that binds to the node of its first pod is not healthy before there is a pod, and Argo CD would wait for it.
  if (isClaim(to) && order > 0 && from.manifest.kind !== 'PersistentVolume') {
    return [
      {
        path: to.path,
        cause: `${subject}, which waits in ${show(other)} for a pod that only comes in ${show(own)}`,
        remedy: 'build the claim inside the construct of the pods that mount it, so that they share a wave',
      },
    ];
  }
  return [];
}

function isClaim({ manifest }: PlatformObject): boolean {
  return (
    manifest.kind === 'PersistentVolumeClaim' &&
    spec<{ volumeName?: string } & PersistentVolumeClaim>(manifest).volumeName === undefined
  );
}

function waveless(object: PlatformObject): Finding {
  return {
    path: object.path,
    cause: `${nameOf(object)} has no whole number as its ${WAVE}`,
    remedy: 'let the wave be computed',
  };
}

/** Phases whose Application is synced before that of an operator they need. */
function beforeOperators({ objects }: Platform): Finding[] {
  const applications = objects
    .filter(({ manifest }) => manifest.kind === 'Application')
    .map((object) => ({ object, source: spec<ApplicationSpec>(object.manifest).source ?? {} }));
  return PHASES.flatMap((phase) => {
    const own = applications.find(({ source }) => source.path?.endsWith(`/${phase}`));
    if (!own) return [];
    const groups = new Set(
      objects
        .filter((object) => object.phase === phase)
        .map(({ manifest }) => manifest.apiVersion.split('/', 1)[0] ?? ''),
    );
    const needed = OPERATOR_NAMES.filter((name) => !operatorChart(name).isLate).filter((name) =>
      operatorChart(name).groups.some((group) => groups.has(group)),
    );
    return needed.flatMap((name) => {
      const operator = applications.find(({ source }) => source.chart === operatorChart(name).chart);
      if (!operator || compare(momentOf(operator.object), momentOf(own.object)) < 0) return [];
      return [
        {
          path: own.object.path,
          cause: `phase ${phase} (${show(momentOf(own.object))}) needs operator ${name} (${show(momentOf(operator.object))})`,
          remedy: 'give Delivery a firstWave after the operators: PlatformOperators.nextWave',
        },
      ];
    });
  });
}

interface ApplicationSpec {
  readonly source?: { readonly path?: string; readonly chart?: string };
}

function nameOf({ manifest: { kind, metadata } }: PlatformObject): string {
  return `${kind} ${metadata.name}`;
}

function show({ phase, wave }: Moment): string {
  return `${PHASES[phase] ?? 'no phase'}, wave ${wave}`;
}
