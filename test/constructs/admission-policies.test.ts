import { ServiceAccount, StatefulSet } from '../../imports/k8s';
import {
  AdmissionPolicies,
  type AdmissionPoliciesProps,
  POLICIES,
  policyName,
} from '../../constructs/admission-policies';
import { imageReference } from '../../constructs/platform/image';
import { RESTRICTED, restrictedPod } from '../../constructs/platform/pod';
import { spec } from '../../constructs/platform/workloads';
import { Cluster } from '../../imports/postgresql.cnpg.io';
import type { ValidatingAdmissionPolicyBindingSpec, ValidatingAdmissionPolicySpec } from '../../imports/k8s';
import { find, type Ground, manifestsOf, platformWith } from '../support';

/** A pod that mounts a folder of its node and has a token for Vault, and a database whose operator adds to its pods. */
function build({ chart, namespaces }: Ground, own: Partial<AdmissionPoliciesProps> = {}): void {
  const props: Required<AdmissionPoliciesProps> = {
    platform: chart.node.root,
    exceptions: [
      { object: 'StatefulSet/agents/reader', control: 'host paths' },
      { object: 'ClusterRole/other', control: 'wildcard' },
    ],
    breakGlass: 'system:serviceaccount:access:break-glass',
    ...own,
  };
  new AdmissionPolicies(chart, 'Admission', props);
  // Built after the policies: they must see it all the same.
  const agents = namespaces.add('agents');
  const labels = { app: 'reader' };
  new ServiceAccount(agents, 'Account', { metadata: { name: 'reader' } });
  new StatefulSet(agents, 'reader', {
    metadata: { name: 'reader' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: 'reader',
          automountServiceAccountToken: false,
          securityContext: restrictedPod(1000),
          containers: [
            {
              name: 'main',
              image: 'registry.example.com:5000/team/reader:1.2.3@sha256:' + '0'.repeat(64),
              securityContext: { ...RESTRICTED, capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } },
            },
          ],
          volumes: [
            { name: 'node', hostPath: { path: '/proc' } },
            {
              name: 'token',
              projected: { sources: [{ serviceAccountToken: { audience: 'vault', path: 't' } }] },
            },
          ],
        },
      },
    },
  });
  new Cluster(namespaces.add('postgres'), 'events', {
    metadata: { name: 'events' },
    spec: { instances: 1, imageName: 'ghcr.io/cloudnative-pg/postgresql:18.4', storage: { size: '1Gi' } },
  });
}

const manifests = manifestsOf(platformWith(build));

const policy = (name: (typeof POLICIES)[number]) =>
  spec<ValidatingAdmissionPolicySpec>(find(manifests, 'ValidatingAdmissionPolicy', policyName(name)));

const variable = (name: (typeof POLICIES)[number], of: string): string =>
  policy(name).variables?.find((each) => each.name === of)?.expression ?? '';

test.each(POLICIES)('%s refuses, and writes it down, in every namespace of the platform', (name) => {
  const binding = spec<ValidatingAdmissionPolicyBindingSpec>(
    find(manifests, 'ValidatingAdmissionPolicyBinding', policyName(name)),
  );
  expect(policy(name).failurePolicy).toBe('Fail');
  expect(binding.policyName).toBe(policyName(name));
  expect(binding.validationActions).toEqual(['Deny', 'Audit']);
  expect(binding.matchResources?.namespaceSelector?.matchExpressions).toEqual([
    { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['agents', 'postgres'] },
  ]);
});

test('images come from the repositories of pods, and of what operators add to them', () => {
  expect(JSON.parse(variable('images', 'repositories'))).toEqual([
    'ghcr.io/cloudnative-pg/cloudnative-pg',
    'ghcr.io/cloudnative-pg/postgresql',
    'registry.example.com:5000/team/reader',
  ]);
});

test('privileges are those of the ledger, with the folders and capabilities that pods really have', () => {
  expect(JSON.parse(variable('privileges', 'exceptions'))).toEqual({ 'agents/reader': ['host paths'] });
  expect(JSON.parse(variable('privileges', 'paths'))).toEqual({ 'agents/reader': ['/proc'] });
  expect(JSON.parse(variable('privileges', 'added'))).toEqual({ 'agents/reader': ['SYS_ADMIN'] });
});

test('tokens are those that are mounted, for whom they are', () => {
  expect(JSON.parse(variable('identity', 'tokens'))).toEqual({
    'agents/reader': ['vault'],
    'postgres/events': [''],
  });
});

test('pods are judged with the containers that are added to them while they run', () => {
  for (const name of ['images', 'privileges'] as const)
    expect(policy(name).matchConstraints?.resourceRules).toEqual([
      expect.objectContaining({
        resources: ['pods', 'pods/ephemeralcontainers'],
        operations: ['CREATE', 'UPDATE'],
      }),
    ]);
});

test('the account for emergencies alone may look with other images', () => {
  expect(variable('images', 'glass')).toBe(
    "request.userInfo.username == 'system:serviceaccount:access:break-glass'",
  );
  const nobody = manifestsOf(platformWith((ground) => build(ground, { breakGlass: undefined })));
  const images = find(nobody, 'ValidatingAdmissionPolicy', policyName('images'));
  expect(JSON.stringify(images)).toContain("request.userInfo.username == ''");
});

test.each([
  ['docker.io/library/redis:8.8.0', 'docker.io/library/redis'],
  ['registry.example.com:5000/team/app', 'registry.example.com:5000/team/app'],
  [`ghcr.io/a/b:1.0@sha256:${'0'.repeat(64)}`, 'ghcr.io/a/b'],
])('the repository of %s', (image, repository) => {
  expect(imageReference(image).repository).toBe(repository);
});
