// The products of a recurrent layer that are not sequential: its inputs before the steps, and after the reverse steps the gradients
// of inputs and weights, one product each over all steps. Gates lie one after another everywhere, as in PyTorch's weights.
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { gemm } from './gemm.ts';
import { type Matrix, matrixOf } from './gemm-product.ts';
import type { CellWeights, Layer } from './recurrent-layer.ts';

/** Copies of stretches of tensors, one after another, as a tensor of `shape`. */
export function joined(
  label: string,
  shape: Shape,
  parts: readonly { of: Tensor; from?: number; size?: number }[],
): Tensor {
  const out = empty(shape, { device: parts[0]!.of.device, label });
  let at = 0;
  for (const { of, from = 0, size = of.size } of parts) {
    const range = (t: Tensor, start: number) => ({ ...t.view, offset: t.view.offset + 4 * start, bytes: 4 * size });
    if (size > 0) out.device.copy(range(of, from), range(out, at));
    at += size;
  }
  return out;
}

/** `x·Wᵀ + b` of all steps and directions at once, `[rows, D·G·H]`, and the weights of all directions that made it. */
export function inputProduct(layer: Layer, bias: Tensor): { gates: Tensor; weight: Tensor } {
  const { cell, geometry, x, weights } = layer;
  const { batch, time, input, hidden, directions } = geometry;
  const weight =
    directions === 1
      ? weights[0]!.weightIh
      : joined(
          cell.op,
          [directions * cell.gates * hidden, input],
          weights.map(({ weightIh }) => ({ of: weightIh })),
        );
  const gates = gemm({
    a: matrixOf(x.viewAs([batch * time, input]), false),
    b: matrixOf(weight, true),
    m: batch * time,
    n: directions * cell.gates * hidden,
    k: input,
    batch: 1,
    bias: weights[0]!.biasIh ? bias : undefined,
    label: cell.op,
  });
  return { gates: gates.viewAs([batch * time, directions * cell.gates * hidden]), weight };
}

/**
 * What the gates' gradients of all steps say about `x` and the weights: `dGates` `[rows, D·G·H]` of the gates' sums, and with a
 * split cell `dM` `[rows, D·H]` of the last gate's recurrent part.
 */
export function inputGradients(
  layer: Layer,
  weight: Tensor,
  dGates: Tensor,
  dM: Tensor | undefined,
  previous: Tensor,
  needs: { x: boolean; weights: boolean },
): { dX?: Tensor; dWeights: CellWeights[] } {
  const { cell, geometry, x } = layer;
  const { batch, time, input, hidden } = geometry;
  const rows = batch * time;
  const width = dGates.shape[1]!;
  const label = cell.op;
  const result: { dX?: Tensor; dWeights: CellWeights[] } = { dWeights: [] };
  if (needs.x) {
    const [a, b] = [matrixOf(dGates, false), matrixOf(weight, false)];
    result.dX = gemm({ a, b, m: rows, n: input, k: width, batch: 1, label }).viewAs(x.shape);
    zeroPadding(layer, result.dX);
  }
  if (!needs.weights) return result;
  const own = layer.ragged ? joined(label, x.shape, [{ of: x }]) : x;
  zeroPadding(layer, own);
  zeroPadding(layer, previous);
  const [a, b] = [matrixOf(dGates, true), matrixOf(own.viewAs([rows, input]), false)];
  const dIh = gemm({ a, b, m: width, n: input, k: rows, batch: 1, label });
  if (own !== x) own.dispose();
  const dHh = recurrentGradients(layer, dGates, dM, previous);
  const biases = layer.weights[0]!.biasIh ? biasGradients(layer, dGates, dM) : [];
  const perGate = cell.gates * hidden;
  result.dWeights = layer.weights.map((_, d) => ({
    weightIh: joined(label, [perGate, input], [{ of: dIh, from: d * perGate * input, size: perGate * input }]),
    weightHh: dHh[d]!,
    ...biases[d],
  }));
  return result;
}

/** Of ragged rows: what stands past their ends, where all gradients are 0, becomes 0, so that no NaN there comes into a sum. */
function zeroPadding({ cell, geometry, lengths, ragged }: Layer, x: Tensor): void {
  if (!ragged) return;
  const { batch, time, strideB, strideT } = geometry;
  const width = x.size / (batch * time);
  for (const { base, count, views } of windows(batch * time, { x })) {
    const size = count * width;
    x.device.run(shaders.zero_padding, {
      bind: { ...views, lengths: lengths.view },
      params: { size, base, batch, time, width, stride_b: strideB, stride_t: strideT },
      grid: Math.ceil(size / 64),
      label: cell.op,
    });
  }
}

/** `[G·H, H]` of each direction: its gates' gradients times the states that its steps started from. */
function recurrentGradients(
  { cell, geometry }: Layer,
  dGates: Tensor,
  dM: Tensor | undefined,
  previous: Tensor,
): Tensor[] {
  const { batch, time, hidden, directions } = geometry;
  const of = (a: Matrix, m: number) =>
    gemm({
      a,
      b: { tensor: previous, batchStride: hidden, rowStride: directions * hidden, colStride: 1 },
      m,
      n: hidden,
      k: batch * time,
      batch: directions,
      label: cell.op,
    });
  const wide = cell.gates * hidden;
  const plain = wide - (dM ? hidden : 0); // a GRU's last gate has a gradient of its own
  const parts = [of({ tensor: dGates, batchStride: wide, rowStride: 1, colStride: directions * wide }, plain)];
  if (dM) parts.push(of({ tensor: dM, batchStride: hidden, rowStride: 1, colStride: directions * hidden }, hidden));
  return Array.from({ length: directions }, (_, d) => {
    const own = (of: Tensor) => ({ of, from: (d * of.size) / directions, size: of.size / directions });
    return joined(cell.op, [wide, hidden], parts.map(own));
  });
}

/** Both biases of each direction. */
function biasGradients({ cell, geometry }: Layer, dGates: Tensor, dM: Tensor | undefined) {
  const { batch, time, hidden, directions } = geometry;
  const { device } = dGates;
  const wide = cell.gates * hidden;
  const make = () => empty([wide], { device, label: cell.op });
  const made = Array.from({ length: directions }, () => ({ biasIh: make(), biasHh: make() }));
  if (dGates.size === 0) {
    for (const { biasIh, biasHh } of made) for (const bias of [biasIh, biasHh]) device.clear(bias.view);
    return made;
  }
  const second = made[1] ?? { biasIh: make(), biasHh: make() };
  const columns = (directions * (wide + (dM ? hidden : 0))) / 4;
  device.run(shaders.recurrent_bias_gradient, {
    bind: {
      d_gates: dGates.view,
      d_m: (dM ?? dGates).view,
      d_bias_ih: made[0]!.biasIh.view,
      d_bias_hh: made[0]!.biasHh.view,
      d_bias_ih_reverse: second.biasIh.view,
      d_bias_hh_reverse: second.biasHh.view,
    },
    params: { rows: batch * time, directions, gate: wide / 4, hidden: hidden / 4 },
    overrides: { SPLIT: dM !== undefined },
    grid: Math.ceil(columns / 8),
    label: cell.op,
  });
  return made;
}
