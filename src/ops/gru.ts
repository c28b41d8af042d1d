// One GRU layer over whole sequences, one direction or both (`torch.nn.GRU`).
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

const GRU: CellKind = { op: 'gru', gates: 3 };

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
  return layerOf(x, weights, options);
}

function layerOf(
  x: Tensor,
  weights: readonly CellWeights[],
  options: GruOptions,
  units?: number,
): { output: Tensor; hN: Tensor } {
  const layer = checkLayer(GRU, x, weights, options, units);
  const { batch, time, hidden, directions } = layer.geometry;
  const h0 = initialState('gru', 'h0', options.h0, layer.geometry, x);
  const whole = wholeQuads(layer);
  if (whole) {
    const { output, hN } = layerOf(x, whole.weights, { ...options, h0: whole.state(options.h0) }, whole.units);
    return { output: whole.output(output), hN: whole.final(hN) };
  }
  const { device } = x;
  const packed = pack(layer);
  const { gates, weight } = inputProduct(layer, packed.bias);
  const previous = previousStates(layer, options.h0, x);
  // The candidate's recurrent part, which the reset gate multiplies alone.
  const m = empty([batch * time, directions * hidden], { device, label: 'gru' });
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: 'gru' });
  const hN = copyOf(h0, 'gru');
  runSteps(
    layer,
    'forward',
    packed,
    { gates_inout: gates, h_prev: previous, out: output, h_n: hN, m, bias_m: packed.biasM },
    { steps: time },
  );
  record('gru', [x, h0, ...flatWeights(weights)], [output, hN], ([dOut, dHN], needs) => {
    const dH = dHN ? copyOf(dHN, 'gru') : full(h0.shape, 0, { device });
    const d_out = dOut ?? full(output.shape, 0, { device });
    runSteps(
      layer,
      'backward',
      packed,
      { gates_inout: gates, m_inout: m, saved: previous, d_out, d_h_n_inout: dH },
      { steps: time + Number(needs[1]) },
    );
    const wanted = { x: needs[0]!, weights: needs.slice(2).some(Boolean) };
    const { dX, dWeights } = inputGradients(layer, weight, { dGates: gates, dM: m }, previous, wanted);
    return [dX, needs[1] ? dH : undefined, ...flatWeights(dWeights)];
  });
  return { output, hN };
}
