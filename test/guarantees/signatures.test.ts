import { ImageSignatures } from '../../constructs/image-signatures';
import { signatures } from '../../guarantees/signatures';
import type { Ground } from '../support';
import { causesOf, changed, findingsOf, soundPlatform, without } from './support';

const sound = soundPlatform(({ chart }: Ground) => {
  new ImageSignatures(chart, 'Signatures', {
    platform: chart.node.root,
    repository: 'registry.example.com/team/app',
    publicKeys: ['a key'],
  });
});

const POLICY = 'ImageValidatingPolicy/lighthouse-signatures-app';

test('what pods have is asked about', () => {
  expect(findingsOf(signatures, sound)).toEqual([]);
});

test('a policy that is not there, though the environment names what must be signed', () => {
  const wanted = { images: ['bridge' as const], publicKeys: ['a key'] };
  const gone = without(sound, POLICY);
  expect(findingsOf(signatures, gone)).toEqual([]);
  expect(causesOf(signatures, { ...gone, environment: { ...gone.environment, signatures: wanted } })).toEqual(
    ['signatures names images that must be signed, and there is not a policy for each: nobody asks'],
  );
});

test.each([
  ['spec.failurePolicy', 'Ignore'],
  ['spec.validationActions', ['Audit']],
  ['spec.validationConfigurations.mutateDigest', false],
  ['spec.validationConfigurations.verifyDigest', false],
  ['spec.validationConfigurations.required', false],
])('%s that lets something through', (field, value) => {
  expect(causesOf(signatures, changed(sound, POLICY, field, value))).toEqual([
    'it lets something through that was not asked about, or that a tag may lead to later',
  ]);
});

test('a namespace that nobody asks in', () => {
  const field = 'spec.matchConstraints.namespaceSelector.matchExpressions[0].values';
  expect(causesOf(signatures, changed(sound, POLICY, field, ['other']))).toEqual([
    'namespace app has pods, and nobody asks about their images',
  ]);
});

test('a repository that no pod has an image of; at a standby, it may be the primary’s', () => {
  const platform = changed(sound, POLICY, 'spec.matchImageReferences', [
    { glob: 'registry.example.com/team/ap:*' },
    { glob: 'registry.example.com/team/ap@*' },
  ]);
  expect(causesOf(signatures, platform)).toEqual([
    'no pod has an image of registry.example.com/team/ap: nothing is gained by its signature',
  ]);
  const standby = { ...platform, cluster: { ...platform.cluster, role: 'standby' as const } };
  expect(findingsOf(signatures, standby)).toEqual([]);
});
