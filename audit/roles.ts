import type { PolicyRule } from '../imports/k8s';
import { isBinding } from '../synth/bindings';
import type { Platform } from '../synth/platform';
import { identityOf } from '../synth/references';
import { listed, type Section, sortedRows } from './section';

/** Something that may do what a role says. */
export interface Grant {
  /** Who, as `ServiceAccount observability/prometheus` or `Group lighthouse-on-call`. */
  readonly subject: string;
  /** Namespace it is bound in; undefined for the whole cluster. */
  readonly namespace?: string;
  /** Identity of the role. */
  readonly role: string;
  readonly rules: readonly PolicyRule[];
}

/** Everything that the platform's own bindings grant. */
export function grantsIn({ objects }: Platform): Grant[] {
  const roles = new Map(objects.map(({ manifest }) => [identityOf(manifest), manifest]));
  return objects.flatMap(({ manifest }) => {
    if (!isBinding(manifest)) return [];
    const { roleRef, subjects = [], metadata } = manifest;
    const { namespace } = metadata;
    const role =
      roleRef.kind === 'Role' ? `Role/${namespace}/${roleRef.name}` : `ClusterRole/${roleRef.name}`;
    const rules = (roles.get(role)?.['rules'] ?? []) as readonly PolicyRule[];
    return subjects.map(({ kind, name, namespace: own = namespace }) => ({
      subject: kind === 'ServiceAccount' ? `${kind} ${own}/${name}` : `${kind} ${name}`,
      ...(namespace === undefined ? {} : { namespace }),
      role,
      rules,
    }));
  });
}

/** Whether a rule allows one of the verbs on a resource. */
export function allows(
  { verbs, apiGroups = [], resources = [] }: PolicyRule,
  group: string,
  resource: string,
  wanted: readonly string[],
): boolean {
  const has = (list: readonly string[], value: string): boolean => list.includes(value) || list.includes('*');
  return has(apiGroups, group) && has(resources, resource) && wanted.some((verb) => has(verbs, verb));
}

function told({ verbs, resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): string {
  const names = resourceNames.length > 0 ? ` named ${listed(resourceNames)}` : '';
  return `${listed(verbs)} ${listed([...resources, ...nonResourceURLs])}${names}`;
}

export function rolesOf(platform: Platform): Section {
  return {
    title: 'Roles of the Kubernetes API',
    text: 'Who may do what, by the platform’s own bindings. Operators’ own roles come with their charts, people’s beyond these from whoever owns the cluster.',
    columns: ['who', 'where', 'may', 'by'],
    rows: sortedRows(
      grantsIn(platform).map(({ subject, namespace = 'the whole cluster', rules, role }) => [
        subject,
        namespace,
        rules.map(told).join('; ') || 'what Kubernetes’ own role says',
        role,
      ]),
    ),
  };
}
