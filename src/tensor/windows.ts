// Tensors over the binding limit, seen through windows: runs of whole rows that a binding holds. Kernels take them as `base` and a
// count of rows, or `base_x` and `count_x` where the binding `x` goes by windows of its own.
import { refuse } from '../check.ts';
import type { BufferView } from '../gpu/kernel.ts';
import { formatShape } from './shape.ts';
import type { Tensor } from './tensor.ts';

type Tables = Readonly<Record<string, Tensor | undefined>>;

export interface Window<T extends Tables> {
  /** First row. */
  readonly base: number;
  /** Rows. */
  readonly count: number;
  /** These rows of each table. */
  readonly views: { readonly [N in keyof T]: T[N] extends Tensor ? BufferView : BufferView | undefined };
}

/**
 * Windows over tables of `rows` rows each, cut alike: a single one where all tables fit the binding limit, none where they are empty;
 * every one but the last has a multiple of `multiple` rows, a power of two. Throws ArgumentError where the rows are too long.
 */
export function windows<const T extends Tables>(rows: number, tables: T, multiple = 1): Window<T>[] {
  const given = Object.entries(tables).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  const { device } = given[0]![1];
  const longest = Math.max(...given.map(([, { bytes }]) => bytes)) / rows;
  if (!(longest > 0)) return [];
  const fit = rows * longest <= device.maxBindingBytes ? rows : fittingRows(rows, given, multiple);
  return Array.from({ length: Math.ceil(rows / fit) }, (_, n) => {
    const [base, count] = [n * fit, Math.min(fit, rows - n * fit)];
    const views = given.map(([name, { view, bytes }]) => {
      const rowBytes = bytes / rows;
      return [name, { ...view, offset: view.offset + base * rowBytes, bytes: count * rowBytes }];
    });
    return { base, count, views: Object.fromEntries(views) };
  });
}

/** Whole multiples of `multiple` rows that end on the 256 bytes where a binding may begin. */
function fittingRows(rows: number, tables: readonly (readonly [string, Tensor])[], multiple: number): number {
  let step = multiple;
  while (tables.some(([, { bytes }]) => ((step * bytes) / rows) % 256 !== 0)) step *= 2;
  const [name, table] = tables.reduce((a, b) => (b[1].bytes > a[1].bytes ? b : a));
  const { maxBindingBytes } = table.device;
  const rowBytes = table.bytes / rows;
  const fit = Math.floor(maxBindingBytes / (rowBytes * step)) * step;
  if (fit < 1)
    refuse(
      table.storage.label,
      name,
      `such that ${step} of its rows take at most ${maxBindingBytes} bytes (the adapter's limit for one binding)`,
      `${formatShape(table.shape)}, rows of ${rowBytes} bytes`,
      'Use shorter rows.',
    );
  return fit;
}
