import { imageReference } from '../constructs/platform/image';
import { containersOf, spec, workloadOf } from '../constructs/platform/workloads';
import type { Platform, PlatformObject } from '../synth/platform';
import type { Finding, Guarantee } from './guarantee';
import { textsOf } from './texts';

/** Every image is one that config/images.yaml names, by an exact tag or digest; charts of operators are exact as well. */
export const images: Guarantee = {
  name: 'images',
  check: (platform) => {
    const used = platform.objects.flatMap((object) =>
      IMAGELESS.has(object.manifest.kind)
        ? []
        : textsOf(object.manifest)
            .filter(
              ({ key, field }) =>
                key === 'image' || key === 'imageName' || field.endsWith('.image.reference'),
            )
            .map(({ field, value }) => ({ object, field, image: value })),
    );
    const references = new Set(used.map(({ image }) => image));
    return {
      findings: [
        ...used.flatMap((use) => moving(use, platform)),
        ...defaulted(platform),
        ...platform.objects.flatMap(nameless),
        ...platform.objects.flatMap(movingChart),
      ],
      facts: [
        { subject: 'images by exact tag', figure: `${references.size} in ${used.length} places` },
        {
          subject: 'images by digest',
          figure: String([...references].filter((image) => image.includes('@sha256:')).length),
        },
      ],
    };
  },
};

/** Kinds that run nothing themselves: an `image` in them is part of a schema or of a chart's values. */
const IMAGELESS: ReadonlySet<string> = new Set(['CustomResourceDefinition', 'ConfigMap', 'Application']);

/** Registry, repository, tag, digest. A registry has a dot: without one, an image depends on the node's settings. */
const IMAGE =
  /^([a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+)(?::(\w[-\w.]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** At least two numbers, as in `8.8.0`, `4.44`, `v1.30-alpine` or `RELEASE.2025-09-07`; what moves has fewer. */
const EXACT_TAG = /^(?!.*latest)(?=.*\d[.-]\d)/;

interface Use {
  readonly object: PlatformObject;
  readonly field: string;
  readonly image: string;
}

function moving(
  { object: { path, manifest }, field, image }: Use,
  { images: configured }: Platform,
): Finding[] {
  const subject = `${manifest.kind} ${manifest.metadata.name}: ${field} is "${image}"`;
  const { tag, digest } = imageReference(image);
  if (!IMAGE.test(image)) {
    return [
      {
        path,
        cause: `${subject}, which is no registry/repository:tag`,
        remedy: 'take the image from config/images.yaml',
      },
    ];
  }
  if (digest === undefined && !EXACT_TAG.test(tag)) {
    return [
      {
        path,
        cause: `${subject}, which ${tag === '' ? 'has no tag' : `moves: tag ${tag}`}`,
        remedy: 'write an exact tag in config/images.yaml, or a digest',
      },
    ];
  }
  if (configured && !configured.has(image)) {
    return [
      {
        path,
        cause: `${subject}, which is not in config/images.yaml`,
        remedy: 'add it there, and take it from there: images(name)',
      },
    ];
  }
  return [];
}

/** Custom resources that run whatever image their operator likes, and where they say otherwise. */
const SAYS: Readonly<Record<string, readonly RegExp[]>> = {
  Cluster: [/^spec\.imageName$/, /^spec\.imageCatalogRef\.name$/],
  Pooler: [/^spec\.pgbouncer\.image$/, /^spec\.template\.spec\.containers\[\d+\]\.image$/],
  Prometheus: [/^spec\.image$/],
  Alertmanager: [/^spec\.image$/],
};

function defaulted({ objects }: Platform): Finding[] {
  return objects.flatMap(({ path, manifest }) => {
    const places = SAYS[manifest.kind];
    if (!places || textsOf(manifest).some(({ field }) => places.some((place) => place.test(field))))
      return [];
    return [
      {
        path,
        cause: `${manifest.kind} ${manifest.metadata.name} names no image, so that its operator's version decides`,
        remedy: 'name one from config/images.yaml',
      },
    ];
  });
}

/** Containers without any image: the schemas allow them, the API server does not. Operators fill in what they leave out. */
function nameless({ path, manifest }: PlatformObject): Finding[] {
  const { pod } = (manifest.kind in SAYS ? undefined : workloadOf(manifest)) ?? {};
  return (pod ? containersOf(pod) : [])
    .filter(({ image }) => image === undefined)
    .map(({ name }) => ({
      path,
      cause: `${manifest.kind} ${manifest.metadata.name}: container ${name} has no image`,
      remedy: 'name one from config/images.yaml',
    }));
}

/** Exactly one version, as Helm and Argo CD read it: no range, no wildcard, no branch. */
const EXACT_VERSION = /^v?\d+\.\d+\.\d+([-+][-+.0-9A-Za-z]+)?$/;

function movingChart({ path, manifest }: PlatformObject): Finding[] {
  if (manifest.kind !== 'Application') return [];
  const { source } = spec<{ source?: { chart?: string; targetRevision?: string } }>(manifest);
  const { chart, targetRevision = '' } = source ?? {};
  if (chart === undefined || EXACT_VERSION.test(targetRevision)) return [];
  return [
    {
      path,
      cause: `Application ${manifest.metadata.name}: chart ${chart} of version "${targetRevision}" moves`,
      remedy: 'write an exact version',
    },
  ];
}
