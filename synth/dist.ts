import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { Phase, PHASES } from '../charts/phase-chart';
import type { Manifest } from '../constructs/platform/manifest';

/** One manifest, as it stands in a file of `dist/` or of its branch. */
export interface Printed {
  /** Path below `dist/`. */
  readonly file: string;
  readonly environment: string;
  readonly cluster: string;
  readonly phase: Phase;
  readonly manifest: Manifest;
}

/**
 * The manifests in a folder that a synth wrote, in the order of their paths.
 * @throws Error where there is none, or where a file is not what a synth writes
 */
export function readDist(folder: string): Printed[] {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
  const printed = files
    .filter((file) => file.endsWith('.yaml'))
    .toSorted()
    .map((file) => readPrinted(file, readFileSync(join(folder, file), 'utf8')));
  if (printed.length === 0) throw new Error(`${folder}: there is no manifest; run \`npm run synth\` first`);
  return printed;
}

/**
 * One file below `dist/`: its place says where it belongs.
 * @throws Error where the place or the text is not what a synth writes
 */
export function readPrinted(file: string, text: string): Printed {
  const [environment = '', cluster = '', folder, ...name] = file.split('/');
  const phase = PHASES.find((each) => each === folder);
  if (!phase || name.length !== 1)
    throw new Error(`${file}: must be <environment>/<cluster>/<phase>/<file>.yaml`);
  return { file, environment, cluster, phase, manifest: manifestIn(file, text) };
}

function manifestIn(file: string, text: string): Manifest {
  let manifest: unknown;
  try {
    manifest = load(text);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (!isManifest(manifest)) throw new Error(`${file}: must be one object with apiVersion, kind and a name`);
  return manifest;
}

function isManifest(value: unknown): value is Manifest {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<Manifest>;
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string';
}

/** The sync wave that Argo CD reads from an object. */
export function waveOf({ metadata }: Manifest): number {
  return Number(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0);
}
