import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildPlatform } from '../../charts/platform';
import type { Phase } from '../../charts/phase-chart';
import type { ImageName } from '../../config/images';
import { loadConfig } from '../../config/load';
import type { Cluster, Environment } from '../../config/schema';
import type { Manifest } from '../../constructs/platform/manifest';
import type { Platform } from '../../synth/platform';
import { printPlatform } from '../../synth/print';

const { environments, images } = loadConfig(join(__dirname, '../../config'));

/** The first cluster of an environment of the shipped configuration, after changes to it or its environment. */
export function platformOf(
  environmentName: Environment['environment'],
  changes: Partial<Environment> = {},
  clusterChanges: Partial<Cluster> = {},
  imageChanges: Partial<Record<ImageName, string>> = {},
): Platform {
  const environment = environments.find((each) => each.environment === environmentName);
  const [first, ...others] = environment?.clusters ?? [];
  if (!environment || !first) throw new Error(`no environment ${environmentName}`);
  const cluster = { ...first, ...clusterChanges };
  return buildPlatform(
    { ...environment, clusters: [cluster, ...others], ...changes },
    cluster,
    (name) => imageChanges[name] ?? images(name),
  );
}

/** Every cluster of the shipped configuration, with its name for test titles. */
export const PLATFORMS: readonly (readonly [name: string, platform: Platform])[] = environments.flatMap(
  (environment) =>
    environment.clusters.map(
      (cluster) =>
        [`${environment.environment}/${cluster.name}`, buildPlatform(environment, cluster, images)] as const,
    ),
);

/** The objects of some phases. */
export function manifestsIn({ objects }: Platform, ...phases: readonly Phase[]): Manifest[] {
  return objects.filter(({ phase }) => phases.includes(phase)).map(({ manifest }) => manifest);
}

/**
 * Holds all files of a phase against one YAML file under `__snapshots__`, which `npx jest test/charts -u` writes anew.
 */
export function expectSnapshot(platform: Platform, phase: Phase): void {
  const folder = `${platform.environment.environment}/${platform.cluster.name}/${phase}`;
  const text = [...printPlatform(platform)]
    .filter(([file]) => file.startsWith(`${folder}/`))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, yaml]) => `# ${file}\n---\n${yaml}`)
    .join('');
  const snapshot = join(__dirname, '__snapshots__', `${folder.replaceAll('/', '-')}.yaml`);
  if (isToWrite(snapshot)) {
    mkdirSync(dirname(snapshot), { recursive: true });
    writeFileSync(snapshot, text);
  }
  const known = existsSync(snapshot) ? readFileSync(snapshot, 'utf8') : '';
  expect(text.split('\n')).toEqual(known.split('\n'));
}

/** As Jest decides on its own snapshots: all with -u, missing ones, none with --ci. */
function isToWrite(snapshot: string): boolean {
  const { snapshotState } = expect.getState() as unknown as {
    snapshotState: { _updateSnapshot: 'all' | 'new' | 'none' };
  };
  const { _updateSnapshot: update } = snapshotState;
  return update === 'all' || (update === 'new' && !existsSync(snapshot));
}
