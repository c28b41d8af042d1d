// What a library without recurrent kernels does: a chain of small ops for every time step.
import {
  add,
  type CellWeights,
  concat,
  matmul,
  mul,
  narrow,
  reshape,
  sigmoid,
  stack,
  sub,
  tanh,
  zeros,
} from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { CellName } from '../named-steps.ts';

/** One recurrent layer of one or two directions: `x` `[B, T, I]` → `[B, T, D·H]`. */
export function opByOpLayer(cell: CellName, x: Tensor, weights: readonly CellWeights[]): Tensor {
  const outputs = weights.map((w, d) => direction(cell, x, w, d === 1));
  return outputs.length === 1 ? outputs[0]! : concat(outputs, 2);
}

function direction(cell: CellName, x: Tensor, weights: CellWeights, reverse: boolean): Tensor {
  const [batch, time, width] = x.shape as [number, number, number];
  const hidden = weights.weightHh.shape[1]!;
  const outputs: Tensor[] = new Array(time);
  let state = { h: zeros([batch, hidden]), c: zeros([batch, hidden]) };
  for (let i = 0; i < time; i++) {
    const t = reverse ? time - 1 - i : i;
    const input = reshape(narrow(x, 1, t, 1), [batch, width]);
    const fromX = matmul(input, weights.weightIh, { transposeB: true, bias: weights.biasIh });
    const fromH = matmul(state.h, weights.weightHh, { transposeB: true, bias: weights.biasHh });
    state = STEPS[cell](fromX, fromH, state, hidden);
    outputs[t] = state.h;
  }
  return stack(outputs, 1);
}

interface State {
  h: Tensor;
  c: Tensor;
}

/** One time step after its two products `[B, G·H]`, with PyTorch's gate orders. */
const STEPS: Record<CellName, (x: Tensor, h: Tensor, state: State, hidden: number) => State> = {
  lstm(x, h, { c }, hidden) {
    const gates = add(x, h);
    const gate = (n: number) => narrow(gates, 1, n * hidden, hidden);
    const next = add(mul(sigmoid(gate(1)), c), mul(sigmoid(gate(0)), tanh(gate(2))));
    return { c: next, h: mul(sigmoid(gate(3)), tanh(next)) };
  },
  gru(x, h, { h: before, c }, hidden) {
    const gate = (of: Tensor, n: number) => narrow(of, 1, n * hidden, hidden);
    const r = sigmoid(add(gate(x, 0), gate(h, 0)));
    const z = sigmoid(add(gate(x, 1), gate(h, 1)));
    const n = tanh(add(gate(x, 2), mul(r, gate(h, 2))));
    return { c, h: add(n, mul(z, sub(before, n))) };
  },
  rnn: (x, h, { c }) => ({ c, h: tanh(add(x, h)) }),
};
