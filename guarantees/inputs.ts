import { eventsClaim } from '../constructs/bridge-with-fuse/local';
import { OPERATORS } from '../constructs/platform-operators/operators';
import type { Platform } from '../synth/platform';

/**
 * Objects that a cluster has without this platform making them. What the environment's file names belongs here, and the
 * value's place in the file is the declaration; nothing else may be assumed to be there.
 */
export function declaredInputs({ environment, cluster }: Platform): Map<string, string> {
  const { state, migration } = environment.bridge;
  const { entry } = environment.edge;
  return new Map([
    [`StorageClass/${cluster.storageClass}`, 'clusters[].storageClass'],
    ...storesIn(environment, ''),
    ...(entry?.kind === 'gateway'
      ? [[`Gateway/${entry.namespace}/${entry.name}`, 'edge.entry'] as const]
      : []),
    // What the events were on before they moved: a StatefulSet's claim outlives it.
    ...(state === 'external' && migration
      ? [[`PersistentVolumeClaim/bridge/${eventsClaim('bridge')}`, 'bridge.migration'] as const]
      : []),
  ]);
}

/** Every store that is named somewhere below a value, and where. */
function storesIn(value: unknown, at: string): (readonly [store: string, place: string])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) => {
    const place = at === '' ? key : `${at}.${key}`;
    return key === 'secretStore' && typeof each === 'string'
      ? [[`ClusterSecretStore/${each}`, place] as const]
      : storesIn(each, place);
  });
}

/** Namespaces that are there before the platform: Kubernetes' own, Argo CD's, the operators'. */
export const GIVEN_NAMESPACES: ReadonlySet<string> = new Set([
  'kube-system',
  'argocd',
  ...Object.values(OPERATORS).map(({ namespace }) => namespace),
]);

/** What Kubernetes itself puts into every namespace or into every cluster. */
const GIVEN: readonly RegExp[] = [
  /^ServiceAccount\/[^/]+\/default$/,
  /^ConfigMap\/[^/]+\/kube-root-ca\.crt$/,
  /^Role\/kube-system\/extension-apiserver-authentication-reader$/,
  /^ClusterRole\/(cluster-admin|admin|edit|view|system:.+)$/,
  /^PriorityClass\/system-(cluster|node)-critical$/,
  /^AppProject\/argocd\/default$/,
];

/** Whether an object is there in every cluster. */
export function isGiven(identity: string): boolean {
  return GIVEN.some((pattern) => pattern.test(identity));
}
