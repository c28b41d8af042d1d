// Filling tensors in place by PyTorch's names (`torch.nn.init`); each returns its tensor.
import { checkNumber, checkWord } from '../check.ts';
import { optionsOf } from '../options.ts';
import { assign, full } from '../tensor/create.ts';
import { defaultGenerator, type Generator, normal, uniform } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { fans } from './init.ts';

export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

function filled(tensor: Tensor, values: Tensor): Tensor {
  assign(tensor, values);
  values.dispose();
  return tensor;
}

/** Uniform from `low` to `high`. */
export const uniform_ = (tensor: Tensor, low = 0, high = 1, generator: Generator = defaultGenerator()): Tensor =>
  filled(tensor, uniform(tensor.shape, low, high, generator, tensor.device));
/** Normal. */
export const normal_ = (tensor: Tensor, mean = 0, std = 1, generator: Generator = defaultGenerator()): Tensor =>
  filled(tensor, normal(tensor.shape, mean, std, generator, tensor.device));
export const constant_ = (tensor: Tensor, value: number): Tensor =>
  filled(tensor, full(tensor.shape, value, { device: tensor.device, dtype: tensor.dtype }));
export const zeros_ = (tensor: Tensor): Tensor => constant_(tensor, 0);
export const ones_ = (tensor: Tensor): Tensor => constant_(tensor, 1);

/** What a nonlinearity asks of the deviation before it (`calculate_gain`); `param` is the slope of leakyRelu, 0.01 by default. */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  const gains = {
    linear: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + param ** 2)),
    selu: 3 / 4,
  };
  checkWord('calculateGain', 'nonlinearity', nonlinearity, Object.keys(gains));
  return gains[nonlinearity];
}

export interface XavierOptions {
  gain?: number;
  generator?: Generator;
}

/** Glorot and Bengio's: uniform in ±gain √(6 / (fanIn + fanOut)). */
export function xavierUniform_(tensor: Tensor, options: XavierOptions = {}): Tensor {
  const { gain, generator } = optionsOf('xavierUniform_', options, { gain: 1, generator: defaultGenerator() });
  const bound = deviation(tensor, gain) * Math.sqrt(3);
  return uniform_(tensor, -bound, bound, generator);
}

/** Glorot and Bengio's: normal with deviation gain √(2 / (fanIn + fanOut)). */
export function xavierNormal_(tensor: Tensor, options: XavierOptions = {}): Tensor {
  const { gain, generator } = optionsOf('xavierNormal_', options, { gain: 1, generator: defaultGenerator() });
  return normal_(tensor, 0, deviation(tensor, gain), generator);
}

function deviation({ shape }: Tensor, gain: number): number {
  checkNumber('xavier', 'gain', gain);
  const { fanIn, fanOut } = fans(shape);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

export interface KaimingOptions {
  /** Slope of leakyRelu; 0 by default. */
  a?: number;
  /** What stays equal: the deviation forward ('fanIn', the default) or backward. */
  mode?: 'fanIn' | 'fanOut';
  /** 'leakyRelu' by default. */
  nonlinearity?: Nonlinearity;
  generator?: Generator;
}

/** He et al.'s: uniform in ±gain √(3 / fan). */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const [std, generator] = kaiming('kaimingUniform_', tensor, options);
  return uniform_(tensor, -Math.sqrt(3) * std, Math.sqrt(3) * std, generator);
}

/** He et al.'s: normal with deviation gain / √fan. */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const [std, generator] = kaiming('kaimingNormal_', tensor, options);
  return normal_(tensor, 0, std, generator);
}

function kaiming(op: string, { shape }: Tensor, options: KaimingOptions): [std: number, generator: Generator] {
  const { a, mode, nonlinearity, generator } = optionsOf(op, options, {
    a: 0,
    mode: 'fanIn',
    nonlinearity: 'leakyRelu',
    generator: defaultGenerator(),
  });
  checkWord(op, 'mode', mode, ['fanIn', 'fanOut']);
  return [calculateGain(nonlinearity, a) / Math.sqrt(fans(shape)[mode]), generator];
}
