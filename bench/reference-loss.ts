// The loss of a tagger's forward pass in float64 on plain arrays: what every engine's first loss is held against.
import { type Batch, GATES, type HostParameter, type StepSpec } from './named-steps.ts';

type Arrays = ReadonlyMap<string, Float32Array>;

export interface ReferenceOptions {
  /** GRU in the older form that applies the reset gate before the product, and adds both biases outside (Keras 1, tfjs). */
  resetBefore?: boolean;
}

/** Mean cross-entropy over the batch. One recurrent layer; slow, meant for the smaller steps. */
export function referenceLoss(
  spec: StepSpec,
  parameters: readonly HostParameter[],
  { ids, tags }: Batch,
  options: ReferenceOptions = {},
): number {
  if (spec.layers !== 1) throw new Error('the reference has one layer');
  const arrays: Arrays = new Map(parameters.map(({ name, data }) => [name, data]));
  const { hidden, batch, time, embedding } = spec;
  const directions = spec.bidirectional ? 2 : 1;
  const width = directions * hidden;
  const table = arrays.get('embedding.weight')!;
  let total = 0;
  for (let b = 0; b < batch; b++) {
    const words = ids.slice(b * time, (b + 1) * time).map((id) => table.subarray(id * embedding, (id + 1) * embedding));
    const outputs = new Float64Array(time * width);
    for (let d = 0; d < directions; d++)
      run(spec, arrays, words, d === 1, outputs.subarray(d * hidden), width, options);
    for (let t = 0; t < time; t++)
      total += rowLoss(spec, arrays, outputs.subarray(t * width, (t + 1) * width), tags[b * time + t]!);
  }
  return total / (batch * time);
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** out[r] = weight[r, :] · x + bias[r] */
function affine(weight: Float32Array, bias: Float32Array | undefined, x: ArrayLike<number>, out: Float64Array): void {
  const columns = x.length;
  for (let r = 0; r < out.length; r++) {
    let sum = bias?.[r] ?? 0;
    for (let c = 0, at = r * columns; c < columns; c++) sum += weight[at + c]! * x[c]!;
    out[r] = sum;
  }
}

function run(
  { cell, hidden }: StepSpec,
  arrays: Arrays,
  words: readonly Float32Array[],
  reverse: boolean,
  out: Float64Array,
  stride: number,
  options: ReferenceOptions,
): void {
  const [weightIh, weightHh, biasIh, biasHh] = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map(
    (name) => arrays.get(`rnn.${name}_l0${reverse ? '_reverse' : ''}`)!,
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const rows = GATES[cell] * hidden;
  const [fromX, fromH] = [new Float64Array(rows), new Float64Array(rows)];
  const [h, c] = [new Float64Array(hidden), new Float64Array(hidden)];
  for (let i = 0; i < words.length; i++) {
    const t = reverse ? words.length - 1 - i : i;
    affine(weightIh, biasIh, words[t]!, fromX);
    affine(weightHh, biasHh, h, fromH);
    if (cell === 'gru' && options.resetBefore) resetFirst(weightHh, biasHh, fromX, fromH, h);
    else CELLS[cell](fromX, fromH, h, c);
    out.set(h, t * stride);
  }
}

const CELLS = {
  lstm(x: Float64Array, r: Float64Array, h: Float64Array, c: Float64Array) {
    const H = h.length;
    const gate = (n: number, j: number) => x[n * H + j]! + r[n * H + j]!;
    for (let j = 0; j < H; j++) {
      c[j] = sigmoid(gate(1, j)) * c[j]! + sigmoid(gate(0, j)) * Math.tanh(gate(2, j));
      h[j] = sigmoid(gate(3, j)) * Math.tanh(c[j]!);
    }
  },
  gru(x: Float64Array, r: Float64Array, h: Float64Array) {
    const H = h.length;
    for (let j = 0; j < H; j++) {
      const reset = sigmoid(x[j]! + r[j]!);
      const update = sigmoid(x[H + j]! + r[H + j]!);
      const candidate = Math.tanh(x[2 * H + j]! + reset * r[2 * H + j]!);
      h[j] = candidate + update * (h[j]! - candidate);
    }
  },
  rnn(x: Float64Array, r: Float64Array, h: Float64Array) {
    for (let j = 0; j < h.length; j++) h[j] = Math.tanh(x[j]! + r[j]!);
  },
};

function resetFirst(weight: Float32Array, bias: Float32Array, x: Float64Array, r: Float64Array, h: Float64Array): void {
  const H = h.length;
  const scaled = h.map((value, j) => value * sigmoid(x[j]! + r[j]!));
  const last = new Float64Array(H);
  affine(weight.subarray(2 * H * H), bias.subarray(2 * H), scaled, last);
  for (let j = 0; j < H; j++) {
    const update = sigmoid(x[H + j]! + r[H + j]!);
    const candidate = Math.tanh(x[2 * H + j]! + last[j]!);
    h[j] = candidate + update * (h[j]! - candidate);
  }
}

function rowLoss({ tags }: StepSpec, arrays: Arrays, output: Float64Array, tag: number): number {
  const scores = new Float64Array(tags);
  affine(arrays.get('head.weight')!, arrays.get('head.bias')!, output, scores);
  const top = Math.max(...scores);
  return Math.log(scores.reduce((sum, s) => sum + Math.exp(s - top), 0)) + top - scores[tag]!;
}
