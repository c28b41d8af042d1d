// One LSTM layer over whole sequences, one direction or both (`torch.nn.LSTM`).
import * as shaders from '../gpu/shaders.gen.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { recurrentLayer } from './recurrent.ts';
import type { Cell, CellWeights, SequenceOptions } from './recurrent-layer.ts';

/** What is kept of a step is c. */
const LSTM: Cell = {
  op: 'lstm',
  kernels: { forward: shaders.recurrent_forward_lstm, backward: shaders.recurrent_backward_lstm },
  gates: 4,
  states: ['h0', 'c0'],
  forward: ({ kept, finals }) => ({ c: kept, c_n_inout: finals[1]! }),
  backward: ({ kept, initial, dStates }) => ({ saved: kept, c0: initial[1]!, d_c_inout: dStates[1]! }),
};

export interface LstmOptions extends SequenceOptions {
  /** Initial hidden state `[D, B, H]`; zeros by default. */
  h0?: Tensor | undefined;
  /** Initial cell state `[D, B, H]`; zeros by default. */
  c0?: Tensor | undefined;
}

/**
 * An LSTM layer: `i, f, o = σ(W x + b + R h + b')`, `g = tanh(…)`, `c' = f·c + i·g`, `h' = o·tanh(c')`, gates stacked in the
 * order i, f, g, o as in `torch.nn.LSTM`. `x` is `[T, B, I]`, or `[B, T, I]` with `batchFirst`; `weights` one direction or two.
 * With `lengths`, each row is as if it had been run alone (PyTorch's packed sequences): the reverse direction starts at the
 * row's own end, outputs past it are 0, final states are those of the last valid step.
 * Returns `output` `[…, D·H]`, `hN` and `cN` `[D, B, H]`. For the backward pass 6·B·T·D·H floats are kept beside the
 * output, and 8·D·H·(H + 32) of packed weights, with two directions also 4·D·H·I.
 * Source: Hochreiter and Schmidhuber 1997, with forget gates as in Gers et al. 2000.
 */
export function lstm(
  x: Tensor,
  weights: readonly CellWeights[],
  options: LstmOptions = {},
): { output: Tensor; hN: Tensor; cN: Tensor } {
  const { output, finals } = recurrentLayer(LSTM, x, weights, options);
  return { output, hN: finals[0]!, cN: finals[1]! };
}
