// Statistics along axes, composed: variance, deviation, norms, the logarithm of a sum of exponentials, cosines.
import { detach } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { optionsOf } from '../options.ts';
import { normalizeAxes, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, maximum, mul, ne, sub } from './arithmetic.ts';
import { abs, cast, exp, log, square } from './elementwise.ts';
import { reshape } from './layout.ts';
import { isfinite } from './logical.ts';
import { pointwise } from './pointwise.ts';
import { amax, amin, type Dims, mean, type ReduceOptions, reducedShape, sum } from './reduce.ts';
import * as rows from './rows.ts';
import { where } from './where.ts';

export interface VarianceOptions extends ReduceOptions {
  /** What is taken off the number of elements in the divisor: 1 by default, for the unbiased estimate; 0 for the population's. */
  correction?: number;
}

/** Variance over `dim` (`torch.var`): squared distances from the mean, divided by their number less `correction`. f32 only. */
export function variance(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  const { correction, keepDim } = optionsOf('variance', options, { correction: 1, keepDim: false });
  const count = sizeOf(normalizeAxes('variance', dim, x.rank).map((axis) => x.shape[axis]!));
  // The mean is where the sum of squares is least: its own gradient is 0.
  const deviations = sub(x, detach(mean(x, dim, { keepDim: true })));
  return div(sum(square(deviations), dim, { keepDim }), Math.max(0, count - correction));
}

/** Standard deviation over `dim` (`torch.std`); where it is 0, so is its gradient. f32 only. */
export function std(x: Tensor, dim?: Dims, options: VarianceOptions = {}): Tensor {
  return pointwise(rows.rootAtZero, variance(x, dim, options), { alpha: 0.5, op: 'std' });
}

/**
 * The `p`-norm over `dim`, all elements without: `(Σ |x|ᵖ)^(1/p)`, by default with `p` = 2 (`torch.norm`). ∞ and -∞ give the
 * largest and the smallest magnitude, 0 how many are not 0. Where the norm is 0, so is its gradient. f32 only.
 */
export function norm(x: Tensor, p = 2, dim?: Dims, options: ReduceOptions = {}): Tensor {
  if (typeof p !== 'number' || Number.isNaN(p)) refuse('norm', 'p', 'a number', String(p));
  if (p === Number.POSITIVE_INFINITY) return amax(abs(x), dim, options);
  if (p === Number.NEGATIVE_INFINITY) return amin(abs(x), dim, options);
  if (p === 0) return cast(sum(ne(x, 0), dim, options), 'f32');
  if (p === 1) return sum(abs(x), dim, options);
  const powers = p === 2 ? square(x) : pointwise(rows.powScalar, abs(x), { alpha: p, op: 'norm' });
  return pointwise(rows.rootAtZero, sum(powers, dim, options), { alpha: 1 / p, op: 'norm' });
}

/** `log Σ exp(x)` over `dim`, shifted by the largest value (`torch.logsumexp`). f32 only. */
export function logsumexp(x: Tensor, dim: number | readonly number[], options: ReduceOptions = {}): Tensor {
  const { shape } = reducedShape('logsumexp', x, dim, options);
  const largest = detach(amax(x, dim, { keepDim: true }));
  const shift = where(isfinite(largest), largest, 0);
  return reshape(add(log(sum(exp(sub(x, shift)), dim, { keepDim: true })), shift), shape);
}

/**
 * The cosine of the angle between `x1` and `x2` along `dim`, with broadcasting: `x1·x2 / max(|x1| |x2|, eps)`
 * (`torch.nn.functional.cosine_similarity`).
 */
export function cosineSimilarity(x1: Tensor, x2: Tensor, dim = 1, eps = 1e-8): Tensor {
  const squares = mul(sum(square(x1), dim), sum(square(x2), dim));
  const lengths = pointwise(rows.rootAtZero, maximum(squares, eps * eps), { alpha: 0.5, op: 'cosineSimilarity' });
  return div(sum(mul(x1, x2), dim), lengths);
}
