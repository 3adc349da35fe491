import type { Manifest } from '../../constructs/platform/manifest';
import { TRUST_BUNDLE } from '../../constructs/platform/trust';
import type { PodTemplateSpec, Volume } from '../../imports/k8s';
import { withTrustedRoots } from '../../synth/trust';

const made = (kind: string, ...volumes: Volume[]): Manifest => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'app' },
  spec: {
    template: { metadata: { annotations: { own: 'kept' } }, spec: { containers: [], volumes } },
  },
});

const annotations = (manifest: Manifest) =>
  (manifest['spec'] as { template: PodTemplateSpec }).template.metadata?.annotations;

const BUNDLES: Volume[] = [
  { name: 'trust', configMap: { name: TRUST_BUNDLE } },
  { name: 'trust', secret: { secretName: TRUST_BUNDLE } },
  { name: 'trust', projected: { sources: [{ configMap: { name: TRUST_BUNDLE } }] } },
];

test.each(BUNDLES)('pods with the bundle as %j roll when a root comes or goes', (volume) => {
  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']) {
    const [one, two] = [[1], [1, 2]].map((roots) => annotations(withTrustedRoots(made(kind, volume), roots)));
    expect(one).toEqual({ own: 'kept', 'lighthouse/trusted-roots': '1' });
    expect(two).toEqual({ own: 'kept', 'lighthouse/trusted-roots': '1,2' });
  }
});

test('nothing else is touched', () => {
  const [volume] = BUNDLES;
  // The template of a Job cannot be changed, and need not be.
  for (const manifest of [
    made('Deployment', { name: 'tmp', emptyDir: {} }),
    made('Deployment'),
    ...(volume ? [made('Job', volume)] : []),
  ])
    expect(withTrustedRoots(manifest, [1, 2])).toBe(manifest);
});
