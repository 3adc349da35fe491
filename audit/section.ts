/** One part of the audit's report: a table, and where it helps a picture. */
export interface Section {
  readonly title: string;
  /** What the table shows, and what it cannot. */
  readonly text: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Pictures in Mermaid, each with its title. */
  readonly pictures?: readonly { readonly title: string; readonly mermaid: string }[];
}

/** A list as one cell: sorted, each once. */
export function listed(items: Iterable<string>): string {
  return [...new Set(items)].sort().join(', ') || '–';
}

/** Rows in the order of their cells, from left to right. */
export function sortedRows(rows: readonly (readonly string[])[]): (readonly string[])[] {
  const key = (row: readonly string[]): string => row.join('\u0000');
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Things by a key, in the order in which each key is first met. */
export function grouped<T>(things: readonly T[], keyOf: (thing: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    groups.set(key, [...(groups.get(key) ?? []), thing]);
  }
  return groups;
}

/** A name without the hash of its content, which would change this page with every change of a file. */
export function withoutHash(identity: string): string {
  return identity.replace(/-[0-9a-f]{8,}$/, '');
}
