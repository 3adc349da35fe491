import { type Fields, isFields, type Manifest } from '../constructs/platform/manifest';
import type { Printed } from '../synth/dist';
import { REVISION } from './stand-ins';

/** The next revision of objects, where no other is given: every pod template with an annotation more. */
export function nextRevision(objects: readonly Printed[]): Printed[] {
  return objects.map((printed) => ({ ...printed, manifest: changed(printed.manifest) }));
}

/** Kinds whose pods prometheus-operator makes. */
const MONITORS: ReadonlySet<string> = new Set(['Prometheus', 'Alertmanager']);

function changed(manifest: Manifest): Manifest {
  if (manifest.kind === 'Cluster') return { ...manifest, metadata: annotated(manifest.metadata) };
  if (MONITORS.has(manifest.kind)) {
    const spec = manifest['spec'] as Fields;
    return {
      ...manifest,
      spec: { ...spec, podMetadata: annotated(spec['podMetadata'] as Fields | undefined) },
    };
  }
  const spec = templated(manifest['spec']);
  return spec === undefined ? manifest : { ...manifest, spec };
}

/** A spec whose pod template, wherever it has one, is changed; undefined where it has none. */
function templated(spec: unknown): Fields | undefined {
  if (!isFields(spec)) return undefined;
  const { template, jobTemplate } = spec;
  if (isFields(template) && isFields(template['spec']))
    return {
      ...spec,
      template: { ...template, metadata: annotated(template['metadata'] as Fields | undefined) },
    };
  if (!isFields(jobTemplate)) return undefined;
  return { ...spec, jobTemplate: { ...jobTemplate, spec: templated(jobTemplate['spec']) } };
}

function annotated<T extends Fields>(metadata: T | undefined): T {
  return {
    ...metadata,
    annotations: { ...(metadata?.['annotations'] as Fields | undefined), [REVISION]: 'next' },
  } as unknown as T;
}
