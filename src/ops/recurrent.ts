// The driver of the recurrent ops: one forward and one backward pass for all cells, and layers whose units do not come in fours.
import { record } from '../autograd/tape.ts';
import { empty, full } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { copyStrided } from './copy-strided.ts';
import { narrow, pad, reshape } from './layout.ts';
import { pack, runSteps } from './recurrent-launch.ts';
import {
  type Cell,
  type CellWeights,
  checkLayer,
  checkState,
  type Layer,
  type SequenceOptions,
} from './recurrent-layer.ts';
import { inputGradients, inputProduct, joined } from './recurrent-products.ts';

/**
 * Runs a cell over whole sequences: the output in the layout of `x`, and the final states `[D, B, H]`. Of its units `units` are the
 * layer's own, the others fill up a vec4.
 */
export function recurrentLayer(
  cell: Cell,
  x: Tensor,
  weights: readonly CellWeights[],
  options: SequenceOptions & { h0?: Tensor | undefined; c0?: Tensor | undefined },
  units?: number,
): { output: Tensor; finals: readonly Tensor[] } {
  const { op } = cell;
  const layer = checkLayer(cell, x, weights, options, units);
  const { batch, time, hidden, directions } = layer.geometry;
  const initial = cell.states.map(
    (name) => checkState(layer, name, options[name]) ?? full([directions, batch, hidden], 0, { device: x.device }),
  );
  const whole = wholeQuads(layer);
  if (whole) {
    const states = { h0: whole.state(options.h0), c0: whole.state(options.c0) };
    const { output, finals } = recurrentLayer(cell, x, whole.weights, { ...options, ...states }, whole.units);
    return { output: whole.output(output), finals: finals.map(whole.final) };
  }
  const { device } = x;
  const packed = pack(layer);
  const { gates, weight } = inputProduct(layer, packed.bias);
  const previous = previousStates(layer, options.h0, x);
  const output = empty([x.shape[0]!, x.shape[1]!, directions * hidden], { device, label: op });
  const kept = cell.forward ? empty([batch * time, directions * hidden], { device, label: op }) : output;
  const finals = initial.map((state) => joined(op, state.shape, [{ of: state }]));
  const pass = { kept, previous, output, initial, finals, biasM: packed.biasM };
  const forward = { gates_inout: gates, h_prev: previous, out: output, h_n: finals[0]!, ...cell.forward?.(pass) };
  runSteps(layer, 'forward', packed, forward, time);
  const inputs = [x, ...initial, ...flatWeights(weights)];
  record(op, inputs, [output, ...finals], ([dOut, ...dFinals], needs) => {
    const dStates = initial.map(({ shape }, i) =>
      dFinals[i] ? joined(op, shape, [{ of: dFinals[i] }]) : full(shape, 0, { device }),
    );
    const d_out = dOut ?? full(output.shape, 0, { device });
    const backward = { gates_inout: gates, d_out, d_h_n_inout: dStates[0]!, ...cell.backward({ ...pass, dStates }) };
    runSteps(layer, 'backward', packed, backward, time + Number(needs[1]));
    const wanted = { x: needs[0]!, weights: needs.slice(1 + initial.length).some(Boolean) };
    const { dX, dWeights } = inputGradients(layer, weight, gates, cell.split ? kept : undefined, previous, wanted);
    return [dX, ...dStates.map((d, i) => (needs[1 + i] ? d : undefined)), ...flatWeights(dWeights)];
  });
  return { output, finals };
}

/**
 * Kernels take units four at a time: the same layer with units added that stay 0, and what cuts them off its results again.
 * Undefined where there is nothing to add.
 */
function wholeQuads({ cell, geometry, weights }: Layer) {
  const { hidden, directions } = geometry;
  const more = (4 - (hidden % 4)) % 4;
  if (more === 0) return undefined;
  const rows = (w: Tensor) => {
    const columns = w.rank === 2 ? w.shape[1]! : 1;
    const padded = pad(reshape(w, [cell.gates, hidden, columns]), [0, 0, 0, more]);
    return reshape(padded, w.rank === 2 ? [-1, columns] : [-1]);
  };
  const cut = (y: Tensor) => narrow(y, -1, 0, hidden);
  return {
    units: hidden,
    weights: weights.map(({ weightIh, weightHh, biasIh, biasHh }) => ({
      weightIh: rows(weightIh),
      weightHh: rows(pad(weightHh, [0, more])),
      biasIh: biasIh && rows(biasIh),
      biasHh: biasHh && rows(biasHh),
    })),
    state: (s: Tensor | undefined) => s && pad(s, [0, more]),
    final: cut,
    output(y: Tensor) {
      const [a, b] = y.shape as [number, number, number];
      return reshape(cut(reshape(y, [a, b, directions, hidden + more])), [a, b, directions * hidden]);
    },
  };
}

/** The state that each step starts from, `[rows, D·H]`: that of each direction's first step is there, the rest to be written. */
function previousStates({ cell, geometry }: Layer, h0: Tensor | undefined, like: Tensor): Tensor {
  const { batch, time, hidden, directions, strideB, strideT } = geometry;
  const out = empty([batch * time, directions * hidden], { device: like.device, label: cell.op });
  if (out.size === 0) return out;
  if (!h0) out.device.clear(out.view);
  else
    for (let d = 0; d < directions; d++)
      copyStrided(cell.op, {
        shape: [batch, hidden],
        source: h0,
        sourceStrides: [hidden, 1],
        sourceOffset: d * batch * hidden,
        target: out,
        targetStrides: [strideB * directions * hidden, 1],
        targetOffset: (d === 1 ? (time - 1) * strideT * directions : 0) * hidden + d * hidden,
      });
  return out;
}

/** Every tensor a recurrent op differentiates, in the order its gradients are returned. */
function flatWeights(weights: readonly CellWeights[]): Tensor[] {
  return weights.flatMap((w) => [w.weightIh, w.weightHh, w.biasIh, w.biasHh].filter((t) => t !== undefined));
}
