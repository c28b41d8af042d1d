// One GRU layer over whole sequences, one direction or both (`torch.nn.GRU`).
import { record } from '../autograd/tape.ts';
import { shaders } from '../gpu/shaders.gen.ts';
import { empty, full } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  alternating,
  type CellKind,
  type CellWeights,
  checkLayer,
  copyOf,
  finalHalf,
  flatWeights,
  initialState,
  inputGradients,
  inputProduct,
  type Layer,
  packWeights,
  type SequenceOptions,
  stepGrid,
  stepParams,
} from './recurrent.ts';

// Slots (r, z, n, m): the candidate's recurrent part m has a slot of its own, for the reset gate multiplies it alone.
const GRU: CellKind = { op: 'gru', gates: 3, slots: 4, lastX: 2, lastH: 3 };

export interface GruOptions extends SequenceOptions {
  /** Initial state `[D, B, H]`; zeros by default. */
  h0?: Tensor | undefined;
}

/**
 * A GRU layer with the reset gate applied after the product, as `torch.nn.GRU` and cuDNN: `r, z = σ(W x + b + R h + b')`,
 * `n = tanh(W x + b + r·(R h + b'))`, `h' = (1 - z)·n + z·h`, gates stacked in the order r, z, n. `x` is `[T, B, I]`, or
 * `[B, T, I]` with `batchFirst`; `lengths` as in `lstm`. Returns `output` `[…, D·H]` and `hN` `[D, B, H]`. The step keeps
 * 5·B·T·D·H floats for the backward pass. Source: Cho et al. 2014, in cuDNN's form.
 */
export function gru(
  x: Tensor,
  weights: readonly CellWeights[],
  options: GruOptions = {},
): { output: Tensor; hN: Tensor } {
  const layer = checkLayer(GRU, x, weights, options);
  const { time, hidden, directions } = layer.geometry;
  const h0 = initialState('gru', 'h0', options.h0, layer.geometry, x);
  const { device } = x;
  const { gates, packed } = inputProduct(layer);
  const states = alternating(h0, 'gru');
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: 'gru' });
  forwardSteps(layer, gates, states, output);
  const hN = finalHalf(states, time, 'gru');
  record('gru', [x, h0, ...flatWeights(weights)], [output, hN], ([dOut, dHN], needs) => {
    const dH = dHN ? copyOf(dHN, 'gru') : full(h0.shape, 0, { device });
    backwardSteps(layer, { dGates: gates, output, h0, dOut: dOut ?? full(output.shape, 0, { device }), dH }, needs[1]!);
    const { dX, dWeights } = inputGradients(layer, packed, gates, h0, output, {
      x: needs[0]!,
      weights: needs.slice(2).some(Boolean),
    });
    return [dX, needs[1] ? dH : undefined, ...flatWeights(dWeights)];
  });
  return { output, hN };
}

function forwardSteps(layer: Layer, gates: Tensor, states: Tensor, out: Tensor): void {
  const r = packWeights(layer, 'weightHh', 1);
  for (let step = 0; step < layer.geometry.time; step++) {
    r.device.run(shaders.gru_step_forward, {
      bind: { lengths: layer.lengths.view, r: r.view, gates_inout: gates.view, h_inout: states.view, out: out.view },
      params: stepParams(layer, step),
      overrides: { RAGGED: layer.ragged },
      grid: stepGrid(layer),
      label: 'gru',
    });
  }
}

/** Overwrites the activations in `dGates` with gradients and, if `wantsH0`, `dH` with that of h0. */
function backwardSteps(
  layer: Layer,
  t: { dGates: Tensor; output: Tensor; h0: Tensor; dOut: Tensor; dH: Tensor },
  wantsH0: boolean,
): void {
  const r = packWeights(layer, 'weightHh', 2);
  const steps = layer.geometry.time + (wantsH0 ? 1 : 0);
  for (let step = 0; step < steps; step++) {
    r.device.run(shaders.gru_step_backward, {
      bind: {
        lengths: layer.lengths.view,
        r: r.view,
        gates_inout: t.dGates.view,
        h: t.output.view,
        h0: t.h0.view,
        d_out: t.dOut.view,
        d_carry_inout: t.dH.view,
      },
      params: stepParams(layer, step),
      overrides: { RAGGED: layer.ragged, FINAL: step === layer.geometry.time },
      grid: stepGrid(layer),
      label: 'gru',
    });
  }
}
