import { inflateRawSync } from 'node:zlib';

const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
const CENTRAL_DIRECTORY_ENTRY = 0x02014b50;
const STORED = 0;

/** Reads files out of a zip archive held in memory. */
export class Zip {
  private readonly entries = new Map<string, { method: number; size: number; header: number }>();

  constructor(private readonly bytes: Buffer) {
    let end = bytes.length - 22;
    while (end >= 0 && bytes.readUInt32LE(end) !== END_OF_CENTRAL_DIRECTORY) end--;
    if (end < 0) throw new Error('not a zip archive: it has no central directory');
    let at = bytes.readUInt32LE(end + 16);
    while (bytes.readUInt32LE(at) === CENTRAL_DIRECTORY_ENTRY) {
      const [name, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [number, number, number];
      this.entries.set(bytes.toString('utf8', at + 46, at + 46 + name), {
        method: bytes.readUInt16LE(at + 10),
        size: bytes.readUInt32LE(at + 20),
        header: bytes.readUInt32LE(at + 42),
      });
      at += 46 + name + extra + comment;
    }
  }

  /** The paths of all files directly in a folder, sorted. */
  list(folder: string): string[] {
    const inFolder = (path: string): boolean => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/');
    return [...this.entries.keys()].filter(inFolder).sort();
  }

  /** A file's text. */
  read(path: string): string {
    const entry = this.entries.get(path);
    if (!entry) throw new Error(`${path} is not in the archive`);
    const { method, size, header } = entry;
    // The name and extra field before the data may be longer there than in the central directory.
    const start = header + 30 + this.bytes.readUInt16LE(header + 26) + this.bytes.readUInt16LE(header + 28);
    const data = this.bytes.subarray(start, start + size);
    return (method === STORED ? data : inflateRawSync(data)).toString('utf8');
  }
}
