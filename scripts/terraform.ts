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

const USAGE = `usage: npm run test:terraform

Runs terraform init, validate and test in each folder of terraform/ that has tests, after npm run synth. No registry is
asked: stand-ins for the providers, built once with Go, have the attributes that are used here. What they take, the real
ones may still refuse; the workflow asks those.

  --help   show this`;

const root = join(__dirname, '..');
const FOLDERS = ['cluster', 'environment', 'modules/dns', 'modules/prerequisites', 'modules/settings'];
const REGISTRY = 'registry.terraform.io';

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

/** A mirror of the registry with a stand-in for each provider that some folder requires, at the lowest version it takes. */
function mirrorIn(folder: string): void {
  const program = join(folder, 'stand-in');
  must('go', ['build', '-o', program, '.'], join(root, 'tools/terraform-stand-in'));
  const { arch, platform } = process;
  const machine = `${platform}_${arch === 'x64' ? 'amd64' : arch}`;
  for (const each of FOLDERS) {
    const text = readFileSync(join(root, 'terraform', each, 'versions.tf'), 'utf8');
    for (const [, source = '', version = ''] of text.matchAll(
      /source\s*=\s*"([^"]+)"\s*version\s*=\s*"~> ([\d.]+)"/g,
    )) {
      const place = join(folder, 'mirror', REGISTRY, source, `${version}.0`, machine);
      mkdirSync(place, { recursive: true });
      copyFileSync(program, join(place, `terraform-provider-${source.split('/')[1]}_v${version}.0`));
    }
  }
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
  const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (!existsSync(join(root, 'dist')))
    throw new Error('dist: there is no manifest; run `npm run synth` first');
  const work = mkdtempSync(join(tmpdir(), 'terraform-test-'));
  try {
    mirrorIn(work);
    const settings = join(work, 'terraform.rc');
    writeFileSync(
      settings,
      `provider_installation {\n  filesystem_mirror {\n    path = "${join(work, 'mirror')}"\n  }\n}\n`,
    );
    const env = { TF_CLI_CONFIG_FILE: settings, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' };
    const copy = copyIn(work);
    const counts = { passed: 0, failed: 0 };
    for (const each of FOLDERS) {
      must('terraform', ['init', '-no-color', '-input=false', '-backend=false'], join(copy, each), env);
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

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(process.env['LIGHTHOUSE_DEBUG'] ? error.stack : error.message);
  process.exitCode = 1;
}
