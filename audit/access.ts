import { ACTORS, type Actor, MATRIX } from '../constructs/access/matrix';
import { LONGEST_SECONDS } from '../constructs/access/limits';
import { PEOPLE, type Person } from '../constructs/access';
import { ROLES } from '../constructs/delivery/roles';
import { RIGHTS } from '../constructs/vault-mtls/configuration/people';
import { peoplesRoles } from '../constructs/vector-database/roles';
import { table } from './markdown';

const TITLES: Readonly<Record<Actor, string>> = {
  platform: 'platform',
  onCall: 'on-call',
  developer: 'developer',
  auditor: 'auditor',
  'break-glass': 'glass broken',
};

/** What may be done with an Application; the project of operators is no exception. */
const IN_ARGO_CD: readonly (readonly [what: string, action: string])[] = [
  ['look at an Application', 'get'],
  ['sync what is on the branch', 'sync'],
  ['sync another revision: roll back by hand', 'override'],
  ['confirm that something with data is deleted', 'update'],
  ['create an Application', 'create'],
  ['delete an Application', 'delete'],
];

function argoCdTable(): string {
  const people = PEOPLE.map((person) => ({
    title: TITLES[person],
    role: ROLES.find((role) => role.people.includes(person)),
  }));
  const rows = [
    ...IN_ARGO_CD.map(([what, action]) => [
      what,
      `${action} applications`,
      ...people.map(({ role }) => (role?.actions.includes(action) ? 'yes' : '–')),
    ]),
    ['read logs of its pods', 'get logs', ...people.map(({ role }) => (role?.logs ? 'yes' : '–'))],
  ];
  return table(['what', 'request', ...people.map(({ title }) => title)], rows);
}

/** What may be done in the vector database, by the action that its authorization calls it. */
const IN_WEAVIATE: readonly (readonly [what: string, action: string])[] = [
  ['see how collections are made', 'read_collections'],
  ['see how the members are', 'read_nodes'],
  ['see what the cluster is at', 'read_cluster'],
  ['see who may what', 'read_roles'],
  ['read what agents remember', 'read_data'],
  ['change and delete it', 'delete_data'],
  ['make, change and delete collections', 'delete_collections'],
  ['back up and restore', 'manage_backups'],
  ['make a role, or change one', 'update_roles'],
  ['make a user, or a key anew', 'update_users'],
  ['give a role to a user or a group', 'assign_and_revoke_groups'],
];

function weaviateTable(): string {
  const roles = peoplesRoles({
    platform: 'platform',
    onCall: 'onCall',
    auditor: 'auditor',
    developer: 'developer',
  });
  const actionsOf = (person: Person) =>
    roles
      .filter(({ group }) => group === person)
      .flatMap(({ permissions }) => permissions.map(({ action }) => action));
  const people = PEOPLE.map((person) => ({ title: TITLES[person], actions: new Set(actionsOf(person)) }));
  const rows = IN_WEAVIATE.map(([what, action]) => [
    what,
    action,
    ...people.map(({ actions }) => (actions.has(action) ? 'yes' : '–')),
  ]);
  return table(['what', 'action', ...people.map(({ title }) => title)], rows);
}

function vaultTable(): string {
  const rows = RIGHTS.map(({ what, request, may }) => [
    what,
    request,
    ...PEOPLE.map((person) => (may.includes(person) ? 'yes' : '–')),
  ]);
  return table(['what', 'request', ...PEOPLE.map((person) => TITLES[person])], rows);
}

/** The matrix of people as a page. */
export function accessPage(): string {
  const rows = MATRIX.map(({ what, verb, resource, namespace = 'the whole cluster', may }) => [
    what,
    `${verb} ${resource}`,
    namespace,
    ...ACTORS.map((actor) => (may.includes(actor) ? 'yes' : '–')),
  ]);
  return `# Access

Who may do what with the Kubernetes API. Groups are \`access.groups\` of each environment's file; \`npm run accept\` asks a real API server
every cell, the refused ones too. Written by \`npm run audit\` from \`constructs/access/matrix.ts\`: do not edit.

${table(['what', 'request', 'namespace', ...ACTORS.map((actor) => TITLES[actor])], rows)}

## Argo CD, Grafana and Weaviate

The same four groups, signed in by \`access.identityProvider\` where there is one. In Argo CD the owners are \`platform\`, on-call \`operator\`,
developers and auditors \`reader\`; \`npm run test:payloads -- argo-cd\` asks Argo CD itself. In Grafana the owners administrate, on-call explores
freely, everybody else looks.

${argoCdTable()}

Weaviate believes tokens of the same provider, beside the keys that programs have. Its port is open to pods alone: people come to it by a
forwarded port of a database (above: the owners, and whoever has broken the glass), and then as themselves, by name and group, where before there
was only the key of the owner, which may everything and is nobody's.

${weaviateTable()}

\`npm run test:payloads -- weaviate\` asks Weaviate itself, allowed and refused, and takes the provider away: keys go on being let in, and a
member starts without it. Nobody but the Job of the schema may change users and roles, and a group that loses a role in Git loses it there with
the next sync. A token is for Weaviate's client (\`aud\`), lives as long as the provider says, and is not asked for again before: whoever is
locked out at the provider is out when it ends. Whom the provider
signs in for that client without one of the groups sees the names and the health of members and Weaviate's version, and is refused all else. In the log people are the provider's \`sub\`, with their groups.

## Vault

The same groups, signed in by the same provider, for an hour: \`vault login -method=oidc\` ([docs/guides/vault.md](../guides/vault.md)). The
policies are made of this table; \`npm run prove:vault\` signs three people in to the real Vault and asks every line as each of them. Nobody reads
a secret, and nobody changes who may what: that is in Git, or done with a root token, which three people make together. Breaking the glass gives
nothing in Vault.

${vaultTable()}

## What on-call may change

A role knows objects, not their fields. Policies of the API server narrow what on-call may patch: of a CronJob, whether it is suspended; of what
operators and Argo CD listen to, annotations; in a pod, its own scripts (\`/bin/sh /config/<name>.sh\`), which holds for developers where events are read. That namespace, \`reading\`, is where
\`postgres.lentLogins\` is set. A fail-over of Redis by hand and a
backup at once are for the platform's owners, who may exec and run Jobs: whoever may do that sees what the pod sees.

## Breaking the glass

\`npm run break-glass -- --reason "…" --for 30m\` writes a kubeconfig with a token of the account \`break-glass\`, which may do everything inside the
platform's namespaces, Secrets included. It cannot make roles, and nothing of the whole cluster is its. At most ${LONGEST_SECONDS / 60} minutes, then the API server takes the token
no more, whether or not anybody thinks of it (it allows for clocks that differ: seen to be taken 41 s after its end, and refused two minutes after it). To end all of them before: \`kubectl -n access delete serviceaccount break-glass\`; Argo CD makes it anew.

With it a pod, or a container that is added to one, may run any image, to look with tools that the platform does not have: the admission policies
([docs/decisions/admission.md](../decisions/admission.md)) let that account's own requests pass by image, and by nothing else.

The audit log of the API server has who asked, for how long and why (\`lighthouse-break-glass/reason\`), each request of the token with the
token's id, and such images (\`lighthouse-images/glass\`), if its policy is \`constructs/access/audit-policy.yaml\`.

## The audit log

\`constructs/access/audit-policy.yaml\` is for whoever runs the control plane (\`kube-apiserver --audit-policy-file\`, with \`--audit-log-path\` or a
webhook): who asked for Secrets and tokens, without what is in them; every change of roles, policies, namespaces and service accounts as a whole; who
was inside a pod, with the command; all that is done with the glass broken; what policies refused. \`npm run accept\` gives it to a real API server,
does all that, and reads the log: no value of a Secret and no token may be in it. A provider that runs the control plane has a policy of its own;
ask it for the lines above.
`;
}
