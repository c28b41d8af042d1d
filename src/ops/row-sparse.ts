// Row-sparse gradients made dense, piece by piece where the table is over the binding limit.
import { shaders } from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import type { RowSparse } from '../tensor/row-sparse.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { rowPieces } from './pointwise.ts';

/** The dense gradient `[V, E]`, zero in the rows that were not used. */
export function densify({ shape, rows, values }: RowSparse): Tensor {
  const [count, width] = [rows.size, shape[1]];
  const out = empty(shape, { device: values.device, label: 'densify' });
  out.device.clear(out.view);
  for (const piece of rowPieces(out)) {
    out.device.run(shaders.scatter_rows, {
      bind: { rows: rows.view, values: values.view, out: piece.view },
      params: { count, width, first_row: piece.firstRow, row_count: piece.rowCount },
      grid: Math.ceil((count * width) / 64),
      label: 'densify',
    });
  }
  return out;
}
