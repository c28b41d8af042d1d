// Masks (u32, 1 where it holds, else 0): tests of numbers, logic, and whether any or all hold. A number is true where it is not 0; NaN is.
import type { Tensor } from '../tensor/tensor.ts';
import { eq, gt, lt, maximum, mul, ne } from './arithmetic.ts';
import { abs } from './elementwise.ts';
import { type Dims, type ReduceOptions, sum } from './reduce.ts';

/** 1 where `x` is NaN (`torch.isnan`). */
export const isnan = (x: Tensor): Tensor => ne(x, x);
/** 1 where `x` is ∞ or -∞ (`torch.isinf`). */
export const isinf = (x: Tensor): Tensor => eq(abs(x), Number.POSITIVE_INFINITY);
/** 1 where `x` is neither infinite nor NaN (`torch.isfinite`). */
export const isfinite = (x: Tensor): Tensor => lt(abs(x), Number.POSITIVE_INFINITY);

const truth = (x: Tensor): Tensor => ne(x, 0);

export const logicalNot = (x: Tensor): Tensor => eq(x, 0);
/** 1 where both are true; with broadcasting, as the next two (`torch.logical_and`). */
export const logicalAnd = (a: Tensor, b: Tensor): Tensor => mul(truth(a), truth(b));
export const logicalOr = (a: Tensor, b: Tensor): Tensor => maximum(truth(a), truth(b));
export const logicalXor = (a: Tensor, b: Tensor): Tensor => ne(truth(a), truth(b));

/** Whether any element along `dim` is true, of none 0 (`torch.any`). */
export const any = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor => gt(sum(truth(x), dim, options), 0);
/** Whether all elements along `dim` are true, of none 1 (`torch.all`). */
export const all = (x: Tensor, dim?: Dims, options: ReduceOptions = {}): Tensor =>
  eq(sum(logicalNot(x), dim, options), 0);
