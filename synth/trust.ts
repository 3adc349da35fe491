import { TRUSTED_ROOTS } from '../constructs/platform/labels';
import type { Manifest } from '../constructs/platform/manifest';
import { TRUST_BUNDLE } from '../constructs/platform/trust';
import type { PodTemplateSpec, Volume } from '../imports/k8s';

/** Kinds that roll their pods when the template changes. A Job's pods read the bundle as they start, and end. */
const ROLLED: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']);

/**
 * Says in the template of pods that mount the trust bundle which roots it has. Most programs read it only when they start:
 * when a generation comes or goes, the pods are rolled, as by any update. The bundle is synced in a wave before, and Argo CD
 * waits until it is the same in every namespace.
 */
export function withTrustedRoots(manifest: Manifest, generations: readonly number[]): Manifest {
  if (!ROLLED.has(manifest.kind)) return manifest;
  const spec = manifest['spec'] as { readonly template: PodTemplateSpec };
  const { template } = spec;
  if (!template.spec?.volumes?.some(hasBundle)) return manifest;
  const annotations = { ...template.metadata?.annotations, [TRUSTED_ROOTS]: generations.join(',') };
  return {
    ...manifest,
    spec: { ...spec, template: { ...template, metadata: { ...template.metadata, annotations } } },
  };
}

function hasBundle({ configMap, secret, projected }: Volume): boolean {
  const sources = (projected?.sources ?? []).flatMap((source) => [
    source.configMap?.name,
    source.secret?.name,
  ]);
  return [configMap?.name, secret?.secretName, ...sources].includes(TRUST_BUNDLE);
}
