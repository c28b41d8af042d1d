// Reductions over axes, and their transpose, broadcasting.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import type { BufferView } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { optionsOf } from '../options.ts';
import { empty, full } from '../tensor/create.ts';
import { BYTES_PER_ELEMENT } from '../tensor/dtype.ts';
import { formatShape, normalizeAxes, type Shape, sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { repeated } from './copy-strided.ts';
import { binary, runFlat, unary } from './pointwise.ts';
import { operandAs } from './promotion.ts';
import { affine, div } from './rows.ts';

const SUM = 0;
const MAX = 1;
const MIN = 2;
/** Sums longer than this are cut into slabs: it bounds both rounding and the idle time of a lone invocation. */
export const LONGEST_SUM = 256;

/** The axes an op goes over; all of them where there are none given, and where the list is empty, as in PyTorch. */
export type Dims = number | readonly number[] | undefined;

export interface ReduceOptions {
  /** Whether the reduced axes stay, with length 1. */
  keepDim?: boolean;
}

/** Sum over `dim` (`torch.sum`); of integers in their own dtype, modulo 2^32. */
export function sum(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return scaledSum('sum', x, dim, options, () => 1);
}

/** Mean over `dim` (`torch.mean`), in f32; of nothing NaN. Of integers and masks too: of a comparison the share where it holds. */
export function mean(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return scaledSum('mean', operandAs(x, 'f32', x), dim, options, (count) => 1 / count);
}

/** Largest value over `dim` (`torch.amax`: where several are largest the gradient is shared equally among them). */
export function amax(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return extremum('amax', x, dim, options, MAX);
}

/** Smallest value over `dim` (`torch.amin`). */
export function amin(x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor {
  return extremum('amin', x, dim, options, MIN);
}

/** `x` repeated to `shape` by NumPy's rule (`torch.broadcast_to`), as a copy. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = shape.length - x.rank;
  if (lead < 0 || x.shape.some((n, i) => n !== 1 && n !== shape[i + lead]))
    refuse('broadcastTo', 'shape', `one that ${formatShape(x.shape)} broadcasts to`, formatShape(shape));
  const out = repeated('broadcastTo', x, shape);
  record('broadcastTo', [x], [out], ([dOut]) => [sumTo(dOut!, x.shape)]);
  return out;
}

/** Sums the axes along which `shape` was repeated, the transpose of `broadcastTo`; no autograd of its own. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const axes = x.shape.map((_, i) => i).filter((i) => i < lead || (shape[i - lead] === 1 && x.shape[i] !== 1));
  return reduceAxes('sumTo', x, axes, SUM, 1).viewAs(shape);
}

function scaledSum(
  op: string,
  x: Tensor,
  dim: Dims,
  options: ReduceOptions,
  scaleOf: (count: number) => number,
): Tensor {
  const { axes, kept, shape } = reducedShape(op, x, dim, options);
  const scale = scaleOf(sizeOf(axes.map((axis) => x.shape[axis]!)));
  // 0 · 1 / 0: the mean of nothing.
  const out =
    scale === Number.POSITIVE_INFINITY
      ? full(shape, Number.NaN, { device: x.device })
      : reduceAxes(op, x, axes, SUM, scale).viewAs(shape);
  record(op, [x], [out], ([dOut]) => {
    const d = repeated(op, dOut!.viewAs(kept), x.shape);
    return [scale === 1 ? d : unary(affine, d, scale, 0, op)];
  });
  return out;
}

function extremum(op: string, x: Tensor, dim: Dims, options: ReduceOptions, kind: number): Tensor {
  const { axes, kept, shape } = reducedShape(op, x, dim, options);
  if (axes.some((axis) => x.shape[axis] === 0)) refuse(op, 'x', 'at least one element along dim', formatShape(x.shape));
  const out = reduceAxes(op, x, axes, kind, 1).viewAs(shape);
  record(op, [x], [out], ([dOut]) => {
    const d = repeated(op, dOut!.viewAs(kept), x.shape);
    const best = repeated(op, out.viewAs(kept), x.shape);
    const ties = elementMask(op, x, best, full(x.shape, 1, { device: x.device }));
    const share = repeated(op, reduceAxes(op, ties, axes, SUM, 1).viewAs(kept), x.shape);
    return [binary(div, elementMask(op, x, best, d), share, op)];
  });
  return out;
}

/** The axes in order, and the shape of the result with them as 1 and as asked for. */
export function reducedShape(op: string, x: Tensor, dim: Dims, options: ReduceOptions) {
  const { keepDim } = optionsOf(op, options, { keepDim: false });
  const axes = normalizeAxes(op, dim, x.rank);
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
  return { axes, kept, shape: keepDim ? kept : kept.filter((_, i) => !axes.includes(i)) };
}

/** Reduces runs of neighbouring axes, last run first; the result has length 1 where axes were reduced. */
function reduceAxes(label: string, x: Tensor, axes: readonly number[], kind: number, scale: number): Tensor {
  let result = x;
  const left = [...axes];
  let factor = scale;
  while (left.length > 0) {
    const last = left.pop()!;
    let first = last;
    while (left.at(-1) === first - 1) first = left.pop()!;
    const outer = sizeOf(result.shape.slice(0, first));
    const length = sizeOf(result.shape.slice(first, last + 1));
    const inner = sizeOf(result.shape.slice(last + 1));
    const shape = result.shape.map((n, i) => (i >= first && i <= last ? 1 : n));
    result = reduceRun(label, result, outer, length, inner, kind, factor).viewAs(shape);
    factor = 1;
  }
  return result === x ? x.viewAs(x.shape) : result;
}

function reduceRun(
  label: string,
  x: Tensor,
  outer: number,
  length: number,
  inner: number,
  kind: number,
  scale: number,
): Tensor {
  const { device } = x;
  const { dtype } = x;
  if (outer * inner === 0 || length === 0) return full([outer, 1, inner], 0, { dtype, device });
  const slabs = length > LONGEST_SUM ? Math.ceil(Math.sqrt(length)) : 1;
  const slabSize = Math.ceil(length / slabs);
  const used = Math.ceil(length / slabSize);
  const out = empty([outer, used, inner], { dtype, device, label });
  for (const window of slabWindows(x, outer, used, slabSize, length, inner)) {
    const rows = window.outer * window.slabs * inner;
    device.run(shaders.reduce[dtype], {
      bind: { x: part(x, window.begin, window.size), out: part(out, window.out, rows) },
      params: {
        outer: window.outer,
        length: window.length,
        inner,
        slabs: window.slabs,
        slab_size: slabSize,
        scale: used === 1 ? scale : 1,
      },
      overrides: { OP: kind },
      grid: Math.ceil(rows / 64),
      label,
    });
  }
  if (used === 1) return out;
  const total = reduceRun(label, out, outer, used, inner, kind, scale);
  out.dispose();
  return total;
}

/** Elements `begin` to `begin + size` of a tensor as a kernel binds them. */
function part(x: Tensor, begin: number, size: number): BufferView {
  return { ...x.view, offset: x.view.offset + begin * BYTES_PER_ELEMENT, bytes: size * BYTES_PER_ELEMENT };
}

/**
 * What one binding can hold of `x` `[outer, length, inner]` at a time: whole rows of `outer`, or of a single one whole slabs.
 * The slabs are those of the undivided tensor, and so are the bits. Windows start at multiples of 64 elements, where bindings may;
 * where that leaves none that fits, the tensor is bound whole, for the device to refuse.
 */
function slabWindows(x: Tensor, outer: number, slabs: number, slabSize: number, length: number, inner: number) {
  const whole = { begin: 0, size: x.size, out: 0, outer, slabs, length };
  const limit = Math.floor(x.device.maxBindingBytes / BYTES_PER_ELEMENT);
  const [unit, units, made] = outer > 1 ? [length * inner, outer, slabs * inner] : [slabSize * inner, slabs, inner];
  let step = 1;
  while ((step * unit) % 64 !== 0 || (step * made) % 64 !== 0) step *= 2;
  const fit = Math.floor(limit / (step * unit)) * step;
  if (x.size <= limit || fit === 0) return [whole];
  return Array.from({ length: Math.ceil(units / fit) }, (_, n) => {
    const begin = n * fit * unit;
    const size = Math.min(fit * unit, x.size - begin);
    const count = Math.min(fit, units - n * fit);
    return outer > 1
      ? { begin, size, out: n * fit * slabs * inner, outer: count, slabs, length }
      : { begin, size, out: n * fit * inner, outer: 1, slabs: count, length: size / inner };
  });
}

/** `d` where `x` equals `best`, else 0. */
function elementMask(label: string, x: Tensor, best: Tensor, d: Tensor): Tensor {
  const out = empty(x.shape, { device: x.device, label });
  runFlat(label, shaders.select_equal, { x, y: best, values: d, out }, {}, {});
  return out;
}
