import type { Container, PodSpec, Volume } from '../../imports/k8s';
import { containersOf, workloadOf } from '../../constructs/platform/workloads';
import { referencesOf, identify } from '../../synth/references';
import type { Manifest } from '../../constructs/platform/manifest';
import type { CertificateSpec } from '../../imports/cert-manager.io';
import { type Program, PROGRAMS } from './programs';

/** What holders are found among: a platform's objects, or manifests that were printed. */
interface Printed {
  readonly manifest: Manifest;
}

/** Who uses a certificate: a container that mounts it, or an object whose operator hands it on. */
export interface Holder<Of extends Printed> {
  readonly object: Of;
  /** As in `StatefulSet redis/cache-members, container redis`. */
  readonly name: string;
  /** How it takes a renewed one; none where nothing here says so. */
  readonly program?: Program;
}

/** Kinds whose pods end by themselves: they read what is there when they start. */
const PASSING: ReadonlySet<string> = new Set(['Job', 'CronJob']);

/** Everybody who uses a certificate. */
export function holdersOf<Of extends Printed>(
  { object: issued, issuedFor }: { readonly object: Printed; readonly issuedFor: CertificateSpec },
  { objects }: { readonly objects: readonly Of[] },
): Holder<Of>[] {
  const { namespace } = issued.manifest.metadata;
  const secret = issuedFor.secretName;
  const identity = identify('Secret', namespace, secret);
  return objects.flatMap((object): Holder<Of>[] => {
    const { kind, metadata } = object.manifest;
    if (metadata.namespace !== namespace || kind === 'Certificate' || PASSING.has(kind)) return [];
    if (!referencesOf(object.manifest).some(({ to }) => to === identity)) return [];
    const name = `${kind} ${namespace}/${metadata.name}`;
    const pod = kind === 'Prometheus' || kind === 'Pooler' ? undefined : workloadOf(object.manifest)?.pod;
    if (!pod) return [{ object, name, ...programOf(kind, JSON.stringify(object.manifest)) }];
    return mounting(pod, secret).map((container) => ({
      object,
      name: `${name}, container ${container.name}`,
      ...programOf(container.image ?? '', textOf(container, pod, namespace, objects)),
    }));
  });
}

function programOf(subject: string, text: string): { readonly program?: Program } {
  const program = PROGRAMS.find(({ of, leaf }) => of.test(subject) && (leaf.needs?.test(text) ?? true));
  return program ? { program } : {};
}

/** The containers of a pod that mount a Secret. */
export function mounting(pod: PodSpec, secret: string): Container[] {
  const volumes = new Set(
    (pod.volumes ?? []).filter((volume) => has(volume, secret)).map(({ name }) => name),
  );
  return containersOf(pod).filter(({ volumeMounts = [] }) =>
    volumeMounts.some(({ name }) => volumes.has(name)),
  );
}

function has({ secret, projected }: Volume, name: string): boolean {
  return (
    secret?.secretName === name || (projected?.sources ?? []).some((source) => source.secret?.name === name)
  );
}

/** What a container is told: its own words, and the files of the ConfigMaps that its pod mounts. */
function textOf(
  container: Container,
  { volumes = [] }: PodSpec,
  namespace: string | undefined,
  objects: readonly Printed[],
): string {
  const names = new Set(
    volumes.flatMap(({ configMap, projected }) => [
      configMap?.name,
      ...(projected?.sources ?? []).map((source) => source.configMap?.name),
    ]),
  );
  const files = objects
    .filter(
      ({ manifest: { kind, metadata } }) =>
        kind === 'ConfigMap' && metadata.namespace === namespace && names.has(metadata.name),
    )
    .flatMap(({ manifest }) => Object.values((manifest['data'] ?? {}) as Record<string, string>));
  return [JSON.stringify(container), ...files].join('\n');
}
