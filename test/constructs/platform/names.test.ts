import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { objectName, namespaceOf } from '../../../constructs/platform/names';
import { Ground, manifestsOf, platformWith } from '../../support';

describe('names', () => {
  const nameOf = (build: (ground: Ground) => Construct): string => {
    let name = '';
    platformWith((ground) => {
      name = objectName(build(ground));
    });
    return name;
  };

  test.each([
    [['cache'], 'cache'],
    [['cache', 'Proxy'], 'cache-proxy'],
    [['cache', 'Default', 'Resource'], 'cache'],
    [['events', 'readWrite'], 'events-read-write'],
    [['weird Id_x'], 'weird-id-x'],
  ])('%j in a namespace is %s', (ids, expected) => {
    const name = nameOf(({ namespaces }) =>
      ids.reduce<Construct>((scope, id) => new Construct(scope, id), namespaces.add('redis')),
    );
    expect(name).toBe(expected);
  });

  test('53 characters are refused, with the path', () => {
    expect(() => nameOf(({ namespaces }) => new Construct(namespaces.add('a'), 'x'.repeat(53)))).toThrow(
      /foundation\/Namespaces\/a\/x+: ".*" has 53 characters/,
    );
  });

  test('outside a namespace there is none', () => {
    expect(() => platformWith(({ chart }) => namespaceOf(new Construct(chart, 'lost')))).toThrow(
      'foundation/lost: must be built inside a namespace',
    );
  });

  test('one kind and name in two namespaces stay two objects', () => {
    const platform = platformWith(({ namespaces }) => {
      for (const name of ['a', 'b']) {
        new ApiObject(namespaces.add(name), 'thing', { apiVersion: 'v1', kind: 'ConfigMap' });
      }
    });
    const things = manifestsOf(platform).filter(({ metadata }) => metadata.name === 'thing');
    expect(things.map(({ metadata }) => metadata.namespace)).toEqual(['a', 'b']);
  });
});
