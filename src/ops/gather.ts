// Elements chosen along one axis, each by an index of its own.
import { record } from '../autograd/tape.ts';
import { ArgumentError } from '../errors.ts';
import { shaders } from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { formatShape, normalizeAxis, stridesOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { boxOf, checkRank, wholeBox } from './box.ts';
import { checkIndices } from './index-select.ts';

/**
 * `out[i] = x[i with i_dim = index[i]]`, of the shape of `index`, which has as many axes as `x` and, but for `dim`, is no
 * longer on any (`torch.gather`). Indices with host values are checked; one born on the GPU that is out of range gives NaN.
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  checkRank('gather', x.shape);
  if (index.rank !== x.rank)
    throw new ArgumentError({
      op: 'gather',
      argument: 'index',
      expected: `of ${x.rank} axes, as x ${formatShape(x.shape)}`,
      actual: formatShape(index.shape),
    });
  const axis = x.rank === 0 ? 0 : normalizeAxis('gather', dim, x.rank);
  if (index.shape.some((n, i) => i !== axis && n > x.shape[i]!))
    throw new ArgumentError({
      op: 'gather',
      argument: 'index',
      expected: `no longer than x ${formatShape(x.shape)} on any axis but ${axis}`,
      actual: formatShape(index.shape),
    });
  checkIndices('gather', 'index', index, x.shape[axis] ?? 1);
  const out = empty(index.shape, { dtype: x.dtype, device: x.device, label: 'gather' });
  const strides = stridesOf(x.shape);
  const { params, overrides } = boxOf('gather', index.shape, { s: without(strides, axis, 0) });
  x.device.run(shaders.gather, {
    bind: { index: index.view, x: x.view, out: out.view },
    params: {
      size: out.size,
      length: x.shape[axis] ?? 1,
      stride: strides[axis] ?? 1,
      ...params,
    },
    overrides,
    grid: Math.ceil(out.size / 64),
    label: 'gather',
  });
  record('gather', [x], [out], ([dOut]) => [gatherBackward(x, axis, index, dOut!)]);
  return out;
}

function gatherBackward(x: Tensor, axis: number, index: Tensor, dOut: Tensor): Tensor {
  const dX = empty(x.shape, { device: x.device, label: 'gather' });
  const strides = stridesOf(index.shape);
  const anywhere = 0xffffffff;
  const limits = { e: without(index.shape, axis, anywhere), t: without(strides, axis, 0) };
  const { params, overrides } = wholeBox(x.shape, limits, anywhere);
  x.device.run(shaders.gather_backward, {
    bind: { index: index.view, d_out: dOut.view, d_x: dX.view },
    params: {
      size: dX.size,
      x_length: x.shape[axis] ?? 1,
      x_stride: stridesOf(x.shape)[axis] ?? 1,
      count: index.shape[axis] ?? 1,
      stride: strides[axis] ?? 1,
      ...params,
    },
    overrides,
    grid: Math.ceil(dX.size / 64),
    label: 'gather',
  });
  return dX;
}

function without(dims: readonly number[], axis: number, replacement: number): number[] {
  return dims.map((n, i) => (i === axis ? replacement : n));
}
