import { Access, type AccessProps } from '../../constructs/access';
import { ACTORS, type Actor, type Line, MATRIX } from '../../constructs/access/matrix';
import { allows, grantsIn } from '../../audit/roles';
import { find, manifestsOf, platformWith } from '../support';

const groups: AccessProps['groups'] = {
  platform: 'a',
  onCall: 'b',
  auditor: 'c',
  developer: 'd',
};

const platformFor = (own: AccessProps['groups'] = groups) =>
  platformWith(({ namespaces }) => {
    const [reading, bridge, observability, postgres, redis, vault] = [
      namespaces.add('reading'),
      namespaces.add('bridge'),
      namespaces.add('observability'),
      namespaces.add('postgres'),
      namespaces.add('redis'),
      namespaces.add('vault'),
    ];
    const props: Required<AccessProps> = {
      groups: own,
      namespaces: [reading, bridge, observability, postgres, redis, vault],
      places: { bridge, observability, argocd: namespaces.existing('argocd'), reading, vault },
    };
    new Access(namespaces.add('access'), 'people', props);
  });

const platform = platformFor();
const grants = grantsIn(platform);

const subjectOf = (actor: Actor): string =>
  actor === 'break-glass' ? 'ServiceAccount access/break-glass' : `Group ${groups[actor]}`;

function may(actor: Actor, { verb, group, resource, namespace, name }: Line): boolean {
  return grants.some(
    (grant) =>
      grant.subject === subjectOf(actor) &&
      (grant.namespace === undefined || grant.namespace === namespace) &&
      grant.rules.some(
        (rule) =>
          allows(rule, group, resource, [verb]) &&
          (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name))),
      ),
  );
}

test.each(MATRIX.map((line) => [line.what, line] as const))('%s', (_, line) => {
  expect(ACTORS.filter((actor) => may(actor, line)).toSorted()).toEqual(line.may.toSorted());
});

test('nobody but the account for emergencies reads Secrets anywhere', () => {
  const readers = grants.filter(({ rules }) =>
    rules.some((rule) => allows(rule, '', 'secrets', ['get', 'list', 'watch'])),
  );
  expect(new Set(readers.map(({ subject }) => subject))).toEqual(
    new Set(['ServiceAccount access/break-glass']),
  );
});

test('nothing is a wildcard', () => {
  const all = grants.flatMap(({ rules }) =>
    rules.flatMap(({ verbs, resources = [], apiGroups = [] }) => [...verbs, ...resources, ...apiGroups]),
  );
  expect(all).not.toContain('*');
});

test('no pod can have the account for emergencies', () => {
  const manifests = manifestsOf(platform);
  expect(find(manifests, 'ServiceAccount', 'break-glass').metadata.namespace).toBe('access');
  const hard = manifests.flatMap(({ kind, metadata, spec }) =>
    kind === 'ResourceQuota' && metadata.namespace === 'access'
      ? [(spec as { hard: { pods: string } }).hard]
      : [],
  );
  expect(hard).toEqual([expect.objectContaining({ pods: '0' })]);
});

test('two kinds of people in one group are refused', () => {
  expect(() => platformFor({ ...groups, auditor: 'a' })).toThrow(
    'groups must be different, got a, b, a, d; name one group of your identity provider for each',
  );
});
