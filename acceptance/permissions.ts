import { MAKES } from '../constructs/platform/labels';
import type { Manifest } from '../constructs/platform/manifest';
import { isBinding } from '../synth/bindings';
import { identityOf } from '../synth/references';
import { review, serviceAccount } from './access-review';
import type { Cluster } from './cluster';
import type { Finding } from './report';

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** One thing that somebody may or may not do. */
export interface Question {
  /** Namespace and name of a ServiceAccount. */
  readonly account: { readonly namespace: string; readonly name: string };
  readonly verb: string;
  readonly group: string;
  /** Resource, with its subresource after a slash. */
  readonly resource: string;
  /** One object; all of a resource where there is none. */
  readonly object?: string;
  readonly namespace: string;
  readonly isAllowed: boolean;
}

/** What would let one take over what is not one's own; asked of every ServiceAccount, in its own and in a foreign namespace. */
const SENSITIVE: readonly (readonly [group: string, resource: string, verbs: readonly string[]])[] = [
  ['', 'secrets', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']],
  ['', 'configmaps', ['create', 'update', 'delete']],
  ['', 'pods', ['create', 'delete']],
  ['', 'pods/exec', ['create']],
  ['', 'serviceaccounts/token', ['create']],
  ['apps', 'deployments', ['create', 'patch']],
  ['rbac.authorization.k8s.io', 'roles', ['create', 'update', 'escalate']],
  ['rbac.authorization.k8s.io', 'rolebindings', ['create', 'update']],
];

const FOREIGN = 'kube-system';

/** What to ask of the API server, and the answer that the objects themselves promise. */
export function questionsOf(objects: readonly Manifest[]): Question[] {
  const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount').map(({ metadata }) => metadata);
  return accounts.flatMap(({ name, namespace = '' }) => {
    const account = { namespace, name };
    const rules = (where: string): Rule[] => rulesFor(account, where, objects);
    const granted = rules(namespace).flatMap((rule) => grantedBy(rule, account));
    const sensitive = SENSITIVE.flatMap(([group, resource, verbs]) =>
      verbs.flatMap((verb) =>
        [namespace, FOREIGN].map((where) => {
          const question = { account, verb, group, resource, namespace: where };
          return { ...question, isAllowed: rules(where).some((rule) => allows(rule, question)) };
        }),
      ),
    );
    return [...granted, ...sensitive];
  });
}

function rulesFor(
  { namespace, name }: Question['account'],
  where: string,
  objects: readonly Manifest[],
): Rule[] {
  const bindings = objects
    .filter(isBinding)
    .filter(
      ({ kind, metadata, subjects = [] }) =>
        (kind === 'ClusterRoleBinding' || metadata.namespace === where) &&
        subjects.some(
          (subject) =>
            subject.kind === 'ServiceAccount' && subject.name === name && subject.namespace === namespace,
        ),
    );
  return bindings.flatMap(({ roleRef }) => {
    const role = objects.find(
      ({ kind, metadata }) =>
        kind === roleRef.kind &&
        metadata.name === roleRef.name &&
        (kind === 'ClusterRole' || metadata.namespace === where),
    );
    return (role?.['rules'] ?? []) as readonly Rule[];
  });
}

function grantedBy(
  { apiGroups = [], resources = [], resourceNames, verbs }: Rule,
  account: Question['account'],
): Question[] {
  const { namespace } = account;
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      (resourceNames ?? [undefined]).flatMap((object) =>
        verbs.map((verb) => ({ account, verb, group, resource, object, namespace, isAllowed: true })),
      ),
    ),
  );
}

function allows(
  { apiGroups = [], resources = [], resourceNames, verbs }: Rule,
  question: Omit<Question, 'isAllowed'>,
): boolean {
  const has = (list: readonly string[], value: string): boolean => list.includes(value) || list.includes('*');
  return (
    has(apiGroups, question.group) &&
    has(resources, question.resource) &&
    has(verbs, question.verb) &&
    (resourceNames === undefined ||
      (question.object !== undefined && resourceNames.includes(question.object)))
  );
}

/** Who makes credentials must be able to create them, and nothing more: one that could read them could read everybody's. */
export function badMakers(objects: readonly Manifest[]): Finding[] {
  const makers = objects.filter(({ metadata }) => metadata.annotations?.[MAKES]?.includes('Secret/'));
  return makers.flatMap((maker) => {
    const { template } = (maker['spec'] ?? {}) as { template?: { spec?: { serviceAccountName?: string } } };
    const { namespace = '' } = maker.metadata;
    const account = { namespace, name: template?.spec?.serviceAccountName ?? 'default' };
    const rules = rulesFor(account, namespace, objects);
    const may = (verb: string): boolean =>
      rules.some((rule) => allows(rule, { account, verb, group: '', resource: 'secrets', namespace }));
    const read = ['get', 'list', 'watch', 'update', 'patch', 'delete'].filter(may);
    return [
      ...(may('create') ? [] : ['makes Secrets, but its service account may not create them']),
      ...read.map((verb) => `makes Secrets and may ${verb} all of its namespace; create is enough`),
    ].map((message) => ({ name: identityOf(maker), message }));
  });
}

/** Asks the API server all that the objects promise; where it answers otherwise, a line. */
export async function answersTo(cluster: Cluster, questions: readonly Question[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  await review(
    cluster,
    questions.map((question) => ({ ...question, name: question.object })),
    ({ account }) => serviceAccount(account.namespace, account.name),
    ({ account, verb, resource, object, namespace, isAllowed: isPromised }, isAllowed) => {
      if (isAllowed !== isPromised)
        findings.push({
          name: `ServiceAccount/${account.namespace}/${account.name}`,
          message: `${isPromised ? 'may not' : 'may'} ${verb} ${resource}${object === undefined ? '' : ` ${object}`} in ${namespace}`,
        });
    },
  );
  return findings;
}
