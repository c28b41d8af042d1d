// Tables as text for terminals and as Markdown, columns lined up by what the eye sees.

export type Cell = string | number | undefined;

export interface TableOptions {
  /** Titles of the columns; without them there is no head. */
  header?: readonly string[];
  /** One letter a column, `l`eft or `r`ight; default: right where all its cells are numbers. */
  align?: string;
  /** How a number is written, default up to four decimals and none for integers. */
  format?: (value: number, column: number) => string;
}

/** Rows with columns parted by two spaces, and a rule under the header. No line ends in spaces; the last has a line end. */
export function textTable(rows: readonly (readonly Cell[])[], options: TableOptions = {}): string {
  const { cells, head, right, widths } = layout(rows, options, plain);
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => pad(cell, widths[i]!, right[i]!))
      .join('  ')
      .trimEnd();
  const rule = head && widths.map((width) => '─'.repeat(width)).join('  ');
  return [...(head ? [line(head), rule!] : []), ...cells.map(line)].map((text) => `${text}\n`).join('');
}

/** A table of GitHub's Markdown, also lined up as text; what would end a cell is escaped. */
export function markdownTable(
  rows: readonly (readonly Cell[])[],
  options: TableOptions & { header: readonly string[] },
): string {
  const cellText = (text: string) => plain(text).replace(/[\\|]/g, '\\$&');
  const { cells, head, right, widths } = layout(rows, options, cellText, 3);
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => pad(cell, widths[i]!, right[i]!)).join(' | ')} |\n`;
  const rule = widths.map((width, i) => (right[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return line(head!) + line(rule) + cells.map(line).join('');
}

/** Up to four decimals, and digits that count for very small and very large numbers. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e6) return value.toFixed(4);
  const text = size >= 1e-4 && size < 1 ? value.toPrecision(4) : value.toExponential(3);
  return text.replace(/\.?0+(e|$)/, '$1');
}

/** Columns that a text takes on a terminal: none for colours and combining marks, two for wide East Asian letters and emoji. */
export function displayWidth(text: string): number {
  let width = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal are control characters
  for (const char of text.replace(/\u001b\[[0-9;]*m/g, '')) {
    if (/\p{M}|\p{Cf}/u.test(char)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return width;
}

function layout(
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
  clean: (text: string) => string,
  minimum = 1,
) {
  const { header, align, format = formatNumber } = options;
  const columns = Math.max(header?.length ?? 0, ...rows.map((row) => row.length));
  const indices = Array.from({ length: columns }, (_, i) => i);
  const text = (cell: Cell, i: number) => clean(typeof cell === 'number' ? format(cell, i) : (cell ?? ''));
  const cells = rows.map((row) => indices.map((i) => text(row[i], i)));
  const head = header && indices.map((i) => clean(header[i] ?? ''));
  const isNumeric = (i: number) =>
    rows.some((row) => typeof row[i] === 'number') && rows.every((row) => typeof row[i] !== 'string');
  const right = indices.map((i) => (align?.[i] ? align[i] === 'r' : isNumeric(i)));
  const all = head ? [head, ...cells] : cells;
  const widths = indices.map((i) => Math.max(minimum, ...all.map((row) => displayWidth(row[i]!))));
  return { cells, head, right, widths };
}

function plain(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ');
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(width - displayWidth(text));
  return right ? space + text : text + space;
}
