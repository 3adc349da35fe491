import { changesBetween, titleOf } from '../../../publishing/changes/changes';
import type { Files } from '../../../synth/memory';
import { toYaml } from '../../../synth/print';
import { configMaps } from '../support';

const told = (before: Files, after: Files): string[] =>
  changesBetween(before, after).flatMap(({ environment, cluster, changes }) =>
    changes.map((change) => `${environment}/${cluster} ${change.how} ${titleOf(change)}`),
  );

test('objects come, change and go, cluster by cluster', () => {
  const before = configMaps({ 'staging/a/one': '1', 'staging/a/two': '2', 'staging/b/one': '1' });
  const after = configMaps({ 'staging/a/one': 'x', 'staging/a/three': '3', 'staging/b/one': '1' });

  expect(told(before, after)).toEqual([
    'staging/a changed ConfigMap/app/one',
    'staging/a added ConfigMap/app/three',
    'staging/a removed ConfigMap/app/two',
  ]);
  expect(told(before, before)).toEqual([]);
});

test('an object whose name has a hash of its content is replaced, not taken away and added', () => {
  const before = configMaps({ 'staging/a/one-0123456789': '1', 'staging/a/two-0123456789': '2' });
  const after = configMaps({ 'staging/a/one-abcdefabcd': 'x' });
  const [first] = changesBetween(before, after).flatMap(({ changes }) => changes);

  expect(told(before, after)).toEqual([
    'staging/a replaced ConfigMap/app/one-abcdefabcd',
    'staging/a removed ConfigMap/app/two-0123456789',
  ]);
  expect(first?.fields.map(({ path }) => path)).toEqual(['metadata.name', 'data.value']);
});

test('another phase is a move', () => {
  const [[file = '', text = ''] = []] = [...configMaps({ 'staging/a/one': '1' })];

  expect(told(new Map([[file, text]]), new Map([[file.replace('foundation', 'operations'), text]]))).toEqual([
    'staging/a moved ConfigMap/app/one',
  ]);
});

test('another order of keys in a file is no change', () => {
  const [[file = '', text = ''] = []] = [...configMaps({ 'staging/a/one': '1' })];

  expect(
    told(
      new Map([[file, text]]),
      new Map([[file, text.replace(/^(apiVersion: v1\n)(kind: ConfigMap\n)/, '$2$1')]]),
    ),
  ).toEqual([]);
});

test('values of Secrets are told to nobody', () => {
  const secret = (value: string): Files =>
    new Map([
      [
        'staging/a/foundation/Secret.app.key.yaml',
        toYaml({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'key', namespace: 'app' },
          data: { key: value },
        }),
      ],
    ]);
  const changes = changesBetween(secret('b2xk'), secret('bmV3')).flatMap((cluster) => cluster.changes);

  expect(changes.map(({ fields }) => fields)).toEqual([[{ path: 'data.key' }]]);
});

test('what no synth writes is refused with its file', () => {
  expect(() => changesBetween(new Map([['README.yaml', 'a: b']]), new Map())).toThrow(
    /^README\.yaml: must be/,
  );
});
