import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { imagesFile } from '../config/load';
import { type ImageName, loadImages } from '../config/images';
import { Misuse, runCommand } from './command';

/** Whose files an image carries: Lighthouse's, the migration's of this repository, or those of the image it stands on. */
type Origin = 'lighthouse' | 'migration' | 'bridge';

/** In the order in which they are built, for one may stand on another; `as` is whose tag in config/images.yaml they have. */
const IMAGES: Readonly<Record<string, { readonly origin: Origin; readonly as: ImageName }>> = {
  bridge: { origin: 'lighthouse', as: 'bridge' },
  fuse: { origin: 'bridge', as: 'fuse' },
  'event-store-migration': { origin: 'migration', as: 'eventStoreMigration' },
  // No cluster runs it; it is of the bridge's release.
  'mcp-client': { origin: 'lighthouse', as: 'bridge' },
};

/** What begins a build; all three know build contexts with names. */
const BUILDERS: Readonly<Record<string, readonly string[]>> = {
  docker: ['docker', 'buildx', 'build'],
  podman: ['podman', 'build', '--format', 'docker'],
  // The health check is in no image of the OCI's format.
  buildah: ['buildah', 'build', '--format', 'docker', '--layers'],
};

const USAGE = `usage: npm run images -- [NAME ...] [OPTION ...] [-- OPTION-OF-THE-BUILDER ...]

Builds images of images/ with a builder that is installed. NAME is one or more of: ${Object.keys(IMAGES).join(', ')}
(default: all).

  --source WHERE       Lighthouse's source, needed for bridge and mcp-client: a folder, or URL#REVISION of a Git repository
  --base IMAGE         Python to build on                 (default: what the Dockerfiles say)
  --repository PREFIX  names are PREFIX/NAME              (default: that of the bridge in config/images.yaml)
  --tag TAG            their tag                          (default: their own in config/images.yaml; mcp-client has the bridge's)
  --builder NAME       ${Object.keys(BUILDERS).join(', ')}            (default: docker)
  --dry-run            print the commands only
  --help               this text

What follows -- is for the builder, such as -- --push --sbom=true --provenance=mode=max`;

interface Source {
  readonly folder: string;
  /** Commit, with -dirty where it is not all; empty where it is not of a repository. */
  readonly revision: string;
}

function main(): number {
  const { values, positionals, builder, passed } = read();
  const unknown = positionals.filter((name) => !(name in IMAGES));
  if (unknown.length > 0) throw new Misuse(`no image called ${unknown.join(', ')}`);
  const names = Object.keys(IMAGES).filter((name) => positionals.length === 0 || positionals.includes(name));
  const needing = names.filter((name) => IMAGES[name]?.origin === 'lighthouse');
  if (needing.length > 0 && values.source === undefined)
    throw new Misuse(`${needing.join(', ')}: needs --source, for Lighthouse's source is not here`);

  const named = namesIn(imagesFile('config'));
  const tagOf = (name: string): string => values.tag ?? named(IMAGES[name]?.as ?? 'bridge').tag;
  const reference = (name: string): string =>
    `${values.repository ?? named('bridge').registry}/${name}:${tagOf(name)}`;
  const temporary = mkdtempSync(join(tmpdir(), 'images-'));
  try {
    const own = sourceIn('migration');
    const app = values.source === undefined ? own : fetched(values.source, temporary);
    for (const name of names) {
      const origin = IMAGES[name]?.origin;
      const source = origin === 'lighthouse' ? app : own;
      const base = origin === 'bridge' ? { BRIDGE: reference('bridge') } : { PYTHON: values.base };
      const command = [
        ...builder,
        ...argumentsOf({ VERSION: tagOf(name), REVISION: source.revision, ...base }),
        ...(origin === 'bridge' ? [] : ['--build-context', `app=${source.folder}`]),
        ...['--tag', reference(name), ...passed, join('images', name)],
      ];
      console.log(command.join(' '));
      if (!values['dry-run']) run(command);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return 0;
}

function read() {
  const own = process.argv.slice(2);
  const end = own.indexOf('--');
  const { values, positionals } = parseArgs({
    args: end < 0 ? own : own.slice(0, end),
    allowPositionals: true,
    options: {
      source: { type: 'string' },
      base: { type: 'string' },
      repository: { type: 'string' },
      tag: { type: 'string' },
      builder: { type: 'string', default: 'docker' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const builder = BUILDERS[values.builder];
  if (!builder) throw new Misuse(`no builder called ${values.builder}`);
  return { values, positionals, builder, passed: end < 0 ? [] : own.slice(end + 1) };
}

function argumentsOf(given: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(given).flatMap(([name, value]) => (value ? ['--build-arg', `${name}=${value}`] : []));
}

/** Registry and folder of each image, and its tag. */
function namesIn(file: string): (name: ImageName) => { registry: string; tag: string } {
  const images = loadImages(file);
  return (name) => {
    const [, registry, tag] = /^(.+)\/[^/:]+:([^:@]+)/.exec(images(name)) ?? [];
    if (!registry || !tag) throw new Error(`${file}: ${name} is ${images(name)}`);
    return { registry, tag };
  };
}

/** A revision is fetched into a folder of its own, so that every builder is given the same files. */
function fetched(where: string, temporary: string): Source {
  const [url = '', revision] = where.split('#');
  if (revision === undefined) return sourceIn(url);
  const folder = join(temporary, 'source');
  run(['git', 'init', '--quiet', folder]);
  run(['git', '-C', folder, 'fetch', '--quiet', '--depth=1', url, revision]);
  run(['git', '-C', folder, 'checkout', '--quiet', 'FETCH_HEAD']);
  return sourceIn(folder);
}

function sourceIn(folder: string): Source {
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`);
  const args = ['-C', folder, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'];
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return { folder: resolve(folder), revision: status === 0 ? stdout.trim() : '' };
}

function run([program = '', ...args]: readonly string[]): void {
  const { error, status } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw new Error(`${program} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ${args[0] ?? ''} failed with status ${status ?? 'none'}`);
}

runCommand(USAGE, main);
