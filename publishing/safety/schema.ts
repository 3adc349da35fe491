import type { Manifest } from '../../constructs/platform/manifest';
import { containersOf, spec, workloadOf } from '../../constructs/platform/workloads';
import { nameOf } from '../changes/changes';
import type { Direction, Hazard, Rule } from './rule';

/** Payload files that give data its shape: numbered migrations, and collections of vectors. */
const SCHEMA_FILE = /^(\d+-.+\.sql|collection-.+\.json)$/;

/** Programs that keep data in a form which an older one need not read; how many numbers of their version say so. */
const FORMATS: Readonly<Record<string, number>> = { postgresql: 1, redis: 1, weaviate: 2 };

/** Data that has moved on from what a revision knows. */
export const movedSchema: Rule = {
  name: 'data-schema-moved',
  why: 'data keeps the form that the newer revision gave it; the older one may refuse it, or read it wrongly',
  remedy:
    'go forward with a repair instead, or follow docs/guides/rollback.md, "When the schema of data moved on"',
  find: ({ changes }, direction) =>
    changes.flatMap(({ before, after }) => {
      if (!before || !after) return [];
      const object = nameOf(after.manifest);
      return [
        ...schemaFiles(before.manifest, after.manifest, direction),
        ...versions(before.manifest, after.manifest),
      ].map((what): Hazard => ({ object, what }));
    }),
};

/**
 * Forward, a migration may come but neither go nor change: its Job refuses that. Back, any difference means that data
 * were changed for what is taken back.
 */
function schemaFiles(before: Manifest, after: Manifest, direction: Direction): string[] {
  const [old, fresh] = [dataOf(before), dataOf(after)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(fresh)])].filter((name) =>
    SCHEMA_FILE.test(name),
  );
  return names.flatMap((name) => {
    if (old[name] === fresh[name]) return [];
    if (fresh[name] === undefined) return [`knows ${name} no more, which data were changed by`];
    if (direction === 'back')
      return [`has ${old[name] === undefined ? 'no' : 'another'} ${name} now, and would go back`];
    return old[name] !== undefined && name.endsWith('.sql')
      ? [`changes ${name}, which was applied already`]
      : [];
  });
}

function dataOf(manifest: Manifest): Readonly<Record<string, string>> {
  return manifest.kind === 'ConfigMap' ? ((manifest['data'] ?? {}) as Readonly<Record<string, string>>) : {};
}

/** Programs that hold data and become older. */
function versions(before: Manifest, after: Manifest): string[] {
  const fresh = imagesOf(after);
  return imagesOf(before).flatMap(({ container, program, version, tag }) => {
    const numbers = FORMATS[program];
    const next = fresh.find((image) => image.container === container && image.program === program);
    if (numbers === undefined || !next) return [];
    const difference = compare(next.version.slice(0, numbers), version.slice(0, numbers));
    return difference < 0 ? [`goes from ${program} ${tag} back to ${next.tag}`] : [];
  });
}

interface Image {
  readonly container: string;
  /** The last part of its name. */
  readonly program: string;
  readonly version: readonly number[];
  readonly tag: string;
}

function imagesOf(manifest: Manifest): Image[] {
  if (manifest.kind === 'Cluster') return imageIn('', spec<{ imageName?: string }>(manifest).imageName);
  const pod = manifest.kind === 'StatefulSet' ? workloadOf(manifest)?.pod : undefined;
  return pod ? containersOf(pod).flatMap(({ name, image }) => imageIn(name, image)) : [];
}

function imageIn(container: string, reference = ''): Image[] {
  const { program, tag } = /(?<program>[^/:@]+):v?(?<tag>[^@]+)/.exec(reference)?.groups ?? {};
  if (program === undefined || tag === undefined) return [];
  const [numbers = ''] = /^[\d.]+/.exec(tag) ?? [];
  return [{ container, program, tag, version: numbers.split('.').map(Number) }];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, index) => number !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
