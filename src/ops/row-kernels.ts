// What the kernels that work row by row share: the form for short and for long rows, their grid, and pieces of whole rows.
import type { BufferView } from '../gpu/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { rowPieces } from './pointwise.ts';

/** `single`: one invocation a row (shaders/lib/rows_single); `group`: one workgroup a row (rows_group). */
export type RowForm = 'single' | 'group';

// A workgroup costs a software adapter some 10 µs, which is what a lone invocation needs for about 1000 elements.
const LONG_ROW = 1024;

/** By shape alone, so that the order of summation does not depend on the machine. Rows that lie side by side stay single. */
export function rowForm(length: number, inner = 1): RowForm {
  return inner === 1 && length >= LONG_ROW ? 'group' : 'single';
}

/** Workgroups for so many rows. */
export function rowGrid(form: RowForm, rows: number): number {
  return form === 'single' ? Math.ceil(rows / 64) : rows;
}

type Views<T> = { [N in keyof T]: T[N] extends Tensor ? BufferView : BufferView | undefined };

/**
 * Calls `launch` once per run of rows that fits the binding limit, with a view of each of the tables `[rows, …]`. All hold
 * as many elements as the first; one that is undefined stays so.
 */
export function overRows<const T extends Readonly<Record<string, Tensor | undefined>>>(
  rows: number,
  tables: T,
  launch: (bind: Views<T>, firstRow: number, rowCount: number) => void,
): void {
  const given = Object.entries(tables).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  const { size, bytes, device } = given[0]![1];
  if (size === 0) return;
  if (bytes <= device.maxBindingBytes) {
    launch(Object.fromEntries(given.map(([name, table]) => [name, table.view])) as Views<T>, 0, rows);
    return;
  }
  const pieces = given.map(([name, table]) => ({ name, runs: rowPieces(table.viewAs([rows, size / rows])) }));
  for (const [i, { firstRow, rowCount }] of pieces[0]!.runs.entries())
    launch(Object.fromEntries(pieces.map(({ name, runs }) => [name, runs[i]!.view])) as Views<T>, firstRow, rowCount);
}
