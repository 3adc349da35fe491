import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Replaces a folder by the given files as a whole: they are written beside it and take its place at the end, so that a
 * full disk, a kill or an error leaves what was there. Only one process may do so at a time.
 * @throws Error where another process is writing, or where a file cannot be written
 */
export function replaceFolder(folder: string, files: ReadonlyMap<string, string>): void {
  const target = resolve(folder);
  mkdirSync(dirname(target), { recursive: true });
  const release = lock(target);
  clear(target);
  if (isUpToDate(target, files)) return release();
  const fresh = mkdtempSync(`${target}.new-`);
  try {
    for (const parent of new Set([...files.keys()].map(dirname)))
      mkdirSync(join(fresh, parent), { recursive: true });
    for (const [file, text] of files) writeFileSync(join(fresh, file), text);
    swap(fresh, target);
  } catch (error) {
    throw new Error(`${folder}: nothing was written, it is as it was: ${reason(error)}`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    release();
  }
}

/** Whether the folder holds exactly these files: then there is nothing to write, and times of files stay as they were. */
function isUpToDate(target: string, files: ReadonlyMap<string, string>): boolean {
  if (!existsSync(target)) return false;
  const there = readdirSync(target, { recursive: true, withFileTypes: true }).filter(
    (entry) => !entry.isDirectory(),
  );
  return (
    there.length === files.size &&
    [...files].every(([file, text]) => {
      const path = join(target, file);
      return existsSync(path) && readFileSync(path, 'utf8') === text;
    })
  );
}

/** Removes what writers left behind that were killed; nobody else is writing now. */
function clear(target: string): void {
  const leftovers = readdirSync(dirname(target)).filter((name) =>
    name.startsWith(`${basename(target)}.new-`),
  );
  for (const name of leftovers) rmSync(join(dirname(target), name), { recursive: true, force: true });
}

function swap(fresh: string, target: string): void {
  const old = `${fresh}.old`;
  const had = existsSync(target);
  if (had) renameSync(target, old);
  try {
    renameSync(fresh, target);
  } catch (error) {
    if (had) renameSync(old, target);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

/** Holds `<folder>.lock`, a file with the number of the process that is writing. */
function lock(target: string): () => void {
  const file = `${target}.lock`;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      const holder = Number(readFileSync(file, 'utf8'));
      if (isRunning(holder)) {
        throw new Error(
          `${basename(target)}: process ${holder} is writing it (${file}); wait until it ends and run this again`,
        );
      }
      rmSync(file, { force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
