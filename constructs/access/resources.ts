import type { PolicyRule } from '../../imports/k8s';

/**
 * What may be read by whoever may read everything: all but Secrets, and by name, for a wildcard would have them too. A kind
 * that is not here is read by nobody until somebody writes it down.
 */
const READABLE: Readonly<Record<string, readonly string[]>> = {
  '': [
    'configmaps',
    'endpoints',
    'events',
    'limitranges',
    'namespaces',
    'nodes',
    'persistentvolumeclaims',
    'persistentvolumes',
    'pods',
    'pods/log',
    'resourcequotas',
    'serviceaccounts',
    'services',
  ],
  'admissionregistration.k8s.io': [
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'validatingwebhookconfigurations',
  ],
  'apiextensions.k8s.io': ['customresourcedefinitions'],
  apps: ['controllerrevisions', 'daemonsets', 'deployments', 'replicasets', 'statefulsets'],
  'argoproj.io': ['analysisruns', 'analysistemplates', 'applications', 'appprojects', 'rollouts'],
  autoscaling: ['horizontalpodautoscalers'],
  'autoscaling.k8s.io': ['verticalpodautoscalers'],
  'barmancloud.cnpg.io': ['objectstores'],
  batch: ['cronjobs', 'jobs'],
  'cert-manager.io': ['certificaterequests', 'certificates', 'clusterissuers', 'issuers'],
  'discovery.k8s.io': ['endpointslices'],
  'events.k8s.io': ['events'],
  'external-secrets.io': ['clustersecretstores', 'externalsecrets', 'secretstores'],
  'keda.sh': ['scaledobjects', 'triggerauthentications'],
  'monitoring.coreos.com': ['podmonitors', 'probes', 'prometheuses', 'prometheusrules', 'servicemonitors'],
  'networking.k8s.io': ['ingresses', 'networkpolicies'],
  policy: ['poddisruptionbudgets'],
  'postgresql.cnpg.io': ['backups', 'clusters', 'databases', 'poolers', 'scheduledbackups'],
  'rbac.authorization.k8s.io': ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles'],
  'scheduling.k8s.io': ['priorityclasses'],
  'storage.k8s.io': ['storageclasses'],
  'trust.cert-manager.io': ['bundles'],
};

const rule = (apiGroup: string, resources: readonly string[], ...verbs: readonly string[]): PolicyRule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});

/** Looks at everything but Secrets. */
export const READING: readonly PolicyRule[] = Object.entries(READABLE).map(([group, resources]) =>
  rule(group, resources, 'get', 'list', 'watch'),
);

/**
 * Takes the place of an automation: restarts (a pod that is deleted comes back), scales, holds what acts by itself. What of it
 * changes an object that makes pods is narrowed by a policy (limits.ts): roles know objects, not their fields.
 */
export const OPERATING: readonly PolicyRule[] = [
  rule('', ['pods'], 'delete'),
  rule('', ['pods/eviction'], 'create'),
  rule('apps', ['deployments/scale', 'statefulsets/scale'], 'get', 'patch', 'update'),
  rule('argoproj.io', ['applications'], 'patch'),
  rule('batch', ['cronjobs'], 'patch'),
  rule('keda.sh', ['scaledobjects'], 'patch'),
  rule('postgresql.cnpg.io', ['clusters'], 'patch'),
];

/** In the edge's namespace: its mode, and the scripts that say and switch it. */
export const EDGE: readonly PolicyRule[] = [
  rule('', ['pods/exec'], 'create', 'get'),
  { ...rule('', ['configmaps'], 'patch', 'update'), resourceNames: ['edge-mode'] },
  // The name of what is made is not known to a rule.
  rule('', ['configmaps'], 'create'),
];

/** Where events are read: the script that does it. */
export const EXECUTING: readonly PolicyRule[] = [rule('', ['pods/exec'], 'create', 'get')];

/** Where silences are, and Vault: a port of a pod, by way of the API server. */
export const FORWARDING: readonly PolicyRule[] = [rule('', ['pods/portforward'], 'create', 'get')];

/** Runs by hand what runs by a schedule, looks inside, has a credential made anew. */
export const REPAIRING: readonly PolicyRule[] = [
  rule('', ['pods/exec', 'pods/portforward'], 'create', 'get'),
  rule('', ['secrets'], 'delete'),
  rule('batch', ['jobs'], 'create', 'delete'),
];

const CHANGING = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** When the glass is broken: everything inside a namespace, its Secrets too; neither roles nor anything of the whole cluster. */
export const EVERYTHING: readonly PolicyRule[] = [
  rule(
    '',
    ['configmaps', 'persistentvolumeclaims', 'pods', 'secrets', 'serviceaccounts', 'services'],
    ...CHANGING,
  ),
  rule('', ['pods/eviction', 'pods/exec', 'pods/portforward'], 'create'),
  rule('', ['pods/ephemeralcontainers'], 'patch'),
  rule('', ['events', 'pods/log'], 'get', 'list', 'watch'),
  rule('apps', ['daemonsets', 'deployments', 'replicasets', 'statefulsets'], ...CHANGING),
  rule('apps', ['deployments/scale', 'statefulsets/scale'], 'get', 'patch', 'update'),
  rule('batch', ['cronjobs', 'jobs'], ...CHANGING),
  rule('cert-manager.io', ['certificaterequests', 'certificates'], ...CHANGING),
  rule('networking.k8s.io', ['networkpolicies'], ...CHANGING),
  rule('policy', ['poddisruptionbudgets'], ...CHANGING),
  rule(
    'postgresql.cnpg.io',
    ['backups', 'clusters', 'databases', 'poolers', 'scheduledbackups'],
    ...CHANGING,
  ),
];

/** Asks for a token of the account that may do everything. */
export const breaking = (account: string): readonly PolicyRule[] => [
  { ...rule('', ['serviceaccounts/token'], 'create'), resourceNames: [account] },
  // Its tokens end with it at once; the next sync makes it anew.
  { ...rule('', ['serviceaccounts'], 'delete'), resourceNames: [account] },
];
