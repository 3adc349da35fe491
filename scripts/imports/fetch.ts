import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CrdSource, KUBERNETES } from './sources';
import { Zip } from './zip';

/** Runs a program and returns its standard output; `remedy` says what to do where the program is not installed. */
const run = (program: string, args: string[], remedy: string): string => {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (error) throw new Error(`${program} could not be started (${error.message}): ${remedy}`);
  if (status === 0) return stdout;
  // `go mod download -json` reports its error on standard output.
  const said = (stderr + stdout).trim();
  const refused = /\b(403|404|410)\b/.test(said) ? 'the module or package proxy refused this version; ' : '';
  throw new Error(`${program} ${args.join(' ')} failed: ${refused}it said:\n${said}`);
};

/** Opens an archive after comparing its checksum with the pinned one. */
export const openPinned = (path: string, sha256: string, name: string): Zip => {
  const bytes = readFileSync(path);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) {
    throw new Error(
      `${name}: the checksum of ${path} is\n  ${actual}, but scripts/imports/sources.ts pins\n  ${sha256}. ` +
        'Either the archive was tampered with or damaged (delete it and retry), or the version was changed without its checksum.',
    );
  }
  return new Zip(bytes);
};

/** The archive of a Go module, through Go's own client and cache. */
export const fetchModule = ({ module, version, sha256 }: CrdSource): Zip => {
  const name = `${module}@${version}`;
  const output = run('go', ['mod', 'download', '-json', name], 'install Go 1.24 or newer (https://go.dev/dl)');
  const { Zip: path } = JSON.parse(output) as { Zip: string };
  return openPinned(path, sha256, name);
};

/** The texts of a source's files that define custom resources, out of its archive. */
export const definitionTexts = ({ module, version, folder, file }: CrdSource, archive: Zip): string[] =>
  archive
    .list(`${module}@${version}/${folder}`)
    .filter((path) => path.endsWith(file ?? '.yaml'))
    .map((path) => archive.read(path));

/** The archive with Kubernetes' schemas, through pip, kept in `cache`. */
export const fetchKubernetes = (cache: string): Zip => {
  const { name, version, sha256 } = KUBERNETES;
  mkdirSync(cache, { recursive: true });
  const find = (): string | undefined =>
    readdirSync(cache).find((file) => file.startsWith(`${name.replace('-', '_')}-${version}-`));
  if (!find()) {
    const args = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', cache, `${name}==${version}`];
    run('python3', args, 'install Python 3 with pip');
  }
  const wheel = find();
  if (!wheel || !existsSync(join(cache, wheel))) throw new Error(`pip downloaded no wheel of ${name} ${version} to ${cache}`);
  return openPinned(join(cache, wheel), sha256, `${name} ${version}`);
};
