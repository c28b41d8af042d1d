// Copying boxes of elements by strides: what every op that moves elements about is made of. No autograd.
import { shaders } from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { typedArray } from '../tensor/dtype.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { boxOf, checkRank } from './box.ts';

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
export function copyStrided(label: string, { shape, source, target, ...copy }: StridedCopy): void {
  const size = sizeOf(shape);
  if (size === 0) return;
  const { params, overrides } = boxOf(label, shape, { s: copy.sourceStrides, t: copy.targetStrides });
  source.device.run(shaders.copy_strided, {
    bind: { x: source.view, out: target.view },
    params: { size, base_x: copy.sourceOffset ?? 0, base_out: copy.targetOffset ?? 0, ...params },
    overrides,
    grid: Math.ceil(size / 64),
    label,
    bytes: 8 * size,
  });
}

/** An uninitialised result whose elements are those of `sources`, moved; it has host values if all of them do. */
export function moved(label: string, shape: Shape, sources: readonly Tensor[]): Tensor {
  checkRank(label, shape);
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
