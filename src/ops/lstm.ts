// One LSTM layer over whole sequences, one direction or both (`torch.nn.LSTM`).
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

const LSTM: CellKind = { op: 'lstm', gates: 4, slots: 4, lastX: 3, lastH: 3 };

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
 * Returns `output` `[…, D·H]`, `hN` and `cN` `[D, B, H]`. The step keeps 5·B·T·D·H floats for the backward pass.
 * Source: Hochreiter and Schmidhuber 1997, with forget gates as in Gers et al. 2000.
 */
export function lstm(
  x: Tensor,
  weights: readonly CellWeights[],
  options: LstmOptions = {},
): { output: Tensor; hN: Tensor; cN: Tensor } {
  const layer = checkLayer(LSTM, x, weights, options);
  const { batch, time, hidden, directions } = layer.geometry;
  const h0 = initialState('lstm', 'h0', options.h0, layer.geometry, x);
  const c0 = initialState('lstm', 'c0', options.c0, layer.geometry, x);
  const { device } = x;
  const { gates, packed } = inputProduct(layer);
  const form = stepForm(layer);
  const states = alternating(h0, form.padded, 'lstm');
  const cN = copyOf(c0, 'lstm');
  const c = empty([batch * time, directions * hidden], { device, label: 'lstm' });
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: 'lstm' });
  forwardSteps(layer, form, { gates, states, cState: cN, c, out: output });
  const hN = finalHalf(states, hidden, time, 'lstm');
  record('lstm', [x, h0, c0, ...flatWeights(weights)], [output, hN, cN], ([dOut, dHN, dCN], needs) => {
    const dGates = gates;
    const dH = dHN ? copyOf(dHN, 'lstm') : full(h0.shape, 0, { device });
    const dC = dCN ? copyOf(dCN, 'lstm') : full(c0.shape, 0, { device });
    backwardSteps(layer, form, { dGates, c, c0, dOut: dOut ?? full(output.shape, 0, { device }), dC, dH }, needs[1]!);
    const { dX, dWeights } = inputGradients(layer, packed, dGates, h0, output, {
      x: needs[0]!,
      weights: needs.slice(3).some(Boolean),
    });
    return [dX, needs[1] ? dH : undefined, needs[2] ? dC : undefined, ...flatWeights(dWeights)];
  });
  return { output, hN, cN };
}

const FORWARD = {
  1: shaders.lstm_step_forward_texel_1,
  2: shaders.lstm_step_forward_texel_2,
  4: shaders.lstm_step_forward_texel_4,
};
const BACKWARD = {
  1: shaders.lstm_step_backward_texel_1,
  2: shaders.lstm_step_backward_texel_2,
  4: shaders.lstm_step_backward_texel_4,
};

function forwardSteps(
  layer: Layer,
  form: StepForm,
  t: { gates: Tensor; states: Tensor; cState: Tensor; c: Tensor; out: Tensor },
): void {
  const { device } = t.out;
  const bind = {
    lengths: layer.lengths.view,
    gates_inout: t.gates.view,
    h_inout: t.states.view,
    c_inout: t.cState.view,
    c: t.c.view,
    out: t.out.view,
  };
  const common = { overrides: { RAGGED: layer.ragged }, grid: stepGrid(layer, form, 8), label: 'lstm' };
  withWeights(layer, form, 1, (r, texture) => {
    for (let step = 0; step < layer.geometry.time; step++) {
      const params = stepParams(layer, step);
      if (form.texel)
        device.run(FORWARD[form.texel], {
          ...common,
          bind: { ...bind, r: texture! },
          params: { ...params, padded: form.padded },
        });
      else device.run(shaders.lstm_step_forward, { ...common, bind: { ...bind, r: r.view }, params });
    }
  });
}

/** Overwrites the activations in `dGates` with gradients, `dC` with that of c0 and, if `wantsH0`, `dH` with that of h0. */
function backwardSteps(
  layer: Layer,
  form: StepForm,
  t: { dGates: Tensor; c: Tensor; c0: Tensor; dOut: Tensor; dC: Tensor; dH: Tensor },
  wantsH0: boolean,
): void {
  const { device } = t.c;
  const bind = {
    lengths: layer.lengths.view,
    gates_inout: t.dGates.view,
    c: t.c.view,
    c0: t.c0.view,
    d_out: t.dOut.view,
    d_c_inout: t.dC.view,
    d_h_n_inout: t.dH.view,
  };
  const { time } = layer.geometry;
  withWeights(layer, form, 2, (r, texture) => {
    for (let step = 0; step < time + Number(wantsH0); step++) {
      const params = stepParams(layer, step);
      const common = {
        params,
        overrides: { RAGGED: layer.ragged, FINAL: step === time },
        grid: stepGrid(layer, form, 32),
        label: 'lstm',
      };
      if (form.texel) device.run(BACKWARD[form.texel], { ...common, bind: { ...bind, r: texture! } });
      else device.run(shaders.lstm_step_backward, { ...common, bind: { ...bind, r: r.view } });
    }
  });
}
