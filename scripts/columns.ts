/** Where the cells of a column stand. */
export type Side = 'left' | 'right';

/** Columns as wide as their widest cell, two spaces apart. */
export function columns(
  rows: readonly (readonly (string | number)[])[],
  sideOf: (column: number) => Side = () => 'right',
): string {
  const texts = rows.map((row) => row.map(String));
  const widths =
    texts[0]?.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number): string =>
    sideOf(column) === 'left' ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return texts.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
