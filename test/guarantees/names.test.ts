import fc from 'fast-check';
import { names } from '../../guarantees/names';
import type { Manifest } from '../../constructs/platform/manifest';
import { added, causesOf, changed, findingsOf, soundPlatform } from './support';

const SOUND = soundPlatform();

const SERVER = 'StatefulSet/app/server';
const POD = 'spec.template.spec';

const object = (kind: string, name: string, fields: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'app' },
  ...fields,
});

const causesWith = (manifest: Manifest): string[] =>
  causesOf(names, added(SOUND, 'ConfigMap/app/client', manifest));

test('good names are no finding', () => {
  expect(findingsOf(names, SOUND)).toEqual([]);
});

test('an object that is there twice is found, in one phase or two', () => {
  expect(
    findingsOf(names, added(SOUND, 'ConfigMap/app/client', object('Service', 'server', { spec: {} }))),
  ).toEqual([
    {
      path: 'added',
      cause: 'Service/app/server is made by foundation/Namespaces/app/server/Service too',
      remedy: 'give one of them another id',
    },
  ]);
  const platform = added(SOUND, 'ConfigMap/app/client', object('Service', 'server', { spec: {} }));
  const objects = platform.objects.map((each) =>
    each.path === 'added' ? { ...each, phase: 'operations' as const } : each,
  );
  expect(causesOf(names, { ...platform, objects })).toHaveLength(1);
});

test('files that differ in case only are found', () => {
  const twins = [object('Lease', 'x'), object('LEASE', 'x')].reduce(
    (platform, each) => added(platform, 'ConfigMap/app/client', each),
    SOUND,
  );
  expect(causesOf(names, twins)).toEqual([
    'foundation/LEASE.app.x.yaml and Lease.app.x.yaml are one file where case does not count',
  ]);
});

test.each([
  ['ConfigMap', 'a_b', 'must be lowercase letters, digits, dashes and dots'],
  ['ConfigMap', 'A', 'must be lowercase letters, digits, dashes and dots'],
  ['ClusterRole', 'system:x', 'must be lowercase letters, digits, dashes and dots'],
  ['Service', '1st', 'must be a DNS label that begins with a letter'],
  ['Service', 'a.b', 'must be a DNS label that begins with a letter'],
  ['Service', 'a'.repeat(64), 'must be a DNS label that begins with a letter'],
])('%s %s is found', (kind, name, cause) => {
  expect(causesWith(object(kind, name, { spec: {} }))).toEqual([
    `name of ${kind} ${name} (${name.length} characters) ${cause}`,
  ]);
});

test.each([
  ['StatefulSet', 52],
  ['CronJob', 52],
  ['Cluster', 50],
  ['Job', 63],
])('%s names end at %i characters', (kind, most) => {
  const template = { spec: { containers: [] } };
  const spec = { template, jobTemplate: { spec: { template } }, instances: 1 };
  expect(causesWith(object(kind, 'a'.repeat(most), { spec }))).toEqual([]);
  expect(causesWith(object(kind, 'a'.repeat(most + 1), { spec }))).toHaveLength(1);
});

test.each([
  ['a label that is too long', 'labels', { a: 'x'.repeat(64) }, 'label a=x{64} of Service server must be'],
  ['a label of other letters', 'labels', { a: 'x y' }, 'label a=x y of Service server must be'],
  ['a label without a name', 'labels', { 'a/': 'x' }, 'label or annotation "a/" of Service server must be'],
  [
    'a label of a long name',
    'labels',
    { [`a/${'x'.repeat(64)}`]: 'x' },
    'label or annotation "a/x{64}" of Service',
  ],
  [
    'an annotation with two slashes',
    'annotations',
    { 'a/b/c': 'x' },
    'label or annotation "a/b/c" of Service',
  ],
  [
    'annotations that are too large',
    'annotations',
    { a: 'x'.repeat(262144) },
    'annotations of Service server have 262145 bytes',
  ],
])('%s is found', (_, field, value, cause) => {
  expect(causesOf(names, changed(SOUND, 'Service/app/server', `metadata.${field}`, value))).toEqual([
    expect.stringMatching(cause),
  ]);
});

test('a ConfigMap ends at one MiB, in bytes, and its keys are file names', () => {
  const files = (data: object) => causesWith(object('ConfigMap', 'files', { data }));
  expect(files({ a: 'x'.repeat(1024 * 1024 - 1) })).toEqual([]);
  expect(files({ a: 'ä'.repeat(512 * 1024) })).toEqual([
    'ConfigMap files has 1048577 bytes, at most 1048576 are taken',
  ]);
  expect(files({ 'a/b': '' })).toEqual([
    'key "a/b" of ConfigMap files must be letters, digits, ".", "_" and "-"',
  ]);
});

test.each([
  [
    'a port of 16 characters',
    `${POD}.containers[0].ports[0].name`,
    'a'.repeat(16),
    'lowercase words of at most 15 characters',
  ],
  [
    'a port without a letter',
    `${POD}.containers[0].ports[0].name`,
    '123',
    'lowercase words of at most 15 characters',
  ],
  ['a container with a dot', `${POD}.containers[0].name`, 'a.b', 'a DNS label'],
  ['a volume in capitals', `${POD}.volumes`, [{ name: 'Data' }], 'a DNS label'],
  [
    'a variable with a space',
    `${POD}.containers[0].env`,
    [{ name: 'a b', value: 'x' }],
    'letters, digits, "_", "-" and "."',
  ],
])('%s is found', (_, field, value, rule) => {
  expect(causesOf(names, changed(SOUND, SERVER, field, value))).toEqual([expect.stringContaining(rule)]);
});

test.each([
  ['ports', `${POD}.containers[0].ports[1].name`, 'data', 'port "data" of StatefulSet server is there twice'],
  [
    'volumes',
    `${POD}.volumes`,
    [{ name: 'a' }, { name: 'a' }],
    'volume "a" of StatefulSet server is there twice',
  ],
  [
    'variables',
    `${POD}.containers[0].env`,
    [{ name: 'A' }, { name: 'A' }],
    'variable "A" of StatefulSet server is there twice',
  ],
])('%s of one name are found', (_, field, value, cause) => {
  expect(causesOf(names, changed(SOUND, SERVER, field, value))).toEqual([cause]);
});

test("labels of a pod's template are looked at as well", () => {
  const platform = changed(SOUND, SERVER, 'spec.template.metadata.labels.a', 'x'.repeat(64));
  expect(causesOf(names, platform)).toEqual([expect.stringContaining('label a=')]);
});

test('several ports of a Service need names', () => {
  const platform = changed(SOUND, 'Service/app/server', 'spec.ports', [{ port: 1 }, { port: 2 }]);
  expect(causesOf(names, platform)).toEqual([
    'Service server has several ports that are not told apart by their names',
  ]);
});

test('a name is taken exactly where it is a DNS subdomain', () => {
  const characters = fc.constantFrom('a', 'Z', '0', '-', '.', '_', ':', '/');
  fc.assert(
    fc.property(fc.array(characters, { minLength: 1, maxLength: 6 }), (letters) => {
      const name = letters.join('');
      const isGood = name
        .split('.')
        .every((part) => /^[a-z0-9-]+$/.test(part) && !part.startsWith('-') && !part.endsWith('-'));
      expect(causesWith(object('ConfigMap', name)).length === 0).toBe(isGood);
    }),
    { numRuns: 80 },
  );
});
