import { Delivery, DeliveryProps } from '../../constructs/delivery';
import type { SyncWindow } from '../../constructs/delivery/settings';
import { spec } from '../../constructs/platform/workloads';
import type { ApplicationSpec, AppProjectSpec } from '../../imports/argoproj.io';
import { ConfigMap, Namespace, Role } from '../../imports/k8s';
import { find, Ground, manifestsOf, platformWith } from '../support';

const WINDOW: SyncWindow = {
  kind: 'deny',
  schedule: '0 16 * * 5',
  duration: '62h',
  timeZone: 'Europe/Berlin',
  manualSync: true,
};

/** Every prop; a new one does not compile until it is here. */
const props = ({ namespaces }: Ground): Required<DeliveryProps> => ({
  repository: 'https://git.example.com/platform.git',
  branch: 'dist',
  folder: 'staging/one',
  phases: [
    { name: 'foundation', contents: namespaces.add('first') },
    { name: 'automation', contents: namespaces.existing('empty') },
    { name: 'operations', contents: namespaces.add('later') },
  ],
  firstWave: 4,
  syncWindows: [WINDOW],
  members: { platform: ['owners'], operator: ['on-call'], reader: ['auditors', 'developers'] },
});

const delivered = () =>
  manifestsOf(
    platformWith((ground) => {
      new Delivery(ground.namespaces.existing('argocd'), 'lighthouse', props(ground));
    }),
  );

const application = (name: string, manifests = delivered()) => {
  const manifest = find(manifests, 'Application', name);
  return { ...spec<ApplicationSpec>(manifest), metadata: manifest.metadata };
};

const project = (name: string, manifests = delivered()) =>
  spec<AppProjectSpec>(find(manifests, 'AppProject', name));

const LOCAL = 'https://kubernetes.default.svc';

describe('the delivery', () => {
  test('is in the namespace that it is built in, where Argo CD looks', () => {
    const own = delivered().filter(({ apiVersion }) => apiVersion.startsWith('argoproj.io/'));
    expect(own.map(({ metadata }) => metadata.namespace)).toEqual(own.map(() => 'argocd'));
    expect(own.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'AppProject lighthouse-bootstrap',
      'Application lighthouse-bootstrap',
      'AppProject lighthouse',
      'Application lighthouse-foundation',
      'Application lighthouse-operations',
    ]);
  });

  test('takes each phase from its folder on the branch, into the cluster that Argo CD runs in', () => {
    expect(application('lighthouse-foundation')).toMatchObject({
      project: 'lighthouse',
      source: {
        repoURL: 'https://git.example.com/platform.git',
        targetRevision: 'dist',
        path: 'staging/one/foundation',
      },
      destination: { server: LOCAL },
    });
  });

  // Argo CD's rule (isDestinationMatched): both server and namespace of an Application must be among its project's,
  // though the objects name their own namespaces. No namespace matches none.
  test('every Application goes where its project allows', () => {
    const manifests = delivered();
    for (const manifest of manifests.filter(({ kind }) => kind === 'Application')) {
      const { destination, project: name } = spec<ApplicationSpec>(manifest);
      expect(project(name, manifests).destinations).toContainEqual(destination);
    }
  });

  test('phases come in waves, in their order; one without an object is none', () => {
    const wave = (name: string): string | undefined =>
      application(name).metadata.annotations?.['argocd.argoproj.io/sync-wave'];
    expect(wave('lighthouse-foundation')).toBe('4');
    expect(wave('lighthouse-operations')).toBe('5');
    // Nothing may wait for the health of the root: it is that of all others.
    expect(wave('lighthouse-bootstrap')).toBe('6');
  });

  test('syncs by itself, prunes, heals, and tries a newer revision instead of the failed one', () => {
    for (const name of ['lighthouse-bootstrap', 'lighthouse-foundation', 'lighthouse-operations']) {
      expect(application(name).syncPolicy).toMatchObject({
        automated: { prune: true, selfHeal: true },
        syncOptions: ['ServerSideApply=true', 'PruneLast=true'],
        retry: { limit: -1, refresh: true },
      });
      expect(application(name).metadata.annotations).toMatchObject({
        'argocd.argoproj.io/compare-options': 'ServerSideDiff=true',
      });
    }
  });

  test('keeps still in the windows that say so; the root does not, or no commit could open one', () => {
    expect(project('lighthouse').syncWindows).toEqual([{ ...WINDOW, applications: ['*'] }]);
    expect(project('lighthouse-bootstrap')).not.toHaveProperty('syncWindows');
    const always = manifestsOf(
      platformWith((ground) => {
        const always = { ...props(ground), syncWindows: undefined };
        new Delivery(ground.namespaces.existing('argocd'), 'lighthouse', always);
      }),
    );
    expect(project('lighthouse', always)).not.toHaveProperty('syncWindows');
  });

  test.each(['lighthouse-bootstrap', 'lighthouse'])('%s: whoever looks may do nothing else', (name) => {
    const may = (role: string): string[] =>
      (project(name).roles?.find((each) => each.name === role)?.policies ?? []).map((policy) => {
        const [, subject, resource, action, objects, effect] = policy.split(', ');
        expect([subject, objects, effect]).toEqual([`proj:${name}:${role}`, `${name}/*`, 'allow']);
        return `${resource} ${action}`;
      });
    expect(may('reader')).toEqual(['applications get']);
    expect(may('operator')).toEqual(['applications get', 'applications sync', 'logs get']);
    expect(may('platform')).toEqual([
      'applications get',
      'applications sync',
      'applications override',
      'applications update',
      'logs get',
    ]);
    expect(project(name).roles?.map(({ groups }) => groups)).toEqual([
      ['owners'],
      ['on-call'],
      ['auditors', 'developers'],
    ]);
  });

  test('the root may make projects, Applications and settings, and nothing else', () => {
    expect(application('lighthouse-bootstrap').project).toBe('lighthouse-bootstrap');
    expect(project('lighthouse-bootstrap')).toMatchObject({
      sourceRepos: ['https://git.example.com/platform.git'],
      destinations: [{ server: LOCAL, namespace: 'argocd' }],
      clusterResourceWhitelist: [],
      namespaceResourceWhitelist: [
        { group: '', kind: 'ConfigMap' },
        { group: 'argoproj.io', kind: 'AppProject' },
        { group: 'argoproj.io', kind: 'Application' },
      ],
    });
  });

  test('the phases may make exactly their own kinds, in their own namespaces, from their own repository', () => {
    const manifests = manifestsOf(
      platformWith((ground) => {
        const mine = ground.namespaces.existing('mine');
        new ConfigMap(mine, 'settings', { data: {} });
        new Role(mine, 'guest', { metadata: { namespace: 'other' }, rules: [] });
        new Namespace(mine, 'Resource', { metadata: { name: 'mine' } });
        new Delivery(ground.namespaces.existing('argocd'), 'lighthouse', {
          ...props(ground),
          phases: [{ name: 'foundation', contents: mine }],
        });
      }),
    );
    expect(project('lighthouse', manifests)).toMatchObject({
      sourceRepos: ['https://git.example.com/platform.git'],
      // The group of what Kubernetes began with has no name; "core" would match nothing.
      clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }],
      namespaceResourceWhitelist: [
        { group: '', kind: 'ConfigMap' },
        { group: 'rbac.authorization.k8s.io', kind: 'Role' },
      ],
      destinations: [
        { server: LOCAL, namespace: 'mine' },
        { server: LOCAL, namespace: 'other' },
      ],
    });
  });
});

test('phases may not have in Argo CD’s own namespace what would change Argo CD', () => {
  const withInArgoCd = (make: (scope: Ground['namespaces']) => void) => () =>
    platformWith((ground) => {
      const contents = ground.namespaces;
      make(contents);
      new Delivery(ground.namespaces.existing('argocd'), 'lighthouse', {
        ...props(ground),
        phases: [{ name: 'foundation', contents }],
      });
    });
  const metadata = { namespace: 'argocd', name: 'argocd-cm' };

  expect(withInArgoCd((scope) => new ConfigMap(scope, 'Stranger', { metadata }))).toThrow(
    'foundation/Namespaces/Stranger: ConfigMap in namespace argocd, where phases may have ExternalSecret, PodMonitor, Role, RoleBinding alone',
  );
  expect(withInArgoCd((scope) => new Role(scope, 'Guest', { metadata, rules: [] }))).not.toThrow();
});
