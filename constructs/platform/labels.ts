/** Labels of everything the platform makes; namespaces and trust are selected by them. */
export const PLATFORM_LABELS: Readonly<Record<string, string>> = {
  'app.kubernetes.io/part-of': 'lighthouse',
};

/** Annotation of a Job that makes objects: their kinds and names, as `Secret/redis/users-bridge` with the namespace, separated by commas. */
export const MAKES = 'lighthouse/makes';
