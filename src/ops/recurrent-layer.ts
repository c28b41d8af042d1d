// What a recurrent layer is: its cell, its arguments, their sizes, and the checks of all of them.
import { refuse } from '../check.ts';
import type { Kernel } from '../gpu/kernel.ts';
import { formatShape, type Shape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

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

/** What a cell adds to the driver: its kernels bind what it says beside what all of them do. */
export interface Cell {
  readonly op: 'lstm' | 'gru' | 'rnn';
  readonly kernels: { readonly forward: Kernel; readonly backward: Kernel };
  /** Gates in PyTorch's weights. */
  readonly gates: number;
  /** Its states as the options name the initial ones; the output is the first. */
  readonly states: readonly ('h0' | 'c0')[];
  /** Whether the last gate's recurrent part is kept, and its bias and gradient apart from the others (GRU). */
  readonly split?: boolean;
  /** Flags of both kernels. */
  readonly overrides?: Readonly<Record<string, boolean>>;
  /** Bindings of its own in the forward pass, and in the backward pass. */
  forward?(pass: Pass): Record<string, Tensor>;
  backward(pass: Pass & { readonly dStates: readonly Tensor[] }): Record<string, Tensor>;
}

/** The tensors of one pass. */
export interface Pass {
  /** `[rows, D·H]`: what a cell keeps of each step beside its output. */
  readonly kept: Tensor;
  /** `[rows, D·H]`: the state that each step starts from. */
  readonly previous: Tensor;
  readonly output: Tensor;
  /** `[D, B, H]` each: initial and final states. */
  readonly initial: readonly Tensor[];
  readonly finals: readonly Tensor[];
  /** `[D, H]` */
  readonly biasM: Tensor;
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
  readonly cell: Cell;
  readonly geometry: Geometry;
  readonly x: Tensor;
  readonly weights: readonly CellWeights[];
  /** `[B]` u32, or a dummy where the whole rectangle is run. */
  readonly lengths: Tensor;
  readonly ragged: boolean;
}

/** Checks every argument of a recurrent op. `weights` holds one direction or two; of its units `units` are the layer's own. */
export function checkLayer(
  cell: Cell,
  x: Tensor,
  weights: readonly CellWeights[],
  { batchFirst = false, lengths }: SequenceOptions,
  units?: number,
): Layer {
  const { op, gates } = cell;
  if (x.rank !== 3 || x.dtype !== 'f32')
    refuse(op, 'x', batchFirst ? 'f32 [B, T, I]' : 'f32 [T, B, I]', `${x.dtype} ${formatShape(x.shape)}`);
  if (weights.length !== 1 && weights.length !== 2) refuse(op, 'weights', 'of one or two directions', weights.length);
  const [batch, time] = batchFirst ? [x.shape[0]!, x.shape[1]!] : [x.shape[1]!, x.shape[0]!];
  const input = x.shape[2]!;
  const hidden = weights[0]!.weightHh.shape[1] ?? 0;
  const expectShape = (name: string, t: Tensor | undefined, shape: Shape, text: string) => {
    if (t && !sameShape(t.shape, shape)) refuse(op, name, `${text} = ${formatShape(shape)}`, formatShape(t.shape));
  };
  weights.forEach((w, d) => {
    const suffix = d === 1 ? 'Reverse' : '';
    expectShape(`weightHh${suffix}`, w.weightHh, [gates * hidden, hidden], `[${gates}H, H]`);
    expectShape(`weightIh${suffix}`, w.weightIh, [gates * hidden, input], `[${gates}H, I]`);
    expectShape(`biasIh${suffix}`, w.biasIh, [gates * hidden], `[${gates}H]`);
    expectShape(`biasHh${suffix}`, w.biasHh, [gates * hidden], `[${gates}H]`);
    if (!w.biasIh !== !w.biasHh || !w.biasIh !== !weights[0]!.biasIh)
      refuse(op, `biases${suffix}`, 'all given or none', 'some of them');
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
  return { cell, geometry, x, weights, ragged: lengths !== undefined, lengths: lengths ?? x };
}

function checkLengths(op: string, lengths: Tensor, batch: number, time: number): void {
  const { host } = lengths;
  if (!sameShape(lengths.shape, [batch]) || !host)
    refuse(
      op,
      'lengths',
      `integers of shape [B] = [${batch}] with host values`,
      `${lengths.dtype} ${formatShape(lengths.shape)}`,
      'Make them with tensor(Int32Array).',
    );
  lengths.device.hostWork(() => {
    const b = host.findIndex((n) => n < 0 || n > time);
    if (b >= 0) refuse(op, `lengths[${b}]`, `in 0..T = ${time}`, host[b]);
  });
}

/** A state as it was given, checked to be `[D, B, H]`. */
export function checkState({ cell, geometry }: Layer, name: string, state: Tensor | undefined): Tensor | undefined {
  const shape = [geometry.directions, geometry.batch, geometry.hidden];
  if (state && !sameShape(state.shape, shape))
    refuse(cell.op, name, `[D, B, H] = ${formatShape(shape)}`, formatShape(state.shape));
  return state;
}
