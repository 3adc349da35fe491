import { imageReference } from '../constructs/platform/image';
import type { Manifest } from '../constructs/platform/manifest';
import type { Cluster } from './cluster';
import type { Recorder } from './report';

/** What every check on a running platform is given. */
export interface Trial {
  readonly cluster: Cluster;
  readonly recorder: Recorder;
  /** What was applied: everything that a check knows of the platform, it reads here. */
  readonly manifests: readonly Manifest[];
}

/** The last part of an image's repository, for each program that checks use. All are images that the platform runs anyway. */
const TOOLS = {
  psql: 'cloudnative-pg/postgresql',
  'redis-cli': 'library/redis',
  python3: 'library/python',
  aws: 'amazon/aws-cli',
} as const;

/**
 * An image of the platform that has a program.
 * @throws Error where nothing that was applied runs such an image
 */
export function imageWith(program: keyof typeof TOOLS, manifests: readonly Manifest[]): string {
  const repository = TOOLS[program];
  const found = manifests
    .flatMap(imagesIn)
    .find((image) => imageReference(image).repository.endsWith(`/${repository}`));
  if (found === undefined) throw new Error(`nothing here runs ${repository}, which has ${program}`);
  return found;
}

function imagesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]: [string, unknown]) =>
    (key === 'image' || key === 'imageName') && typeof inside === 'string' ? [inside] : imagesIn(inside),
  );
}
