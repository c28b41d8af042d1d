// Row-sparse gradients: the bits of the dense gradient, in all forms of rows, whole and in pieces.
import { expect, test } from 'vitest';
import { Device } from '../../src/gpu/device.ts';
import { mul } from '../../src/ops/arithmetic.ts';
import { backward } from '../../src/ops/backward.ts';
import { embedding } from '../../src/ops/embedding.ts';
import { sum } from '../../src/ops/reduce.ts';
import { densify } from '../../src/ops/row-sparse.ts';
import { Adam, type Optimizer, RMSprop, SGD } from '../../src/optim/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { TypedArray } from '../../src/tensor/dtype.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';
import { expectSameBits } from './same-bits.ts';

const current = useDevice();

const MAKE: Record<string, (params: Tensor[]) => Optimizer> = {
  adam: (params) => new Adam(params, { lr: 0.1, weightDecay: 0.01 }),
  adamWithoutDecay: (params) => new Adam(params, { lr: 0.1 }),
  amsgrad: (params) => new Adam(params, { lr: 0.1, amsgrad: true }),
  sgd: (params) => new SGD(params, { lr: 0.1 }),
  sgdDecay: (params) => new SGD(params, { lr: 0.1, weightDecay: 0.1 }),
  sgdNesterov: (params) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }),
  rmsprop: (params) => new RMSprop(params, { centered: true, momentum: 0.9 }),
};

/** Every `every`-th row, each step from another one on. */
function rowsOf(rows: number, every: number, n: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: Math.ceil((rows - (n % every)) / every) }, (_, i) => (n % every) + i * every);
}

const drawn = new Map<string, Float32Array<ArrayBuffer>>();

function floats(shape: number[], seed: number, device: Device): Tensor {
  const key = `${shape} ${seed}`;
  const data = drawn.get(key) ?? Float32Array.from(randomNd(shape, seed).data);
  drawn.set(key, data);
  return tensor(data, { shape, device });
}

/** The table and the optimiser's state after three steps with gradients given sparse or dense. */
async function train(
  make: (params: Tensor[]) => Optimizer,
  [rows, width]: [number, number],
  every: number,
  device: Device,
  dense: boolean,
) {
  const table = floats([rows, width], 7, device);
  table.requiresGrad = true;
  const optimizer = make([table]);
  for (let n = 0; n < 3; n++) {
    const list = every === 0 ? new Int32Array(0) : rowsOf(rows, every, n);
    const sparse = new RowSparse([rows, width], tensor(list, { device }), floats([list.length, width], 50 + n, device));
    table.grad = dense ? densify(sparse) : sparse;
    optimizer.step();
    optimizer.zeroGrad();
  }
  const state = await Promise.all([...optimizer.stateTensors().values()].map((t) => t.data()));
  const result = [await table.data(), ...state];
  optimizer.dispose();
  return result;
}

test.each(Object.entries(MAKE))('%s: the bits of the dense gradient', async (_name, make) => {
  for (const [shape, every] of [
    [[11, 8], 3],
    [[150, 5], 2],
    [[1, 1], 1],
    [[97, 64], 10],
    [[40, 6], 0],
  ] as [[number, number], number][]) {
    const dense = await train(make, shape, every, current.device, true);
    expectSameBits(await train(make, shape, every, current.device, false), dense, `${shape}, every ${every}`);
  }
});

test('rows at rest: the bits of the dense gradient where decay comes and goes, a step is dense, and state is loaded', async () => {
  const [rows, width] = [23, 8];
  const run = async (dense: boolean) => {
    const table = floats([rows, width], 7, current.device);
    table.requiresGrad = true;
    let optimizer = new Adam([table], { lr: 0.1 });
    for (let n = 0; n < 14; n++) {
      // With decay every row has state after the step; later it must go on without.
      optimizer.paramGroups[0]!.weightDecay = n === 3 || n === 11 ? 0.1 : 0;
      const list = Int32Array.of(n, n + 1, 20);
      const sparse = new RowSparse([rows, width], tensor(list), floats([3, width], 80 + n, current.device));
      table.grad = dense || n === 8 ? densify(sparse) : sparse;
      optimizer.step();
      optimizer.zeroGrad();
      if (n !== 5) continue;
      const saved = new Map<string, TypedArray>();
      for (const [name, state] of optimizer.stateTensors()) saved.set(name, await state.data());
      const json = optimizer.stateJson();
      optimizer.dispose();
      optimizer = new Adam([table], { lr: 0.1 });
      optimizer.loadState(json, (name) => saved.get(name)!);
    }
    const state = await Promise.all([...optimizer.stateTensors().values()].map((t) => t.data()));
    const result = [await table.data(), ...state];
    optimizer.dispose();
    return result;
  };
  expectSameBits(await run(false), await run(true), 'sparse');
});

test('the form for GPUs, several invocations a row, gives the bits of the form for software adapters', async () => {
  const gpu = await Device.create();
  Object.assign(gpu.info, { kind: 'gpu' });
  for (const shape of [
    [33, 4],
    [33, 5],
    [70, 100],
  ] as [number, number][])
    for (const name of ['adam', 'sgd'] as const) {
      const one = await train(MAKE[name]!, shape, 2, current.device, false);
      expectSameBits(await train(MAKE[name]!, shape, 2, gpu, false), one, `${name} ${shape}`);
    }
  gpu.destroy();
});

test('tables and gradients over the binding limit give the same bits', async () => {
  const small = await Device.create({ maxBindingBytes: 1 << 20, maxGrid: 70, debug: { groupsReversed: true } });
  // Two pieces of table and, where every row has a gradient, two of gradients; once in vec4s and once not.
  for (const shape of [
    [6000, 64],
    [1500, 257],
  ] as [number, number][])
    for (const name of ['adam', 'sgd'] as const) {
      const whole = await train(MAKE[name]!, shape, 1, current.device, true);
      expectSameBits(await train(MAKE[name]!, shape, 1, small, false), whole, `${name} ${shape}`);
      expectSameBits(await train(MAKE[name]!, shape, 1, small, true), whole, `${name} ${shape}, dense`);
      const sparse = await train(MAKE[name]!, shape, 2, current.device, false);
      expectSameBits(await train(MAKE[name]!, shape, 2, small, false), sparse, `${name} ${shape}, half`);
    }
  small.destroy();
});

test('rows once listed do not count as listed in the next step', async () => {
  const table = floats([8, 4], 1, current.device);
  table.requiresGrad = true;
  const sgd = new SGD([table], { lr: 1, weightDecay: 0.5 });
  const before = await table.data();
  for (const rows of [[0, 1, 2, 3], [6]]) {
    const ones = tensor(new Float32Array(rows.length * 4).fill(1), { shape: [rows.length, 4] });
    table.grad = new RowSparse([8, 4], tensor(Int32Array.from(rows)), ones);
    sgd.step();
    sgd.zeroGrad();
  }
  const expected = before.map((v, i) => {
    const row = Math.floor(i / 4);
    const first = Math.fround(v - (row < 4 ? 1 : 0) - 0.5 * v);
    return Math.fround(first - (row === 6 ? 1 : 0) - 0.5 * first);
  });
  const got = await table.data();
  for (let i = 0; i < 32; i++) expect(Math.abs(got[i]! - expected[i]!)).toBeLessThan(1e-6);
});

test('SGD alone queues one dispatch and leaves idle rows; Adam needs the list of places beside', async () => {
  const { device } = current;
  const table = floats([1000, 8], 1, device);
  table.requiresGrad = true;
  const ids = tensor(Int32Array.from([5, 999, 5, 7]));
  const dispatches = async (optimizer: Optimizer) => {
    backward(sum(mul(embedding(ids, table), 2)));
    expect(table.grad).toBeInstanceOf(RowSparse);
    await device.synchronize();
    const before = device.stats.dispatches;
    optimizer.step();
    await device.synchronize();
    optimizer.zeroGrad();
    return device.stats.dispatches - before;
  };
  const start = await table.data();
  expect(await dispatches(new SGD([table], { lr: 0.5 }))).toBe(1);
  const end = await table.data();
  const changed = new Set<number>();
  for (const [i, v] of end.entries()) if (v !== start[i]) changed.add(Math.floor(i / 8));
  expect([...changed]).toEqual([5, 7, 999]);
  expect(end[5 * 8]!).toBeCloseTo(start[5 * 8]! - 2, 5);
  expect(await dispatches(new Adam([table]))).toBe(2);
});
