import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Construct } from 'constructs';
import { ConfigMap, Volume } from '../../imports/k8s';
import { objectName } from './names';

/** Values for the `@UPPER_CASE@` holes of a payload file. */
export type Holes = Readonly<Record<string, string | number>>;

const HOLE = /@([A-Z][A-Z0-9_]*)@/g;

const templates = new Map<string, string>();

/**
 * The text of a payload file with its holes filled.
 * @throws Error for a file that cannot be read, a hole without a value, and a value without a hole
 */
export function renderPayload(file: string, holes: Holes = {}): string {
  const unused = new Set(Object.keys(holes));
  const text = template(file).replace(HOLE, (_, name: string) => {
    const value = holes[name];
    if (value === undefined) {
      throw new Error(
        `${file}: no value for @${name}@; values given: ${Object.keys(holes).join(', ') || 'none'}`,
      );
    }
    unused.delete(name);
    return String(value);
  });
  if (unused.size > 0) {
    throw new Error(
      `${file}: no hole for ${[...unused].join(', ')}; remove the value or write @NAME@ in the file`,
    );
  }
  return text;
}

function template(file: string): string {
  const text = templates.get(file) ?? readFileSync(file, 'utf8');
  templates.set(file, text);
  return text;
}

/**
 * Payload files as an immutable ConfigMap. Its name ends in a hash of its content, so that a changed file rolls the pods
 * that mount it, and a rolled-back pod finds the files it was made for.
 *
 * @example new ConfigFiles(this, 'Config', __dirname, { 'redis.conf': { MAXMEMORY: '384mb' } });
 */
export class ConfigFiles extends Construct {
  /** The ConfigMap's name. */
  readonly name: string;
  /** The first ten hex digits of the SHA-256 of the content. */
  readonly hash: string;

  /**
   * @param folder the folder of the files, usually `__dirname`
   * @param files file name → values of its holes; subfolders are allowed, the key keeps the base name
   * @param generated further files made by typed builders: file name → content
   */
  constructor(
    scope: Construct,
    id: string,
    folder: string,
    files: Readonly<Record<string, Holes>>,
    generated: Readonly<Record<string, string>> = {},
  ) {
    super(scope, id);
    const rendered = Object.entries(files).map(([file, holes]) => [
      file.slice(file.lastIndexOf('/') + 1),
      renderPayload(join(folder, file), holes),
    ]);
    const data: Record<string, string> = { ...Object.fromEntries(rendered), ...generated };
    this.hash = contentHash(data);
    this.name = `${objectName(this)}-${this.hash}`;
    new ConfigMap(this, 'Resource', { metadata: { name: this.name }, immutable: true, data });
  }

  /** A pod volume with all files, readable and executable by everybody, writable by nobody. */
  volume(name: string): Volume {
    return { name, configMap: { name: this.name, defaultMode: 0o555 } };
  }
}

/** A short hash of any JSON value, for the names of immutable objects. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 10);
}
