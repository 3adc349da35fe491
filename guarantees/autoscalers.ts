import { MOST_PODS } from '../constructs/platform/labels';
import { spec } from '../constructs/platform/workloads';
import { inventoryOf } from '../synth/inventory';
import type { Platform, PlatformObject } from '../synth/platform';
import { identify } from '../synth/references';
import type { Fact, Finding, Guarantee } from './guarantee';

/**
 * Whatever an autoscaler scales keeps no state of its own, says no number of pods itself (two would undo each other's), and
 * is counted with the most that there may be.
 */
export const autoscalers: Guarantee = {
  name: 'autoscalers',
  check: (platform) => {
    const all = platform.objects.filter(({ manifest }) => manifest.kind in BOUNDS);
    return {
      findings: all.flatMap((object) => objections(object, platform)),
      facts: all.map(fact),
    };
  },
};

interface Target {
  readonly kind?: string;
  readonly name: string;
}

interface Bounds {
  readonly target: Target;
  readonly least: number;
  readonly most: number;
}

/** Kinds that scale others, and between which numbers of pods. */
const BOUNDS: Readonly<Record<string, (object: PlatformObject) => Bounds>> = {
  ScaledObject: ({ manifest }) => {
    const {
      scaleTargetRef: target,
      minReplicaCount: least = 0,
      maxReplicaCount: most = 100,
    } = spec<{ scaleTargetRef: Target; minReplicaCount?: number; maxReplicaCount?: number }>(manifest);
    return { target, least, most };
  },
  HorizontalPodAutoscaler: ({ manifest }) => {
    const {
      scaleTargetRef: target,
      minReplicas: least = 1,
      maxReplicas: most,
    } = spec<{ scaleTargetRef: Target; minReplicas?: number; maxReplicas: number }>(manifest);
    return { target, least, most };
  },
};

function boundsOf(object: PlatformObject): Bounds {
  const bounds = BOUNDS[object.manifest.kind]?.(object);
  if (!bounds) throw new Error(`${object.path}: is no autoscaler`);
  return bounds;
}

function objections(object: PlatformObject, platform: Platform): Finding[] {
  const { metadata, kind } = object.manifest;
  const { target, least, most } = boundsOf(object);
  const { kind: targetKind = 'Deployment', name } = target;
  const finding = (cause: string, remedy: string): Finding => ({
    path: object.path,
    cause: `${kind} ${metadata.name} scales ${targetKind} ${name}, ${cause}`,
    remedy,
  });
  if (targetKind === 'StatefulSet') {
    return [
      finding('whose pods keep a state of their own', 'scale what shares its state, or give it a number'),
    ];
  }
  const scaled = inventoryOf(platform).objects.get(identify(targetKind, metadata.namespace, name))?.manifest;
  // What is not there at all is for the reference closure to tell.
  if (!scaled) return [];
  const counted = scaled.metadata.annotations?.[MOST_PODS];
  return [
    ...(spec<{ replicas?: number }>(scaled).replicas === undefined
      ? []
      : [
          finding(
            'which says how many pods it has',
            'leave replicas out: each sync would undo the autoscaler',
          ),
        ]),
    ...(counted === String(most)
      ? []
      : [
          finding(
            `which is counted with ${counted ?? 'one'} pods, and may have ${most}`,
            `write the most as annotation ${MOST_PODS}`,
          ),
        ]),
    ...(least >= 1 && least <= most
      ? []
      : [finding(`between ${least} and ${most} pods`, 'write at least 1, and no less at most')]),
  ];
}

function fact(object: PlatformObject): Fact {
  const { target, least, most } = boundsOf(object);
  const { namespace } = object.manifest.metadata;
  return {
    subject: `${target.kind ?? 'Deployment'} ${namespace ?? ''}/${target.name}`,
    figure: `${least} to ${most} pods`,
  };
}
