// One GRU layer over whole sequences, one direction or both (`torch.nn.GRU`).
import { record } from '../autograd/tape.ts';
import { shaders } from '../gpu/shaders.gen.ts';
import { empty, full } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type CellKind,
  type CellWeights,
  checkLayer,
  copyOf,
  flatWeights,
  initialState,
  inputGradients,
  inputProduct,
  type Layer,
  type SequenceOptions,
} from './recurrent.ts';
import {
  alternating,
  finalHalf,
  type StepForm,
  stepForm,
  stepGrid,
  stepParams,
  withWeights,
} from './recurrent-steps.ts';

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
  const form = stepForm(layer);
  const states = alternating(h0, form.padded, 'gru');
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: 'gru' });
  forwardSteps(layer, form, gates, states, output);
  const hN = finalHalf(states, hidden, time, 'gru');
  record('gru', [x, h0, ...flatWeights(weights)], [output, hN], ([dOut, dHN], needs) => {
    const dH = dHN ? copyOf(dHN, 'gru') : full(h0.shape, 0, { device });
    backwardSteps(
      layer,
      form,
      { dGates: gates, output, h0, dOut: dOut ?? full(output.shape, 0, { device }), dH },
      needs[1]!,
    );
    const { dX, dWeights } = inputGradients(layer, packed, gates, h0, output, {
      x: needs[0]!,
      weights: needs.slice(2).some(Boolean),
    });
    return [dX, needs[1] ? dH : undefined, ...flatWeights(dWeights)];
  });
  return { output, hN };
}

const FORWARD = {
  1: shaders.gru_step_forward_texel_1,
  2: shaders.gru_step_forward_texel_2,
  4: shaders.gru_step_forward_texel_4,
};
const BACKWARD = {
  1: shaders.gru_step_backward_texel_1,
  2: shaders.gru_step_backward_texel_2,
  4: shaders.gru_step_backward_texel_4,
};

function forwardSteps(layer: Layer, form: StepForm, gates: Tensor, states: Tensor, out: Tensor): void {
  const { device } = out;
  const bind = { lengths: layer.lengths.view, gates_inout: gates.view, h_inout: states.view, out: out.view };
  const common = { overrides: { RAGGED: layer.ragged }, grid: stepGrid(layer, form, 8), label: 'gru' };
  withWeights(layer, form, 1, (r, texture) => {
    for (let step = 0; step < layer.geometry.time; step++) {
      const params = stepParams(layer, step);
      if (form.texel)
        device.run(FORWARD[form.texel], {
          ...common,
          bind: { ...bind, r: texture! },
          params: { ...params, padded: form.padded },
        });
      else device.run(shaders.gru_step_forward, { ...common, bind: { ...bind, r: r.view }, params });
    }
  });
}

/** Overwrites the activations in `dGates` with gradients and, if `wantsH0`, `dH` with that of h0. */
function backwardSteps(
  layer: Layer,
  form: StepForm,
  t: { dGates: Tensor; output: Tensor; h0: Tensor; dOut: Tensor; dH: Tensor },
  wantsH0: boolean,
): void {
  const { device } = t.output;
  const bind = {
    lengths: layer.lengths.view,
    gates_inout: t.dGates.view,
    h: t.output.view,
    h0: t.h0.view,
    d_out: t.dOut.view,
    d_carry_inout: t.dH.view,
  };
  const { time } = layer.geometry;
  withWeights(layer, form, 2, (r, texture) => {
    for (let step = 0; step < time + Number(wantsH0); step++) {
      const params = stepParams(layer, step);
      const common = {
        params,
        overrides: { RAGGED: layer.ragged, FINAL: step === time },
        grid: stepGrid(layer, form, 32),
        label: 'gru',
      };
      if (form.texel) device.run(BACKWARD[form.texel], { ...common, bind: { ...bind, r: texture! } });
      else device.run(shaders.gru_step_backward, { ...common, bind: { ...bind, r: r.view } });
    }
  });
}
