import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Replaces a folder by the given files as a whole: they are written beside it and take its place at the end, so that a
 * full disk, a kill or an error leaves what was there. Only one process may do so at a time.
 * @throws Error where the folder holds anything but YAML, where another process is writing it, or where a file cannot be
 * written
 */
export function replaceFolder(folder: string, files: ReadonlyMap<string, string>): void {
  const target = resolve(folder);
  const fresh = `${target}.new-${process.pid}`;
  try {
    refuseForeign(target);
    mkdirSync(dirname(target), { recursive: true });
    const release = lock(target);
    try {
      clear(target);
      for (const parent of new Set(['', ...[...files.keys()].map(dirname)]))
        mkdirSync(join(fresh, parent), { recursive: true });
      for (const [file, text] of files) writeFileSync(join(fresh, file), text);
      swap(fresh, target);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
      release();
    }
  } catch (error) {
    throw new Error(`${folder}: nothing was written, it is as it was: ${reason(error)}`, { cause: error });
  }
}

/** Somebody's own folder given by mistake is not to be lost: `dist` has nothing but manifests. */
function refuseForeign(target: string): void {
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory()) throw new Error('there is a file of this name');
  // A folder may be moved aside by who may not empty it, such as one that a container wrote as root.
  accessSync(target, constants.W_OK);
  const foreign = foreignIn(target);
  if (foreign !== undefined)
    throw new Error(`${foreign} is no manifest; name a folder of manifests or a new one`);
}

function foreignIn(folder: string): string | undefined {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const foreign = entry.isDirectory() ? foreignIn(path) : entry.name.endsWith('.yaml') ? undefined : path;
    if (foreign !== undefined) return foreign;
  }
  return undefined;
}

/** Takes up what killed writers left behind; nobody else is writing now. */
function clear(target: string): void {
  const leftBehind = (suffix: string): string[] =>
    readdirSync(dirname(target))
      .filter((name) => name.startsWith(`${basename(target)}.${suffix}-`))
      .map((name) => join(dirname(target), name));
  // Killed after the old folder had gone and before the new one had come.
  const [old] = leftBehind('old');
  if (old !== undefined && !existsSync(target)) renameSync(old, target);
  // Whoever runs may just be trying to get the lock.
  const locks = leftBehind('lock').filter(
    (name) => !isRunning(Number(name.slice(name.lastIndexOf('-') + 1))),
  );
  for (const path of [...leftBehind('new'), ...leftBehind('old'), ...locks])
    rmSync(path, { recursive: true, force: true });
}

function swap(fresh: string, target: string): void {
  const old = `${target}.old-${process.pid}`;
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
  const own = `${file}-${process.pid}`;
  // Linked, not written in place: nobody ever reads a lock that names no process yet.
  writeFileSync(own, String(process.pid));
  try {
    while (!isTaken(() => linkSync(own, file))) {
      const holder = holderOf(file);
      if (isRunning(holder)) {
        throw new Error(
          `process ${holder} is writing it; wait until it ends, or remove ${file} if it is another program, and run this again`,
        );
      }
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/** Whether a step that only one process can do is done. */
function isTaken(take: () => void): boolean {
  try {
    take();
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return false;
  }
}

/** The process that a lock names; 0 where it is gone by now. */
function holderOf(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return 0;
  }
}

/** A lock of this very number is an earlier process's: in containers, numbers come again and again. */
function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
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
