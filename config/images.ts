import { checker, didYouMean } from './check';
import { ConfigFile, show } from './document';

/** Every image the platform runs; config/images.yaml says which exactly. */
export const IMAGE_NAMES = [
  'redis',
  'redisExporter',
  'haproxy',
  'postgresql',
  'pgbouncer',
  'minio',
  'minioClient',
  'seaweedfs',
  'awsCli',
  'weaviate',
  'embeddings',
  'vault',
  'curl',
  'python',
  'prometheus',
  'alertmanager',
  'blackboxExporter',
  'kubeStateMetrics',
  'nodeExporter',
  'grafana',
  'loki',
  'tempo',
  'collector',
  'bridge',
  'fuse',
  'eventStoreMigration',
] as const;

export type ImageName = (typeof IMAGE_NAMES)[number];

/** Looks up an image: `images('redis')` is `docker.io/library/redis:8.8.0-alpine`, with its digest once there is one. */
export type Images = (name: ImageName) => string;

interface Image {
  readonly image: string;
  readonly tag: string;
  readonly digest?: string;
}

const imageSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['image', 'tag'],
  properties: {
    image: {
      type: 'string',
      maxLength: 255,
      pattern: '^[a-z0-9-]+(\\.[a-z0-9-]+)+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$',
      message: 'must be registry and repository such as docker.io/library/redis, the tag apart',
    },
    tag: {
      type: 'string',
      pattern: '^(?!.*latest)(?=.*[0-9][.-][0-9])\\w[-\\w.]{0,127}$',
      message: 'must be an exact tag such as 8.8.0-alpine, not one that moves such as latest or 8',
    },
    digest: {
      type: 'string',
      pattern: '^sha256:[0-9a-f]{64}$',
      message: 'must be sha256: and 64 hexadecimal digits',
    },
  },
};

const check = checker({
  type: 'object',
  additionalProperties: false,
  required: IMAGE_NAMES,
  properties: Object.fromEntries(IMAGE_NAMES.map((name) => [name, { $ref: '#/definitions/image' }])),
  definitions: { image: imageSchema },
});

/**
 * Reads the images.
 * @throws ConfigError with all that is wrong: also an image that is missing, or that nothing uses
 */
export function loadImages(file: string): Images {
  const config = new ConfigFile(file);
  config.refuse(check(config.value));
  const images = new Map(Object.entries(config.value as Readonly<Record<ImageName, Image>>));
  return (name) => {
    const found = images.get(name);
    if (!found) throw new Error(`there is no image ${show(name)} in ${file}${didYouMean(name, IMAGE_NAMES)}`);
    const { image, tag, digest } = found;
    return digest ? `${image}:${tag}@${digest}` : `${image}:${tag}`;
  };
}
