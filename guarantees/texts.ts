import type { Manifest } from '../constructs/platform/manifest';

/** One string of an object. */
export interface Text {
  /** Where it is, as `spec.template.spec.containers[0].args[2]`. */
  readonly field: string;
  /** Name of the field, or of the list that the string is in. */
  readonly key: string;
  readonly value: string;
  /** The object that the field is in: `name` and `value` of an environment variable lie side by side. */
  readonly beside: Readonly<Record<string, unknown>>;
}

const cache = new WeakMap<Manifest, readonly Text[]>();

/** All strings of an object, those of its metadata included, each once. */
export function textsOf(manifest: Manifest): readonly Text[] {
  const known = cache.get(manifest);
  if (known) return known;
  const texts: Text[] = [];
  const walk = (
    value: unknown,
    key: string,
    field: string,
    beside: Readonly<Record<string, unknown>>,
  ): void => {
    if (typeof value === 'string') texts.push({ field, key, value, beside });
    else if (Array.isArray(value)) value.forEach((item, i) => walk(item, key, `${field}[${i}]`, beside));
    else if (typeof value === 'object' && value !== null) {
      const fields = value as Readonly<Record<string, unknown>>;
      for (const [name, child] of Object.entries(fields)) {
        walk(child, name, field === '' ? name : `${field}.${name}`, fields);
      }
    }
  };
  walk(manifest, '', '', {});
  cache.set(manifest, texts);
  return texts;
}
