// Activations as modules, for Sequential.
import * as ops from '../ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { Module } from './module.ts';

export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return ops.relu(x);
  }
}

export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return ops.tanh(x);
  }
}

export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return ops.sigmoid(x);
  }
}

export class GELU extends Module {
  forward(x: Tensor): Tensor {
    return ops.gelu(x);
  }
}
