// One step of a recurrent layer: RNNCell, GRUCell and LSTMCell (`torch.nn.LSTMCell`, …), composed. Whole sequences go by RNN, GRU and LSTM.
import { checkWord, refuse } from '../check.ts';
import { add, chunk, linear, mul, relu, sigmoid, sub, tanh } from '../ops/index.ts';
import { optionsOf } from '../options.ts';
import { full } from '../tensor/create.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type InitOptions, uniformParameter } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface CellOptions extends InitOptions {
  bias?: boolean;
}

abstract class Cell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** `[gates · H, I]`, `[gates · H, H]` and `[gates · H]` twice, uniform in ±1/√H at the start. */
  readonly weightIh: Tensor;
  readonly weightHh: Tensor;
  readonly biasIh: Tensor | undefined;
  readonly biasHh: Tensor | undefined;

  protected constructor(gates: number, inputSize: number, hiddenSize: number, options: CellOptions) {
    super();
    const op = new.target.name;
    const { bias, ...init } = optionsOf(op, options, { bias: true, device: undefined, generator: undefined });
    checkSize(op, 'inputSize', inputSize);
    checkSize(op, 'hiddenSize', hiddenSize);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const make = (...shape: number[]) => uniformParameter(shape, 1 / Math.sqrt(hiddenSize), init);
    this.weightIh = make(gates * hiddenSize, inputSize);
    this.weightHh = make(gates * hiddenSize, hiddenSize);
    this.biasIh = bias ? make(gates * hiddenSize) : undefined;
    this.biasHh = bias ? make(gates * hiddenSize) : undefined;
  }

  override describe(): string {
    return `${this.inputSize}, ${this.hiddenSize}`;
  }

  /** The state given, checked, or zeros. */
  protected state(x: Tensor, name: string, given: Tensor | undefined): Tensor {
    const shape = [...x.shape.slice(0, -1), this.hiddenSize];
    if (given && !sameShape(given.shape, shape))
      refuse(this.constructor.name, name, `[B, H] = ${formatShape(shape)}`, formatShape(given.shape));
    return given ?? full(shape, 0, { device: x.device });
  }

  protected ofInput(x: Tensor): Tensor {
    return linear(x, this.weightIh, this.biasIh);
  }

  protected ofState(h: Tensor): Tensor {
    return linear(h, this.weightHh, this.biasHh);
  }
}

/** `h' = φ(W x + b + R h + b)`. */
export class RNNCell extends Cell {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(
    inputSize: number,
    hiddenSize: number,
    { nonlinearity = 'tanh', ...options }: CellOptions & { nonlinearity?: 'tanh' | 'relu' } = {},
  ) {
    checkWord('RNNCell', 'nonlinearity', nonlinearity, ['tanh', 'relu']);
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearity;
  }

  /** `x` `[B, I]` and `h` `[B, H]`, zeros without → `[B, H]`. */
  forward(x: Tensor, h?: Tensor): Tensor {
    const sum = add(this.ofInput(x), this.ofState(this.state(x, 'h', h)));
    return this.nonlinearity === 'tanh' ? tanh(sum) : relu(sum);
  }
}

/** `h' = (1 - z) n + z h` with gates r, z, n, the reset after the product. */
export class GRUCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }

  /** `x` `[B, I]` and `h` `[B, H]`, zeros without → `[B, H]`. */
  forward(x: Tensor, h?: Tensor): Tensor {
    const state = this.state(x, 'h', h);
    const [inputR, inputZ, inputN] = chunk(this.ofInput(x), 3, -1) as [Tensor, Tensor, Tensor];
    const [stateR, stateZ, stateN] = chunk(this.ofState(state), 3, -1) as [Tensor, Tensor, Tensor];
    const z = sigmoid(add(inputZ, stateZ));
    const n = tanh(add(inputN, mul(sigmoid(add(inputR, stateR)), stateN)));
    return add(n, mul(z, sub(state, n)));
  }
}

/** `c' = f c + i g`, `h' = o tanh c'` with gates i, f, g, o. */
export class LSTMCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(4, inputSize, hiddenSize, options);
  }

  /** `x` `[B, I]`, `h` and `c` `[B, H]`, zeros without → the next `h` and `c`. */
  forward(x: Tensor, states: { h?: Tensor | undefined; c?: Tensor | undefined } = {}): { h: Tensor; c: Tensor } {
    const { h, c } = optionsOf('LSTMCell', states, { h: undefined, c: undefined });
    const gates = add(this.ofInput(x), this.ofState(this.state(x, 'h', h)));
    const [i, f, g, o] = chunk(gates, 4, -1) as [Tensor, Tensor, Tensor, Tensor];
    const next = add(mul(sigmoid(f), this.state(x, 'c', c)), mul(sigmoid(i), tanh(g)));
    return { h: mul(sigmoid(o), tanh(next)), c: next };
  }
}
