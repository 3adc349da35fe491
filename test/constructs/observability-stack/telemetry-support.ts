import { parse } from 'yaml';
import type { Manifest } from '../../../constructs/platform/manifest';

/** A file of the one ConfigMap that has it, read as YAML. */
export function fileOf<T>(manifests: readonly Manifest[], file: string): T {
  const maps = manifests.filter(({ kind }) => kind === 'ConfigMap');
  const texts = maps.flatMap((manifest) => (manifest['data'] as Record<string, string>)[file] ?? []);
  const [text] = texts;
  if (text === undefined || texts.length > 1) throw new Error(`${texts.length} files ${file}`);
  return parse(text) as T;
}
