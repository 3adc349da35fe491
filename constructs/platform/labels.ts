/** Labels of everything the platform makes; namespaces and trust are selected by them. */
export const PLATFORM_LABELS: Readonly<Record<string, string>> = {
  'app.kubernetes.io/part-of': 'lighthouse',
};

/**
 * Annotation of a Job that makes objects: kinds, namespaces and names, then the keys inside where they are known, as in
 * `Secret/redis/users-bridge:username:password`, separated by commas.
 */
export const MAKES = 'lighthouse/makes';

/** Annotation of an object to whose pods an operator's plugin adds containers: the resources of these, as JSON. */
export const SIDECARS = 'lighthouse/sidecars';

/** Annotation of a DaemonSet: on how many nodes the cluster runs a pod of it. */
export const NODES = 'lighthouse/nodes';

/** Annotation of a workload whose pods an autoscaler counts: the most that there may be, for the workload itself says no number. */
export const MOST_PODS = 'lighthouse/most-pods';

/** Annotation of an ExternalSecret that fetches the keys of a bucket: the bucket's name at the provider. */
export const BUCKET = 'lighthouse/bucket';

/** Annotation of an ExternalSecret: the policy, as JSON, that whoever makes the keys gives them at the provider. */
export const RIGHTS = 'lighthouse/rights';

/** Annotation of a pod template: generations of the roots in the trust bundle that its pods mount. */
export const TRUSTED_ROOTS = 'lighthouse/trusted-roots';

/** Annotation of a pod template, followed by a container's name: why this container has no liveness probe. */
export const NO_LIVENESS = 'lighthouse/no-liveness.';

/**
 * Annotation of a ConfigMap that its pods hand on to other pods: the identity of what these are made by, as in
 * `StatefulSet/vault/vault-members`. The hosts in it are for them to reach.
 */
export const CONFIGURES = 'lighthouse/configures';
