// One Elman layer over whole sequences, one direction or both (`torch.nn.RNN`).
import { record } from '../autograd/tape.ts';
import { ArgumentError } from '../errors.ts';
import { empty, full } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type CellKind,
  type CellWeights,
  checkLayer,
  copyOf,
  flatWeights,
  initialState,
  previousStates,
  type SequenceOptions,
  wholeQuads,
} from './recurrent.ts';
import { inputGradients, inputProduct } from './recurrent-products.ts';
import { pack, runSteps } from './recurrent-steps.ts';

const RNN: CellKind = { op: 'rnn', gates: 1 };

const NONLINEARITIES = ['tanh', 'relu'] as const;
export type Nonlinearity = (typeof NONLINEARITIES)[number];

/** Refuses other words than PyTorch's two. */
export function checkNonlinearity(op: string, value: Nonlinearity | undefined): void {
  if (value !== undefined && !NONLINEARITIES.includes(value))
    throw new ArgumentError({ op, argument: 'nonlinearity', expected: "'tanh' or 'relu'", actual: `'${value}'` });
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
  return layerOf(x, weights, options);
}

function layerOf(
  x: Tensor,
  weights: readonly CellWeights[],
  options: RnnOptions,
  units?: number,
): { output: Tensor; hN: Tensor } {
  const layer = checkLayer(RNN, x, weights, options, units);
  const { time, hidden, directions } = layer.geometry;
  const h0 = initialState('rnn', 'h0', options.h0, layer.geometry, x);
  const whole = wholeQuads(layer);
  if (whole) {
    const { output, hN } = layerOf(x, whole.weights, { ...options, h0: whole.state(options.h0) }, whole.units);
    return { output: whole.output(output), hN: whole.final(hN) };
  }
  const { device } = x;
  const overrides = { RELU: options.nonlinearity === 'relu' };
  const packed = pack(layer);
  const { gates, weight } = inputProduct(layer, packed.bias);
  const previous = previousStates(layer, options.h0, x);
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: 'rnn' });
  const hN = copyOf(h0, 'rnn');
  runSteps(
    layer,
    'forward',
    packed,
    { gates_inout: gates, h_prev: previous, out: output, h_n: hN },
    { steps: time, overrides },
  );
  record('rnn', [x, h0, ...flatWeights(weights)], [output, hN], ([dOut, dHN], needs) => {
    const dH = dHN ? copyOf(dHN, 'rnn') : full(h0.shape, 0, { device });
    const d_out = dOut ?? full(output.shape, 0, { device });
    runSteps(
      layer,
      'backward',
      packed,
      { gates_inout: gates, saved: output, d_out, d_h_n_inout: dH },
      { steps: time + Number(needs[1]), overrides },
    );
    const wanted = { x: needs[0]!, weights: needs.slice(2).some(Boolean) };
    const { dX, dWeights } = inputGradients(layer, weight, { dGates: gates }, previous, wanted);
    return [dX, needs[1] ? dH : undefined, ...flatWeights(dWeights)];
  });
  return { output, hN };
}
