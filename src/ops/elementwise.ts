// Elementwise ops of one argument with their gradients. Those that are whole for integers take them; the others take f32.
import { checkWord, refuse } from '../check.ts';
import { optionsOf } from '../options.ts';
import { full } from '../tensor/create.ts';
import type { DType } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { binary, castTo, pointwise } from './pointwise.ts';
import * as rows from './rows.ts';

export const neg = (x: Tensor): Tensor => pointwise(rows.neg, x, { whole: (i) => binary(rows.sub, scalar(0, i), i) });
export const abs = (x: Tensor): Tensor => pointwise(rows.abs, x, { whole: magnitude });
export const exp = (x: Tensor): Tensor => pointwise(rows.exp, x);
/** Natural logarithm. */
export const log = (x: Tensor): Tensor => pointwise(rows.log, x);
/** `log(1 + x)`, exact for small `x` too. */
export const log1p = (x: Tensor): Tensor => pointwise(rows.log1p, x);
/** `exp(x) - 1`, exact for small `x` too. */
export const expm1 = (x: Tensor): Tensor => pointwise(rows.expm1, x);
export const sqrt = (x: Tensor): Tensor => pointwise(rows.sqrt, x);
export const reciprocal = (x: Tensor): Tensor => pointwise(rows.reciprocal, x);
/** `1 / √x`. */
export const rsqrt = (x: Tensor): Tensor => pointwise(rows.rsqrt, x);
export const square = (x: Tensor): Tensor => pointwise(rows.square, x, { whole: (i) => binary(rows.mul, i, i) });
export const sigmoid = (x: Tensor): Tensor => pointwise(rows.sigmoid, x);
export const tanh = (x: Tensor): Tensor => pointwise(rows.tanh, x);
export const relu = (x: Tensor): Tensor =>
  pointwise(rows.relu, x, { whole: (i) => binary(rows.maximum, i, scalar(0, i)) });
/** `x` where it is above 0, else `negativeSlope · x` (`torch.nn.functional.leaky_relu`). */
export const leakyRelu = (x: Tensor, negativeSlope = 0.01): Tensor =>
  pointwise(rows.leakyRelu, x, { alpha: checkedNumber('leakyRelu', 'negativeSlope', negativeSlope) });
/** `x` where it is above 0, else `alpha · (exp(x) - 1)` (`torch.nn.functional.elu`). */
export const elu = (x: Tensor, alpha = 1): Tensor =>
  pointwise(rows.elu, x, { alpha: checkedNumber('elu', 'alpha', alpha) });
/** The error function `2/√π ∫₀ˣ exp(-t²) dt`. */
export const erf = (x: Tensor): Tensor => pointwise(rows.erf, x);
/** `x · σ(x)`. */
export const silu = (x: Tensor): Tensor => pointwise(rows.silu, x);
/** `log(1 + exp(x))`. */
export const softplus = (x: Tensor): Tensor => pointwise(rows.softplus, x);
export const sign = (x: Tensor): Tensor => pointwise(rows.sign, x, { whole: signOf });
export const floor = (x: Tensor): Tensor => pointwise(rows.floor, x, { whole: copy });
export const ceil = (x: Tensor): Tensor => pointwise(rows.ceil, x, { whole: copy });
/** To the nearest whole number, of two to the even one (`torch.round`). */
export const round = (x: Tensor): Tensor => pointwise(rows.round, x, { whole: copy });
export const sin = (x: Tensor): Tensor => pointwise(rows.sin, x);
export const cos = (x: Tensor): Tensor => pointwise(rows.cos, x);

/** `approximate`: 'none' by default. */
export interface GeluOptions {
  approximate?: 'none' | 'tanh';
}

/**
 * `x · Φ(x)`, by erf, or with `approximate: 'tanh'` as `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))`
 * (`torch.nn.functional.gelu`).
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  const { approximate } = optionsOf('gelu', options, { approximate: 'none' });
  checkWord('gelu', 'approximate', approximate, ['none', 'tanh']);
  return pointwise(approximate === 'tanh' ? rows.geluTanh : rows.gelu, x);
}

/** The same numbers as another dtype; floats are cut towards zero. Integers carry no gradient. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return castTo(x, dtype);
}

function checkedNumber(op: string, argument: string, value: number): number {
  if (typeof value !== 'number' || Number.isNaN(value)) refuse(op, argument, 'a number', value);
  return value;
}

// The integers' own forms.
const scalar = (value: number, { dtype, device }: Tensor) => full([], value, { dtype, device });
const copy = (x: Tensor) => castTo(x, x.dtype);
const magnitude = (x: Tensor) => binary(rows.maximum, x, x.dtype === 'i32' ? neg(x) : x);
const signOf = (x: Tensor) =>
  binary(rows.minimum, x.dtype === 'i32' ? binary(rows.maximum, x, scalar(-1, x)) : x, scalar(1, x));
