import { AdmissionPolicies } from '../../constructs/admission-policies';
import { admission } from '../../guarantees/admission';
import type { Ground } from '../support';
import { causesOf, changed, findingsOf, soundPlatform, without } from './support';

const build = ({ chart }: Ground): void => {
  new AdmissionPolicies(chart, 'Admission', { platform: chart.node.root, exceptions: [] });
};

/** Its pods have faults of which the ledger would know; here they are let through. */
const sound = soundPlatform(build);

const about = (text: string, platform: typeof sound): string[] =>
  causesOf(admission, platform).filter((cause) => cause.includes(text));

const variable = (policy: string, name: string): string => {
  const object = sound.objects.find(
    ({ manifest }) => manifest.kind === 'ValidatingAdmissionPolicy' && manifest.metadata.name === policy,
  );
  const { variables } = object?.manifest['spec'] as { variables: { name: string }[] };
  return `spec.variables[${variables.findIndex((each) => each.name === name)}].expression`;
};

const IMAGES = 'ValidatingAdmissionPolicy/lighthouse-images';
const PRIVILEGES = 'ValidatingAdmissionPolicy/lighthouse-privileges';
const IDENTITY = 'ValidatingAdmissionPolicy/lighthouse-identity';
const BINDING = 'ValidatingAdmissionPolicyBinding/lighthouse-images';

test('images, folders and tokens of a sound platform are let through', () => {
  const findings = findingsOf(admission, sound).filter(
    ({ cause }) => !cause.includes('its table exceptions'),
  );
  expect(findings).toEqual([]);
});

test('a privilege that the ledger does not have is one that the API server would refuse', () => {
  expect(about('its table exceptions', sound)).toContain(
    'pods need "app/default: running as root", which is not in its table exceptions: the API server would refuse them',
  );
});

test('an image that is not in the table', () => {
  const platform = changed(
    sound,
    'StatefulSet/app/server',
    'spec.template.spec.containers[0].image',
    'registry.example.com:5000/other/app:1.2.3',
  );
  expect(about('repositories', platform)).toEqual([
    'pods need "registry.example.com:5000/other/app", which is not in its table repositories: the API server would refuse them',
  ]);
});

test('a repository too many', () => {
  const platform = changed(
    sound,
    IMAGES,
    variable('lighthouse-images', 'repositories'),
    '["docker.io/library/x"]',
  );
  expect(about('lets "docker.io/library/x" through', platform)).toEqual([
    'its table repositories lets "docker.io/library/x" through, which no pod needs',
  ]);
});

test.each([
  [
    PRIVILEGES,
    'lighthouse-privileges',
    'exceptions',
    '{"app/server":["privileged"]}',
    'app/server: privileged',
  ],
  [PRIVILEGES, 'lighthouse-privileges', 'paths', '{"app/server":["/"]}', 'app/server: /'],
  [PRIVILEGES, 'lighthouse-privileges', 'added', '{"app/server":["SYS_ADMIN"]}', 'app/server: SYS_ADMIN'],
  [IDENTITY, 'lighthouse-identity', 'tokens', '{"app/other":["vault"]}', 'app/other: vault'],
])('%s lets more through than pods need', (object, name, table, value, entry) => {
  const platform = changed(sound, object, variable(name, table), value);
  expect(about(`lets "${entry}" through`, platform)).toEqual([
    `its table ${table} lets "${entry}" through, which no pod needs`,
  ]);
});

test('a token that is not in the table', () => {
  const platform = changed(sound, IDENTITY, variable('lighthouse-identity', 'tokens'), '{}');
  expect(about('table tokens', platform)).toContain(
    'pods need "app/users: ", which is not in its table tokens: the API server would refuse them',
  );
});

test('a namespace that is not bound', () => {
  const field = 'spec.matchResources.namespaceSelector.matchExpressions[0].values';
  expect(about('namespace', changed(sound, BINDING, field, ['other']))).toEqual([
    'namespace app has pods, and its binding does not select it',
  ]);
});

test.each([IMAGES, BINDING])('without %s', (object) => {
  expect(about('there is no', without(sound, object))).toEqual([
    `there is no ${object === IMAGES ? 'policy' : 'binding'} lighthouse-images: nothing of it is asked`,
  ]);
});

test.each([
  [IMAGES, 'spec.failurePolicy', 'Ignore'],
  [BINDING, 'spec.validationActions', ['Audit']],
])('%s that refuses nothing', (object, field, value) => {
  expect(about('refuses nothing', changed(sound, object, field, value))).toHaveLength(1);
});

test('pods without the labels of their component', () => {
  const platform = changed(sound, 'StatefulSet/app/server', 'spec.template.metadata.labels', {
    app: 'server',
  });
  expect(about('have no label', platform)).toEqual([
    'pods of StatefulSet/app/server have no label app.kubernetes.io/name, app.kubernetes.io/instance, app.kubernetes.io/component: lighthouse-identity would refuse them',
  ]);
});
