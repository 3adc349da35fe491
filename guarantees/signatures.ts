import { imageReference } from '../constructs/platform/image';
import { containersOf, spec } from '../constructs/platform/workloads';
import type { ImageValidatingPolicySpec } from '../imports/policies.kyverno.io';
import { inventoryOf, type PodSource } from '../synth/inventory';
import type { Platform } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';

/**
 * What must be signed is asked about: each policy refuses where nobody can be asked, in every namespace with pods, and is about
 * a repository that pods have. Whether Kyverno reads it so is tried by `npm run prove:signatures`.
 */
export const signatures: Guarantee = {
  name: 'signatures',
  check: (platform) => {
    const wanted = platform.environment.signatures?.images.length ?? 0;
    const policies = platform.objects.filter(({ manifest }) => manifest.kind === 'ImageValidatingPolicy');
    return {
      findings: [
        ...(policies.length < wanted ? [ABSENT] : []),
        ...policies.flatMap(({ manifest }) => {
          const policy = spec<ImageValidatingPolicySpec>(manifest);
          const path = `ImageValidatingPolicy ${manifest.metadata.name}`;
          return [...atWork(path, policy, platform), ...unused(path, policy, platform)];
        }),
      ],
      facts: [{ subject: 'repositories whose images must be signed', figure: String(policies.length) }],
    };
  },
};

const ABSENT: Finding = {
  path: 'ImageValidatingPolicy',
  cause: 'signatures names images that must be signed, and there is not a policy for each: nobody asks',
  remedy: 'build ImageSignatures for each of them',
};

/** As globs they end in what begins a tag or a digest. */
function repositoriesOf({ matchImageReferences = [] }: ImageValidatingPolicySpec): string[] {
  return [...new Set(matchImageReferences.map(({ glob = '' }) => glob.replace(/[:@]\*$/, '')))];
}

function atWork(path: string, policy: ImageValidatingPolicySpec, platform: Platform): Finding[] {
  const {
    failurePolicy,
    validationActions = [],
    validationConfigurations: of = {},
    matchConstraints,
  } = policy;
  const isStrict =
    failurePolicy === 'Fail' &&
    validationActions.includes('Deny') &&
    of.mutateDigest === true &&
    of.verifyDigest === true &&
    of.required === true;
  const [selected] = matchConstraints?.namespaceSelector?.matchExpressions ?? [];
  const asked = new Set(selected?.values ?? []);
  const open = new Set(
    inventoryOf(platform).pods.flatMap(({ namespace }) => (asked.has(namespace) ? [] : namespace)),
  );
  return [
    ...(isStrict
      ? []
      : [
          {
            path,
            cause: 'it lets something through that was not asked about, or that a tag may lead to later',
            remedy:
              'write failurePolicy: Fail, Deny among the actions, and all of validationConfigurations as true',
          },
        ]),
    ...[...open].map((namespace) => ({
      path,
      cause: `namespace ${namespace} has pods, and nobody asks about their images`,
      remedy: 'make the namespace with PlatformNamespaces.add',
    })),
  ];
}

/** A standby may have no Lighthouse; what its primary must have signed is asked about there as well. */
function unused(path: string, policy: ImageValidatingPolicySpec, platform: Platform): Finding[] {
  if (platform.cluster.role === 'standby') return [];
  const used = new Set(
    inventoryOf(platform)
      .pods.flatMap(imagesOf)
      .map((image) => imageReference(image).repository),
  );
  return repositoriesOf(policy)
    .filter((name) => !used.has(name))
    .map((name) => ({
      path,
      cause: `no pod has an image of ${name}: nothing is gained by its signature`,
      remedy: 'take it out of signatures.images, or turn on what runs it',
    }));
}

function imagesOf({ workload: { manifest, pod } }: PodSource): string[] {
  const { imageName, pgbouncer } = spec<{ imageName?: string; pgbouncer?: { image?: string } }>(manifest);
  const all = [...(pod ? containersOf(pod).map(({ image }) => image) : []), imageName, pgbouncer?.image];
  return all.filter((image) => image !== undefined);
}
