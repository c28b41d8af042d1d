// softmax and log softmax along any axis.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { normalizeAxis, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { rowForm, rowGrid } from './row-kernels.ts';

/**
 * `exp(x) / Σ exp(x)` along `dim`, shape kept (`torch.softmax`). Stable: shifted by the largest value. A value more than 87
 * below it gets 0 exactly, so a large negative number (-1e30) masks. f32 only.
 */
export function softmax(x: Tensor, dim: number): Tensor {
  return normalized('softmax', x, dim, false);
}

/** `log(softmax(x, dim))` without the loss of digits (`torch.log_softmax`). f32 only. */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  return normalized('logSoftmax', x, dim, true);
}

function normalized(op: string, x: Tensor, dim: number, log: boolean): Tensor {
  if (x.dtype !== 'f32') refuse(op, 'x', 'f32', x.dtype);
  const axis = normalizeAxis(op, dim, x.rank);
  const outer = sizeOf(x.shape.slice(0, axis));
  const length = x.shape[axis] ?? 1; // of a scalar its one element
  const inner = sizeOf(x.shape.slice(axis + 1));
  const form = rowForm(length, inner);
  const launch = { overrides: { LOG: log }, label: op };
  const y = empty(x.shape, { device: x.device, label: op });
  for (const { count, views } of windows(outer, { x, y })) {
    const rows = count * inner;
    x.device.run(shaders.softmax[form], {
      bind: views,
      params: { rows, length, inner },
      grid: rowGrid(form, rows),
      ...launch,
    });
  }
  record(op, [x], [y], ([dOut]) => {
    const dX = empty(x.shape, { device: x.device, label: op });
    for (const { count, views } of windows(outer, { y, d_y: dOut!, d_x: dX })) {
      const rows = count * inner;
      x.device.run(shaders.softmax_backward[form], {
        bind: views,
        params: { rows, length, inner },
        grid: rowGrid(form, rows),
        ...launch,
      });
    }
    return [dX];
  });
  return y;
}
