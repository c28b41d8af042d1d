// LayerNorm: zero mean and unit variance over the last axes, then scale and shift (`torch.nn.LayerNorm`).
import { layerNorm } from '../ops/index.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { constantParameter, type InitOptions } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface LayerNormOptions extends InitOptions {
  /** Added to the variance; 1e-5 by default. */
  eps?: number;
  /** Whether scale and shift are learned; true by default. */
  elementwiseAffine?: boolean;
}

export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  /** Of `normalizedShape`, starting at 1. */
  readonly weight: Tensor | undefined;
  /** Of `normalizedShape`, starting at 0. */
  readonly bias: Tensor | undefined;

  constructor(normalizedShape: number | Shape, options: LayerNormOptions = {}) {
    super();
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    for (const n of this.normalizedShape) checkSize('LayerNorm', 'normalizedShape', n);
    this.eps = options.eps ?? 1e-5;
    const affine = options.elementwiseAffine ?? true;
    this.weight = affine ? constantParameter(this.normalizedShape, 1, options) : undefined;
    this.bias = affine ? constantParameter(this.normalizedShape, 0, options) : undefined;
  }

  override describe(): string {
    return this.normalizedShape.join(', ');
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, this.eps);
  }
}
