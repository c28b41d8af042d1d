// RNN, GRU and LSTM: layers × directions of the recurrent ops, with dropout between layers (`torch.nn.RNN`, `GRU`, `LSTM`).
import { refuse } from '../check.ts';
import { type CellWeights, concat, dropout, gru, lstm, rnn, slice } from '../ops/index.ts';
import { checkNonlinearity, type Nonlinearity } from '../ops/rnn.ts';
import { defaultGenerator, type Generator } from '../tensor/random.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type InitOptions, uniformParameter } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface RecurrentOptions extends InitOptions {
  /** Layers, each fed with the output of the one before; 1 by default. */
  numLayers?: number;
  bias?: boolean;
  /** Whether input and output are `[B, T, …]` rather than `[T, B, …]`. */
  batchFirst?: boolean;
  /** Dropout on the outputs of every layer but the last, while training. */
  dropout?: number;
  bidirectional?: boolean;
}

export interface RecurrentInput {
  /** Initial hidden state `[L·D, B, H]`; zeros by default. */
  h0?: Tensor | undefined;
  /** Valid steps of each row `[B]`; without it the padding is run over too. */
  lengths?: Tensor | undefined;
}

abstract class Recurrent extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly batchFirst: boolean;
  readonly bidirectional: boolean;
  readonly dropout: number;
  /** `[layer][direction]`; in a state dict `weight_ih_l0`, `weight_hh_l0_reverse`, … */
  readonly weights: readonly (readonly CellWeights[])[];
  readonly generator: Generator | undefined;

  protected constructor(gates: number, inputSize: number, hiddenSize: number, options: RecurrentOptions) {
    super();
    checkSize(new.target.name, 'inputSize', inputSize);
    checkSize(new.target.name, 'hiddenSize', hiddenSize);
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = options.numLayers ?? 1;
    checkSize(new.target.name, 'numLayers', this.numLayers);
    this.batchFirst = options.batchFirst ?? false;
    this.bidirectional = options.bidirectional ?? false;
    this.dropout = options.dropout ?? 0;
    if (!(this.dropout >= 0 && this.dropout <= 1)) refuse(new.target.name, 'dropout', 'in 0..1', this.dropout);
    this.generator = options.generator;
    const directions = this.bidirectional ? 2 : 1;
    const bound = 1 / Math.sqrt(hiddenSize);
    const make = (...shape: number[]) => uniformParameter(shape, bound, options);
    this.weights = Array.from({ length: this.numLayers }, (_, layer) =>
      Array.from({ length: directions }, () => {
        const width = layer === 0 ? inputSize : directions * hiddenSize;
        const matrices = { weightIh: make(gates * hiddenSize, width), weightHh: make(gates * hiddenSize, hiddenSize) };
        return (options.bias ?? true)
          ? { ...matrices, biasIh: make(gates * hiddenSize), biasHh: make(gates * hiddenSize) }
          : matrices;
      }),
    );
  }

  override describe(): string {
    const parts = [`${this.inputSize}, ${this.hiddenSize}`];
    if (this.numLayers > 1) parts.push(`numLayers: ${this.numLayers}`);
    if (this.bidirectional) parts.push('bidirectional');
    if (this.dropout > 0) parts.push(`dropout: ${this.dropout}`);
    return parts.join(', ');
  }

  override ownTensors(): [string, Tensor][] {
    return this.weights.flatMap((directions, layer) =>
      directions.flatMap((w, d) => {
        const suffix = `_l${layer}${d === 1 ? '_reverse' : ''}`;
        const named: [string, Tensor | undefined][] = [
          [`weight_ih${suffix}`, w.weightIh],
          [`weight_hh${suffix}`, w.weightHh],
          [`bias_ih${suffix}`, w.biasIh],
          [`bias_hh${suffix}`, w.biasHh],
        ];
        return named.filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
      }),
    );
  }

  /** Runs `layer` for each layer in turn; `states[i]` are the layer's slices of the initial states. */
  protected run(
    x: Tensor,
    initial: readonly (Tensor | undefined)[],
    layer: (x: Tensor, weights: readonly CellWeights[], states: (Tensor | undefined)[]) => Tensor[],
  ): Tensor[] {
    const directions = this.bidirectional ? 2 : 1;
    const batch = x.shape[this.batchFirst ? 0 : 1] ?? 0;
    const expected = [this.numLayers * directions, batch, this.hiddenSize];
    for (const [i, state] of initial.entries())
      if (state && !sameShape(state.shape, expected))
        refuse(
          this.constructor.name,
          i === 0 ? 'h0' : 'c0',
          `[L·D, B, H] = ${formatShape(expected)}`,
          formatShape(state.shape),
        );
    let output = x;
    const finals: Tensor[][] = [];
    this.weights.forEach((weights, n) => {
      if (n > 0 && x.device.guard(() => this.training) && this.dropout > 0)
        output = dropout(output, this.dropout, this.generator ?? defaultGenerator());
      const states = initial.map((state) =>
        state && this.numLayers > 1 ? slice(state, 0, n * directions, (n + 1) * directions) : state,
      );
      const [out, ...ends] = layer(output, weights, states);
      output = out!;
      finals.push(ends);
    });
    if (this.numLayers === 1) return [output, ...finals[0]!];
    return [
      output,
      ...finals[0]!.map((_, i) =>
        concat(
          finals.map((ends) => ends[i]!),
          0,
        ),
      ),
    ];
  }
}

/** Elman layers (`torch.nn.RNN`). */
export class RNN extends Recurrent {
  readonly nonlinearity: Nonlinearity;

  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions & { nonlinearity?: Nonlinearity } = {}) {
    checkNonlinearity('RNN', options.nonlinearity);
    super(1, inputSize, hiddenSize, options);
    this.nonlinearity = options.nonlinearity ?? 'tanh';
  }

  /** `x` `[T, B, I]` (`[B, T, I]` with batchFirst) → `output` `[…, D·H]`, `hN` `[L·D, B, H]`. */
  forward(x: Tensor, { h0, lengths }: RecurrentInput = {}): { output: Tensor; hN: Tensor } {
    const { batchFirst, nonlinearity } = this;
    const [output, hN] = this.run(x, [h0], (input, weights, [h]) => {
      const r = rnn(input, weights, { batchFirst, lengths, nonlinearity, h0: h });
      return [r.output, r.hN];
    });
    return { output: output!, hN: hN! };
  }
}

/** GRU layers (`torch.nn.GRU`). */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(3, inputSize, hiddenSize, options);
  }

  /** `x` `[T, B, I]` (`[B, T, I]` with batchFirst) → `output` `[…, D·H]`, `hN` `[L·D, B, H]`. */
  forward(x: Tensor, { h0, lengths }: RecurrentInput = {}): { output: Tensor; hN: Tensor } {
    const { batchFirst } = this;
    const [output, hN] = this.run(x, [h0], (input, weights, [h]) => {
      const r = gru(input, weights, { batchFirst, lengths, h0: h });
      return [r.output, r.hN];
    });
    return { output: output!, hN: hN! };
  }
}

/** LSTM layers (`torch.nn.LSTM`). */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(4, inputSize, hiddenSize, options);
  }

  /** `x` `[T, B, I]` (`[B, T, I]` with batchFirst) → `output` `[…, D·H]`, `hN` and `cN` `[L·D, B, H]`. */
  forward(
    x: Tensor,
    { h0, c0, lengths }: RecurrentInput & { c0?: Tensor | undefined } = {},
  ): { output: Tensor; hN: Tensor; cN: Tensor } {
    const { batchFirst } = this;
    const [output, hN, cN] = this.run(x, [h0, c0], (input, weights, [h, c]) => {
      const r = lstm(input, weights, { batchFirst, lengths, h0: h, c0: c });
      return [r.output, r.hN, r.cN];
    });
    return { output: output!, hN: hN!, cN: cN! };
  }
}
