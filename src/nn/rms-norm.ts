// RMSNorm: unit mean square over the last axes, then scale (`torch.nn.RMSNorm`).
import { refuse } from '../check.ts';
import { add, mean, mul, rsqrt, square } from '../ops/index.ts';
import { optionsOf } from '../options.ts';
import { formatShape, type Shape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { constantParameter, type InitOptions } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface RMSNormOptions extends InitOptions {
  /** Added to the mean square; by default 2⁻²³, the distance of 1 to the next float. */
  eps?: number;
  /** Whether the scale is learned; true by default. */
  elementwiseAffine?: boolean;
}

export class RMSNorm extends Module {
  readonly normalizedShape: Shape;
  readonly eps: number;
  /** Of `normalizedShape`, starting at 1. */
  readonly weight: Tensor | undefined;

  constructor(normalizedShape: number | Shape, options: RMSNormOptions = {}) {
    super();
    const { eps, elementwiseAffine, device, generator } = optionsOf('RMSNorm', options, {
      eps: 2 ** -23,
      elementwiseAffine: true,
      device: undefined,
      generator: undefined,
    });
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    for (const n of this.normalizedShape) checkSize('RMSNorm', 'normalizedShape', n);
    this.eps = eps;
    this.weight = elementwiseAffine ? constantParameter(this.normalizedShape, 1, { device, generator }) : undefined;
  }

  override describe(): string {
    return this.normalizedShape.join(', ');
  }

  /** `x · w / √(mean(x²) + eps)`, shape kept. */
  forward(x: Tensor): Tensor {
    const rank = this.normalizedShape.length;
    if (!sameShape(x.shape.slice(-rank), this.normalizedShape))
      refuse('RMSNorm', 'x', `[…, ${this.normalizedShape.join(', ')}]`, formatShape(x.shape));
    const dims = this.normalizedShape.map((_, i) => i - rank);
    const normal = mul(x, rsqrt(add(mean(square(x), dims, { keepDim: true }), this.eps)));
    return this.weight ? mul(normal, this.weight) : normal;
  }
}
