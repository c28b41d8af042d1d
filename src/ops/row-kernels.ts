// What the kernels that work row by row share: the form for short and for long rows, their grid, and pieces of whole rows.
import { refuse } from '../check.ts';
import type { BufferView } from '../gpu/kernel.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** `single`: one invocation a row (shaders/lib/rows_single); `group`: one workgroup a row (rows_group). */
export type RowForm = 'single' | 'group';

/**
 * Elements from which on a row is long. A workgroup costs a software adapter some 10 µs, which is what a lone invocation needs
 * for about 1000 elements.
 */
export const LONG_ROW = 1024;

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
 * as many elements as the first; one that is undefined stays so. Every run but the last is a multiple of `multiple` rows, a
 * power of two.
 */
export function overRows<const T extends Readonly<Record<string, Tensor | undefined>>>(
  rows: number,
  tables: T,
  launch: (bind: Views<T>, firstRow: number, rowCount: number) => void,
  multiple = 1,
): void {
  const given = Object.entries(tables).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  const [name, first] = given[0]!;
  if (first.size === 0) return;
  const rowBytes = first.bytes / rows;
  const fit = first.bytes <= first.device.maxBindingBytes ? rows : fittingRows(name, first, rowBytes, multiple);
  for (let firstRow = 0; firstRow < rows; firstRow += fit) {
    const rowCount = Math.min(fit, rows - firstRow);
    const views = given.map(([name, { view }]) => [
      name,
      { ...view, offset: view.offset + firstRow * rowBytes, bytes: rowCount * rowBytes },
    ]);
    launch(Object.fromEntries(views) as Views<T>, firstRow, rowCount);
  }
}

/** Rows of one run: whole multiples of `multiple` that end on the 256 bytes where a binding may begin. */
function fittingRows(name: string, table: Tensor, rowBytes: number, multiple: number): number {
  const { device, shape } = table;
  let step = multiple;
  while ((step * rowBytes) % 256 !== 0) step *= 2;
  const fit = Math.floor(device.maxBindingBytes / (rowBytes * step)) * step;
  if (fit < 1)
    refuse(
      table.storage.label,
      name,
      `such that ${step} of its rows take at most ${device.maxBindingBytes} bytes (the adapter's limit for one binding)`,
      `${formatShape(shape)}, rows of ${rowBytes} bytes`,
      'Use shorter rows.',
    );
  return fit;
}
