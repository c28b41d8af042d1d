// The largest and the smallest value with their places.
import { optionsOf } from '../options.ts';
import { normalizeAxis } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { argmax, argmin } from './argmax.ts';
import { maximum, minimum } from './arithmetic.ts';
import { gather } from './gather.ts';
import { squeeze } from './layout.ts';
import { amax, amin, type ReduceOptions } from './reduce.ts';

/** Values along an axis, and their places on it as i32. */
export interface ValuesAndIndices {
  values: Tensor;
  indices: Tensor;
}

/**
 * The largest element of all; or along `dim` with its index, the lowest of several, to which alone the gradient goes; or the larger
 * of two tensors (`torch.max`).
 */
export function max(x: Tensor): Tensor;
export function max(x: Tensor, other: Tensor): Tensor;
export function max(x: Tensor, dim: number, options?: ReduceOptions): ValuesAndIndices;
export function max(x: Tensor, dim?: number | Tensor, options: ReduceOptions = {}): Tensor | ValuesAndIndices {
  if (dim === undefined) return amax(x);
  return dim instanceof Tensor ? maximum(x, dim) : found('max', argmax, x, dim, options);
}

/** As `max`, of the smallest (`torch.min`). */
export function min(x: Tensor): Tensor;
export function min(x: Tensor, other: Tensor): Tensor;
export function min(x: Tensor, dim: number, options?: ReduceOptions): ValuesAndIndices;
export function min(x: Tensor, dim?: number | Tensor, options: ReduceOptions = {}): Tensor | ValuesAndIndices {
  if (dim === undefined) return amin(x);
  return dim instanceof Tensor ? minimum(x, dim) : found('min', argmin, x, dim, options);
}

function found(op: string, arg: typeof argmax, x: Tensor, dim: number, options: ReduceOptions): ValuesAndIndices {
  const { keepDim } = optionsOf(op, options, { keepDim: false });
  const indices = arg(x, normalizeAxis(op, dim, x.rank), { keepDim: true });
  const values = gather(x, dim, indices);
  return keepDim ? { values, indices } : { values: squeeze(values, dim), indices: squeeze(indices, dim) };
}
