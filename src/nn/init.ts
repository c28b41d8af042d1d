// Making parameters: where they come from, how they start, and shapes without data for counting.
import { refuse } from '../check.ts';
import type { Device } from '../gpu/device.ts';
import { assign, empty, full, getDevice } from '../tensor/create.ts';
import { type DType, typedArray } from '../tensor/dtype.ts';
import { defaultGenerator, type Generator, uniform } from '../tensor/random.ts';
import { keep } from '../tensor/scope.ts';
import type { Shape } from '../tensor/shape.ts';
import { sizeOf } from '../tensor/shape.ts';
import { Storage, Tensor } from '../tensor/tensor.ts';
import { markParameter } from './parameters.ts';

export interface InitOptions {
  /** Where the parameters live; the default device otherwise. `'meta'` makes shapes without data, to be counted only. */
  device?: Device | 'meta' | undefined;
  /** Source of the starting values; the default generator (`manualSeed`) otherwise. */
  generator?: Generator | undefined;
}

/** A parameter filled by `fill`, or a shape alone on the `'meta'` device. */
export function parameter(
  shape: Shape,
  { device, generator }: InitOptions,
  fill: (device: Device, generator: Generator) => Tensor,
): Tensor {
  const made =
    device === 'meta'
      ? new Tensor(new Storage(undefined, 4 * sizeOf(shape), 'meta'), shape, 'f32')
      : keep(fill(device ?? getDevice(), generator ?? defaultGenerator()));
  made.requiresGrad = true;
  markParameter(made);
  return made;
}

/** Uniform in ±`bound`. */
export function uniformParameter(shape: Shape, bound: number, options: InitOptions): Tensor {
  return parameter(shape, options, (device, generator) => uniform(shape, -bound, bound, generator, device));
}

export function constantParameter(shape: Shape, value: number, options: InitOptions): Tensor {
  return parameter(shape, options, (device) => full(shape, value, { device }));
}

/** A tensor of one value that a module keeps beside its parameters. */
export function buffer(shape: Shape, value: number, dtype: DType, device: InitOptions['device']): Tensor {
  if (device === 'meta') return new Tensor(new Storage(undefined, 4 * sizeOf(shape), 'meta'), shape, dtype);
  const to = device ?? getDevice();
  if (dtype === 'f32') return keep(full(shape, value, { device: to }));
  // Without values on the host, for steps change it on the device.
  const made = keep(empty(shape, { dtype, device: to, label: 'buffer' }));
  assign(made, typedArray(dtype, new Array<number>(sizeOf(shape)).fill(value)));
  return made;
}

/** Inputs and outputs of one unit of a weight `[out, in, …]` (`torch.nn.init._calculate_fan_in_and_fan_out`). */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) refuse('init', 'weight', 'of at least two axes', `[${shape.join(', ')}]`);
  const field = sizeOf(shape.slice(2));
  return { fanIn: shape[1]! * field, fanOut: shape[0]! * field };
}

/** Bound of Glorot and Bengio's uniform start (`torch.nn.init.xavier_uniform_`). */
export function xavierUniformBound(shape: Shape, gain = 1): number {
  const { fanIn, fanOut } = fans(shape);
  return gain * Math.sqrt(6 / (fanIn + fanOut));
}

/** Bound of He et al.'s uniform start, by fan-in (`torch.nn.init.kaiming_uniform_`); `a` is the leaky slope. */
export function kaimingUniformBound(shape: Shape, a = 0): number {
  return Math.sqrt(6 / ((1 + a * a) * fans(shape).fanIn));
}
