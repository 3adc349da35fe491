import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that checks the output, pinned to a version. */
export interface Tool {
  readonly name: string;
  readonly version: string;
  /** The Go package it is built from. */
  readonly package: string;
  /** Where to get it without Go. */
  readonly releases: string;
}

export const KUBECONFORM: Tool = {
  name: 'kubeconform',
  version: 'v0.8.0',
  package: 'github.com/yannh/kubeconform/cmd/kubeconform',
  releases: 'https://github.com/yannh/kubeconform/releases',
};

export const ACTIONLINT: Tool = {
  name: 'actionlint',
  version: 'v1.7.12',
  package: 'github.com/rhysd/actionlint/cmd/actionlint',
  releases: 'https://github.com/rhysd/actionlint/releases',
};

const bin = join(__dirname, '..', '.cache', 'bin');

/** The tool on PATH, if it says it is the pinned version. */
const onPath = ({ name, version }: Tool): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      if (!existsSync(path)) return false;
      const { stdout } = spawnSync(path, ['-v'], { encoding: 'utf8' });
      return stdout?.trim().replace(/^v/, '') === version.slice(1);
    });

/** The path of a tool: the one installed here before, the one on PATH, or one newly built with Go, in that order. */
export const toolPath = (tool: Tool): string => {
  const { name, version, releases } = tool;
  const folder = join(bin, `${name}-${version}`);
  const installed = join(folder, name);
  if (existsSync(installed)) return installed;
  const present = onPath(tool);
  if (present) return present;

  console.error(`building ${name} ${version}, once ...`);
  mkdirSync(bin, { recursive: true });
  const fresh = mkdtempSync(join(bin, 'fresh-'));
  try {
    const args = ['install', `${tool.package}@${version}`];
    const { error, status, stderr } = spawnSync('go', args, {
      encoding: 'utf8',
      env: { ...process.env, GOBIN: fresh },
    });
    if (error) {
      const remedy = `install Go 1.24 or newer, or put ${name} ${version} on PATH (${releases}/tag/${version})`;
      throw new Error(
        `${name} ${version} is not installed and Go could not be started (${error.message}): ${remedy}`,
      );
    }
    if (status !== 0) throw new Error(`go ${args.join(' ')} failed:\n${stderr.trim()}`);
    // Another run may have been faster; either result is the same program.
    if (!existsSync(installed)) renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return installed;
};
