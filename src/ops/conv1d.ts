// One-dimensional convolution, composed: shifted slices side by side, then one product.
import { checkNumber, refuse } from '../check.ts';
import { optionsOf } from '../options.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add } from './arithmetic.ts';
import { pad, reshape, slice, stack } from './layout.ts';
import { matmul } from './matmul.ts';

export interface Conv1dOptions {
  /** Step between places of the kernel; 1 by default. */
  stride?: number;
  /** Zeros before and after; 0 by default. */
  padding?: number;
  /** Distance between the kernel's elements; 1 by default. */
  dilation?: number;
  /** Parts of the channels that are convolved apart; 1 by default. */
  groups?: number;
}

/**
 * `x` `[N, C, L]` and `weight` `[K, C / groups, S]` → `[N, K, 1 + (L + 2 padding - dilation (S - 1) - 1) / stride]`, to which `bias` `[K]`
 * is added (`torch.nn.functional.conv1d`). f32 only.
 */
export function conv1d(x: Tensor, weight: Tensor, bias?: Tensor, options: Conv1dOptions = {}): Tensor {
  const op = 'conv1d';
  const { stride, padding, dilation, groups } = optionsOf(op, options, {
    stride: 1,
    padding: 0,
    dilation: 1,
    groups: 1,
  });
  for (const [name, value] of Object.entries({ stride, dilation, groups }))
    checkNumber(op, name, value, { integer: true, min: 1 });
  checkNumber(op, 'padding', padding, { integer: true, min: 0 });
  const [channels, size] = [x.shape[1] ?? 0, weight.shape[2] ?? 0];
  const [made, own] = weight.shape as [number, number];
  if (x.rank !== 3 || weight.rank !== 3 || own * groups !== channels || made % groups !== 0)
    refuse(
      op,
      'x and weight',
      `[N, C, L] and [K, C / groups, S] with C and K in ${groups} groups`,
      `${formatShape(x.shape)} and ${formatShape(weight.shape)}`,
    );
  const padded = padding === 0 ? x : pad(x, [padding, padding]);
  const reach = dilation * (size - 1) + 1;
  const length = Math.floor((padded.shape[2]! - reach) / stride) + 1;
  if (length < 1) refuse(op, 'x', `at least ${reach} long with its padding`, padded.shape[2]);
  // [N, C, S, length]: for each element of the kernel what it meets.
  const met = stack(
    Array.from({ length: size }, (_, s) => {
      const from = s * dilation;
      return slice(padded, 2, from, from + stride * (length - 1) + 1, stride);
    }),
    2,
  );
  const columns = reshape(met, [x.shape[0]!, groups, own * size, length]);
  const kernels = reshape(weight, [groups, made / groups, own * size]);
  const out = reshape(matmul(kernels, columns), [x.shape[0]!, made, length]);
  return bias ? add(out, reshape(bias, [made, 1])) : out;
}
