// Sequential: modules one after the other (`torch.nn.Sequential`).
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

/** A module of one tensor in, one tensor out. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: readonly Layer[]) {
    super();
    this.layers = layers;
  }

  /** Named by their numbers alone, as PyTorch does: `0.weight`. */
  override children(): [string, Module][] {
    return this.layers.map((layer, i) => [String(i), layer]);
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }
}
