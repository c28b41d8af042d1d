// Linear: y = x·Wᵀ + b (`torch.nn.Linear`).
import { linear } from '../ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type InitOptions, uniformParameter } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface LinearOptions extends InitOptions {
  /** Whether to add a learned bias; true by default. */
  bias?: boolean;
}

export class Linear extends Module {
  /** `[out, in]` */
  readonly weight: Tensor;
  /** `[out]` */
  readonly bias: Tensor | undefined;

  /** Weights and bias start uniform in ±1/√in, as PyTorch's. */
  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkSize('Linear', 'inFeatures', inFeatures);
    checkSize('Linear', 'outFeatures', outFeatures);
    const bound = 1 / Math.sqrt(inFeatures);
    this.weight = uniformParameter([outFeatures, inFeatures], bound, options);
    this.bias = (options.bias ?? true) ? uniformParameter([outFeatures], bound, options) : undefined;
  }

  override describe(): string {
    return `${this.weight.shape[1]}, ${this.weight.shape[0]}${this.bias ? '' : ', bias: false'}`;
  }

  /** `[…, in] → […, out]` */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
