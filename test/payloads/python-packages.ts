import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(__dirname, '..', '..', '.cache');

/**
 * The folder with the programs of a Python environment, `python` among them, that has what a lock with hashes names. It is made
 * once for each content of the lock.
 * @throws Error where Python is older than 3.11 or a package is not what the lock says
 */
export async function packagesOf(lock: string): Promise<string> {
  const key = createHash('sha256').update(readFileSync(lock)).digest('hex').slice(0, 12);
  const folder = join(CACHE, `python-${key}`);
  const programs = join(folder, 'bin');
  if (existsSync(join(folder, 'complete'))) return programs;

  rmSync(folder, { recursive: true, force: true });
  await run(await newEnough(), ['-m', 'venv', folder]);
  const install = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '-r', lock];
  await run(join(programs, 'python'), install);
  // Written last: an installation that was cut off is made anew.
  writeFileSync(join(folder, 'complete'), '');
  return programs;
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
