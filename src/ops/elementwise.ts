// Elementwise ops of one argument with their gradients. Those that are whole for integers take them; the others take f32.
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
export const sqrt = (x: Tensor): Tensor => pointwise(rows.sqrt, x);
export const reciprocal = (x: Tensor): Tensor => pointwise(rows.reciprocal, x);
export const square = (x: Tensor): Tensor => pointwise(rows.square, x, { whole: (i) => binary(rows.mul, i, i) });
export const sigmoid = (x: Tensor): Tensor => pointwise(rows.sigmoid, x);
export const tanh = (x: Tensor): Tensor => pointwise(rows.tanh, x);
export const relu = (x: Tensor): Tensor =>
  pointwise(rows.relu, x, { whole: (i) => binary(rows.maximum, i, scalar(0, i)) });
/** `x · Φ(x)`, by erf (`torch.nn.functional.gelu`, approximate='none'). */
export const gelu = (x: Tensor): Tensor => pointwise(rows.gelu, x);
/** `x · σ(x)`. */
export const silu = (x: Tensor): Tensor => pointwise(rows.silu, x);
/** `log(1 + exp(x))`. */
export const softplus = (x: Tensor): Tensor => pointwise(rows.softplus, x);
export const sign = (x: Tensor): Tensor => pointwise(rows.sign, x, { whole: signOf });
export const floor = (x: Tensor): Tensor => pointwise(rows.floor, x, { whole: copy });
export const ceil = (x: Tensor): Tensor => pointwise(rows.ceil, x, { whole: copy });
export const sin = (x: Tensor): Tensor => pointwise(rows.sin, x);
export const cos = (x: Tensor): Tensor => pointwise(rows.cos, x);

/** The same numbers as another dtype; floats are cut towards zero. Integers carry no gradient. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return castTo(x, dtype);
}

// The integers' own forms.
const scalar = (value: number, { dtype, device }: Tensor) => full([], value, { dtype, device });
const copy = (x: Tensor) => castTo(x, x.dtype);
const magnitude = (x: Tensor) => binary(rows.maximum, x, x.dtype === 'i32' ? neg(x) : x);
const signOf = (x: Tensor) =>
  binary(rows.minimum, x.dtype === 'i32' ? binary(rows.maximum, x, scalar(-1, x)) : x, scalar(1, x));
