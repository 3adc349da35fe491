import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Printed files of one environment: path below `dist/` → text. */
export type Files = ReadonlyMap<string, string>;

/** Where results are kept, one file an environment. */
const FOLDER = '.cache/synth';

/** Environments that are remembered, whatever folders they lie in; beyond that the oldest are forgotten. */
const KEPT = 32;

/**
 * Remembers what environments were printed as, so that a synth costs what changed. A result is found again by everything
 * that it was made of: the program, the images, the payload files and the environment's own file, each by its content
 * (the program by the times and sizes of its sources, as for its bundle), and the runbooks by their names. Only what all
 * guarantees hold for is kept.
 */
export class Memory {
  private readonly ground: string;

  /**
   * @param root the project's folder
   * @param program what says which program this is; nothing is remembered without
   * @param images file with the images
   */
  constructor(
    private readonly root: string,
    private readonly program: string | undefined,
    images: string,
  ) {
    this.ground =
      program === undefined
        ? ''
        : digest([
            program,
            content(images),
            ...payloads(join(root, 'constructs')),
            ...names(join(root, 'docs', 'runbooks')),
          ]);
  }

  /** What an environment's file was printed as when everything was as it is now; undefined where that is not known. */
  recall(file: string): Files | undefined {
    if (this.program === undefined) return undefined;
    try {
      const { key, files } = JSON.parse(readFileSync(this.slot(file), 'utf8')) as {
        key: string;
        files: [string, string][];
      };
      return key === this.key(file) ? new Map(files) : undefined;
    } catch {
      // Not there, or cut off: made anew.
      return undefined;
    }
  }

  /** Keeps what an environment's file was printed as. */
  keep(file: string, files: Files): void {
    if (this.program === undefined) return;
    const slot = this.slot(file);
    const fresh = `${slot}.${process.pid}`;
    try {
      mkdirSync(dirname(slot), { recursive: true });
      writeFileSync(fresh, JSON.stringify({ key: this.key(file), files: [...files] }));
      renameSync(fresh, slot);
      this.forget(dirname(slot));
    } catch {
      // No place for it: the next synth takes its time, and this one is none the worse.
      if (existsSync(fresh)) rmSync(fresh);
    }
  }

  private key(file: string): string {
    return digest([this.ground, content(file)]);
  }

  private slot(file: string): string {
    return join(this.root, FOLDER, `${digest([resolve(file)])}.json`);
  }

  private forget(folder: string): void {
    const slots = readdirSync(folder).map((name) => join(folder, name));
    const times = new Map(
      slots.map((slot) => [slot, statSync(slot, { throwIfNoEntry: false })?.mtimeMs ?? 0]),
    );
    const oldest = slots.sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0)).slice(KEPT);
    for (const slot of oldest) rmSync(slot, { force: true });
  }
}

/** The payload files below a folder, with their contents. */
function payloads(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(ts|md)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => [file, content(file)]);
}

/** Names in a folder: all that is asked of them is whether each alert has one. */
function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function content(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Whoever reads it for its meaning says what is wrong with it.
    return '';
  }
}

function digest(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}
