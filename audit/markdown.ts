/** A table; cells may hold anything. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return markup(
    columns.map(cell),
    rows.map((row) => row.map(cell)),
  );
}

/** A table whose cells are Markdown already. */
export function markup(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Text that does not end a cell, nor look like markup. */
function cell(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[|*_<>\\]/g, '\\$&')
    .trim();
}
