// Losses beside cross-entropy: negative log-likelihood, squared, absolute and Huber's error, divergence, binary cross-entropy.
import { record } from '../autograd/tape.ts';
import { checkNumber, refuse } from '../check.ts';
import { optionsOf } from '../options.ts';
import { broadcastShapes, formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { div, mul, sub } from './arithmetic.ts';
import {
  type ClassLossOptions,
  checkClasses,
  checkReduction,
  checkRows,
  classLoss,
  type Reduction,
} from './cross-entropy.ts';
import { abs, exp, square } from './elementwise.ts';
import { binary, pointwise, unary } from './pointwise.ts';
import { mean, sum, sumTo } from './reduce.ts';
import * as rows from './rows.ts';

/**
 * `-log p[target]` of log-probabilities `[…, K]`, class axis LAST, and i32 class indices `[…]`
 * (`torch.nn.functional.nll_loss`). 'mean' divides by the sum of the weights of the rows that are not ignored; where that is
 * 0 it is NaN as in PyTorch, its gradient 0. Of PyTorch's `[N, K, T]` write `permute(input, [0, 2, 1])`.
 */
export function nllLoss(input: Tensor, target: Tensor, options: ClassLossOptions = {}): Tensor {
  checkRows('nllLoss', 'input', input, options);
  checkClasses('nllLoss', input, target, options.ignoreIndex ?? -100);
  return classLoss('nllLoss', input, target, { ...options, logProbabilities: true });
}

/** `(input - target)²`, reduced (`torch.nn.functional.mse_loss`). Shapes must be equal: nothing is broadcast. */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const { reduction } = optionsOf('mseLoss', options, { reduction: 'mean' });
  checkPair('mseLoss', input, target);
  return reduced('mseLoss', square(sub(input, target)), reduction);
}

export interface LossOptions {
  /** 'mean' (over all elements) by default. */
  reduction?: Reduction;
}

/** `|input - target|`, reduced (`torch.nn.functional.l1_loss`). Shapes must be equal. */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  const { reduction } = optionsOf('l1Loss', options, { reduction: 'mean' });
  checkPair('l1Loss', input, target);
  return reduced('l1Loss', abs(sub(input, target)), reduction);
}

/**
 * With `e = input - target`: `e²/2` up to `|e| = delta`, beyond `delta · (|e| - delta/2)`, reduced
 * (`torch.nn.functional.huber_loss`). Shapes must be equal.
 */
export function huberLoss(input: Tensor, target: Tensor, options: LossOptions & { delta?: number } = {}): Tensor {
  const { reduction, delta } = optionsOf('huberLoss', options, { reduction: 'mean', delta: 1 });
  checkNumber('huberLoss', 'delta', delta, { above: 0 });
  checkPair('huberLoss', input, target);
  return reduced('huberLoss', pointwise(rows.huber, sub(input, target), { alpha: delta, op: 'huberLoss' }), reduction);
}

/** `huberLoss` of `delta = beta`, divided by it; of `beta` 0 the `l1Loss` (`torch.nn.functional.smooth_l1_loss`). */
export function smoothL1Loss(input: Tensor, target: Tensor, options: LossOptions & { beta?: number } = {}): Tensor {
  const { reduction, beta } = optionsOf('smoothL1Loss', options, { reduction: 'mean', beta: 1 });
  checkNumber('smoothL1Loss', 'beta', beta, { min: 0 });
  return beta === 0
    ? l1Loss(input, target, { reduction })
    : div(huberLoss(input, target, { reduction, delta: beta }), beta);
}

export interface KlDivOptions {
  /** 'batchmean' divides by the length of the first axis, as the divergence is defined; 'mean', the default, by all elements. */
  reduction?: Reduction | 'batchmean';
  /** Whether `target` is log-probabilities too; false by default. */
  logTarget?: boolean;
}

/**
 * `target · (log target - input)` of log-probabilities `input` and probabilities `target`, of equal shape, reduced
 * (`torch.nn.functional.kl_div`). A target of 0 adds nothing.
 */
export function klDiv(input: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  const op = 'klDiv';
  const { reduction, logTarget } = optionsOf(op, options, { reduction: 'mean', logTarget: false });
  checkPair(op, input, target);
  const losses = logTarget
    ? mul(exp(target), sub(target, input))
    : sub(pointwise(rows.entropy, target, { op }), mul(target, input));
  if (reduction === 'batchmean') return div(sum(losses), input.shape[0] ?? 1);
  return reduced(op, losses, reduction);
}

export interface BceOptions {
  /** Weight of each element, of a shape that broadcasts to the input's. */
  weight?: Tensor | undefined;
  /** Weight of the positive part, of a shape that broadcasts to the input's: above 1 raises recall. */
  posWeight?: Tensor | undefined;
  /** 'mean' (over all elements) by default. */
  reduction?: Reduction;
}

/**
 * Binary cross-entropy of logits and targets in 0..1, of equal shape:
 * `weight · (posWeight · y · softplus(-x) + (1 - y) · softplus(x))`
 * (`torch.nn.functional.binary_cross_entropy_with_logits`), in a form that neither overflows nor cancels.
 */
export function bceWithLogits(input: Tensor, target: Tensor, options: BceOptions = {}): Tensor {
  const { weight, posWeight, reduction } = optionsOf('bceWithLogits', options, {
    weight: undefined,
    posWeight: undefined,
    reduction: 'mean',
  });
  checkPair('bceWithLogits', input, target);
  checkWeight('weight', weight, input);
  checkWeight('posWeight', posWeight, input);
  const losses = binaryLosses(input, target, posWeight);
  return reduced('bceWithLogits', weight ? mul(losses, weight) : losses, reduction);
}

/** One loss an element. By hand, for the sum of both parts' slopes cancels nowhere, and that of a target is `-x` exactly. */
function binaryLosses(x: Tensor, y: Tensor, posWeight: Tensor | undefined): Tensor {
  const op = 'bceWithLogits';
  const inputs = posWeight ? [x, y, posWeight] : [x, y];
  const minusX = unary(rows.neg, x, 0, 0, op);
  const tails = [unary(rows.softplus, minusX, 0, 0, op), unary(rows.softplus, x, 0, 0, op)] as const;
  const shares = [posWeight ? binary(rows.mul, y, posWeight, op) : y, unary(rows.affine, y, -1, 1, op)] as const;
  const sumOf = (ofOne: Tensor, ofZero: Tensor, kind: rows.BinaryRow) =>
    binary(kind, binary(rows.mul, shares[0], ofOne, op), binary(rows.mul, shares[1], ofZero, op), op);
  const losses = sumOf(...tails, rows.add);
  record(op, inputs, [losses], ([d], needs) => {
    const times = (slope: Tensor) => binary(rows.mul, d!, slope, op);
    const sigmoids = [unary(rows.sigmoid, minusX, 0, 0, op), unary(rows.sigmoid, x, 0, 0, op)] as const;
    const ofTarget = () =>
      posWeight ? binary(rows.sub, binary(rows.mul, posWeight, tails[0], op), tails[1], op) : minusX;
    return [
      needs[0] ? times(unary(rows.neg, sumOf(...sigmoids, rows.sub), 0, 0, op)) : undefined,
      needs[1] ? times(ofTarget()) : undefined,
      needs[2] ? sumTo(times(binary(rows.mul, y, tails[0], op)), posWeight!.shape) : undefined,
    ];
  });
  return losses;
}

function reduced(op: string, losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  checkReduction(op, reduction);
  if (reduction === 'none') return losses;
  return reduction === 'mean' ? mean(losses) : sum(losses);
}

function checkPair(op: string, input: Tensor, target: Tensor): void {
  if (!sameShape(input.shape, target.shape))
    refuse(
      op,
      'target',
      `of input's shape ${formatShape(input.shape)}`,
      formatShape(target.shape),
      'Repeat it with broadcastTo where that is meant.',
    );
  for (const [argument, { dtype }] of Object.entries({ input, target }))
    if (dtype !== 'f32') refuse(op, argument, 'f32', dtype, 'Convert it with cast.');
}

function checkWeight(argument: string, weight: Tensor | undefined, input: Tensor): void {
  if (!weight) return;
  if (!sameShape(broadcastShapes('bceWithLogits', weight.shape, input.shape), input.shape))
    refuse(
      'bceWithLogits',
      argument,
      `of a shape that broadcasts to ${formatShape(input.shape)}`,
      formatShape(weight.shape),
    );
}
