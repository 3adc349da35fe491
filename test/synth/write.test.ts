import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceFolder } from '../../synth/write';

describe('replacing dist', () => {
  let work: string;
  let dist: string;

  beforeEach(() => {
    work = mkdtempSync(join(tmpdir(), 'write-'));
    dist = join(work, 'dist');
  });

  afterEach(() => rmSync(work, { recursive: true, force: true }));

  const contents = () => readdirSync(dist, { recursive: true, encoding: 'utf8' }).sort();

  test('makes the folder, and nothing beside it', () => {
    replaceFolder(dist, new Map([['a/b.yaml', 'x: 1\n']]));
    expect(readFileSync(join(dist, 'a/b.yaml'), 'utf8')).toBe('x: 1\n');
    expect(readdirSync(work)).toEqual(['dist']);
  });

  test('what is no longer there is gone', () => {
    replaceFolder(dist, new Map([['old.yaml', '']]));
    replaceFolder(dist, new Map([['new.yaml', '']]));
    expect(contents()).toEqual(['new.yaml']);
    expect(readdirSync(work)).toEqual(['dist']);
  });

  test('a file that cannot be written leaves everything as it was', () => {
    replaceFolder(dist, new Map([['old.yaml', 'kept']]));
    // A folder of the name of a file: what a full disk or a missing right does, without filling a disk.
    const impossible = new Map([
      ['a.yaml', ''],
      ['a.yaml/b.yaml', ''],
    ]);
    expect(() => replaceFolder(dist, impossible)).toThrow(/nothing was written/);
    expect(contents()).toEqual(['old.yaml']);
    expect(readdirSync(work)).toEqual(['dist']);
  });

  test('a second writer is refused while the first one runs, and says who it is', () => {
    writeFileSync(`${dist}.lock`, String(process.ppid));
    expect(() => replaceFolder(dist, new Map())).toThrow(`process ${process.ppid} is writing it`);
    expect(existsSync(dist)).toBe(false);
  });

  test('what a killed writer left behind is cleared away', () => {
    // Process numbers end at 2^22 on Linux.
    writeFileSync(`${dist}.lock`, String(2 ** 22 + 1));
    writeFileSync(`${dist}.lock-${2 ** 22 + 1}`, '');
    mkdirSync(`${dist}.new-${2 ** 22 + 1}`);
    replaceFolder(dist, new Map([['a.yaml', '']]));
    expect(readdirSync(work)).toEqual(['dist']);
  });

  test('a writer killed after it moved the old folder aside has lost nothing', () => {
    replaceFolder(`${dist}.old-7`, new Map([['old.yaml', 'kept']]));
    mkdirSync(`${dist}.new-7`);
    const impossible = new Map([
      ['a.yaml', ''],
      ['a.yaml/b.yaml', ''],
    ]);
    expect(() => replaceFolder(dist, impossible)).toThrow(/nothing was written/);
    expect(contents()).toEqual(['old.yaml']);
    expect(readdirSync(work)).toEqual(['dist']);
  });

  test('a lock of the number that this process has now is an earlier process', () => {
    writeFileSync(`${dist}.lock`, String(process.pid));
    replaceFolder(dist, new Map([['a.yaml', '']]));
    expect(readdirSync(work)).toEqual(['dist']);
  });

  test('others may read it, as any folder that this user makes', () => {
    replaceFolder(dist, new Map([['a.yaml', '']]));
    mkdirSync(join(work, 'other'));
    expect(statSync(dist).mode).toBe(statSync(join(work, 'other')).mode);
  });

  test("somebody's own files are not replaced", () => {
    writeFileSync(dist, 'a letter');
    expect(() => replaceFolder(dist, new Map())).toThrow('there is a file of this name');
    expect(readFileSync(dist, 'utf8')).toBe('a letter');

    const home = join(work, 'home');
    mkdirSync(join(home, 'src'), { recursive: true });
    writeFileSync(join(home, 'src', 'novel.txt'), '');
    expect(() => replaceFolder(home, new Map())).toThrow(`${join(home, 'src', 'novel.txt')} is no manifest`);
    expect(readdirSync(work).sort()).toEqual(['dist', 'home']);
  });
});
