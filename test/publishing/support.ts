import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DistBranch } from '../../publishing/branch';
import { Git } from '../../publishing/git';
import type { PublishOptions } from '../../publishing/publish';
import { type Source, sourceOf } from '../../publishing/source';
import type { Files } from '../../synth/memory';
import { toYaml } from '../../synth/print';

const folders: string[] = [];

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'publishing-test-'));
  folders.push(folder);
  return folder;
}

/** Whatever the machine's own git is set to has no say here. */
process.env['GIT_CONFIG_GLOBAL'] = '/dev/null';
process.env['GIT_CONFIG_SYSTEM'] = '/dev/null';
for (const role of ['AUTHOR', 'COMMITTER']) {
  process.env[`GIT_${role}_NAME`] = 'Test';
  process.env[`GIT_${role}_EMAIL`] = 'test@example.com';
}

/** Runs git where a test wants something done that the program under test does not do. */
export function git(folder: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trimEnd();
}

/** A clone of a bare repository, with one commit of sources. */
export class Ground {
  readonly remote = join(temporary(), 'remote.git');
  readonly folder = join(temporary(), 'clone');

  constructor() {
    git(tmpdir(), 'init', '--quiet', '--bare', '--initial-branch=main', this.remote);
    git(tmpdir(), 'init', '--quiet', '--initial-branch=main', this.folder);
    git(this.folder, 'remote', 'add', 'origin', this.remote);
    this.commit('first');
    git(this.folder, 'push', '--quiet', 'origin', 'main');
  }

  /** Another clone, as another person has it. */
  clone(...args: string[]): string {
    const folder = join(temporary(), 'other');
    git(tmpdir(), 'clone', '--quiet', ...args, `file://${this.remote}`, folder);
    return folder;
  }

  commit(subject: string, folder = this.folder): string {
    writeFileSync(join(folder, 'source'), `${subject}\n`);
    git(folder, 'add', '.');
    git(folder, 'commit', '--quiet', '--message', subject);
    return git(folder, 'rev-parse', 'HEAD');
  }

  branch(folder = this.folder): DistBranch {
    return DistBranch.of(Git.open(folder), 'origin', 'dist');
  }

  source(folder = this.folder): Source {
    return sourceOf(Git.open(folder), false);
  }

  /** The commits of the published branch, newest first. */
  published(): string[] {
    const refs = git(this.remote, 'for-each-ref', '--format=%(refname)');
    return refs.includes('refs/heads/dist') ? git(this.remote, 'log', '--format=%H', 'dist').split('\n') : [];
  }

  /** The text of a file on the published branch. */
  show(path: string): string {
    return git(this.remote, 'show', `dist:${path}`);
  }

  message(): string {
    return git(this.remote, 'log', '-1', '--format=%B', 'dist');
  }
}

/** Everything about a clone that publishing has no business with. */
export function workingCopy(folder: string): unknown {
  return {
    head: readFileSync(join(folder, '.git', 'HEAD'), 'utf8'),
    index: git(folder, 'ls-files', '--stage'),
    status: git(folder, 'status', '--porcelain'),
    branches: git(folder, 'for-each-ref', 'refs/heads'),
    source: readFileSync(join(folder, 'source'), 'utf8'),
  };
}

export const OPTIONS: PublishOptions = { allowances: [], again: false, anySource: false, dryRun: false };

/** Printed files: a ConfigMap for each path below `dist/` such as `staging/here/settings`, with its one value. */
export function configMaps(values: Readonly<Record<string, string>>): Files {
  return new Map(
    Object.entries(values).map(([path, value]) => {
      const [environment = '', cluster = '', name = ''] = path.split('/');
      const metadata = { name, namespace: 'app' };
      const text = toYaml({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value } });
      return [`${environment}/${cluster}/foundation/ConfigMap.app.${name}.yaml`, text];
    }),
  );
}
