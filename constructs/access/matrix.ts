import { BREAK_GLASS, type Person } from './index';

/** Whoever the matrix has a column for: people, and the account for emergencies. */
export type Actor = Person | typeof BREAK_GLASS;

export const ACTORS: readonly Actor[] = ['platform', 'onCall', 'developer', 'auditor', BREAK_GLASS];

/** One line: something that may be done, and by whom; everybody else is refused. */
export interface Line {
  /** For people. */
  readonly what: string;
  readonly verb: string;
  /** API group; the core's has no name. */
  readonly group: string;
  /** Resource, with its subresource after a slash. */
  readonly resource: string;
  /** Undefined for the whole cluster. */
  readonly namespace?: string;
  /** One object's name. */
  readonly name?: string;
  readonly may: readonly Actor[];
}

const READERS: readonly Actor[] = ['platform', 'onCall', 'auditor'];
const OPERATORS: readonly Actor[] = ['platform', 'onCall'];
const RBAC = 'rbac.authorization.k8s.io';

const line = (
  what: string,
  [verb, group, resource]: readonly [string, string, string],
  namespace: string | undefined,
  may: readonly Actor[],
  name?: string,
): Line => ({
  what,
  verb,
  group,
  resource,
  may,
  ...(namespace === undefined ? {} : { namespace }),
  ...(name === undefined ? {} : { name }),
});

/**
 * Who may do what, written by hand: not read from the roles, which are held against it, and so is a real API server
 * (`npm run accept`).
 */
export const MATRIX: readonly Line[] = [
  line('read a Secret of Lighthouse', ['get', '', 'secrets'], 'bridge', [BREAK_GLASS]),
  line('list Secrets of a database', ['list', '', 'secrets'], 'postgres', [BREAK_GLASS]),
  line('list Secrets of the whole cluster', ['list', '', 'secrets'], undefined, []),
  line('read a Secret of the authority', ['get', '', 'secrets'], 'cert-manager', []),
  line('read pods of Lighthouse', ['list', '', 'pods'], 'bridge', [...READERS, 'developer', BREAK_GLASS]),
  line('read logs of Lighthouse', ['get', '', 'pods/log'], 'bridge', [...READERS, 'developer', BREAK_GLASS]),
  line('read logs of a database', ['get', '', 'pods/log'], 'postgres', [...READERS, BREAK_GLASS]),
  line('read nodes', ['list', '', 'nodes'], undefined, READERS),
  line('read roles and bindings', ['list', RBAC, 'clusterrolebindings'], undefined, READERS),
  line('read network policies', ['list', 'networking.k8s.io', 'networkpolicies'], 'redis', [
    ...READERS,
    BREAK_GLASS,
  ]),
  line(
    'read admission policies',
    ['list', 'admissionregistration.k8s.io', 'validatingadmissionpolicies'],
    undefined,
    READERS,
  ),
  line('restart: delete a pod', ['delete', '', 'pods'], 'bridge', [...OPERATORS, BREAK_GLASS]),
  line('restart: evict a pod', ['create', '', 'pods/eviction'], 'redis', [...OPERATORS, BREAK_GLASS]),
  line('scale a Deployment', ['patch', 'apps', 'deployments/scale'], 'bridge', [...OPERATORS, BREAK_GLASS]),
  line('change a Deployment', ['patch', 'apps', 'deployments'], 'bridge', [BREAK_GLASS]),
  line('suspend a CronJob (on-call: nothing but that)', ['patch', 'batch', 'cronjobs'], 'postgres', [
    ...OPERATORS,
    BREAK_GLASS,
  ]),
  line('hold an operator (on-call: by annotation)', ['patch', 'postgresql.cnpg.io', 'clusters'], 'postgres', [
    ...OPERATORS,
    BREAK_GLASS,
  ]),
  line(
    'hold a phase in Argo CD (on-call: by annotation)',
    ['patch', 'argoproj.io', 'applications'],
    'argocd',
    OPERATORS,
  ),
  line('create an Application', ['create', 'argoproj.io', 'applications'], 'argocd', []),
  line('run a Job by hand', ['create', 'batch', 'jobs'], 'bridge', ['platform', BREAK_GLASS]),
  line('have a credential made anew: delete its Secret', ['delete', '', 'secrets'], 'redis', [
    'platform',
    BREAK_GLASS,
  ]),
  line('exec into the edge (on-call: its scripts)', ['create', '', 'pods/exec'], 'bridge', [
    ...OPERATORS,
    BREAK_GLASS,
  ]),
  line('read events (on-call and developers: by its script)', ['create', '', 'pods/exec'], 'reading', [
    ...OPERATORS,
    'developer',
    BREAK_GLASS,
  ]),
  line('exec into a database', ['create', '', 'pods/exec'], 'postgres', ['platform', BREAK_GLASS]),
  line(
    'switch the edge’s mode',
    ['patch', '', 'configmaps'],
    'bridge',
    [...OPERATORS, BREAK_GLASS],
    'edge-mode',
  ),
  line('change another ConfigMap', ['patch', '', 'configmaps'], 'bridge', [BREAK_GLASS], 'another'),
  line('silence alerts: forward a port', ['create', '', 'pods/portforward'], 'observability', [
    ...OPERATORS,
    BREAK_GLASS,
  ]),
  line('forward a port of a database', ['create', '', 'pods/portforward'], 'postgres', [
    'platform',
    BREAK_GLASS,
  ]),
  line('reach Vault: forward a port', ['create', '', 'pods/portforward'], 'vault', [...READERS, BREAK_GLASS]),
  line('create a pod', ['create', '', 'pods'], 'bridge', [BREAK_GLASS]),
  line('add a container to a pod, to debug', ['patch', '', 'pods/ephemeralcontainers'], 'postgres', [
    BREAK_GLASS,
  ]),
  line('change a network policy', ['patch', 'networking.k8s.io', 'networkpolicies'], 'redis', [BREAK_GLASS]),
  line('create a role', ['create', RBAC, 'roles'], 'bridge', []),
  line('bind a role', ['create', RBAC, 'rolebindings'], 'bridge', []),
  line('escalate a role', ['escalate', RBAC, 'clusterroles'], undefined, []),
  line('impersonate somebody', ['impersonate', '', 'users'], undefined, []),
  line('delete a namespace', ['delete', '', 'namespaces'], undefined, []),
  line('change a node', ['patch', '', 'nodes'], undefined, []),
  line('break the glass', ['create', '', 'serviceaccounts/token'], 'access', OPERATORS, BREAK_GLASS),
  line('make a token of another account', ['create', '', 'serviceaccounts/token'], 'bridge', [], 'edge'),
  line('mend the glass: end its tokens', ['delete', '', 'serviceaccounts'], 'access', OPERATORS, BREAK_GLASS),
];
