// The forms of the recurrence beside each other: the same numbers, the same bits every time, and how many dispatches they take.
import { describe, expect, test } from 'vitest';
import { tuningOf } from '../../src/gpu/tuning.ts';
import { backward } from '../../src/ops/backward.ts';
import { gru, lstm, rnn, sum } from '../../src/ops/index.ts';
import { type RecurrentForm, recurrentForm } from '../../src/ops/recurrent-launch.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';

const current = useDevice();

const [B, T, I, H, D] = [4, 8, 8, 20, 2];
const OPS = { lstm: [lstm, 4], gru: [gru, 3], rnn: [rnn, 1] } as const;

/** Output and gradients of one op, and the dispatches of its forward and backward pass. */
async function results(name: keyof typeof OPS, form: RecurrentForm, lengths?: number[]) {
  const { device } = current;
  const { tuning } = device;
  const [op, gates] = OPS[name];
  const leaf = (shape: number[], seed: number) =>
    tensor(Float32Array.from(randomNd(shape, seed).data), { shape, requiresGrad: true });
  const weights = Array.from({ length: D }, (_, d) => ({
    weightIh: leaf([gates * H, I], 10 * d + 1),
    weightHh: leaf([gates * H, H], 10 * d + 2),
    biasIh: leaf([gates * H], 10 * d + 3),
    biasHh: leaf([gates * H], 10 * d + 4),
  }));
  const x = leaf([B, T, I], 5);
  const w = tensor(Float32Array.from(randomNd([B, T, D * H], 6).data), { shape: [B, T, D * H] });
  const given = { batchFirst: true, lengths: lengths && tensor(Int32Array.from(lengths)) };
  await device.synchronize();
  const before = device.stats.dispatches;
  device.tuning = { ...tuning, recurrentForm: form };
  const output = step(() => {
    const made = op(x, weights, given).output;
    backward(made, w);
    return made;
  });
  device.tuning = tuning;
  await device.synchronize();
  const dispatches = device.stats.dispatches - before;
  const tensors = [output, x.grad as Tensor, ...weights.flatMap((v) => Object.values(v).map((p) => p.grad as Tensor))];
  return { dispatches, values: await Promise.all(tensors.map((t) => t.data())) };
}

describe.each(Object.keys(OPS) as (keyof typeof OPS)[])('%s', (name) => {
  test.each([undefined, [8, 3, 0, 5]])('scan and steps agree, lengths %j', async (lengths) => {
    const scan = await results(name, 'scan', lengths);
    const steps = await results(name, 'step', lengths);
    for (const [i, v] of scan.values.entries()) expectClose(v, steps.values[i]!, 1e-5, 1e-6, `tensor ${i}`);
    const again = await results(name, 'scan', lengths);
    expect(again.values).toEqual(scan.values);
  });

  test('dispatches', async () => {
    // Packing, product of the inputs and the recurrence; its gradient, d_x, two weights' and the biases'. A GRU's last gate has a
    // recurrent gradient of its own: one product more.
    const scan = (await results(name, 'scan')).dispatches;
    expect(scan).toBe(name === 'gru' ? 9 : 8);
    expect((await results(name, 'step')).dispatches - scan).toBe(2 * T - 2);
  });
});

test('no steps, or no rows: the initial state is the final one, and weights get no gradient', async () => {
  for (const [batch, time] of [
    [2, 0],
    [0, 3],
  ] as const) {
    const leaf = (shape: number[]) => tensor(new Float32Array(sizeOf(shape)).fill(2), { shape, requiresGrad: true });
    const weights = [{ weightIh: leaf([16, 3]), weightHh: leaf([16, 4]), biasIh: leaf([16]), biasHh: leaf([16]) }];
    const h0 = leaf([1, batch, 4]);
    const { hN } = lstm(leaf([batch, time, 3]), weights, { batchFirst: true, h0 });
    backward(sum(hN));
    expect([...(await hN.data())]).toEqual(new Array(batch * 4).fill(2));
    expect([...(await (h0.grad as Tensor).data())]).toEqual(new Array(batch * 4).fill(1));
    for (const w of Object.values(weights[0]!))
      expect([...(await (w.grad as Tensor).data())].every((v) => v === 0)).toBe(true);
  }
});

test('the scan is for narrow layers with rows enough', () => {
  const adapter = { subgroupSize: 8, hasSubgroups: true, readsTextures: true, maxWorkgroupSize: 1024 } as const;
  const [software, gpu] = [tuningOf({ ...adapter, kind: 'cpu' }), tuningOf({ ...adapter, kind: 'gpu' })];
  const query = { hidden: 100, batch: 16, directions: 2 };
  expect(recurrentForm(software, query)).toBe('scan');
  expect(recurrentForm(software, { ...query, directions: 1 })).toBe('step');
  expect(recurrentForm(software, { ...query, hidden: 128 })).toBe('step');
  expect(recurrentForm(gpu, query)).toBe('scan');
  expect(recurrentForm(gpu, { ...query, hidden: 512 })).toBe('step');
});
