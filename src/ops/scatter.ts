// Elements put, or added, where an index along one axis says: the transposes of gather and indexSelect.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { optionsOf } from '../options.ts';
import { empty, full } from '../tensor/create.ts';
import { formatShape, normalizeAxis, sameShape, sizeOf } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { add, lt, mul, sub } from './arithmetic.ts';
import { cast } from './elementwise.ts';
import { gather } from './gather.ts';
import { checkIndices, indexSelect, rowAdder } from './index-select.ts';
import { narrow, pad } from './layout.ts';
import { binary, unary } from './pointwise.ts';
import * as rows from './rows.ts';
import { where } from './where.ts';

/**
 * `x` with `src` where `index` says: `out[i with i_dim = index[i]] = src[i]` (`torch.scatter`). `index` has as many axes as `x`, is no
 * longer than `src` on any and than `x` on any but `dim`; `src` may be a number. Of several elements for one place the last stands.
 * Indices with host values are checked; one born on the GPU that is out of range is left out.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, src: Tensor | number): Tensor {
  const { places, values, sizes } = prepared('scatter', x, dim, index, src);
  const put = (into: Tensor, from: Tensor) => {
    const out = empty(x.shape, { dtype: x.dtype, device: x.device, label: 'scatter' });
    if (out.size > 0)
      x.device.run(shaders.scatter, {
        bind: { index: places.view, src: from.view, x: into.view, out: out.view },
        params: { size: out.size, ...sizes },
        grid: Math.ceil(out.size / 64),
        label: 'scatter',
      });
    return out;
  };
  const out = put(x, values);
  record('scatter', [x, values], [out], ([dOut], needs) => [
    needs[0] ? put(dOut!, full(places.shape, 0, { device: x.device })) : undefined,
    needs[1] ? taken(dOut!, dim, places) : undefined,
  ]);
  return out;
}

/** `x` with `src` added where `index` says (`torch.scatter_add`), as for `scatter`; f32 only. */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  if (x.dtype !== 'f32') refuse('scatterAdd', 'x', 'f32', x.dtype);
  const { places, values, sizes } = prepared('scatterAdd', x, dim, index, src);
  const sums = empty(x.shape, { device: x.device, label: 'scatterAdd' });
  if (sums.size > 0)
    x.device.run(shaders.gather_backward, {
      bind: { index: places.view, d_out: values.view, d_x: sums.view },
      params: { size: sums.size, ...sizes },
      grid: Math.ceil(sums.size / 64),
      label: 'scatterAdd',
    });
  const out = binary(rows.add, x, sums, 'scatterAdd');
  record('scatterAdd', [x, values], [out], ([dOut], needs) => [dOut, needs[1] ? taken(dOut!, dim, places) : undefined]);
  return out;
}

/** The gradient of what was put or added: of an index that named no place 0. */
function taken(dOut: Tensor, dim: number, places: Tensor): Tensor {
  const inside = lt(cast(places, 'u32'), dOut.shape[normalizeAxis('scatter', dim, dOut.rank)] ?? 1);
  return where(inside, gather(dOut, dim, places), 0);
}

/** Checks arguments; index and source reach as far as `x` on every axis but `dim`, with places that name none. */
function prepared(op: string, x: Tensor, dim: number, index: Tensor, src: Tensor | number) {
  const axis = normalizeAxis(op, dim, x.rank);
  const source = src instanceof Tensor ? src : full(index.shape, src, { dtype: x.dtype, device: x.device });
  const fits = (n: number, i: number) => n <= source.shape[i]! && (i === axis || n <= x.shape[i]!);
  if (index.rank !== x.rank || source.rank !== x.rank || !index.shape.every(fits) || source.dtype !== x.dtype)
    refuse(
      op,
      'index and src',
      `of ${x.rank} axes and src of ${x.dtype}, index no longer than src on any, and than x ${formatShape(x.shape)} on any but ${axis}`,
      `${formatShape(index.shape)} and ${source.dtype}${formatShape(source.shape)}`,
    );
  checkIndices(op, 'index', index, x.shape[axis] ?? 1);
  let places = index;
  let values = index.shape.reduce((t, n, i) => (n === t.shape[i] ? t : narrow(t, i, 0, n)), source);
  const short = x.shape.map((n, i) => (i === axis ? 0 : n - index.shape[i]!));
  if (short.some((n) => n > 0)) {
    const padding = short.toReversed().flatMap((n) => [0, n]);
    places = sub(pad(add(cast(index, 'i32'), 1), padding), 1);
    values = pad(values, padding);
  }
  const sizes = {
    length: x.shape[axis] ?? 1,
    count: index.shape[axis] ?? 1,
    inner: sizeOf(x.shape.slice(axis + 1)),
  };
  return { places, values, sizes };
}

/**
 * `x` with `alpha · source` added to the slices of `dim` that the `index` of one axis names, one for each of `source`'s
 * (`torch.index_add`). f32 only.
 */
export function indexAdd(
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  options: { alpha?: number } = {},
): Tensor {
  const op = 'indexAdd';
  const { alpha } = optionsOf(op, options, { alpha: 1 });
  const axis = normalizeAxis(op, dim, x.rank);
  const shape = x.shape.with(axis, index.size);
  if (index.rank !== 1 || x.rank === 0 || !sameShape(source.shape, shape))
    refuse(
      op,
      'index and source',
      `of [n], and of x's shape ${formatShape(x.shape)} with n on axis ${axis}`,
      `${formatShape(index.shape)} and ${formatShape(source.shape)}`,
    );
  for (const [argument, { dtype }] of Object.entries({ x, source }))
    if (dtype !== 'f32') refuse(op, argument, 'f32', dtype);
  const [outer, length, inner] = [sizeOf(x.shape.slice(0, axis)), x.shape[axis]!, sizeOf(x.shape.slice(axis + 1))];
  checkIndices(op, 'index', index, length);
  const sums = full(x.shape, 0, { device: x.device });
  const summed = rowAdder(op, index, { length, bytes: source.bytes });
  summed(source.viewAs([outer, index.size, inner]), sums.viewAs([outer, length, inner]));
  const out = binary(rows.add, x, alpha === 1 ? sums : unary(rows.affine, sums, alpha, 0, op), op);
  record(op, [x, source], [out], ([dOut], needs) => [
    dOut,
    needs[1] ? mul(indexSelect(dOut!, axis, index), alpha) : undefined,
  ]);
  return out;
}
