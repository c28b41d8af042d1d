// Recurrent layers in float64 on plain arrays: every direction, ragged lengths, initial states.

import { at, type Nd, nd } from '../nd.ts';
import { sigmoid } from './elementwise.ts';

export interface ReferenceWeights {
  weightIh: Nd;
  weightHh: Nd;
  biasIh?: Nd | undefined;
  biasHh?: Nd | undefined;
}

/** A cell: from the G·H input parts, the G·H recurrent parts and the state, the next state (`[h]` or `[h, c]`). */
type Vector = Float64Array<ArrayBufferLike>;
type Cell = (px: Vector, ph: Vector, state: Vector[], hidden: number) => Vector[];

export const lstmCell: Cell = (px, ph, [, c], n) => {
  const gate = (g: number, j: number) => px[g * n + j]! + ph[g * n + j]!;
  const next = c!.map((cj, j) => sigmoid(gate(1, j)) * cj + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)));
  return [next.map((cj, j) => sigmoid(gate(3, j)) * Math.tanh(cj)), next];
};

export const gruCell: Cell = (px, ph, [h], n) => [
  h!.map((hj, j) => {
    const r = sigmoid(px[j]! + ph[j]!);
    const z = sigmoid(px[n + j]! + ph[n + j]!);
    return (1 - z) * Math.tanh(px[2 * n + j]! + r * ph[2 * n + j]!) + z * hj;
  }),
];

export const rnnCell =
  (f: (v: number) => number): Cell =>
  (px, ph) => [px.map((v, j) => f(v + ph[j]!))];

/** `w` times the vector that starts at `from`. */
const times = ({ shape, data }: Nd, v: Vector, from: number, bias?: Nd) => {
  const [rows, columns] = shape as readonly [number, number];
  const out = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = bias ? bias.data[i]! : 0;
    for (let k = 0; k < columns; k++) sum += data[i * columns + k]! * v[from + k]!;
    out[i] = sum;
  }
  return out;
};

/** `x` `[B, T, I]`; returns the output `[B, T, D·H]` and each final state `[D, B, H]`. */
export function recurrent(
  cell: Cell,
  x: Nd,
  weights: readonly ReferenceWeights[],
  initial: readonly Nd[],
  lengths?: readonly number[],
): Nd[] {
  const [batch, time, inputs] = x.shape as readonly [number, number, number];
  const hidden = weights[0]!.weightHh.shape[1]!;
  const out = nd([batch, time, weights.length * hidden]);
  const finals = initial.map((s) => nd(s.shape));
  weights.forEach((w, d) => {
    for (let b = 0; b < batch; b++) {
      const length = lengths?.[b] ?? time;
      let state: Vector[] = initial.map((s) => Float64Array.from({ length: hidden }, (_, j) => at(s, d, b, j)));
      for (let s = 0; s < length; s++) {
        const t = d === 1 ? length - 1 - s : s;
        const px = times(w.weightIh, x.data, (b * time + t) * inputs, w.biasIh);
        const ph = times(w.weightHh, state[0]!, 0, w.biasHh);
        state = cell(px, ph, state, hidden);
        state[0]!.forEach((v, j) => {
          out.data[(b * time + t) * weights.length * hidden + d * hidden + j] = v;
        });
      }
      finals.forEach((f, i) => {
        f.data.set(state[i]!, (d * batch + b) * hidden);
      });
    }
  });
  return [out, ...finals];
}
