import { DEFAULT_SCHEMA, dump, Type } from 'js-yaml';
import type { Manifest } from '../constructs/platform/manifest';
import type { Platform, PlatformObject } from './platform';

/**
 * The files of a platform: path below `dist/` → text. One object a file, so that a diff names what changed; the
 * namespace is part of the name, for two objects of one kind may share their name in two namespaces.
 * @throws Error where two objects would get one file
 */
export function printPlatform({ environment, cluster, objects }: Platform): Map<string, string> {
  const files = new Map<string, string>();
  for (const { phase, manifest, path } of objects) {
    const file = `${environment.environment}/${cluster.name}/${phase}/${fileName(manifest)}`;
    if (files.has(file)) {
      throw new Error(`${path}: a second object for ${file}; give one of them another id`);
    }
    files.set(file, toYaml(manifest));
  }
  return files;
}

/** An object's file name, without its folder. */
export function fileName({ kind, metadata: { namespace, name } }: PlatformObject['manifest']): string {
  return [kind, ...(namespace === undefined ? [] : [namespace]), name].join('.') + '.yaml';
}

/** Keys that come first, as people write them; all others follow by name. */
const FIRST = ['apiVersion', 'kind', 'metadata', 'name', 'namespace'];

const RANK = new Map(FIRST.map((key, index) => [key, index]));

function byRank(a: string, b: string): number {
  const difference = (RANK.get(a) ?? FIRST.length) - (RANK.get(b) ?? FIRST.length);
  return difference === 0 ? (a < b ? -1 : 1) : difference;
}

/**
 * Strings that some reader takes for numbers, `1_000` for a thousand (Kubernetes, as YAML 1.1) and `9e600` for infinity.
 * They are quoted by being of a type.
 */
const NUMBER_ELSEWHERE = new Type('!number-elsewhere', {
  kind: 'scalar',
  resolve: (text: unknown) =>
    typeof text === 'string' && /^((?=.*[.0-9])[-+.0-9_eE]+|[-+]?0[xXoObB][0-9a-fA-F_]*)$/.test(text),
});

/**
 * Text whose last line, or every line, is blank: as a block, some reader loses the spaces. In double quotes nothing is
 * lost.
 */
const BLANK_END = new Type('!blank-end', {
  kind: 'scalar',
  resolve: () => false,
  predicate: (value: unknown) => typeof value === 'string' && /\n +\n*$|^[ \n]*\n[ \n]*$/.test(value),
  represent: (value: unknown) => JSON.stringify(value),
});

const SCHEMA = DEFAULT_SCHEMA.extend({ implicit: [NUMBER_ELSEWHERE, BLANK_END] });

const printed = new Map<string, string>();

/**
 * An object as YAML: two spaces, no anchors, no folded lines, keys in one order whatever order they were written in.
 * Clusters of an environment have most objects in common: each is printed once.
 */
export function toYaml(manifest: Manifest): string {
  const key = JSON.stringify(manifest);
  const text = printed.get(key) ?? print(manifest);
  printed.set(key, text);
  return text;
}

function print(manifest: Manifest): string {
  return dump(manifest, { lineWidth: -1, noRefs: true, sortKeys: byRank, schema: SCHEMA });
}
