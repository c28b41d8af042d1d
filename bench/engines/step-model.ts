// The model of the training benches in weft: embedding → recurrent layers → linear, by weft’s recurrent kernels or op by op.
import { Embedding, GRU, Linear, LSTM, Module, RNN, reshape } from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { StepSpec } from '../named-steps.ts';
import { opByOpLayer } from './op-by-op.ts';

const CELLS = { lstm: LSTM, gru: GRU, rnn: RNN };

export class StepModel extends Module {
  readonly embedding: Embedding;
  readonly rnn: LSTM | GRU | RNN;
  readonly head: Linear;
  readonly #spec: StepSpec;
  readonly #opByOp: boolean;

  constructor(spec: StepSpec, { opByOp = false } = {}) {
    super();
    const { vocabulary, embedding, hidden, layers, bidirectional, tags } = spec;
    this.embedding = new Embedding(vocabulary, embedding);
    this.rnn = new CELLS[spec.cell](embedding, hidden, { numLayers: layers, bidirectional, batchFirst: true });
    this.head = new Linear(bidirectional ? 2 * hidden : hidden, tags);
    this.#spec = spec;
    this.#opByOp = opByOp;
  }

  /** ids `[B, T]` → scores `[B·T, K]` */
  forward(ids: Tensor): Tensor {
    const { batch, time, tags } = this.#spec;
    const words = this.embedding.forward(ids);
    const output = this.#opByOp ? this.#opByOpLayers(words) : this.rnn.forward(words).output;
    return reshape(this.head.forward(output), [batch * time, tags]);
  }

  #opByOpLayers(words: Tensor): Tensor {
    return this.rnn.weights.reduce((x, weights) => opByOpLayer(this.#spec.cell, x, weights), words);
  }
}
