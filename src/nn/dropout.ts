// Dropout: zeroes elements at random while training (`torch.nn.Dropout`).
import { refuse } from '../check.ts';
import { dropout } from '../ops/index.ts';
import { defaultGenerator, type Generator } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

export class Dropout extends Module {
  /** Share of elements that become 0; the others are scaled by 1/(1-p). */
  readonly p: number;
  readonly generator: Generator | undefined;

  constructor(p = 0.5, options: { generator?: Generator | undefined } = {}) {
    super();
    if (!(p >= 0 && p <= 1)) refuse('Dropout', 'p', 'in 0..1', p);
    this.p = p;
    this.generator = options.generator;
  }

  override describe(): string {
    return String(this.p);
  }

  forward(x: Tensor): Tensor {
    return x.device.guard(() => this.training) && this.p > 0
      ? dropout(x, this.p, this.generator ?? defaultGenerator())
      : x;
  }
}
