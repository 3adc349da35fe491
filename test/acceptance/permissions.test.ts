import { badMakers, questionsOf } from '../../acceptance/permissions';
import { MAKES } from '../../constructs/platform/labels';
import type { Manifest } from '../../constructs/platform/manifest';

const RBAC = 'rbac.authorization.k8s.io/v1';

const named = (kind: string, name: string, rest: object = {}, apiVersion = RBAC): Manifest => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'app' },
  ...rest,
});

const account = named('ServiceAccount', 'maker', {}, 'v1');
const role = (verbs: string[], more: object = {}): Manifest =>
  named('Role', 'maker', { rules: [{ apiGroups: [''], resources: ['secrets'], verbs, ...more }] });
const binding = named('RoleBinding', 'maker', {
  roleRef: { kind: 'Role', name: 'maker' },
  subjects: [{ kind: 'ServiceAccount', name: 'maker', namespace: 'app' }],
});
const job: Manifest = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'maker', namespace: 'app', annotations: { [MAKES]: 'Secret/app/key:password' } },
  spec: { template: { spec: { serviceAccountName: 'maker' } } },
};

const allowedOn = (objects: readonly Manifest[], resource: string, namespace: string): string[] => [
  ...new Set(
    questionsOf(objects)
      .filter((each) => each.isAllowed && each.resource === resource && each.namespace === namespace)
      .map(({ verb }) => verb),
  ),
];

test('what a role grants is expected to be allowed, in its own namespace alone; all else that matters is not', () => {
  const objects = [account, role(['create']), binding];
  expect(allowedOn(objects, 'secrets', 'app')).toEqual(['create']);
  expect(allowedOn(objects, 'secrets', 'kube-system')).toEqual([]);
  const denied = questionsOf(objects).filter(({ isAllowed }) => !isAllowed);
  expect(denied.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual(
    expect.arrayContaining(['get secrets', 'list secrets', 'create pods/exec', 'escalate roles']),
  );
});

test('a role that nobody is bound to grants nothing', () => {
  expect(allowedOn([account, role(['create'])], 'secrets', 'app')).toEqual([]);
});

test('a role for one object does not grant the others', () => {
  const objects = [account, role(['get'], { resourceNames: ['own'] }), binding];
  const get = questionsOf(objects).filter(
    ({ verb, resource, namespace }) => verb === 'get' && resource === 'secrets' && namespace === 'app',
  );
  expect(get.map(({ object, isAllowed }) => [object, isAllowed])).toEqual([
    ['own', true],
    [undefined, false],
  ]);
});

test('who makes credentials may create them and nothing more', () => {
  expect(badMakers([account, role(['create']), binding, job])).toEqual([]);
  expect(badMakers([account, role(['create']), job]).map(({ message }) => message)).toEqual([
    'makes Secrets, but its service account may not create them',
  ]);
  expect(badMakers([account, role(['*']), binding, job]).map(({ message }) => message)).toContain(
    'makes Secrets and may list all of its namespace; create is enough',
  );
});
