// The products of a recurrent layer that are not sequential: its inputs before the steps, and after the reverse steps the gradients
// of inputs and weights, one product each over all steps. Gates lie one after another everywhere, as in PyTorch's weights.
import { shaders } from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gemm } from './gemm.ts';
import { type Matrix, matrixOf } from './gemm-product.ts';
import { type CellWeights, copyOf, type Layer } from './recurrent.ts';
import { overRows } from './row-kernels.ts';

/** `weightIh` of all directions, `[D·G·H, I]`. */
function inputWeights({ kind, geometry, weights }: Layer): Tensor {
  const [first, second] = weights;
  if (!second) return first!.weightIh;
  const rows = kind.gates * geometry.hidden;
  const out = empty([2 * rows, geometry.input], { device: first!.weightIh.device, label: kind.op });
  const { bytes } = first!.weightIh;
  if (bytes === 0) return out;
  weights.forEach(({ weightIh }, d) => {
    out.device.copy({ ...weightIh.view, bytes }, { ...out.view, offset: out.view.offset + d * bytes, bytes });
  });
  return out;
}

/** `x·Wᵀ + b` of all steps and directions at once, `[rows, D·G·H]`, and the weights of all directions that made it. */
export function inputProduct(layer: Layer, bias: Tensor): { gates: Tensor; weight: Tensor } {
  const { kind, geometry, x, weights } = layer;
  const { batch, time, input, hidden, directions } = geometry;
  const weight = inputWeights(layer);
  const gates = gemm({
    a: matrixOf(x.viewAs([batch * time, input]), false),
    b: matrixOf(weight, true),
    m: batch * time,
    n: directions * kind.gates * hidden,
    k: input,
    batch: 1,
    bias: weights[0]!.biasIh ? bias : undefined,
    label: kind.op,
  });
  return { gates: gates.viewAs([batch * time, directions * kind.gates * hidden]), weight };
}

/** What the reverse scan leaves: gradients of the gates' sums, and of the recurrent part of a GRU's last gate. */
export interface GateGradients {
  /** `[rows, D·G·H]` */
  dGates: Tensor;
  /** `[rows, D·H]` */
  dM?: Tensor | undefined;
}

/** What the gates' gradients of all steps say about `x` and the weights. */
export function inputGradients(
  layer: Layer,
  weight: Tensor,
  { dGates, dM }: GateGradients,
  previous: Tensor,
  needs: { x: boolean; weights: boolean },
): { dX?: Tensor; dWeights: CellWeights[] } {
  const { kind, geometry, x } = layer;
  const { batch, time, input, hidden } = geometry;
  const rows = batch * time;
  const width = dGates.shape[1]!;
  const label = kind.op;
  const result: { dX?: Tensor; dWeights: CellWeights[] } = { dWeights: [] };
  if (needs.x) {
    const [a, b] = [matrixOf(dGates, false), matrixOf(weight, false)];
    result.dX = gemm({ a, b, m: rows, n: input, k: width, batch: 1, label }).viewAs(x.shape);
    zeroPadding(layer, result.dX);
  }
  if (!needs.weights) return result;
  const own = layer.ragged ? copyOf(x, label) : x;
  zeroPadding(layer, own);
  zeroPadding(layer, previous);
  const [a, b] = [matrixOf(dGates, true), matrixOf(own.viewAs([rows, input]), false)];
  const dIh = gemm({ a, b, m: width, n: input, k: rows, batch: 1, label });
  if (own !== x) own.dispose();
  const dHh = recurrentGradients(layer, dGates, dM, previous);
  const biases = layer.weights[0]!.biasIh ? biasGradients(layer, dGates, dM) : [];
  const perGate = kind.gates * hidden;
  result.dWeights = layer.weights.map((_, d) => ({
    weightIh: copyOf(dIh, label, [perGate, input], d * perGate * input),
    weightHh: dHh[d]!,
    ...biases[d],
  }));
  return result;
}

/** Of ragged rows: what stands past their ends, where all gradients are 0, becomes 0, so that no NaN there comes into a sum. */
function zeroPadding({ kind, geometry, lengths, ragged }: Layer, x: Tensor): void {
  if (!ragged) return;
  const { batch, time, strideB, strideT } = geometry;
  const width = x.size / (batch * time);
  overRows(batch * time, { x }, (bind, firstRow, rowCount) => {
    const size = rowCount * width;
    x.device.run(shaders.zero_padding, {
      bind: { ...bind, lengths: lengths.view },
      params: { size, first_row: firstRow, batch, time, width, stride_b: strideB, stride_t: strideT },
      grid: Math.ceil(size / 64),
      label: kind.op,
    });
  });
}

/** `[G·H, H]` of each direction: its gates' gradients times the states that its steps started from. */
function recurrentGradients(
  { kind, geometry }: Layer,
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
      label: kind.op,
    });
  const wide = kind.gates * hidden;
  const plain = wide - (dM ? hidden : 0); // a GRU's last gate has a gradient of its own
  const parts = [of({ tensor: dGates, batchStride: wide, rowStride: 1, colStride: directions * wide }, plain)];
  if (dM) parts.push(of({ tensor: dM, batchStride: hidden, rowStride: 1, colStride: directions * hidden }, hidden));
  return stacked(parts, [wide, hidden], directions, kind.op);
}

/** Both biases of each direction. */
function biasGradients({ kind, geometry }: Layer, dGates: Tensor, dM: Tensor | undefined) {
  const { batch, time, hidden, directions } = geometry;
  const { device } = dGates;
  const wide = kind.gates * hidden;
  const make = () => empty([wide], { device, label: kind.op });
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
    label: kind.op,
  });
  return made;
}

/** Of stacks `[D, …]`, each direction's members one after another, of shape `shape`. */
function stacked(parts: readonly Tensor[], shape: Shape, directions: number, label: string): Tensor[] {
  return Array.from({ length: directions }, (_, d) => {
    const out = empty(shape, { device: parts[0]!.device, label });
    let at = 0;
    for (const part of parts) {
      const size = part.size / directions;
      put(part, d * size, out, at, size);
      at += size;
    }
    return out;
  });
}

/** Copies `size` elements from one place to another. */
function put(source: Tensor, from: number, target: Tensor, to: number, size: number): void {
  if (size === 0) return;
  const range = (t: Tensor, at: number) => ({ ...t.view, offset: t.view.offset + at * 4, bytes: size * 4 });
  source.device.copy(range(source, from), range(target, to));
}
