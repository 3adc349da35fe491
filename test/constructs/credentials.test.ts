import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Credentials, CredentialsProps } from '../../constructs/credentials';
import { MAKES } from '../../constructs/platform/labels';
import { spec } from '../../constructs/platform/workloads';
import type { NetworkPolicySpec, PodTemplateSpec } from '../../imports/k8s';
import { API_SERVER, find, Ground, manifestsOf, platformWith } from '../support';

type Props = CredentialsProps<'bridge' | 'probe'>;

describe('credentials', () => {
  const print = (props: (ground: Ground) => Partial<Props> = () => ({})) =>
    manifestsOf(
      platformWith((ground) => {
        const { namespaces, maker } = ground;
        new Credentials(namespaces.add('redis'), 'users', {
          maker,
          users: ['bridge', 'probe'],
          ...props(ground),
        });
      }),
    );

  const job = (manifests = print()) => {
    const name = manifests.find(({ kind }) => kind === 'Job')?.metadata.name ?? '';
    return find(manifests, 'Job', name);
  };

  test('the job may create secrets, and nothing else', () => {
    const manifests = print();
    const rights = manifests.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
    expect(rights.map((role) => role['rules'])).toEqual([
      [{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }],
    ]);
    expect(find(manifests, 'RoleBinding', 'users')['subjects']).toEqual([
      { kind: 'ServiceAccount', name: 'users', namespace: 'redis' },
    ]);
  });

  test('it reaches the API server, DNS, and nobody reaches it', () => {
    const { ingress, egress } = spec<NetworkPolicySpec>(find(print(), 'NetworkPolicy', 'users'));
    expect(ingress).toBeUndefined();
    expect(egress?.slice(1)).toEqual([
      { to: [{ ipBlock: { cidr: API_SERVER.cidr } }], ports: [{ protocol: 'TCP', port: API_SERVER.port }] },
    ]);
  });

  test('no value of a secret is in any object', () => {
    expect(print().filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  test('it says what it makes, in every namespace', () => {
    const manifests = print(({ namespaces }) => ({ copies: [namespaces.add('bridge')] }));
    expect(job(manifests).metadata.annotations?.[MAKES]?.split(',').sort()).toEqual([
      'Secret/bridge/users-bridge:username:password',
      'Secret/bridge/users-probe:username:password',
      'Secret/redis/users-bridge:username:password',
      'Secret/redis/users-probe:username:password',
    ]);
    expect(find(manifests, 'Role', 'redis-users').metadata.namespace).toBe('bridge');
  });

  test('another user is another job: a template cannot be changed', () => {
    const more = print(() => ({ users: ['bridge'] }));
    expect(job(more).metadata.name).not.toBe(job().metadata.name);
    expect(job().metadata.name).toBe(job(print()).metadata.name);
  });

  test('its token goes to this pod alone', () => {
    const { template } = spec<{ template: PodTemplateSpec }>(job());
    expect(template.spec?.automountServiceAccountToken).toBe(true);
    expect(find(print(), 'ServiceAccount', 'users')['automountServiceAccountToken']).toBe(false);
  });

  test('a credential names its secret, as a file and as a variable', () => {
    platformWith(({ namespaces, maker }) => {
      const users = new Credentials(namespaces.add('redis'), 'users', { maker, users: ['bridge'] });
      expect(users.of('bridge').file('bridge')).toEqual({
        secret: { name: 'users-bridge', items: [{ key: 'password', path: 'bridge' }] },
      });
      expect(users.of('bridge').env('PASSWORD')).toEqual({
        name: 'PASSWORD',
        valueFrom: { secretKeyRef: { name: 'users-bridge', key: 'password' } },
      });
    });
  });

  test('all options together', () => {
    const manifests = print(({ namespaces, maker }) => {
      const all: Required<Props> = {
        maker,
        users: ['bridge', 'probe'],
        copies: [namespaces.add('bridge')],
        labels: { 'cnpg.io/reload': 'true' },
      };
      return all;
    });
    const config = manifests.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('users-'),
    );
    expect((config?.['data'] as Record<string, string>)['users']).toBe(
      'users-bridge bridge cnpg.io/reload=true redis bridge\nusers-probe probe cnpg.io/reload=true redis bridge\n',
    );
  });

  test.each([[[]], [['a', 'a']]])('users %j are refused', (users) => {
    expect(() => print(() => ({ users: users as Props['users'] }))).toThrow(
      `foundation/Namespaces/redis/users: users must be one or more different names, got "${users.join(', ')}"`,
    );
  });

  test('an unknown user is refused, with those there are', () => {
    expect(() =>
      platformWith(({ namespaces, maker }) => {
        const users = new Credentials<string>(namespaces.add('redis'), 'users', { maker, users: ['bridge'] });
        users.of('nobody');
      }),
    ).toThrow('no user "nobody"; there are bridge');
  });

  test('the script is a shell script', () => {
    const script = join(__dirname, '../../constructs/credentials/create.sh');
    expect(spawnSync('sh', ['-n', script], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});
