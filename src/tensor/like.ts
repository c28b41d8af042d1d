// Tensors like others, and ready-made ones: identity matrices, even steps, random numbers by PyTorch's names.
import { checkNumber } from '../check.ts';
import { type CreateOptions, full, getDevice, tensor } from './create.ts';
import { typedArray } from './dtype.ts';
import { defaultGenerator, type Generator, normal, uniform } from './random.ts';
import type { Shape } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** `value` in the shape, the dtype and on the device of `x`, unless the options say otherwise (`torch.full_like`). */
export const fullLike = (x: Tensor, value: number, options: CreateOptions = {}): Tensor =>
  full(x.shape, value, { dtype: x.dtype, device: x.device, ...options });
export const zerosLike = (x: Tensor, options: CreateOptions = {}): Tensor => fullLike(x, 0, options);
export const onesLike = (x: Tensor, options: CreateOptions = {}): Tensor => fullLike(x, 1, options);

/** `[n, m]` with ones on the diagonal (`torch.eye`). */
export function eye(n: number, m = n, options: CreateOptions = {}): Tensor {
  for (const [name, value] of Object.entries({ n, m })) checkNumber('eye', name, value, { integer: true, min: 0 });
  const ones = Float64Array.from({ length: n * m }, (_, at) => Number(Math.floor(at / m) === at % m));
  return tensor(typedArray(options.dtype ?? 'f32', ones), { ...options, shape: [n, m] });
}

/** `steps` numbers from `start` to `end`, both included, at even distances (`torch.linspace`). */
export function linspace(start: number, end: number, steps: number, options: CreateOptions = {}): Tensor {
  checkNumber('linspace', 'steps', steps, { integer: true, min: 0 });
  const step = steps > 1 ? (end - start) / (steps - 1) : 0;
  // From both ends, so that each is met exactly.
  const value = (i: number) => (i < steps / 2 ? start + step * i : end - step * (steps - 1 - i));
  return tensor(
    typedArray(
      options.dtype ?? 'f32',
      Float64Array.from({ length: steps }, (_, i) => value(i)),
    ),
    options,
  );
}

export interface RandomOptions {
  device?: CreateOptions['device'];
  requiresGrad?: boolean;
  /** Source of the random numbers; the default generator (`manualSeed`) otherwise. */
  generator?: Generator;
}

/** Uniform f32 numbers in [0, 1) (`torch.rand`). */
export const rand = (shape: Shape, options: RandomOptions = {}): Tensor =>
  withGrad(uniform(shape, 0, 1, options.generator ?? defaultGenerator(), options.device ?? getDevice()), options);
/** Normal f32 numbers (`torch.randn`). */
export const randn = (shape: Shape, options: RandomOptions = {}): Tensor =>
  withGrad(normal(shape, 0, 1, options.generator ?? defaultGenerator(), options.device ?? getDevice()), options);
export const randLike = (x: Tensor, options: RandomOptions = {}): Tensor =>
  rand(x.shape, { device: x.device, ...options });
export const randnLike = (x: Tensor, options: RandomOptions = {}): Tensor =>
  randn(x.shape, { device: x.device, ...options });

function withGrad(x: Tensor, { requiresGrad = false }: RandomOptions): Tensor {
  x.requiresGrad = requiresGrad;
  return x;
}
