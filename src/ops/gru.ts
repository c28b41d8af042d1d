// One GRU layer over whole sequences, one direction or both (`torch.nn.GRU`).
import * as shaders from '../gpu/shaders.gen.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { recurrentLayer } from './recurrent.ts';
import type { Cell, CellWeights, SequenceOptions } from './recurrent-layer.ts';

/** What is kept of a step is m, the candidate's recurrent part, which the reset gate multiplies alone. */
const GRU: Cell = {
  op: 'gru',
  kernels: { forward: shaders.recurrent_forward_gru, backward: shaders.recurrent_backward_gru },
  gates: 3,
  states: ['h0'],
  split: true,
  forward: ({ kept, biasM }) => ({ m: kept, bias_m: biasM }),
  backward: ({ kept, previous }) => ({ m_inout: kept, saved: previous }),
};

export interface GruOptions extends SequenceOptions {
  /** Initial state `[D, B, H]`; zeros by default. */
  h0?: Tensor | undefined;
}

/**
 * A GRU layer with the reset gate applied after the product, as `torch.nn.GRU` and cuDNN: `r, z = σ(W x + b + R h + b')`,
 * `n = tanh(W x + b + r·(R h + b'))`, `h' = (1 - z)·n + z·h`, gates stacked in the order r, z, n. `x` is `[T, B, I]`, or
 * `[B, T, I]` with `batchFirst`; `lengths` as in `lstm`. Returns `output` `[…, D·H]` and `hN` `[D, B, H]`. For the backward
 * pass 5·B·T·D·H floats are kept beside the output, and 6·D·H·(H + 32) of packed weights. Source: Cho et al. 2014, in cuDNN's form.
 */
export function gru(
  x: Tensor,
  weights: readonly CellWeights[],
  options: GruOptions = {},
): { output: Tensor; hN: Tensor } {
  const { output, finals } = recurrentLayer(GRU, x, weights, options);
  return { output, hN: finals[0]! };
}
