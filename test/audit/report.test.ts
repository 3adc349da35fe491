import { failuresIn, pageOf, reportOn } from '../../audit/report';
import type { Section } from '../../audit/section';
import { isOpen, type Pods } from '../../acceptance/smoke/reach';
import { buildPlatform } from '../../charts/platform';
import { loadConfig } from '../../config/load';
import { Connections } from '../../constructs/platform/connections';
import { objectName } from '../../constructs/platform/names';
import { container, object, platformOf, pod, workload } from '../guarantees/objects';
import type { Platform } from '../../synth/platform';

const { images, environments } = loadConfig('config');
const [platform] = environments.flatMap((environment) =>
  environment.environment === 'production'
    ? environment.clusters.map((cluster) => buildPlatform(environment, cluster, images))
    : [],
);
if (!platform) throw new Error('production has no cluster');

function section(of: Platform, title: string): Section {
  const found = reportOn(of).sections.find((each) => each.title === title);
  if (!found) throw new Error(`there is no section ${title}`);
  return found;
}

const failures = (...manifests: Parameters<typeof platformOf>[0]): string =>
  failuresIn(reportOn(platformOf(manifests))).join('\n');

const role = (...rules: object[]) => object('ClusterRole', 'x', {}, { metadata: { name: 'x' }, rules });

const bound = object(
  'ClusterRoleBinding',
  'x',
  {},
  {
    metadata: { name: 'x' },
    roleRef: { kind: 'ClusterRole', name: 'x' },
    subjects: [{ kind: 'Group', name: 'everybody' }],
  },
);

test('production fails no control', () => {
  expect(failuresIn(reportOn(platform))).toEqual([]);
});

test.each([
  ['5.1.3', [role({ verbs: ['*'], apiGroups: [''], resources: ['pods'] })]],
  ['5.1.2', [role({ verbs: ['get'], apiGroups: [''], resources: ['secrets'] })]],
  ['5.1.4', [role({ verbs: ['create'], apiGroups: [''], resources: ['pods'] }), bound]],
  ['5.1.10', [role({ verbs: ['get'], apiGroups: [''], resources: ['nodes/proxy'] }), bound]],
  ['5.1.13', [role({ verbs: ['create'], apiGroups: [''], resources: ['serviceaccounts/token'] }), bound]],
  ['5.2.5', [workload('Deployment', {}, pod({ hostNetwork: true }))]],
  [
    '5.2.2',
    [workload('Deployment', {}, pod({ containers: [container({ securityContext: { privileged: true } })] }))],
  ],
  ['5.1.5', [workload('Deployment', {}, pod({ serviceAccountName: undefined }))]],
  ['5.2.1', [object('Namespace', 'app', {})]],
  ['5.3.2', [object('Namespace', 'app', {})]],
])('control %s fails where it is not so', (id, manifests) => {
  expect(failures(...manifests)).toContain(`${id},`);
});

test('a role that nobody is bound to lets nobody make pods', () => {
  expect(failures(role({ verbs: ['create'], apiGroups: [''], resources: ['pods'] }))).not.toContain('5.1.4,');
});

test('every path of the matrix is one that the policies let through, and no other between the platform’s pods', () => {
  const sets = new Map<string, Pods>(
    platform.connections.map((own) => [
      `${own.namespace}/${objectName(own.construct)}`,
      { namespace: own.namespace, labels: own.podLabels },
    ]),
  );
  const rules = {
    policies: platform.objects.flatMap(({ manifest }) => (manifest.kind === 'NetworkPolicy' ? manifest : [])),
    namespaces: new Map(),
  };
  const told = new Map(
    section(platform, 'Reachable paths').rows.map(([to, port, from = '']) => [
      `${to}:${port}`,
      new Set(from.split(', ')),
    ]),
  );
  const endpoints = platform.connections.flatMap((own) =>
    own.endpoints.filter(({ protocol }) => protocol === 'TCP'),
  );
  const open = endpoints.flatMap(({ owner, port }) => {
    if (!(owner instanceof Connections)) return [];
    const to = `${owner.namespace}/${objectName(owner.construct)}`;
    const target = { name: to, address: '', port, pods: sets.get(to) };
    return [...sets].flatMap(([from, pods]) =>
      isOpen(rules, pods, target) ? `${from} → ${to}:${port}` : [],
    );
  });
  const inside = [...told].flatMap(([to, names]) =>
    [...names].flatMap((from) =>
      sets.has(from) && sets.has(to.slice(0, to.lastIndexOf(':'))) && !to.endsWith('/UDP')
        ? `${from} → ${to}`
        : [],
    ),
  );
  expect(open.length).toBeGreaterThan(50);
  expect(inside.toSorted()).toEqual([...new Set(open)].toSorted());
});

test('secrets are told by where they come from', () => {
  const rows = section(platform, 'Secrets').rows.map(([name, from]) => `${name}: ${from}`);
  expect(rows).toContain('bridge/edge-tls: certificate, issued by lighthouse');
  expect(rows.filter((row) => row.includes('external-secrets: store')).length).toBeGreaterThan(0);
  expect(rows.filter((row) => row.includes('made in the cluster by Job/')).length).toBeGreaterThan(0);
});

test('what the load balancer opens is told', () => {
  expect(section(platform, 'Exposed endpoints').rows.map(([what]) => what)).toContain('bridge/edge-public');
});

test('cells cannot end their row', () => {
  const page = pageOf('production', [
    { cluster: 'x', sections: [{ title: 'T', text: '', columns: ['a'], rows: [['a|b\nc']] }] },
  ]);
  expect(page).toContain('| a\\|b c |');
});
