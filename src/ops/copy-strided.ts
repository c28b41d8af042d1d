// Copying boxes of elements by strides: what every op that moves elements about is made of. No autograd.
import * as shaders from '../gpu/shaders.gen.ts';
import { wholeVec4s } from '../gpu/strips.ts';
import { empty } from '../tensor/create.ts';
import { typedArray } from '../tensor/dtype.ts';
import { broadcastStrides, type Shape, sizeOf, stridesOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Box, boxOf } from './box.ts';

export interface StridedCopy {
  /** The box of indices that is copied. */
  shape: Shape;
  source: Tensor;
  sourceStrides: readonly number[];
  sourceOffset?: number;
  target: Tensor;
  targetStrides: readonly number[];
  targetOffset?: number;
}

/** `target[targetOffset + i·targetStrides] = source[sourceOffset + i·sourceStrides]` for every index of the box; no autograd. */
export function copyStrided(label: string, copy: StridedCopy): void {
  const { shape, source, target, sourceOffset = 0, targetOffset = 0 } = copy;
  const size = sizeOf(shape);
  if (size === 0) return;
  const box = boxOf(shape, { s: copy.sourceStrides, t: copy.targetStrides });
  if (!box) {
    copyByParts(label, copy);
    return;
  }
  const blocks = transposedBlocks(box, copy);
  if (blocks) {
    source.device.run(shaders.transpose, {
      bind: { x: wholeVec4s(source.view), out: wholeVec4s(target.view) },
      params: blocks,
      grid: Math.ceil(blocks.rows / 16) * Math.ceil(blocks.columns / 4) * blocks.batch,
      label,
      bytes: 8 * size,
    });
    return;
  }
  source.device.run(shaders.copy_strided, {
    bind: { x: source.view, out: target.view },
    params: { size, base_x: sourceOffset, base_out: targetOffset, ...box.params },
    overrides: box.overrides,
    grid: Math.ceil(size / 64),
    label,
    bytes: 8 * size,
  });
}

/** A copy of more axes than a kernel walks, one for each index along the shortest of them. */
function copyByParts(label: string, copy: StridedCopy): void {
  const { shape, sourceOffset = 0, targetOffset = 0 } = copy;
  const axis = shape.indexOf(Math.min(...shape.filter((n) => n > 1)));
  const [sourceStrides, targetStrides] = [copy.sourceStrides, copy.targetStrides].map((s) => s.toSpliced(axis, 1));
  for (let i = 0; i < shape[axis]!; i++)
    copyStrided(label, {
      ...copy,
      shape: shape.toSpliced(axis, 1),
      sourceStrides: sourceStrides!,
      sourceOffset: sourceOffset + i * copy.sourceStrides[axis]!,
      targetStrides: targetStrides!,
      targetOffset: targetOffset + i * copy.targetStrides[axis]!,
    });
}

/** `x` as a whole of `shape`, which it broadcasts to; a copy, without autograd. */
export function repeated(label: string, x: Tensor, shape: Shape): Tensor {
  const out = empty(shape, { dtype: x.dtype, device: x.device, label });
  copyStrided(label, {
    shape,
    source: x,
    sourceStrides: broadcastStrides(x.shape, shape),
    target: out,
    targetStrides: stridesOf(shape),
  });
  return out;
}

/** How the transpose kernel would make the copy; undefined where it is no transposition of matrices in whole blocks of 4 by 4. */
function transposedBlocks({ shape, strides: { s, t } }: Box<'s' | 't'>, copy: StridedCopy) {
  const { source, target, sourceOffset = 0, targetOffset = 0 } = copy;
  const column = s.indexOf(1); // the axis along which x is contiguous
  const row = t.indexOf(1); // and out
  if (column < 0 || row < 0 || column === row || shape.length > 3) return undefined;
  const batch = [0, 1, 2].find((axis) => axis !== row && axis !== column)!;
  const elements = {
    rows: shape[row]!,
    columns: shape[column]!,
    x_base: sourceOffset,
    x_batch: s[batch] ?? 0,
    x_row: s[row]!,
    out_base: targetOffset,
    out_batch: t[batch] ?? 0,
    out_row: t[column]!,
  };
  const all = [...Object.values(elements), source.view.offset / 4, target.view.offset / 4];
  if (all.some((n) => n % 4 !== 0)) return undefined;
  const vec4s = Object.fromEntries(Object.entries(elements).map(([name, n]) => [name, n / 4]));
  return { ...(vec4s as typeof elements), batch: shape[batch] ?? 1 };
}

/** An uninitialised result whose elements are those of `sources`, moved; it has host values if all of them do. */
export function moved(label: string, shape: Shape, sources: readonly Tensor[]): Tensor {
  const { dtype, device } = sources[0]!;
  const host = sources.every((t) => t.host) ? typedArray(dtype, new Float64Array(sizeOf(shape))) : undefined;
  return empty(shape, { dtype, device, label, host });
}

/** `copyStrided` from and to tensors that `moved` made, of their host values too. */
export function move(label: string, copy: StridedCopy): void {
  copyStrided(label, copy);
  const [from, to] = [copy.source.host, copy.target.host];
  if (!from || !to) return;
  const walk = (axis: number, source: number, target: number): void => {
    if (axis === copy.shape.length) {
      to[target] = from[source]!;
      return;
    }
    for (let i = 0; i < copy.shape[axis]!; i++)
      walk(axis + 1, source + i * copy.sourceStrides[axis]!, target + i * copy.targetStrides[axis]!);
  };
  copy.source.device.hostWork(() => walk(0, copy.sourceOffset ?? 0, copy.targetOffset ?? 0));
}
