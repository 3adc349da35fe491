/**
 * Runs the tests of the event store's migration (`migration/tests`): made-up stores, a real SQLite, a real PostgreSQL with the
 * event store's own schema, the tool as a process that is killed, cut off and started twice.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

type Report = (name: string, ok: boolean, detail?: string) => void;

const run = promisify(execFile);
const ROOT = join(__dirname, '..', '..');
const FOLDER = join(ROOT, 'migration');
/** Longer than a busy machine of two cores takes. */
const LIMIT_MS = 15 * 60_000;

export async function check(report: Report): Promise<void> {
  const { output, code } = await tests(await environment());
  const lines = [...output.matchAll(/^(test_\w+) \((.+)\) \.\.\. (?:[\s\S]*?)(ok|skipped .*|FAIL|ERROR)$/gm)];
  for (const [, name = '', where = '', result = ''] of lines) {
    const skipped = result.startsWith('skipped');
    report(
      `${where.split('.').at(-2)}: ${name.slice('test_'.length).replaceAll('_', ' ')}`,
      result === 'ok' || skipped,
      skipped ? result : '',
    );
  }
  const ran = Number(/^Ran (\d+) tests/m.exec(output)?.[1] ?? 0);
  report(
    'every test was seen',
    code === 0 && ran > 0 && ran === lines.length,
    code === 0 ? `${ran} tests` : output,
  );
}

/** Python's interpreter with the pinned packages, made once for each content of the lock. */
async function environment(): Promise<string> {
  const lock = join(FOLDER, 'requirements.txt');
  const key = createHash('sha256').update(readFileSync(lock)).digest('hex').slice(0, 12);
  const folder = join(ROOT, '.cache', `event-store-migration-${key}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'complete'))) return python;

  rmSync(folder, { recursive: true, force: true });
  const system = await newEnough();
  await run(system, ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--require-hashes', '-r', lock]);
  // Written last: an installation that was cut off is made anew.
  writeFileSync(join(folder, 'complete'), '');
  return python;
}

async function newEnough(): Promise<string> {
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11']) {
    const found = await run(name, ['-c', 'import sys, venv; print(sys.version_info >= (3, 11))']).catch(
      () => undefined,
    );
    if (found?.stdout.trim() === 'True') return name;
  }
  throw new Error('Python 3.11 or newer is not on PATH: apt-get install python3-venv');
}

function tests(python: string): Promise<{ output: string; code: number }> {
  return new Promise((resolve, reject) => {
    const process = spawn(python, ['-W', 'ignore', '-m', 'unittest', '--verbose'], {
      cwd: FOLDER,
      timeout: LIMIT_MS,
    });
    let output = '';
    for (const stream of [process.stdout, process.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    process.on('error', reject);
    process.on('close', (code) => resolve({ output, code: code ?? 1 }));
  });
}
