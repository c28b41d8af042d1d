// Row-sparse gradients made dense, window by window where the table is over the binding limit.
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import type { RowSparse, Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';

/** The dense gradient `[V, E]`, zero in the rows that were not used. */
export function densify({ shape, rows, values }: RowSparse): Tensor {
  const width = shape[1];
  const out = empty(shape, { device: values.device, label: 'densify' });
  out.device.clear(out.view);
  for (const target of windows(shape[0], { out }))
    for (const source of windows(rows.size, { values }))
      out.device.run(shaders.scatter_rows, {
        bind: { rows: rows.view, values: source.views.values, out: target.views.out },
        params: {
          count: source.count,
          width,
          base_values: source.base,
          base_out: target.base,
          count_out: target.count,
        },
        grid: Math.ceil((source.count * width) / 64),
        label: 'densify',
      });
  return out;
}
