/** Labels of everything the platform makes; namespaces and trust are selected by them. */
export const PLATFORM_LABELS: Readonly<Record<string, string>> = {
  'app.kubernetes.io/part-of': 'lighthouse',
};

/** Annotation of a Job that makes objects: their kinds and names, as `Secret/redis/users-bridge` with the namespace, separated by commas. */
export const MAKES = 'lighthouse/makes';

/** Annotation of an object to whose pods an operator's plugin adds containers: the resources of these, as JSON. */
export const SIDECARS = 'lighthouse/sidecars';
