import type { Manifest } from '../../constructs/platform/manifest';
import { accounts } from '../../guarantees/accounts';
import { object, platformOf, pod, workload } from './objects';
import { causesOf } from './support';

const runsAs = (kind: 'Deployment' | 'StatefulSet', account?: string): Manifest =>
  workload(kind, {}, pod({ serviceAccountName: account }));

const account = (name: string): Manifest => object('ServiceAccount', name, {});

const role = (kind: 'Role' | 'ClusterRole', name: string): Manifest => object(kind, name, {}, { rules: [] });

const binding = (kind: string, name: string, subject: string): Manifest =>
  object(
    'RoleBinding',
    name,
    {},
    { roleRef: { kind, name }, subjects: [{ kind: 'ServiceAccount', name: subject }] },
  );

const causes = (...objects: readonly Manifest[]): string[] => causesOf(accounts, platformOf(objects));

test('a workload with an account and a role of its own is no finding', () => {
  const all = [runsAs('Deployment', 'a'), account('a'), role('Role', 'r'), binding('Role', 'r', 'a')];

  expect(causes(...all)).toEqual([]);
});

test.each([undefined, 'default'])('a workload that runs as %s is found', (name) => {
  expect(causes(runsAs('Deployment', name))).toEqual([
    'Deployment/app/x runs as the service account of its whole namespace',
  ]);
});

test('an account that two workloads run as is found where a role is bound to it', () => {
  const both = [runsAs('Deployment', 'a'), runsAs('StatefulSet', 'a'), account('a')];

  expect(causes(...both)).toEqual([]);
  expect(causes(...both, role('Role', 'r'), binding('Role', 'r', 'a'))).toEqual([
    'ServiceAccount/app/a is what Deployment/app/x, StatefulSet/app/x run as: each has the rights of all',
  ]);
});

test('an account that nothing runs as is found, unless a role is bound to it', () => {
  expect(causes(account('a'))).toEqual([
    'ServiceAccount/app/a: nothing runs as it, and no role is bound to it',
  ]);
  expect(causes(account('a'), role('Role', 'r'), binding('Role', 'r', 'a'))).toEqual([]);
});

test('a role that is bound to nobody is found; one of the same name and another kind binds nothing', () => {
  expect(causes(role('Role', 'r'), account('a'), binding('Role', 's', 'a'))).toEqual([
    'Role/app/r is bound to nobody',
  ]);
  expect(causes(role('Role', 'r'), account('a'), binding('ClusterRole', 'r', 'a'))).toEqual([
    'Role/app/r is bound to nobody',
  ]);
});
