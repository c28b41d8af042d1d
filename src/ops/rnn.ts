// One Elman layer over whole sequences, one direction or both (`torch.nn.RNN`).
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { recurrentLayer } from './recurrent.ts';
import type { Cell, CellWeights, SequenceOptions } from './recurrent-layer.ts';

const cellOf = (nonlinearity: Nonlinearity): Cell => ({
  op: 'rnn',
  kernels: { forward: shaders.recurrent_forward_rnn, backward: shaders.recurrent_backward_rnn },
  gates: 1,
  states: ['h0'],
  overrides: { RELU: nonlinearity === 'relu' },
  backward: ({ output }) => ({ saved: output }),
});

const NONLINEARITIES = ['tanh', 'relu'] as const;
export type Nonlinearity = (typeof NONLINEARITIES)[number];

/** Refuses other words than PyTorch's two. */
export function checkNonlinearity(op: string, value: Nonlinearity | undefined): void {
  if (value !== undefined && !NONLINEARITIES.includes(value))
    refuse(op, 'nonlinearity', "'tanh' or 'relu'", `'${value}'`);
}

export interface RnnOptions extends SequenceOptions {
  /** Initial state `[D, B, H]`; zeros by default. */
  h0?: Tensor | undefined;
  /** 'tanh' by default. */
  nonlinearity?: Nonlinearity;
}

/**
 * An Elman layer: `h' = φ(W x + b + R h + b')`, φ = tanh or relu (`torch.nn.RNN`). `x` is `[T, B, I]`, or `[B, T, I]` with
 * `batchFirst`; `lengths` as in `lstm`. Returns `output` `[…, D·H]` and `hN` `[D, B, H]`. For the backward pass 2·B·T·D·H
 * floats are kept beside the output, and 2·D·H·(H + 32) of packed weights. Source: Elman 1990.
 */
export function rnn(
  x: Tensor,
  weights: readonly CellWeights[],
  options: RnnOptions = {},
): { output: Tensor; hN: Tensor } {
  checkNonlinearity('rnn', options.nonlinearity);
  const { output, finals } = recurrentLayer(cellOf(options.nonlinearity ?? 'tanh'), x, weights, options);
  return { output, hN: finals[0]! };
}
