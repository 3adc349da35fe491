import { ImageSignatures, type ImageSignaturesProps, signaturesOf } from '../../constructs/image-signatures';
import { RegistryLogin } from '../../constructs/image-signatures/registry-login';
import type { Manifest } from '../../constructs/platform/manifest';
import { ClusterStore } from '../../constructs/platform/secret-source';
import { spec } from '../../constructs/platform/workloads';
import type { ImageValidatingPolicySpec } from '../../imports/policies.kyverno.io';
import { find, manifestsOf, platformWith } from '../support';

const PEM = (text: string): string => `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----\n`;

const manifestsWith = (own: Partial<ImageSignaturesProps> = {}): Manifest[] =>
  manifestsOf(
    platformWith(({ chart, namespaces }) => {
      const props: Required<ImageSignaturesProps> = {
        platform: chart.node.root,
        repository: 'registry.example.com/team/app',
        publicKeys: [PEM('one'), PEM('two')],
        login: new RegistryLogin(namespaces.existing('kyverno'), 'image-registry', {
          source: new ClusterStore('platform'),
          secretPath: 'lighthouse/registry',
        }),
        breakGlass: 'system:serviceaccount:access:break-glass',
        ...own,
      };
      new ImageSignatures(chart, 'Signatures', props);
      // Built after the policy: it must see them all the same.
      namespaces.add('app');
      namespaces.add('jobs');
    }),
  );

const policyIn = (manifests: readonly Manifest[]): ImageValidatingPolicySpec =>
  spec(find(manifests, 'ImageValidatingPolicy', signaturesOf('registry.example.com/team/app')));

const manifests = manifestsWith();
const policy = policyIn(manifests);

const condition = (of: ImageValidatingPolicySpec, name: string): string =>
  of.matchConditions?.find((each) => each.name === name)?.expression ?? '';

test('refuses where nobody can be asked, and what is not pinned to what was asked about', () => {
  expect(policy).toMatchObject({
    failurePolicy: 'Fail',
    validationActions: ['Deny'],
    validationConfigurations: { mutateDigest: true, verifyDigest: true, required: true },
  });
});

test('is asked of pods alone, in the namespaces of the platform alone', () => {
  expect(policy.matchConstraints).toEqual({
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['app', 'jobs'] }],
    },
    resourceRules: [
      expect.objectContaining({
        resources: ['pods', 'pods/ephemeralcontainers'],
        operations: ['CREATE', 'UPDATE'],
      }),
    ],
  });
  expect(policy.autogen?.podControllers?.controllers).toEqual([]);
});

test('other images need nobody: the API server itself looks whether one of these is there', () => {
  expect(condition(policy, 'signed')).toContain("== 'registry.example.com/team/app'");
  expect(policy.matchImageReferences?.map(({ glob }) => glob)).toEqual([
    'registry.example.com/team/app:*',
    'registry.example.com/team/app@*',
  ]);
});

test('any of the keys will do, and no log is asked', () => {
  expect(policy.attestors.map(({ cosign }) => cosign?.key?.data)).toEqual([PEM('one'), PEM('two')]);
  for (const { cosign } of policy.attestors)
    expect(cosign?.ctlog).toEqual({ insecureIgnoreTlog: true, insecureIgnoreSCT: true });
  expect(policy.validations[0]?.expression).toContain(
    'verifyImageSignatures(image, [attestors.key1, attestors.key2]) > 0',
  );
});

test('the account for emergencies alone may look with what nobody signed', () => {
  expect(condition(policy, 'glass')).toBe(
    "request.userInfo.username != 'system:serviceaccount:access:break-glass'",
  );
  expect(condition(policyIn(manifestsWith({ breakGlass: undefined })), 'glass')).toBe(
    "request.userInfo.username != ''",
  );
});

test('a login is where Kyverno looks for it, and comes from the store of secrets', () => {
  expect(policy.credentials).toEqual({ secrets: ['image-registry'] });
  expect(find(manifests, 'ExternalSecret', 'image-registry')).toMatchObject({
    metadata: { namespace: 'kyverno' },
    spec: {
      target: { name: 'image-registry', template: { type: 'kubernetes.io/dockerconfigjson' } },
      data: [
        {
          secretKey: '.dockerconfigjson',
          remoteRef: { key: 'lighthouse/registry', property: 'dockerconfigjson' },
        },
      ],
    },
  });
  expect(policyIn(manifestsWith({ login: undefined })).credentials).toBeUndefined();
});
