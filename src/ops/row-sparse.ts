// Row-sparse gradients made dense, piece by piece where the table is over the binding limit.
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { rowPieces } from '../tensor/row-pieces.ts';
import type { RowSparse } from '../tensor/row-sparse.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The dense gradient `[V, E]`, zero in the rows that were not used. */
export function densify({ shape, rows, values }: RowSparse): Tensor {
  const width = shape[1];
  const out = empty(shape, { device: values.device, label: 'densify' });
  out.device.clear(out.view);
  if (width === 0) return out;
  for (const target of rowPieces(out))
    for (const source of rowPieces(values))
      out.device.run(shaders.scatter_rows, {
        bind: { rows: rows.view, values: source.view, out: target.view },
        params: {
          count: source.rowCount,
          width,
          first_value: source.firstRow,
          first_row: target.firstRow,
          row_count: target.rowCount,
        },
        grid: Math.ceil((source.rowCount * width) / 64),
        label: 'densify',
      });
  return out;
}
