import { createHash } from 'node:crypto';
import type { Files } from '../synth/memory';
import type { Git } from './git';

/** Path → id of its content, as git reckons it. */
export type Ids = ReadonlyMap<string, string>;

/** The files that a revision has. */
export function idsIn(git: Git, revision: string): Ids {
  const listed = git.text(['ls-tree', '-r', '-z', '--full-tree', revision]);
  return new Map(
    listed
      .split('\0')
      .filter((entry) => entry !== '')
      .map((entry) => {
        const [meta = '', path = ''] = entry.split('\t');
        return [path, meta.split(' ')[2] ?? ''] as const;
      }),
  );
}

/** The texts of files of a revision. */
export function textsOf(git: Git, ids: Ids): Files {
  const wanted = [...ids];
  const output = git.bytes(['cat-file', '--batch'], wanted.map(([, id]) => `${id}\n`).join(''));
  let at = 0;
  return new Map(
    wanted.map(([path]) => {
      const end = output.indexOf('\n', at);
      const size = Number(output.subarray(at, end).toString().split(' ')[2]);
      const text = output.subarray(end + 1, end + 1 + size).toString();
      at = end + 1 + size + 1;
      return [path, text] as const;
    }),
  );
}

/** What git calls texts; nothing is written. */
export function idsOf(git: Git, files: Files): Ids {
  const algorithm = git.text(['rev-parse', '--show-object-format']);
  return new Map(
    [...files].map(([path, text]) => {
      const content = Buffer.from(text);
      const id = createHash(algorithm).update(`blob ${content.length}\0`).update(content).digest('hex');
      return [path, id] as const;
    }),
  );
}

/** Writes texts into the object store, where nothing refers to them yet. */
export function writeTexts(git: Git, texts: readonly string[]): void {
  const stream = texts.flatMap((text) => {
    const content = Buffer.from(text);
    return [Buffer.from(`blob\ndata ${content.length}\n`), content, Buffer.from('\n')];
  });
  git.bytes(['fast-import', '--quiet', '--done'], Buffer.concat([...stream, Buffer.from('done\n')]));
}

/**
 * Writes a tree of files whose contents are written already, without any index: folders below first, all of one depth
 * at a time.
 * @returns its id
 */
export function writeTree(git: Git, ids: Ids): string {
  const folders = new Map<string, string[]>([['', []]]);
  const entriesOf = (folder: string): string[] => {
    const known = folders.get(folder);
    if (known) return known;
    const entries: string[] = [];
    folders.set(folder, entries);
    entriesOf(parentOf(folder)); // So that it has an entry there, once its own are known.
    return entries;
  };
  for (const [path, id] of ids) entriesOf(parentOf(path)).push(`100644 blob ${id}\t${nameOf(path)}`);

  let root = '';
  for (const level of levels([...folders.keys()])) {
    const input = level.map((folder) => `${entriesOf(folder).join('\n')}\n\n`).join('');
    const trees = git.text(['mktree', '--batch'], input).split('\n');
    for (const [index, folder] of level.entries()) {
      const tree = trees[index] ?? '';
      if (folder === '') root = tree;
      else entriesOf(parentOf(folder)).push(`040000 tree ${tree}\t${nameOf(folder)}`);
    }
  }
  return root;
}

/** Folders by depth, the deepest first. */
function levels(folders: readonly string[]): string[][] {
  const depthOf = (folder: string): number => (folder === '' ? 0 : folder.split('/').length);
  const depths = [...new Set(folders.map(depthOf))].sort((a, b) => b - a);
  return depths.map((depth) => folders.filter((folder) => depthOf(folder) === depth));
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
