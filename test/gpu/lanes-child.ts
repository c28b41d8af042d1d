// What lanes.test.ts runs in a process of its own: products and recurrent layers by the kernels for this adapter's subgroups.
import { backward } from '../../src/ops/backward.ts';
import { gemmClass } from '../../src/ops/gemm-choice.ts';
import { gru, lstm, matmul, rnn } from '../../src/ops/index.ts';
import { init, tensor } from '../../src/tensor/create.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { randomNd } from '../nd.ts';

const device = await init();
const leaf = (shape: Shape, seed: number) =>
  tensor(Float32Array.from(randomNd(shape, seed).data), { shape, requiresGrad: true });
const results: Record<string, Tensor> = {};

// By every order of storage, wide and narrow, with rows and columns past the last tile.
const [m, k] = [70, 20];
for (const [n, method, transposeA, transposeB] of [
  [9, 'texel', false, false],
  [70, 'texel', false, false],
  [70, 'texel', false, true],
  [70, 'texel', true, false],
  [70, 'texel_packed', true, false],
] as const) {
  device.choices.set(gemmClass({ m, n, k, batch: 1 }), method);
  const [a, b] = [leaf(transposeA ? [k, m] : [m, k], 1), leaf(transposeB ? [n, k] : [k, n], 2)];
  const name = `${method} ${transposeA ? 't' : 'n'}${transposeB ? 't' : 'n'} ${n}`;
  results[name] = matmul(a, b, { transposeA, transposeB, bias: leaf([n], 3) });
}
device.choices.clear();

// Rows that fill a tile and rows that do not; units that are no multiple of 8, so that the last lanes have none.
const [T, I, H, D] = [3, 3, 20, 2];
for (const [name, op, gates, recurrentForm, B] of [
  ['lstm', lstm, 4, 'step', 9],
  ['gru', gru, 3, 'scan', 5],
  ['rnn', rnn, 1, 'scan', 5],
] as const) {
  device.tuning = { ...device.tuning, recurrentForm };
  const weights = Array.from({ length: D }, (_, d) => ({
    weightIh: leaf([gates * H, I], 10 * d + 1),
    weightHh: leaf([gates * H, H], 10 * d + 2),
    biasIh: leaf([gates * H], 10 * d + 3),
    biasHh: leaf([gates * H], 10 * d + 4),
  }));
  const x = leaf([B, T, I], 5);
  const lengths = tensor(Int32Array.from({ length: B }, (_, b) => (b * 3) % (T + 1)));
  const { output } = op(x, weights, { batchFirst: true, lengths });
  backward(output, leaf([B, T, D * H], 6));
  results[`${name} output`] = output;
  results[`${name} x`] = x.grad as Tensor;
  weights.forEach((w, d) => {
    for (const [part, t] of Object.entries(w)) results[`${name} ${part} ${d}`] = t.grad as Tensor;
  });
}
const values: Record<string, number[]> = {};
for (const [name, t] of Object.entries(results)) values[name] = [...(await t.data())];
console.log(JSON.stringify({ adapter: device.info.name, lanes: device.tuning.texelLanes, values }));
device.destroy();
