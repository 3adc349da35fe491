import { describe, expect, test } from '@jest/globals';
import { BridgeWithFuse } from '../../constructs/bridge-with-fuse';
import { type Agent, type Expert, Experts } from '../../constructs/bridge-with-fuse/experts';
import type { Manifest } from '../../constructs/platform/manifest';
import { spec } from '../../constructs/platform/workloads';
import type { DeploymentSpec, NetworkPolicySpec } from '../../imports/k8s';
import { find, manifestsOf, platformWith } from '../support';

const image = 'registry.example.com/lighthouse/bridge:1.0.0';
const audit: Agent = { id: 'audit', type: 'security', capabilities: ['security_scan'] };
const reviews: Required<Expert> = {
  id: 'reviews',
  type: 'coordinator',
  capabilities: ['review'],
  agents: [audit],
};

const build = (experts: readonly Expert[] = [reviews]): Manifest[] =>
  manifestsOf(
    platformWith((ground) => {
      const namespace = ground.namespaces.add('bridge');
      const bridge = new BridgeWithFuse(namespace, 'bridge', {
        image,
        maker: ground.maker,
        resources: { cpu: '100m', memory: '192Mi' },
        state: { kind: 'local', storage: '2Gi', storageClass: 'standard' },
      });
      new Experts(namespace, 'experts', { image, bridge: bridge.api, experts });
    }),
  );

test('one process beside the bridge, of its image, that knows the list and where the bridge is', () => {
  const manifests = build();
  const { replicas, strategy, template } = spec<DeploymentSpec>(find(manifests, 'Deployment', 'experts'));
  expect([replicas, strategy?.type]).toEqual([1, 'Recreate']);
  const [container] = template.spec?.containers ?? [];
  expect(container).toMatchObject({ image, command: ['python', '/config/register-experts.py'] });
  expect(container?.env).toContainEqual({
    name: 'BRIDGE',
    value: 'http://bridge.bridge.svc.cluster.local:8765',
  });
  const config = manifests.find(({ metadata }) => metadata.name.startsWith('experts-config-'));
  const files = config?.['data'] as Record<string, string>;
  expect(JSON.parse(files['experts.json'] ?? '')).toEqual([reviews]);
});

test('it reaches the bridge and nothing else, and nobody reaches it', () => {
  const { egress = [], ingress = [] } = spec<NetworkPolicySpec>(find(build(), 'NetworkPolicy', 'experts'));
  expect(egress.slice(1).map(({ ports }) => ports)).toEqual([[{ protocol: 'TCP', port: 8765 }]]);
  expect(ingress).toEqual([]);
});

test('another list makes another pod of it, and leaves the bridge alone', () => {
  const [before, after] = [build(), build([audit])];
  expect(find(after, 'Deployment', 'experts')).not.toEqual(find(before, 'Deployment', 'experts'));
  expect(find(after, 'StatefulSet', 'bridge')).toEqual(find(before, 'StatefulSet', 'bridge'));
});

describe('refused', () => {
  const many = Array.from({ length: 31 }, (_, i) => ({ ...audit, id: `audit-${i}` }));
  test.each<[string, readonly Expert[], string]>([
    ['nobody', [], 'bridge/experts: experts must name at least one'],
    [
      'two of one name',
      [reviews, audit],
      'bridge/experts: experts[1].id: experts[0].agents[0] is called "audit" already',
    ],
    [
      'a name that would break its token',
      [{ ...audit, id: 'a:b' }],
      'experts[0].id must be lowercase letters, digits, - and _, got "a:b"',
    ],
    [
      'a type that is no name',
      [{ ...reviews, agents: [{ ...audit, type: 'Security Expert' }] }],
      'experts[0].agents[0].type must be lowercase letters, digits, - and _, got "Security Expert"',
    ],
    [
      'somebody who can do nothing',
      [{ ...audit, capabilities: [] }],
      'experts[0].capabilities must name at least one',
    ],
    [
      'more agents than a session may register',
      [{ ...reviews, agents: many }],
      'experts[0].agents must be at most 30, got 31',
    ],
  ])('%s', (_, experts, message) => {
    expect(() => build(experts)).toThrow(message);
  });
});
