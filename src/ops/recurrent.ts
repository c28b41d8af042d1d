// What the recurrent ops share: checks, gates packed unit by unit, the product of all inputs at once, and the gradients of the
// weights after the reverse scan, one product each over all steps.
import { ArgumentError } from '../errors.ts';
import { shaders } from '../gpu/shaders.gen.ts';
import { empty, full } from '../tensor/create.ts';
import { formatShape, type Shape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gemm, matrixOf } from './gemm.ts';
import { sumTo } from './reduce.ts';

/** Weights of one direction, as PyTorch stores them: gates stacked along the first axis. */
export interface CellWeights {
  /** `[G·H, I]` */
  weightIh: Tensor;
  /** `[G·H, H]` */
  weightHh: Tensor;
  /** `[G·H]` */
  biasIh?: Tensor | undefined;
  /** `[G·H]` */
  biasHh?: Tensor | undefined;
}

export interface SequenceOptions {
  /** Whether `x` is `[B, T, I]` rather than `[T, B, I]`. */
  batchFirst?: boolean;
  /** Valid steps of each row, `[B]` integers in 0..T with host values. Undefined runs over the padding too. */
  lengths?: Tensor | undefined;
}

/** How a cell's gates are laid out in packed form. */
export interface CellKind {
  readonly op: 'lstm' | 'gru' | 'rnn';
  /** Gates in PyTorch's weights. */
  readonly gates: number;
  /** Slots of a packed unit. */
  readonly slots: number;
  /** Slot of the last gate's input part, and of its recurrent part. */
  readonly lastX: number;
  readonly lastH: number;
}

/** One layer's sizes, and where row `(b, t)` of the sequence lies: `b·strideB + t·strideT`. */
export interface Geometry {
  readonly batch: number;
  readonly time: number;
  readonly input: number;
  readonly hidden: number;
  readonly directions: number;
  readonly strideB: number;
  readonly strideT: number;
  readonly batchFirst: boolean;
}

export interface Layer {
  readonly kind: CellKind;
  readonly geometry: Geometry;
  readonly x: Tensor;
  readonly weights: readonly CellWeights[];
  /** `[B]` u32, or a dummy where the whole rectangle is run. */
  readonly lengths: Tensor;
  readonly ragged: boolean;
}

/** Checks every argument of a recurrent op. `weights` holds one direction or two. */
export function checkLayer(
  kind: CellKind,
  x: Tensor,
  weights: readonly CellWeights[],
  { batchFirst = false, lengths }: SequenceOptions,
): Layer {
  const { op, gates } = kind;
  if (x.rank !== 3 || x.dtype !== 'f32')
    throw new ArgumentError({
      op,
      argument: 'x',
      expected: batchFirst ? 'f32 [B, T, I]' : 'f32 [T, B, I]',
      actual: `${x.dtype} ${formatShape(x.shape)}`,
    });
  if (weights.length !== 1 && weights.length !== 2)
    throw new ArgumentError({
      op,
      argument: 'weights',
      expected: 'of one or two directions',
      actual: String(weights.length),
    });
  const [batch, time] = batchFirst ? [x.shape[0]!, x.shape[1]!] : [x.shape[1]!, x.shape[0]!];
  const input = x.shape[2]!;
  const hidden = weights[0]!.weightHh.shape[1] ?? 0;
  const expectShape = (name: string, t: Tensor | undefined, shape: Shape, text: string) => {
    if (t && !sameShape(t.shape, shape))
      throw new ArgumentError({
        op,
        argument: name,
        expected: `${text} = ${formatShape(shape)}`,
        actual: formatShape(t.shape),
      });
  };
  weights.forEach((w, d) => {
    const suffix = d === 1 ? 'Reverse' : '';
    expectShape(`weightHh${suffix}`, w.weightHh, [gates * hidden, hidden], `[${gates}H, H]`);
    expectShape(`weightIh${suffix}`, w.weightIh, [gates * hidden, input], `[${gates}H, I]`);
    expectShape(`biasIh${suffix}`, w.biasIh, [gates * hidden], `[${gates}H]`);
    expectShape(`biasHh${suffix}`, w.biasHh, [gates * hidden], `[${gates}H]`);
    if (!w.biasIh !== !w.biasHh || !w.biasIh !== !weights[0]!.biasIh)
      throw new ArgumentError({
        op,
        argument: `biases${suffix}`,
        expected: 'all given or none',
        actual: 'some of them',
      });
  });
  const geometry: Geometry = {
    batch,
    time,
    input,
    hidden,
    directions: weights.length,
    batchFirst,
    strideB: batchFirst ? time : 1,
    strideT: batchFirst ? 1 : batch,
  };
  const ragged = lengths !== undefined && checkLengths(op, lengths, batch, time);
  return { kind, geometry, x, weights, ragged, lengths: ragged ? lengths! : x };
}

/** Whether the lengths matter, i.e. not all of them are `time`. */
function checkLengths(op: string, lengths: Tensor, batch: number, time: number): boolean {
  const { host } = lengths;
  if (!sameShape(lengths.shape, [batch]) || !host)
    throw new ArgumentError({
      op,
      argument: 'lengths',
      expected: `integers of shape [B] = [${batch}] with host values`,
      actual: `${lengths.dtype} ${formatShape(lengths.shape)}`,
      remedy: 'Make them with tensor(Int32Array).',
    });
  host.forEach((n, b) => {
    if (n < 0 || n > time)
      throw new ArgumentError({ op, argument: `lengths[${b}]`, expected: `in 0..T = ${time}`, actual: String(n) });
  });
  return host.some((n) => n < time);
}

/** An initial state `[D, B, H]`, zeros where none is given. */
export function initialState(
  op: string,
  name: string,
  state: Tensor | undefined,
  { directions, batch, hidden }: Geometry,
  like: Tensor,
): Tensor {
  const shape = [directions, batch, hidden];
  if (!state) return full(shape, 0, { device: like.device });
  if (!sameShape(state.shape, shape))
    throw new ArgumentError({
      op,
      argument: name,
      expected: `[D, B, H] = ${formatShape(shape)}`,
      actual: formatShape(state.shape),
    });
  return state;
}

export function copyOf(x: Tensor, label: string): Tensor {
  const out = empty(x.shape, { device: x.device, label });
  if (x.size > 0) x.device.copy({ ...x.view, bytes: x.bytes }, { ...out.view, bytes: x.bytes });
  return out;
}

/**
 * Weights in the layout of `recurrent_pack`: 0 for the input product, 1 for the scan, 2 for the reverse scan. The scan's rows may
 * be padded with zeros to `padded`.
 */
export function packWeights(
  { kind, geometry, weights }: Layer,
  which: 'weightIh' | 'weightHh',
  layout: 0 | 1 | 2,
  padded?: number,
): Tensor {
  const { hidden, directions, input } = geometry;
  const columns = which === 'weightIh' ? input : hidden;
  const depth = padded ?? columns;
  const first = weights[0]![which];
  const shape = layout === 0 ? [columns, directions * hidden * kind.slots] : [directions, depth, hidden, kind.slots];
  const out = empty(shape, { device: first.device, label: kind.op });
  out.device.run(shaders.recurrent_pack, {
    bind: { weight: first.view, weight_reverse: (weights[1] ?? weights[0]!)[which].view, out: out.view },
    params: {
      size: out.size,
      hidden,
      columns,
      padded: depth,
      gates: kind.gates,
      slots: kind.slots,
      last_slot: which === 'weightIh' ? kind.lastX : kind.lastH,
      directions,
    },
    overrides: { LAYOUT: layout },
    grid: Math.ceil(out.size / 64),
    label: kind.op,
  });
  return out;
}

function packBias({ kind, geometry, weights }: Layer): Tensor | undefined {
  const { biasIh, biasHh } = weights[0]!;
  if (!biasIh || !biasHh) return undefined;
  const { hidden, directions } = geometry;
  const other = weights[1] ?? weights[0]!;
  const out = empty([directions * hidden * kind.slots], { device: biasIh.device, label: kind.op });
  out.device.run(shaders.recurrent_pack_bias, {
    bind: {
      bias_ih: biasIh.view,
      bias_hh: biasHh.view,
      bias_ih_reverse: other.biasIh!.view,
      bias_hh_reverse: other.biasHh!.view,
      out: out.view,
    },
    params: { size: out.size, hidden, gates: kind.gates, slots: kind.slots, last_x: kind.lastX, last_h: kind.lastH },
    grid: Math.ceil(out.size / 64),
    label: kind.op,
  });
  return out;
}

/** `x·W + b` of all steps and directions at once, `[rows, D·H·P]`, and the packed weights that made it. */
export function inputProduct(layer: Layer): { gates: Tensor; packed: Tensor } {
  const { kind, geometry, x } = layer;
  const { batch, time, input, hidden, directions } = geometry;
  const packed = packWeights(layer, 'weightIh', 0);
  const gates = gemm({
    a: matrixOf(x.viewAs([batch * time, input]), false),
    b: matrixOf(packed, false),
    m: batch * time,
    n: directions * hidden * kind.slots,
    k: input,
    batch: 1,
    bias: packBias(layer),
    label: kind.op,
  });
  return { gates: gates.viewAs([batch * time, directions * hidden * kind.slots]), packed };
}

/** What `d_gates` `[rows, D·H·P]` of all steps says about `x` and the weights. */
export function inputGradients(
  layer: Layer,
  packed: Tensor,
  dGates: Tensor,
  hidden0: Tensor,
  out: Tensor,
  needs: { x: boolean; weights: boolean },
): { dX?: Tensor; dWeights: CellWeights[] } {
  const { kind, geometry, x } = layer;
  const { batch, time, input } = geometry;
  const rows = batch * time;
  const width = dGates.shape[1]!;
  const result: { dX?: Tensor; dWeights: CellWeights[] } = { dWeights: [] };
  if (needs.x) {
    const dX = gemm({
      a: matrixOf(dGates, false),
      b: matrixOf(packed, true),
      m: rows,
      n: input,
      k: width,
      batch: 1,
      label: kind.op,
    });
    result.dX = dX.viewAs(x.shape);
  }
  if (needs.weights) {
    const dIh = gemm({
      a: matrixOf(dGates, true),
      b: matrixOf(x.viewAs([rows, input]), false),
      m: width,
      n: input,
      k: rows,
      batch: 1,
      label: kind.op,
    });
    const dHh = recurrentGradient(layer, dGates, previousStates(layer, hidden0, out));
    const ih = unpackWeights(layer, dIh, input, kind.lastX);
    const hh = unpackWeights(layer, dHh, geometry.hidden, kind.lastH);
    const biases = layer.weights[0]!.biasIh ? unpackBias(layer, sumTo(dGates, [width])) : [];
    result.dWeights = layer.weights.map((_, d) => ({
      weightIh: ih[d]!,
      weightHh: hh[d]!,
      biasIh: biases[2 * d],
      biasHh: biases[2 * d + 1],
    }));
  }
  return result;
}

/** `d_gates` of each direction times the states that its steps started from: `[D, H·P, H]`. */
function recurrentGradient({ kind, geometry }: Layer, dGates: Tensor, previous: Tensor): Tensor {
  const { batch, time, hidden, directions } = geometry;
  const wide = hidden * kind.slots;
  return gemm({
    a: { tensor: dGates, batchStride: wide, rowStride: 1, colStride: directions * wide },
    b: { tensor: previous, batchStride: hidden, rowStride: directions * hidden, colStride: 1 },
    m: wide,
    n: hidden,
    k: batch * time,
    batch: directions,
    label: kind.op,
  });
}

function previousStates({ kind, geometry, lengths, ragged }: Layer, hidden0: Tensor, out: Tensor): Tensor {
  const { batch, time, hidden, directions, strideB, strideT } = geometry;
  const previous = empty([batch * time, directions * hidden], { device: out.device, label: kind.op });
  out.device.run(shaders.recurrent_previous, {
    bind: { lengths: lengths.view, h: out.view, h0: hidden0.view, out: previous.view },
    params: { size: previous.size, batch, time, hidden, directions, stride_b: strideB, stride_t: strideT },
    overrides: { RAGGED: ragged },
    grid: Math.ceil(previous.size / 64),
    label: kind.op,
  });
  return previous;
}

function unpackWeights({ kind, geometry }: Layer, packed: Tensor, columns: number, lastSlot: number): Tensor[] {
  const { hidden, directions } = geometry;
  const { device } = packed;
  const made = Array.from({ length: directions }, () =>
    empty([kind.gates * hidden, columns], { device, label: kind.op }),
  );
  const size = made[0]!.size;
  device.run(shaders.recurrent_unpack, {
    bind: { packed: packed.view, d_weight: made[0]!.view, d_weight_reverse: (made[1] ?? scratch(device)).view },
    params: { size, hidden, columns, gates: kind.gates, slots: kind.slots, last_slot: lastSlot, directions },
    grid: Math.ceil(size / 64),
    label: kind.op,
  });
  return made;
}

/** In the order biasIh, biasHh, biasIhReverse, biasHhReverse. */
function unpackBias({ kind, geometry }: Layer, packed: Tensor): Tensor[] {
  const { hidden, directions } = geometry;
  const { device } = packed;
  const made = Array.from({ length: 2 * directions }, () => empty([kind.gates * hidden], { device, label: kind.op }));
  const at = (i: number) => (made[i] ?? scratch(device)).view;
  device.run(shaders.recurrent_unpack_bias, {
    bind: {
      packed: packed.view,
      d_bias_ih: at(0),
      d_bias_hh: at(1),
      d_bias_ih_reverse: at(2),
      d_bias_hh_reverse: at(3),
    },
    params: {
      size: kind.gates * hidden,
      hidden,
      gates: kind.gates,
      slots: kind.slots,
      last_x: kind.lastX,
      last_h: kind.lastH,
      directions,
    },
    grid: Math.ceil((kind.gates * hidden) / 64),
    label: kind.op,
  });
  return made;
}

/** Stands for a binding that the kernel does not touch. */
function scratch(device: Tensor['device']): Tensor {
  return empty([1], { device, label: 'scratch' });
}

/** Every tensor a recurrent op differentiates, in the order its gradients are returned. */
export function flatWeights(weights: readonly CellWeights[]): Tensor[] {
  return weights.flatMap((w) => [w.weightIh, w.weightHh, w.biasIh, w.biasHh].filter((t) => t !== undefined));
}
