// What the recurrent ops share: arguments, initial states, and layers whose units do not come in fours.
import { ArgumentError } from '../errors.ts';
import { empty, full } from '../tensor/create.ts';
import { formatShape, type Shape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { copyStrided } from './copy-strided.ts';
import { narrow, pad, reshape } from './layout.ts';

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

export interface CellKind {
  readonly op: 'lstm' | 'gru' | 'rnn';
  /** Gates in PyTorch's weights. */
  readonly gates: number;
}

/** One layer's sizes, and where row `(b, t)` of the sequence lies: `b·strideB + t·strideT`. */
export interface Geometry {
  readonly batch: number;
  readonly time: number;
  readonly input: number;
  readonly hidden: number;
  /** Units that are not there to fill up a vec4. */
  readonly units: number;
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

/** Checks every argument of a recurrent op. `weights` holds one direction or two; of its units `units` are the layer's own. */
export function checkLayer(
  kind: CellKind,
  x: Tensor,
  weights: readonly CellWeights[],
  { batchFirst = false, lengths }: SequenceOptions,
  units?: number,
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
    units: units ?? hidden,
    directions: weights.length,
    batchFirst,
    strideB: batchFirst ? time : 1,
    strideT: batchFirst ? 1 : batch,
  };
  if (lengths) checkLengths(op, lengths, batch, time);
  return { kind, geometry, x, weights, ragged: lengths !== undefined, lengths: lengths ?? x };
}

function checkLengths(op: string, lengths: Tensor, batch: number, time: number): void {
  const { host } = lengths;
  if (!sameShape(lengths.shape, [batch]) || !host)
    throw new ArgumentError({
      op,
      argument: 'lengths',
      expected: `integers of shape [B] = [${batch}] with host values`,
      actual: `${lengths.dtype} ${formatShape(lengths.shape)}`,
      remedy: 'Make them with tensor(Int32Array).',
    });
  lengths.device.hostWork(() => {
    const b = host.findIndex((n) => n < 0 || n > time);
    if (b >= 0)
      throw new ArgumentError({
        op,
        argument: `lengths[${b}]`,
        expected: `in 0..T = ${time}`,
        actual: String(host[b]),
      });
  });
}

/** A state `[D, B, H]` as it was given, or zeros. */
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

/** `part` of a tensor as a tensor of its own, or a copy of all of it. */
export function copyOf(x: Tensor, label: string, shape: Shape = x.shape, offset = 0): Tensor {
  const out = empty(shape, { device: x.device, label });
  const from = x.viewAs(shape, x.offset + offset);
  if (out.size > 0) x.device.copy({ ...from.view, bytes: out.bytes }, { ...out.view, bytes: out.bytes });
  return out;
}

/**
 * Kernels take units four at a time: the same layer with units added that stay 0, and what cuts them off its results again.
 * Undefined where there is nothing to add.
 */
export function wholeQuads({ kind, geometry, weights }: Layer) {
  const { hidden, directions } = geometry;
  const more = (4 - (hidden % 4)) % 4;
  if (more === 0) return undefined;
  const rows = (w: Tensor) => {
    const columns = w.rank === 2 ? w.shape[1]! : 1;
    const padded = pad(reshape(w, [kind.gates, hidden, columns]), [0, 0, 0, more]);
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
export function previousStates({ kind, geometry }: Layer, h0: Tensor | undefined, like: Tensor): Tensor {
  const { batch, time, hidden, directions, strideB, strideT } = geometry;
  const out = empty([batch * time, directions * hidden], { device: like.device, label: kind.op });
  if (out.size === 0) return out;
  if (!h0) out.device.clear(out.view);
  else
    for (let d = 0; d < directions; d++)
      copyStrided(kind.op, {
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
export function flatWeights(weights: readonly CellWeights[]): Tensor[] {
  return weights.flatMap((w) => [w.weightIh, w.weightHh, w.biasIh, w.biasHh].filter((t) => t !== undefined));
}
