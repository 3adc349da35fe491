/** A table; cells may hold anything. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(columns), `| ${columns.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** Text that does not end a cell, nor look like markup. */
function cell(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[|*_<>\\]/g, '\\$&')
    .trim();
}
