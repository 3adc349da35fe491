import { Construct } from 'constructs';
import { PlatformNamespace, PodSecurityLevel } from '../../constructs/platform-namespaces';
import { spec } from '../../constructs/platform/workloads';
import { Deployment, Job, NetworkPolicySpec, ResourceQuotaSpec, StatefulSet } from '../../imports/k8s';
import { find, manifestsOf, platformWith } from '../support';

const template = (cpu: string, memory: string) => ({
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'a', resources: { requests: { cpu, memory }, limits: { memory } } }] },
});

const deploy = (scope: Construct) => {
  new Deployment(scope, 'web', {
    spec: {
      replicas: 3,
      strategy: { rollingUpdate: { maxSurge: 1 } },
      selector: { matchLabels: { app: 'a' } },
      template: template('100m', '256Mi'),
    },
  });
  new Job(scope, 'setup', { spec: { template: template('50m', '64Mi') } });
};

const print = (build: (namespace: PlatformNamespace) => void = deploy, podSecurity?: PodSecurityLevel) =>
  manifestsOf(
    platformWith(({ namespaces }) => build(namespaces.add('apps', podSecurity && { podSecurity }))),
  );

describe('a namespace', () => {
  test('denies every connection that nobody declared', () => {
    expect(spec<NetworkPolicySpec>(find(print(), 'NetworkPolicy', 'default-deny'))).toEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test.each([
    [undefined, 'restricted'],
    ['baseline', 'baseline'],
  ] as const)('with level %s enforces %s', (level, expected) => {
    expect(find(print(deploy, level), 'Namespace', 'apps').metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': expected,
      'pod-security.kubernetes.io/audit': expected,
      'pod-security.kubernetes.io/warn': expected,
      'app.kubernetes.io/part-of': 'lighthouse',
    });
  });

  test('its quota is what is inside, with updates and jobs, and nothing more', () => {
    expect(spec<ResourceQuotaSpec>(find(print(), 'ResourceQuota', 'quota')).hard).toEqual({
      // Three pods, one more during an update, one job.
      pods: '5',
      'requests.cpu': '450m',
      'requests.memory': `${4 * 256 + 64}Mi`,
      'limits.memory': `${4 * 256 + 64}Mi`,
    });
  });

  test('a pod that is leaving does not keep its successor out', () => {
    const members = (scope: Construct) =>
      new StatefulSet(scope, 'members', {
        spec: { replicas: 3, selector: {}, template: template('100m', '256Mi') },
      });
    expect(spec<ResourceQuotaSpec>(find(print(members), 'ResourceQuota', 'quota')).hard).toMatchObject({
      pods: '4',
      'requests.memory': '1Gi',
    });
  });

  test('an empty one lets nothing run', () => {
    expect(
      spec<ResourceQuotaSpec>(
        find(
          print(() => undefined),
          'ResourceQuota',
          'quota',
        ),
      ).hard,
    ).toMatchObject({
      pods: '0',
    });
  });

  test('one name twice is refused', () => {
    expect(() =>
      platformWith(({ namespaces }) => {
        namespaces.add('apps');
        namespaces.add('apps');
      }),
    ).toThrow("already a Construct with name 'apps'");
  });

  test('one that somebody else makes is not made, and what is built in it lives there', () => {
    const manifests = manifestsOf(platformWith(({ namespaces }) => deploy(namespaces.existing('theirs'))));
    expect(manifests.filter(({ kind }) => kind === 'Namespace')).toEqual([]);
    expect(find(manifests, 'Deployment', 'web').metadata.namespace).toBe('theirs');
  });
});
