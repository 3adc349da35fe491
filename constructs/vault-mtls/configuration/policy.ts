/** What may be done at a path. */
export type Capability = 'create' | 'read' | 'update' | 'list' | 'sudo';

/** One path of Vault's API, written out, and what may be done there. */
export interface Grant {
  readonly path: string;
  readonly capabilities: readonly Capability[];
}

/** A policy in Vault's own language: each path once, sorted, so that the same needs give the same text. */
export function renderPolicy(grants: readonly Grant[]): string {
  const merged = new Map<string, Set<Capability>>();
  for (const { path, capabilities } of grants) {
    merged.set(path, new Set([...(merged.get(path) ?? []), ...capabilities]));
  }
  return [...merged]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, capabilities]) => {
      const list = [...capabilities].sort().map((capability) => `"${capability}"`);
      return `path "${path}" { capabilities = [${list.join(', ')}] }\n`;
    })
    .join('');
}
