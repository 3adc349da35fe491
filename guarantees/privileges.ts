import type { PodSecurityContext, PodSpec, PolicyRule, SecurityContext } from '../imports/k8s';
import type { ClusterSpec } from '../imports/postgresql.cnpg.io';
import type { Manifest } from '../constructs/platform/manifest';
import { RESTRICTED, restrictedPod } from '../constructs/platform/pod';
import { spec } from '../constructs/platform/workloads';
import { isBinding } from '../synth/bindings';
import { inventoryOf, type PodSource } from '../synth/inventory';
import { identityOf } from '../synth/references';
import type { Platform } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import { ADMISSION, CONTROLS, violationsOf } from './pod-security';
import { holdsIn, type Privilege, PRIVILEGES } from './privilege-ledger';

/**
 * Every pod would be admitted at the Pod Security level `restricted`, writes to no root file system and carries a token
 * of the Kubernetes API only where a role says what for; every namespace enforces that level; no role may do everything,
 * read Secrets or give itself more. What deviates is in the ledger with its reason, and nothing else is; and lies in a
 * namespace that admits it.
 */
export const privileges: Guarantee = privilegesBut(PRIVILEGES);

const ENFORCED = 'pod-security.kubernetes.io/enforce';

/** The same with another ledger. */
export function privilegesBut(ledger: readonly Privilege[]): Guarantee {
  return {
    name: 'privileges',
    check: (platform) => {
      const deviations = deviationsIn(platform);
      const entries = ledger.filter((entry) => holdsIn(entry, platform));
      const covers = (entry: Privilege, { object, control }: Deviation): boolean =>
        entry.object === object && entry.control === control;
      const findings = deviations
        .filter((deviation) => !entries.some((entry) => covers(entry, deviation)))
        .map(({ path, object, control, detail, remedy }) => ({
          path,
          cause: `${object}: ${control}: ${detail}`,
          remedy: `${remedy}, or enter "${control}" with its reason in guarantees/privilege-ledger.ts`,
        }));
      const stale = entries
        .filter((entry) => !deviations.some((deviation) => covers(entry, deviation)))
        .map(({ object, control }) => ({
          path: 'guarantees/privilege-ledger.ts',
          cause: `${object} needs no entry for "${control}" in ${platform.environment.environment}`,
          remedy: 'remove the entry, or the environment from it',
        }));
      const pods = inventoryOf(platform).pods.length;
      return {
        findings: [...findings, ...stale, ...refused(platform, deviations)],
        facts: [
          { subject: 'pod templates', figure: `${pods} held against ${CONTROLS} rules` },
          { subject: 'deviations', figure: `${deviations.length}, in the ledger ${entries.length}` },
        ],
      };
    },
  };
}

/** Pods that the admission of their namespace would turn away, whatever the ledger says. */
function refused(platform: Platform, deviations: readonly Deviation[]): Finding[] {
  const restricted = new Set(
    platform.objects.flatMap(({ manifest: { kind, metadata } }) =>
      kind === 'Namespace' && metadata.labels?.[ENFORCED] === 'restricted' ? metadata.name : [],
    ),
  );
  return inventoryOf(platform).pods.flatMap(({ namespace, object: { path, manifest } }) => {
    const object = identityOf(manifest);
    const controls = deviations
      .filter((each) => each.object === object && ADMISSION.has(each.control))
      .map(({ control }) => control);
    if (!restricted.has(namespace) || controls.length === 0) return [];
    return {
      path,
      cause: `${object}: namespace ${namespace} enforces restricted, which refuses ${controls.join(', ')}`,
      remedy: 'take the privileges away, or build it in a namespace of its own whose podSecurity admits it',
    };
  });
}

interface Deviation {
  readonly path: string;
  /** Identity of the object. */
  readonly object: string;
  readonly control: string;
  readonly detail: string;
  readonly remedy: string;
}

/** Every deviation of a platform, in the ledger or not. */
export function deviationsIn(platform: Platform): Deviation[] {
  const { pods } = inventoryOf(platform);
  const bound = boundAccounts(platform);
  return [
    ...pods.flatMap((source) => [...podDeviations(source), ...tokenDeviations(source, bound)]),
    ...namespaceDeviations(platform),
    ...platform.objects.flatMap((object) =>
      roleDeviations(object.manifest).map(({ control, detail, remedy }) => ({
        path: object.path,
        object: identityOf(object.manifest),
        control,
        detail,
        remedy,
      })),
    ),
  ];
}

function podDeviations({ object, workload }: PodSource): Deviation[] {
  const pod = asMade(object.manifest, workload.pod);
  if (!pod) return [];
  return violationsOf(pod).map(({ control, detail }) => ({
    path: object.path,
    object: identityOf(object.manifest),
    control,
    detail,
    remedy: 'use restrictedPod(uid) and RESTRICTED of constructs/platform/pod.ts',
  }));
}

/** A pod with what its operator adds: CloudNativePG's own contexts are restricted (pkg/specs/containers.go, podspec). */
function asMade(manifest: Manifest, pod: PodSpec | undefined): PodSpec | undefined {
  if (manifest.kind === 'Cluster') {
    const { postgresUID = 26, postgresGID = 26, ...own } = spec<ClusterSpec>(manifest);
    const podContext: PodSecurityContext = {
      ...restrictedPod(postgresUID, postgresGID),
      ...own.podSecurityContext,
    };
    const { seccompProfile } = own;
    return {
      securityContext: seccompProfile ? { ...podContext, seccompProfile } : podContext,
      containers: [{ name: 'postgres', securityContext: { ...RESTRICTED, ...own.securityContext } }],
    };
  }
  if (manifest.kind !== 'Pooler' || !pod) return pod;
  const overwritten = (name: string, own?: SecurityContext): SecurityContext | undefined =>
    name === 'pgbouncer' || name === 'bootstrap-controller' ? RESTRICTED : own;
  const made = (container: PodSpec['containers'][number]) => ({
    ...container,
    securityContext: overwritten(container.name, container.securityContext),
  });
  return {
    ...pod,
    securityContext: restrictedPod(998, 996),
    containers: pod.containers.map(made),
    initContainers: pod.initContainers?.map(made),
  };
}

/** A token in a pod is a key to the API server: where nothing may be done with it, it is for a thief alone. */
function tokenDeviations(
  { object, workload, namespace }: PodSource,
  bound: ReadonlySet<string>,
): Deviation[] {
  const { pod } = workload;
  // The operator's own process in these pods talks to the API, with a role that the operator makes.
  if (!pod || object.manifest.kind === 'Pooler') return [];
  const { automountServiceAccountToken: mounted, serviceAccountName: account = 'default' } = pod;
  const detail =
    mounted === undefined
      ? 'automountServiceAccountToken is not stated'
      : mounted && !bound.has(`${namespace}/${account}`)
        ? `the token of account ${account} is mounted, and no role is bound to it`
        : undefined;
  if (detail === undefined) return [];
  return [
    {
      path: object.path,
      object: identityOf(object.manifest),
      control: 'API token',
      detail,
      remedy: 'write automountServiceAccountToken: false',
    },
  ];
}

function boundAccounts({ objects }: Platform): Set<string> {
  return new Set(
    objects
      .map(({ manifest }) => manifest)
      .filter(isBinding)
      .flatMap(({ subjects = [], metadata }) =>
        subjects
          .filter(({ kind }) => kind === 'ServiceAccount')
          .map(({ name, namespace = metadata.namespace }) => `${namespace}/${name}`),
      ),
  );
}

function namespaceDeviations({ objects }: Platform): Deviation[] {
  return objects
    .filter(({ manifest }) => manifest.kind === 'Namespace')
    .flatMap((object) => {
      const level = object.manifest.metadata.labels?.[ENFORCED];
      if (level === 'restricted') return [];
      return {
        path: object.path,
        object: identityOf(object.manifest),
        control: 'enforced level',
        detail: `the namespace enforces ${level ?? 'no level of Pod Security'}`,
        remedy: 'leave podSecurity at its default',
      };
    });
}

const READING: ReadonlySet<string> = new Set(['get', 'list', 'watch', '*']);

/** Verbs by which a role gives itself, or another, more than it has. */
const CLIMBING: ReadonlySet<string> = new Set(['bind', 'escalate', 'impersonate']);

/** Kubernetes' own roles that read Secrets or more. */
const MIGHTY: ReadonlySet<string> = new Set(['cluster-admin', 'admin', 'edit']);

function roleDeviations(manifest: Manifest): Pick<Deviation, 'control' | 'detail' | 'remedy'>[] {
  if (isBinding(manifest)) {
    const { name } = manifest.roleRef;
    if (!MIGHTY.has(name)) return [];
    return [
      { control: 'mighty role', detail: `it hands out ${name}`, remedy: 'bind a role of what is needed' },
    ];
  }
  if (manifest.kind !== 'Role' && manifest.kind !== 'ClusterRole') return [];
  const rules = (manifest['rules'] ?? []) as readonly PolicyRule[];
  return rules.flatMap((rule) => {
    const { verbs, resources = [], apiGroups = [], nonResourceURLs = [] } = rule;
    const wild = Object.entries({ verbs, resources, apiGroups, nonResourceURLs }).filter(([, values]) =>
      values.includes('*'),
    );
    const reads =
      apiGroups.includes('') && resources.includes('secrets')
        ? verbs.filter((verb) => READING.has(verb))
        : [];
    const climbs = verbs.filter((verb) => CLIMBING.has(verb));
    const remedy = 'name what is needed and nothing else';
    return [
      ...wild.map(([field]) => ({ control: 'wildcard', detail: `a rule names all ${field}`, remedy })),
      ...(reads.length > 0
        ? [{ control: 'reading Secrets', detail: `verbs ${reads.join(', ')}`, remedy }]
        : []),
      ...(climbs.length > 0 ? [{ control: 'climbing', detail: `verbs ${climbs.join(', ')}`, remedy }] : []),
    ];
  });
}
