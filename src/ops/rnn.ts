// One Elman layer over whole sequences, one direction or both (`torch.nn.RNN`).
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
  packWeights,
  type SequenceOptions,
} from './recurrent.ts';
import { alternating, finalHalf, stepGrid, stepParams } from './recurrent-steps.ts';

const RNN: CellKind = { op: 'rnn', gates: 1, slots: 1, lastX: 0, lastH: 0 };

/** The plain kernels on every adapter. */
const PLAIN = { texel: undefined, padded: 0 };

export interface RnnOptions extends SequenceOptions {
  /** Initial state `[D, B, H]`; zeros by default. */
  h0?: Tensor | undefined;
  nonlinearity?: 'tanh' | 'relu';
}

/**
 * An Elman layer: `h' = φ(W x + b + R h + b')`, φ = tanh or relu (`torch.nn.RNN`). `x` is `[T, B, I]`, or `[B, T, I]` with
 * `batchFirst`; `lengths` as in `lstm`. Returns `output` `[…, D·H]` and `hN` `[D, B, H]`. The step keeps 2·B·T·D·H floats for
 * the backward pass. Source: Elman 1990.
 */
export function rnn(
  x: Tensor,
  weights: readonly CellWeights[],
  options: RnnOptions = {},
): { output: Tensor; hN: Tensor } {
  const layer = checkLayer(RNN, x, weights, options);
  const relu = options.nonlinearity === 'relu';
  const { time, hidden, directions } = layer.geometry;
  const h0 = initialState('rnn', 'h0', options.h0, layer.geometry, x);
  const { device } = x;
  const { gates, packed } = inputProduct(layer);
  const states = alternating(h0, hidden, 'rnn');
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: 'rnn' });
  forwardSteps(layer, relu, gates, states, output);
  const hN = finalHalf(states, hidden, time, 'rnn');
  record('rnn', [x, h0, ...flatWeights(weights)], [output, hN], ([dOut, dHN], needs) => {
    const dH = dHN ? copyOf(dHN, 'rnn') : full(h0.shape, 0, { device });
    backwardSteps(
      layer,
      relu,
      { dGates: gates, output, dOut: dOut ?? full(output.shape, 0, { device }), dH },
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

function forwardSteps(layer: Layer, relu: boolean, gates: Tensor, states: Tensor, out: Tensor): void {
  const r = packWeights(layer, 'weightHh', 1);
  for (let step = 0; step < layer.geometry.time; step++) {
    r.device.run(shaders.rnn_step_forward, {
      bind: { lengths: layer.lengths.view, r: r.view, gates: gates.view, h_inout: states.view, out: out.view },
      params: stepParams(layer, step),
      overrides: { RAGGED: layer.ragged, RELU: relu },
      grid: stepGrid(layer, PLAIN, 8),
      label: 'rnn',
    });
  }
}

/** Writes gradients over the products in `dGates` and, if `wantsH0`, that of h0 over `dH`. */
function backwardSteps(
  layer: Layer,
  relu: boolean,
  t: { dGates: Tensor; output: Tensor; dOut: Tensor; dH: Tensor },
  wantsH0: boolean,
): void {
  const r = packWeights(layer, 'weightHh', 2);
  const steps = layer.geometry.time + (wantsH0 ? 1 : 0);
  for (let step = 0; step < steps; step++) {
    r.device.run(shaders.rnn_step_backward, {
      bind: {
        lengths: layer.lengths.view,
        r: r.view,
        d_gates_inout: t.dGates.view,
        h: t.output.view,
        d_out: t.dOut.view,
        d_h_n_inout: t.dH.view,
      },
      params: stepParams(layer, step),
      overrides: { RAGGED: layer.ragged, RELU: relu, FINAL: step === layer.geometry.time },
      grid: stepGrid(layer, PLAIN, 8),
      label: 'rnn',
    });
  }
}
