import { spec } from '../../constructs/platform/workloads';
import type { ApplicationSpec, AppProjectSpec } from '../../imports/argoproj.io';
import { guarantees } from '../../guarantees/all';
import { findingsAgainst } from '../../guarantees/prove';
import { find } from '../support';
import { manifestsIn, platformOf } from './support';

const signatures = {
  images: ['bridge' as const],
  publicKeys: ['-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----\n'],
};

const manifestsOf = (...[name, changes]: Parameters<typeof platformOf>) =>
  platformOf(name, changes).objects.map(({ manifest }) => manifest);

test('where images must be signed, Kyverno comes along and is asked of these', () => {
  const manifests = manifestsOf('production', { signatures });
  expect(find(manifests, 'ImageValidatingPolicy', 'lighthouse-signatures-bridge')['spec']).toMatchObject({
    matchImageReferences: [
      { glob: 'registry.example.com/lighthouse/bridge:*' },
      { glob: 'registry.example.com/lighthouse/bridge@*' },
    ],
  });
  find(manifests, 'Application', 'operators-kyverno');
});

test('it has a phase of its own: while Kyverno is away it cannot be applied, and all else must', () => {
  const platform = platformOf('production', { signatures });
  expect(manifestsIn(platform, 'validation').map(({ kind }) => kind)).toEqual(['ImageValidatingPolicy']);
  const manifests = manifestsIn(platform, 'bootstrap');
  const { destination } = spec<ApplicationSpec>(find(manifests, 'Application', 'lighthouse-validation'));
  const { destinations } = spec<AppProjectSpec>(find(manifests, 'AppProject', 'lighthouse'));
  expect(destinations).toContainEqual(destination);
});

test('where none must be, neither is there', () => {
  const kinds = manifestsOf('production').map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  expect(kinds).not.toContain('ImageValidatingPolicy/lighthouse-signatures-bridge');
  expect(kinds).not.toContain('Application/operators-kyverno');
});

test.each(['staging', 'production'] as const)('everything holds in %s with it, and with a login', (name) => {
  const login = { secretStore: 'platform', secretPath: 'lighthouse/registry' };
  for (const each of [signatures, { ...signatures, login }])
    expect(findingsAgainst(platformOf(name, { signatures: each }), guarantees)).toEqual([]);
});

test('an image that nothing runs is no matter of signatures', () => {
  const findings = findingsAgainst(
    platformOf('staging', { signatures: { ...signatures, images: ['fuse'] } }),
    guarantees,
  );
  expect(findings).toEqual([
    expect.stringContaining('no pod has an image of registry.example.com/lighthouse/fuse'),
  ]);
});
