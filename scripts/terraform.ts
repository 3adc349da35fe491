import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand } from './command';

const USAGE = `usage: npm run test:terraform

Runs terraform validate and test in each folder of terraform/ that has tests, after npm run synth. No registry is
asked: stand-ins for the providers, built once with Go, have the attributes that are used here. What they take, the real
ones may still refuse; the workflow asks those.

  --help   show this`;

const root = join(__dirname, '..');
const FOLDERS = ['cluster', 'environment', 'modules/dns', 'modules/prerequisites', 'modules/settings'];

interface Said {
  readonly status: number;
  readonly output: string;
}

function run(program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Said {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (error) throw new Error(`${program} could not be started (${error.message}): put it on PATH`);
  return { status: status ?? 1, output: stdout + stderr };
}

function must(program: string, args: readonly string[], cwd: string, env?: NodeJS.ProcessEnv): void {
  const { status, output } = run(program, args, cwd, env);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${output.trim()}`);
}

/** Settings that put a stand-in into the place of each provider that some folder requires. */
function standInsIn(folder: string): string {
  const program = join(folder, 'stand-in');
  must('go', ['build', '-o', program, '.'], join(root, 'tools/terraform-stand-in'));
  const texts = FOLDERS.map((each) => readFileSync(join(root, 'terraform', each, 'versions.tf'), 'utf8'));
  const sources = new Set(
    texts.flatMap((text) => [...text.matchAll(/source\s*=\s*"([^"]+)"/g)].map(([, source = '']) => source)),
  );
  const overrides = [...sources].map((source) => {
    const place = join(folder, source);
    mkdirSync(place, { recursive: true });
    copyFileSync(program, join(place, `terraform-provider-${source.split('/')[1]}`));
    return `    "${source}" = "${place}"`;
  });
  const settings = join(folder, 'terraform.rc');
  writeFileSync(settings, `provider_installation {\n  dev_overrides {\n${overrides.join('\n')}\n  }\n}\n`);
  return settings;
}

/** What Terraform keeps beside the sources is kept beside a copy of them. */
function copyIn(folder: string): string {
  const copy = join(folder, 'terraform');
  cpSync(join(root, 'terraform'), copy, {
    recursive: true,
    filter: (path) => !/\/\.terraform|\.tfstate/.test(path),
  });
  for (const name of ['config', 'dist']) symlinkSync(join(root, name), join(folder, name));
  return copy;
}

function main(): number {
  parseArgs({ options: {} });
  if (!existsSync(join(root, 'dist')))
    throw new Error('dist: there is no manifest; run `npm run synth` first');
  const work = mkdtempSync(join(tmpdir(), 'terraform-test-'));
  try {
    const env = { TF_CLI_CONFIG_FILE: standInsIn(work), TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' };
    const copy = copyIn(work);
    const counts = { passed: 0, failed: 0 };
    for (const each of FOLDERS) {
      must('terraform', ['get', '-no-color'], join(copy, each), env);
      must('terraform', ['validate', '-no-color'], join(copy, each), env);
      const { status, output } = run('terraform', ['test', '-no-color'], join(copy, each), env);
      console.log(`terraform/${each}\n${output.trim()}\n`);
      const [, passed = '0', failed = '0'] = /(\d+) passed, (\d+) failed/.exec(output) ?? [];
      counts.passed += Number(passed);
      counts.failed += Math.max(Number(failed), status === 0 ? 0 : 1);
    }
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
    return counts.failed === 0 ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

runCommand(USAGE, main);
