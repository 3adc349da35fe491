import { selectors } from '../../guarantees/selectors';
import { added, causesOf, changed, findingsOf, soundPlatform } from './support';

const OTHER = { 'app.kubernetes.io/name': 'other' };

test('selectors that select their pods are no finding', () => {
  expect(findingsOf(selectors, soundPlatform())).toEqual([]);
});

test.each([
  ['Service', 'spec.selector', 'Service'],
  ['PodDisruptionBudget', 'spec.selector.matchLabels', 'Disruption'],
  ['PodMonitor', 'spec.selector.matchLabels', 'Monitor'],
])('a %s that selects no pods is found', (kind, field, id) => {
  expect(findingsOf(selectors, changed(soundPlatform(), `${kind}/app/server`, field, OTHER))).toEqual([
    {
      path: `foundation/Namespaces/app/server/${id}`,
      cause: `${kind} app/server selects app.kubernetes.io/name=other: no pods`,
      remedy: 'select connections.labels of one set of pods, whose template carries connections.podLabels',
    },
  ]);
});

test('pods of another namespace are not selected', () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'x', namespace: 'elsewhere' },
    spec: { selector: { 'app.kubernetes.io/name': 'server' } },
  };
  expect(causesOf(selectors, added(soundPlatform(), 'Service/app/server', service))).toEqual([
    'Service elsewhere/x selects app.kubernetes.io/name=server: no pods',
  ]);
});

test('a monitor in a namespace of others selects pods of theirs, and must name them', () => {
  const monitor = (matchLabels: object) => ({
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name: 'x', namespace: 'cert-manager' },
    spec: { selector: { matchLabels }, podMetricsEndpoints: [{ portNumber: 9402 }] },
  });
  const beside = (labels: object) => added(soundPlatform(), 'Service/app/server', monitor(labels));
  expect(findingsOf(selectors, beside(OTHER))).toEqual([]);
  expect(causesOf(selectors, beside({}))).toEqual(['PodMonitor cert-manager/x selects no labels: no pods']);
});

test('pods of two workloads are found', () => {
  const twin = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'twin', namespace: 'app' },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: {
        metadata: {
          labels: { a: 'b', 'app.kubernetes.io/name': 'server', 'app.kubernetes.io/instance': 'server' },
        },
        spec: { containers: [] },
      },
    },
  };
  const platform = added(soundPlatform(), 'Deployment/app/client', twin);
  const pods =
    'app.kubernetes.io/instance=server,app.kubernetes.io/name=server: pods of StatefulSet server and Deployment twin';
  expect(causesOf(selectors, platform)).toEqual([
    expect.stringContaining(pods),
    expect.stringContaining(pods),
    expect.stringContaining(pods),
  ]);
});

test('a selector of everything, or by expressions, is found', () => {
  for (const selector of [{}, { matchExpressions: [{ key: 'a', operator: 'Exists' }] }]) {
    const platform = changed(soundPlatform(), 'PodDisruptionBudget/app/server', 'spec.selector', selector);
    expect(findingsOf(selectors, platform)).toHaveLength(1);
  }
});

test('a Service without a selector selects nothing, and may', () => {
  expect(findingsOf(selectors, changed(soundPlatform(), 'Service/app/server', 'spec.selector'))).toEqual([]);
});

test.each(['Deployment/app/client', 'StatefulSet/app/server'])(
  '%s must select its own template',
  (identity) => {
    const [kind, , name] = identity.split('/');
    for (const selector of [{ matchLabels: OTHER }, { matchLabels: {} }]) {
      expect(causesOf(selectors, changed(soundPlatform(), identity, 'spec.selector', selector))).toEqual([
        expect.stringContaining(`${kind} ${name} selects`),
      ]);
    }
  },
);

test('pods that are spread by counting others are found', () => {
  const field = 'spec.template.spec.topologySpreadConstraints[1].labelSelector.matchLabels';
  expect(causesOf(selectors, changed(soundPlatform(), 'StatefulSet/app/server', field, OTHER))).toEqual([
    'StatefulSet server is spread by counting app.kubernetes.io/name=other, and its pods are ' +
      'app.kubernetes.io/component=member,app.kubernetes.io/instance=server,app.kubernetes.io/name=server',
  ]);
});
