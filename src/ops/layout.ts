// Moving elements about: reshape, transpose, permute, slice, concat, stack, split, pad. All are copies but reshape.
// Integer tensors with host values keep them through every one of these.
import { record } from '../autograd/tape.ts';
import { checkNumber, refuse } from '../check.ts';
import { empty } from '../tensor/create.ts';
import {
  checkHasAxes,
  formatShape,
  inferShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { copyStrided, move, moved } from './copy-strided.ts';

/** The same elements under another shape; one axis may be -1 (`torch.reshape`). Shares the storage. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const out = new Tensor(x.storage, inferShape('reshape', shape, x.size), x.dtype, { offset: x.offset, host: x.host });
  record('reshape', [x], [out], ([dOut]) => [dOut!.viewAs(x.shape)]);
  return out;
}

/** Merges the axes `startDim..endDim` into one (`torch.flatten`). */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  if (x.rank === 0) return reshape(x, [1]);
  const start = normalizeAxis('flatten', startDim, x.rank, 'startDim');
  const end = normalizeAxis('flatten', endDim, x.rank, 'endDim');
  if (start > end) refuse('flatten', 'startDim', `at most endDim = ${end}`, start);
  return reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
}

/** A new axis of length 1 before `dim` (`torch.unsqueeze`). */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  const at = normalizeAxis('unsqueeze', dim, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Without the axis `dim` if its length is 1, or without all such axes (`torch.squeeze`). */
export function squeeze(x: Tensor, dim?: number): Tensor {
  if (dim === undefined)
    return reshape(
      x,
      x.shape.filter((n) => n !== 1),
    );
  const at = normalizeAxis('squeeze', dim, x.rank);
  return x.shape[at] === 1
    ? reshape(
        x,
        x.shape.filter((_, i) => i !== at),
      )
    : x;
}

/** Axes in another order: `out.shape[i] = x.shape[dims[i]]` (`torch.permute`). */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  const order = dims.map((d) => normalizeAxis('permute', d, x.rank, 'dims'));
  if (new Set(order).size !== x.rank || order.length !== x.rank)
    refuse('permute', 'dims', `a permutation of ${x.rank} axes`, formatShape(dims));
  const shape = order.map((axis) => x.shape[axis]!);
  const out = moved('permute', shape, [x]);
  const strides = stridesOf(x.shape);
  move('permute', {
    shape,
    source: x,
    sourceStrides: order.map((axis) => strides[axis]!),
    target: out,
    targetStrides: stridesOf(shape),
  });
  record('permute', [x], [out], ([dOut]) => {
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return [permute(dOut!, inverse)];
  });
  return out;
}

/** `x` with two axes exchanged (`torch.transpose`). */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  const a = normalizeAxis('transpose', dim0, x.rank, 'dim0');
  const b = normalizeAxis('transpose', dim1, x.rank, 'dim1');
  const order = x.shape.map((_, i) => (i === a ? b : i === b ? a : i));
  return permute(x, order);
}

/** Elements `start..end` (exclusive) of axis `dim`, every `stride`-th (`x[:, start:end:stride]`). Negative bounds count from the back. */
export function slice(
  x: Tensor,
  dim: number,
  start: number,
  end: number = x.shape[dim < 0 ? dim + x.rank : dim] ?? 0,
  stride = 1,
): Tensor {
  checkHasAxes('slice', x.shape);
  const axis = normalizeAxis('slice', dim, x.rank);
  const length = x.shape[axis]!;
  if (!Number.isInteger(start) || !Number.isInteger(end))
    refuse('slice', 'start and end', 'whole numbers', `${start} and ${end}`);
  const from = Math.min(length, Math.max(0, start < 0 ? start + length : start));
  const to = Math.min(length, Math.max(from, end < 0 ? end + length : end));
  if (!Number.isInteger(stride) || stride < 1) refuse('slice', 'stride', 'a whole number >= 1', stride);
  const shape = x.shape.map((n, i) => (i === axis ? Math.ceil((to - from) / stride) : n));
  const strides = stridesOf(x.shape);
  const out = moved('slice', shape, [x]);
  const box = {
    shape,
    sourceStrides: strides.map((s, i) => (i === axis ? s * stride : s)),
    sourceOffset: from * strides[axis]!,
  };
  move('slice', { ...box, source: x, target: out, targetStrides: stridesOf(shape) });
  record('slice', [x], [out], ([dOut]) => {
    const dX = empty(x.shape, { device: x.device, label: 'slice' });
    x.device.clear(dX.view);
    copyStrided('slice', {
      shape,
      source: dOut!,
      sourceStrides: stridesOf(shape),
      target: dX,
      targetStrides: box.sourceStrides,
      targetOffset: box.sourceOffset,
    });
    return [dX];
  });
  return out;
}

/** `length` elements of axis `dim` from `start` on, `start` counted from the back where negative (`torch.narrow`). */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  checkHasAxes('narrow', x.shape);
  const axis = normalizeAxis('narrow', dim, x.rank);
  const available = x.shape[axis]!;
  const from = start < 0 ? start + available : start;
  const whole = Number.isInteger(start) && Number.isInteger(length);
  if (!whole || from < 0 || length < 0 || from + length > available)
    refuse(
      'narrow',
      'start and length',
      `whole numbers that stay within the ${available} elements of axis ${axis}`,
      `${start} and ${length}`,
    );
  return slice(x, axis, from, from + length);
}

/** Tensors one after the other along an existing axis (`torch.cat`). */
export function concat(tensors: readonly Tensor[], dim = 0): Tensor {
  const first = tensors[0];
  if (!first) refuse('concat', 'tensors', 'at least one tensor', 'none');
  checkHasAxes('concat', first.shape, 'tensors');
  const axis = normalizeAxis('concat', dim, first.rank);
  for (const t of tensors)
    if (
      t.dtype !== first.dtype ||
      t.rank !== first.rank ||
      !sameShape(t.shape.with(axis, 0), first.shape.with(axis, 0))
    )
      refuse(
        'concat',
        'tensors',
        `of one dtype and of shapes that agree but for axis ${axis}`,
        tensors.map((x) => `${x.dtype}${formatShape(x.shape)}`).join(', '),
      );
  const total = tensors.reduce((sum, t) => sum + t.shape[axis]!, 0);
  const shape = first.shape.with(axis, total);
  const strides = stridesOf(shape);
  const out = moved('concat', shape, tensors);
  const starts: number[] = [];
  let at = 0;
  for (const t of tensors) {
    move('concat', {
      shape: t.shape,
      source: t,
      sourceStrides: stridesOf(t.shape),
      target: out,
      targetStrides: strides,
      targetOffset: at * strides[axis]!,
    });
    starts.push(at);
    at += t.shape[axis]!;
  }
  record('concat', tensors, [out], ([dOut], needs) =>
    tensors.map((t, i) => (needs[i] ? slice(dOut!, axis, starts[i]!, starts[i]! + t.shape[axis]!) : undefined)),
  );
  return out;
}

/** Tensors of one shape along a new axis (`torch.stack`). */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const first = tensors[0];
  if (!first || tensors.some((t) => t.dtype !== first.dtype || !sameShape(t.shape, first.shape)))
    refuse(
      'stack',
      'tensors',
      'at least one tensor, and all of one dtype and shape',
      tensors.map((t) => `${t.dtype}${formatShape(t.shape)}`).join(', ') || 'none',
    );
  const axis = normalizeAxis('stack', dim, first.rank + 1);
  return concat(
    tensors.map((t) => unsqueeze(t, axis)),
    axis,
  );
}

/** Pieces of `sizes` along axis `dim`; one number means pieces of that size, the last one shorter (`torch.split`). */
export function split(x: Tensor, sizes: number | readonly number[], dim = 0): Tensor[] {
  checkHasAxes('split', x.shape);
  const axis = normalizeAxis('split', dim, x.rank);
  const length = x.shape[axis]!;
  const each = typeof sizes === 'number' ? sizes : 1;
  if (!Number.isInteger(each) || each < 0 || (each === 0 && length > 0))
    refuse('split', 'sizes', 'a whole number >= 1', sizes);
  // An axis of length 0 is one empty piece, as in PyTorch.
  const count = length === 0 ? 1 : Math.ceil(length / each);
  const list =
    typeof sizes === 'number' ? Array.from({ length: count }, (_, i) => Math.min(sizes, length - i * sizes)) : sizes;
  const total = list.reduce((sum, n) => sum + n, 0);
  if (total !== length || list.some((n) => !Number.isInteger(n) || n < 0))
    refuse('split', 'sizes', `whole numbers that add up to ${length}`, formatShape(list));
  let at = 0;
  return list.map((n) => {
    at += n;
    return slice(x, axis, at - n, at);
  });
}

/** At most `chunks` pieces of one size along axis `dim`, the last one shorter (`torch.chunk`). */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  checkHasAxes('chunk', x.shape);
  checkNumber('chunk', 'chunks', chunks, { integer: true, min: 1 });
  return split(x, Math.max(1, Math.ceil(x.shape[normalizeAxis('chunk', dim, x.rank)]! / chunks)), dim);
}

/** Zeros before and after each axis, `padding` as `[before, after]` pairs from the last axis backwards (`torch.nn.functional.pad`). */
export function pad(x: Tensor, padding: readonly number[]): Tensor {
  if (padding.length % 2 !== 0 || padding.length / 2 > x.rank || padding.some((n) => !Number.isInteger(n) || n < 0))
    refuse('pad', 'padding', `up to ${x.rank} pairs of whole numbers >= 0`, formatShape(padding));
  const before = x.shape.map((_, axis) => padding[2 * (x.rank - 1 - axis)] ?? 0);
  const shape = x.shape.map((n, axis) => n + before[axis]! + (padding[2 * (x.rank - 1 - axis) + 1] ?? 0));
  const strides = stridesOf(shape);
  const offset = before.reduce((sum, n, axis) => sum + n * strides[axis]!, 0);
  const out = moved('pad', shape, [x]);
  x.device.clear(out.view);
  move('pad', {
    shape: x.shape,
    source: x,
    sourceStrides: stridesOf(x.shape),
    target: out,
    targetStrides: strides,
    targetOffset: offset,
  });
  record('pad', [x], [out], ([dOut]) => {
    const dX = empty(x.shape, { device: x.device, label: 'pad' });
    copyStrided('pad', {
      shape: x.shape,
      source: dOut!,
      sourceStrides: strides,
      sourceOffset: offset,
      target: dX,
      targetStrides: stridesOf(x.shape),
    });
    return [dX];
  });
  return out;
}
