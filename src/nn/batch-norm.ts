// BatchNorm1d: zero mean and unit variance of each feature over the batch, then scale and shift (`torch.nn.BatchNorm1d`).
import { noGrad } from '../autograd/tape.ts';
import { checkNumber, refuse } from '../check.ts';
import { add, mean, mul, reshape, rsqrt, square, sub } from '../ops/index.ts';
import { optionsOf } from '../options.ts';
import { assign } from '../tensor/create.ts';
import { formatShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { buffer, constantParameter, type InitOptions } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface BatchNormOptions extends InitOptions {
  /** Added to the variance; 1e-5 by default. */
  eps?: number;
  /** Share of the batch's own statistics in the running ones; 0.1 by default. */
  momentum?: number;
  /** Whether scale and shift are learned; true by default. */
  affine?: boolean;
  /** Whether running statistics are kept, which stand in for the batch's outside training; true by default. */
  trackRunningStats?: boolean;
}

export class BatchNorm1d extends Module {
  readonly eps: number;
  readonly momentum: number;
  /** `[C]`, starting at 1. */
  readonly weight: Tensor | undefined;
  /** `[C]`, starting at 0. */
  readonly bias: Tensor | undefined;
  /** Buffers `[C]`, from 0 and 1 on. */
  readonly runningMean: Tensor | undefined;
  readonly runningVar: Tensor | undefined;
  /** Buffer: i32, batches seen while training. */
  readonly numBatchesTracked: Tensor | undefined;
  readonly numFeatures: number;

  constructor(numFeatures: number, options: BatchNormOptions = {}) {
    super();
    const op = 'BatchNorm1d';
    const { eps, momentum, affine, trackRunningStats, device, generator } = optionsOf(op, options, {
      eps: 1e-5,
      momentum: 0.1,
      affine: true,
      trackRunningStats: true,
      device: undefined,
      generator: undefined,
    });
    checkSize(op, 'numFeatures', numFeatures);
    checkNumber(op, 'eps', eps, { min: 0 });
    checkNumber(op, 'momentum', momentum, { min: 0, max: 1 });
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    const shape = [numFeatures];
    this.weight = affine ? constantParameter(shape, 1, { device, generator }) : undefined;
    this.bias = affine ? constantParameter(shape, 0, { device, generator }) : undefined;
    this.runningMean = trackRunningStats ? buffer(shape, 0, 'f32', device) : undefined;
    this.runningVar = trackRunningStats ? buffer(shape, 1, 'f32', device) : undefined;
    this.numBatchesTracked = trackRunningStats ? buffer([], 0, 'i32', device) : undefined;
  }

  override describe(): string {
    return `${this.numFeatures}, eps: ${this.eps}, momentum: ${this.momentum}`;
  }

  /** `[N, C]` or `[N, C, L]`, shape kept. */
  forward(x: Tensor): Tensor {
    if ((x.rank !== 2 && x.rank !== 3) || x.shape[1] !== this.numFeatures)
      refuse('BatchNorm1d', 'x', `[N, ${this.numFeatures}] or [N, ${this.numFeatures}, L]`, formatShape(x.shape));
    const training = x.device.guard(() => this.training);
    const along = x.rank === 2 ? [this.numFeatures] : [this.numFeatures, 1];
    const [center, spread] =
      training || !this.runningMean ? ofBatch(this, x, training) : [this.runningMean, this.runningVar!];
    const scale = rsqrt(add(spread, this.eps));
    const normal = mul(sub(x, reshape(center, along)), reshape(this.weight ? mul(scale, this.weight) : scale, along));
    return this.bias ? add(normal, reshape(this.bias, along)) : normal;
  }
}

/** Mean and variance of the batch; while training they move the running ones. */
function ofBatch(norm: BatchNorm1d, x: Tensor, training: boolean): [mean: Tensor, variance: Tensor] {
  const { momentum, runningMean, runningVar, numBatchesTracked } = norm;
  const dims = x.rank === 2 ? [0] : [0, 2];
  const count = sizeOf(dims.map((axis) => x.shape[axis]!));
  if (training && count < 2)
    refuse('BatchNorm1d', 'x', 'more than one value per feature while training', formatShape(x.shape));
  const center = mean(x, dims);
  const spread = mean(square(sub(x, reshape(center, x.rank === 2 ? [-1] : [-1, 1]))), dims);
  if (training && runningMean)
    noGrad(() => {
      const move = (running: Tensor, own: Tensor, factor: number) =>
        assign(running, add(mul(running, 1 - momentum), mul(own, momentum * factor)));
      move(runningMean, center, 1);
      move(runningVar!, spread, count / (count - 1));
      assign(numBatchesTracked!, add(numBatchesTracked!, 1));
    });
  return [center, spread];
}
