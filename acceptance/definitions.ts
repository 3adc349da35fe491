import { loadAll } from 'js-yaml';
import type { Manifest } from '../constructs/platform/manifest';
import { definitionTexts, fetchModule } from '../scripts/imports/fetch';
import { CUSTOM_RESOURCES, type CrdSource } from '../scripts/imports/sources';

interface Definition extends Manifest {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly conversion?: { readonly strategy: string };
  };
}

/**
 * The definitions of all custom resources in use, whole, with the rules and defaults that schemas leave out: out of the
 * pinned archives that the types are made of, through Go's module cache.
 * @throws Error where Go is missing, or an archive cannot be had
 */
export function customDefinitions(): Manifest[] {
  return CUSTOM_RESOURCES.flatMap(definitionsIn);
}

function definitionsIn(source: CrdSource): Manifest[] {
  const found = definitionTexts(source, fetchModule(source)).flatMap((text) => definitionsOf(text, source));
  const missing = source.kinds.filter((kind) => found.every(({ spec }) => spec.names.kind !== kind));
  if (missing.length > 0)
    throw new Error(`${source.module}@${source.version} defines no ${missing.join(', ')}`);
  return found.map(withoutConversion);
}

function definitionsOf(text: string, { group, kinds }: CrdSource): Definition[] {
  return loadAll(text).flatMap((document) => {
    const definition = document as Definition | null;
    const isWanted =
      definition?.kind === 'CustomResourceDefinition' &&
      definition.spec.group === group &&
      kinds.includes(definition.spec.names.kind);
    return isWanted ? [definition] : [];
  });
}

/** Webhooks that convert between versions belong to operators; here only the version that is stored is used. */
function withoutConversion({ apiVersion, kind, metadata, spec }: Definition): Manifest {
  return { apiVersion, kind, metadata, spec: { ...spec, conversion: { strategy: 'None' } } };
}
