// One LSTM layer over whole sequences, one direction or both (`torch.nn.LSTM`).
import { record } from '../autograd/tape.ts';
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

const LSTM: CellKind = { op: 'lstm', gates: 4 };

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
  return layerOf(x, weights, options);
}

function layerOf(
  x: Tensor,
  weights: readonly CellWeights[],
  options: LstmOptions,
  units?: number,
): { output: Tensor; hN: Tensor; cN: Tensor } {
  const layer = checkLayer(LSTM, x, weights, options, units);
  const { batch, time, hidden, directions } = layer.geometry;
  const h0 = initialState('lstm', 'h0', options.h0, layer.geometry, x);
  const c0 = initialState('lstm', 'c0', options.c0, layer.geometry, x);
  const whole = wholeQuads(layer);
  if (whole) {
    const states = { h0: whole.state(options.h0), c0: whole.state(options.c0) };
    const { output, hN, cN } = layerOf(x, whole.weights, { ...options, ...states }, whole.units);
    return { output: whole.output(output), hN: whole.final(hN), cN: whole.final(cN) };
  }
  const { device } = x;
  const packed = pack(layer);
  const { gates, weight } = inputProduct(layer, packed.bias);
  const previous = previousStates(layer, options.h0, x);
  const c = empty([batch * time, directions * hidden], { device, label: 'lstm' });
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: 'lstm' });
  const [hN, cN] = [copyOf(h0, 'lstm'), copyOf(c0, 'lstm')];
  runSteps(
    layer,
    'forward',
    packed,
    { gates_inout: gates, h_prev: previous, out: output, h_n: hN, c, c_n_inout: cN },
    { steps: time },
  );
  record('lstm', [x, h0, c0, ...flatWeights(weights)], [output, hN, cN], ([dOut, dHN, dCN], needs) => {
    const dH = dHN ? copyOf(dHN, 'lstm') : full(h0.shape, 0, { device });
    const dC = dCN ? copyOf(dCN, 'lstm') : full(c0.shape, 0, { device });
    const d_out = dOut ?? full(output.shape, 0, { device });
    runSteps(
      layer,
      'backward',
      packed,
      { gates_inout: gates, saved: c, c0, d_out, d_c_inout: dC, d_h_n_inout: dH },
      { steps: time + Number(needs[1]) },
    );
    const wanted = { x: needs[0]!, weights: needs.slice(3).some(Boolean) };
    const { dX, dWeights } = inputGradients(layer, weight, { dGates: gates }, previous, wanted);
    return [dX, needs[1] ? dH : undefined, needs[2] ? dC : undefined, ...flatWeights(dWeights)];
  });
  return { output, hN, cN };
}
