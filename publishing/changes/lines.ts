/** One line of a comparison: kept, taken away or put in; `…` stands for lines that are the same on both sides. */
export interface Edit {
  readonly mark: ' ' | '-' | '+' | '…';
  readonly line: string;
}

/** Lines shown before and after a change. */
const CONTEXT = 2;

/** Above this product of lines the exact comparison would take too long; the middle is then replaced as a whole. */
const MOST_CELLS = 4_000_000;

/** How one text becomes another, line by line, with some lines around each change. */
export function editsBetween(before: string, after: string): Edit[] {
  return shortened(allEdits(before.split('\n'), after.split('\n')));
}

function allEdits(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0;
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < Math.min(before.length, after.length) - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++;
  const same = (line: string): Edit => ({ mark: ' ', line });
  return [
    ...before.slice(0, start).map(same),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

/** By the longest common subsequence: `common` has its length for what follows each pair of lines. */
function middle(before: readonly string[], after: readonly string[]): Edit[] {
  const [rows, columns] = [before.length, after.length];
  const isExact = rows * columns <= MOST_CELLS;
  const width = columns + 1;
  const common = new Uint32Array(isExact ? (rows + 1) * width : 0);
  const at = (row: number, column: number): number => common[row * width + column] ?? 0;
  if (isExact)
    for (let row = rows - 1; row >= 0; row--)
      for (let column = columns - 1; column >= 0; column--)
        common[row * width + column] =
          before[row] === after[column]
            ? at(row + 1, column + 1) + 1
            : Math.max(at(row + 1, column), at(row, column + 1));
  const edits: Edit[] = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    const [old, fresh] = [before[row], after[column]];
    if (isExact && old !== undefined && old === fresh) {
      edits.push({ mark: ' ', line: old });
      row++;
      column++;
    } else if (old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))) {
      edits.push({ mark: '-', line: old });
      row++;
    } else if (fresh !== undefined) {
      edits.push({ mark: '+', line: fresh });
      column++;
    }
  }
  return edits;
}

/** Leaves out what is far from any change. */
function shortened(edits: readonly Edit[]): Edit[] {
  const near = new Set<number>();
  for (const [index, { mark }] of edits.entries())
    if (mark !== ' ') for (let at = index - CONTEXT; at <= index + CONTEXT; at++) near.add(at);
  const short: Edit[] = [];
  for (const [index, edit] of edits.entries()) {
    if (near.has(index)) short.push(edit);
    else if (short.at(-1)?.mark !== '…') short.push({ mark: '…', line: '' });
  }
  return short;
}
