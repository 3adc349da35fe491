import { Construct } from 'constructs';
import fc from 'fast-check';
import type { NetworkPolicySpec } from '../../imports/k8s';
import type { Manifest } from '../../constructs/platform/manifest';
import {
  isInside,
  isOpen,
  namespacesIn,
  type Pods,
  sourcesIn,
  type Target,
} from '../../acceptance/smoke/reach';
import { manifestsOf, platformWith } from '../support';
import { Connections } from '../../constructs/platform/connections';
import { Deployment } from '../../imports/k8s';

const CLIENT: Pods = { namespace: 'front', labels: { app: 'client' } };
const SERVER: Pods = { namespace: 'back', labels: { app: 'server' } };
const TARGET: Target = { name: 'server', address: '10.0.0.7', port: 80, portName: 'http', pods: SERVER };
const NAMESPACES = new Map([['front', { tier: 'outer' }]]);

function policy(namespace: string, spec: Partial<NetworkPolicySpec>): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'policy', namespace },
    spec: { podSelector: {}, ...spec },
  };
}

type Rule = NonNullable<NetworkPolicySpec['ingress']>[number];

const open = (policies: readonly Manifest[], to = TARGET, from = CLIENT): boolean =>
  isOpen({ policies, namespaces: NAMESPACES }, from, to);

const DENY = [
  policy('front', { policyTypes: ['Ingress', 'Egress'] }),
  policy('back', { policyTypes: ['Ingress', 'Egress'] }),
];

const OUT = policy('front', { policyTypes: ['Egress'], egress: [{ ports: [{ port: 80 }] }] });

describe('what NetworkPolicies let through', () => {
  it('is everything where none selects a pod, and nothing where one does without a rule', () => {
    expect(open([])).toBe(true);
    expect(open(DENY)).toBe(false);
    expect(open([policy('elsewhere', { policyTypes: ['Ingress', 'Egress'] })])).toBe(true);
  });

  it('needs both halves', () => {
    const inward = policy('back', { ingress: [{}] });
    expect(open([...DENY, OUT])).toBe(false);
    expect(open([...DENY, inward])).toBe(false);
    expect(open([...DENY, OUT, inward])).toBe(true);
  });

  it('without a list of directions is about ingress, and about egress where it has such a rule', () => {
    expect(open([policy('front', {})])).toBe(true);
    expect(open([policy('front', { egress: [] })])).toBe(false);
    expect(open([policy('back', {})])).toBe(false);
  });

  const front = { 'kubernetes.io/metadata.name': 'front' };
  const rules: readonly (readonly [string, Rule, boolean])[] = [
    ['no peer is all peers', { ports: [{ port: 80 }] }, true],
    ['no port is all ports', { from: [{ namespaceSelector: {} }] }, true],
    ['another port', { ports: [{ port: 81 }] }, false],
    ['a port by name', { ports: [{ port: 'http' }] }, true],
    ['a port by another name', { ports: [{ port: 'https' }] }, false],
    ['a range of ports', { ports: [{ port: 79, endPort: 80 }] }, true],
    ['a range that ends before', { ports: [{ port: 70, endPort: 79 }] }, false],
    ['another protocol', { ports: [{ port: 80, protocol: 'UDP' }] }, false],
    ['the namespace by its name', { from: [{ namespaceSelector: { matchLabels: front } }] }, true],
    [
      'the namespace by its labels',
      { from: [{ namespaceSelector: { matchLabels: { tier: 'outer' } } }] },
      true,
    ],
    [
      'other labels of a namespace',
      { from: [{ namespaceSelector: { matchLabels: { tier: 'inner' } } }] },
      false,
    ],
    [
      'pods of the policy’s own namespace',
      { from: [{ podSelector: { matchLabels: { app: 'client' } } }] },
      false,
    ],
    [
      'namespace and pods together',
      {
        from: [
          { namespaceSelector: { matchLabels: front }, podSelector: { matchLabels: { app: 'client' } } },
        ],
      },
      true,
    ],
    [
      'namespace and other pods',
      { from: [{ namespaceSelector: { matchLabels: front }, podSelector: { matchLabels: { app: 'x' } } }] },
      false,
    ],
    [
      'an expression',
      {
        from: [
          {
            namespaceSelector: {},
            podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['client'] }] },
          },
        ],
      },
      false,
    ],
    [
      'one of several peers',
      { from: [{ ipBlock: { cidr: '192.0.2.0/24' } }, { namespaceSelector: {} }] },
      true,
    ],
  ];

  it.each(rules)('%s', (_, rule, expected) => {
    expect(open([...DENY, OUT, policy('back', { ingress: [rule] })])).toBe(expected);
  });

  it('to what is no pod is a matter of addresses', () => {
    const api: Target = { name: 'API server', address: '172.30.0.1', port: 6443 };
    const to = (ipBlock: { cidr: string; except?: string[] }): Manifest =>
      policy('front', { policyTypes: ['Egress'], egress: [{ to: [{ ipBlock }], ports: [{ port: 6443 }] }] });
    expect(open([...DENY, to({ cidr: '172.30.0.1/32' })], api)).toBe(true);
    expect(open([...DENY, to({ cidr: '172.30.0.0/16', except: ['172.30.0.0/24'] })], api)).toBe(false);
    expect(open([...DENY, to({ cidr: '172.30.0.2/32' })], api)).toBe(false);
    expect(open([...DENY, policy('front', { egress: [{ to: [{ namespaceSelector: {} }] }] })], api)).toBe(
      false,
    );
  });

  it('grows with every rule that is added, and never shrinks', () => {
    const port = fc.integer({ min: 78, max: 82 });
    const some = fc.record({ port, isOut: fc.boolean(), app: fc.constantFrom('client', 'server') });
    const built = (each: { port: number; isOut: boolean; app: string }): Manifest =>
      each.isOut
        ? policy('front', { policyTypes: ['Egress'], egress: [{ ports: [{ port: each.port }] }] })
        : policy('back', {
            ingress: [
              {
                from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: each.app } } }],
                ports: [{ port: each.port }],
              },
            ],
          });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 6 }), some, (before, more) => {
        const policies = [...DENY, ...before.map(built)];
        const isExpected =
          before.some((each) => each.isOut && each.port === 80) &&
          before.some((each) => !each.isOut && each.port === 80 && each.app === 'client');
        expect(open(policies)).toBe(isExpected);
        if (open(policies)) expect(open([...policies, built(more)])).toBe(true);
      }),
    );
  });
});

it('reads ranges of both families', () => {
  expect(isInside('10.0.0.0/8', '10.1.2.3')).toBe(true);
  expect(isInside('10.0.0.0/8', '11.0.0.1')).toBe(false);
  expect(isInside('fd00::/8', 'fd12::1')).toBe(true);
  expect(isInside('10.0.0.0/8', 'fd12::1')).toBe(false);
});

describe('a platform’s declared connections', () => {
  const platform = platformWith(({ namespaces }) => {
    const [one, two] = [namespaces.add('one'), namespaces.add('two')];
    const pods = (scope: typeof one, id: string): Connections => {
      const construct = new Construct(scope, id);
      const connections = new Connections(construct, { name: id, component: 'x' });
      const template = { metadata: { labels: connections.podLabels }, spec: { containers: [] } };
      new Deployment(construct, 'Resource', { spec: { selector: {}, template } });
      return connections;
    };
    const [client, server] = [pods(one, 'client'), pods(two, 'server')];
    const http = server.listen('http', 8080);
    client.allowTo(http);
    server.allowFrom({ namespace: 'observability', labels: { app: 'prometheus' } }, http);
  });
  const manifests = manifestsOf(platform);
  const rules = {
    policies: manifests.filter(({ kind }) => kind === 'NetworkPolicy'),
    namespaces: namespacesIn(manifests),
  };
  const server: Target = {
    name: 'server',
    address: '10.0.0.9',
    port: 8080,
    pods: {
      namespace: 'two',
      labels: { 'app.kubernetes.io/instance': 'server', 'app.kubernetes.io/name': 'server' },
    },
  };
  const client = {
    namespace: 'one',
    labels: { 'app.kubernetes.io/instance': 'client', 'app.kubernetes.io/name': 'client' },
  };

  it('are what its policies let through, and nothing else is', () => {
    expect(isOpen(rules, client, server)).toBe(true);
    expect(isOpen(rules, client, { ...server, port: 8081 })).toBe(false);
    expect(isOpen(rules, { namespace: 'one', labels: {} }, server)).toBe(false);
    expect(isOpen(rules, { namespace: 'default', labels: {} }, server)).toBe(false);
    expect(isOpen(rules, { namespace: 'observability', labels: { app: 'prometheus' } }, server)).toBe(true);
    expect(isOpen(rules, server.pods ?? client, { ...server, pods: client })).toBe(false);
  });

  it('are tried from every set of pods, from peers elsewhere, and as a stranger everywhere', () => {
    const places = sourcesIn(manifests).map(({ namespace, name }) => `${namespace}: ${name}`);
    expect(places).toEqual([
      'one: Deployment client',
      'two: Deployment server',
      'observability: prometheus',
      'one: a stranger',
      'two: a stranger',
      'default: a stranger',
    ]);
  });
});
