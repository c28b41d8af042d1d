// Elements chosen along one axis, each by an index of its own.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { formatShape, normalizeAxis, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkIndices } from './index-select.ts';
import { narrow } from './layout.ts';

/**
 * `out[i] = x[i with i_dim = index[i]]`, of the shape of `index`, which has as many axes as `x` and, but for `dim`, is no
 * longer on any (`torch.gather`). Indices with host values are checked; one born on the GPU that is out of range gives NaN.
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  if (index.rank !== x.rank)
    refuse('gather', 'index', `of ${x.rank} axes, as x ${formatShape(x.shape)}`, formatShape(index.shape));
  const axis = normalizeAxis('gather', dim, x.rank);
  if (index.shape.some((n, i) => i !== axis && n > x.shape[i]!))
    refuse(
      'gather',
      'index',
      `no longer than x ${formatShape(x.shape)} on any axis but ${axis}`,
      formatShape(index.shape),
    );
  checkIndices('gather', 'index', index, x.shape[axis] ?? 1);
  // Where index is shorter than x, only that part of x is chosen from: then both are [outer, …, inner].
  const part = index.shape.reduce((t, n, i) => (i === axis || n === t.shape[i] ? t : narrow(t, i, 0, n)), x);
  const out = empty(index.shape, { dtype: x.dtype, device: x.device, label: 'gather' });
  const sizes = {
    length: part.shape[axis] ?? 1,
    count: index.shape[axis] ?? 1,
    inner: sizeOf(index.shape.slice(axis + 1)),
  };
  x.device.run(shaders.gather, {
    bind: { index: index.view, x: part.view, out: out.view },
    params: { size: out.size, ...sizes },
    overrides: { LAST: sizes.inner === 1 },
    grid: Math.ceil(out.size / 64),
    label: 'gather',
  });
  record('gather', [part], [out], ([dOut]) => {
    const dX = empty(part.shape, { device: x.device, label: 'gather' });
    x.device.run(shaders.gather_backward, {
      bind: { index: index.view, d_out: dOut!.view, d_x: dX.view },
      params: { size: dX.size, ...sizes },
      grid: Math.ceil(dX.size / 64),
      label: 'gather',
    });
    return [dX];
  });
  return out;
}
