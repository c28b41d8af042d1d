// The order of commands, and what no limit and no debug switch may change: the bits of a result.
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../src/gpu/device.ts';
import type { DeviceOptions } from '../../src/gpu/options.ts';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { arange, assign, empty, full, init, tensor, zeros } from '../../src/tensor/create.ts';
import type { DType } from '../../src/tensor/dtype.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { randomNd } from '../nd.ts';

const values = (shape: Shape, seed: number) => Float32Array.from(randomNd(shape, seed).data);
const random = (shape: Shape, seed: number, requiresGrad = false) =>
  tensor(values(shape, seed), { shape, requiresGrad });

/** What is compared: a hash, for element by element vitest takes seconds. */
interface Bits {
  bytes: number;
  finite: boolean;
  hash: string;
}

/** Runs `work` on a device of its own, and returns the bits of what it made. */
async function bitsOn(options: DeviceOptions, work: () => Record<string, Tensor>): Promise<Record<string, Bits>> {
  const device = await init(options);
  try {
    const bits: Record<string, Bits> = {};
    for (const [name, made] of Object.entries(step(work))) {
      const data = await made.data();
      bits[name] = {
        bytes: data.byteLength,
        finite: data.every(Number.isFinite),
        hash: createHash('sha256').update(data).digest('hex'),
      };
    }
    return bits;
  } finally {
    device.destroy();
    await device.lost;
  }
}

function gradient(leaf: Tensor): Tensor {
  const grad = leaf.grad!;
  return grad instanceof RowSparse ? ops.densify(grad) : grad;
}

describe('uploads', () => {
  test('do not overtake a dispatch that is not yet submitted', async () => {
    const device = await init();
    const x = tensor([1, 2]);
    const before = ops.mul(x, 10);
    assign(x, Float32Array.of(3, 4));
    const after = ops.mul(x, 10);
    expect([...(await after.data())]).toEqual([30, 40]);
    expect([...(await before.data())]).toEqual([10, 20]);
    device.destroy();
  });

  test('into a buffer that was freed and taken again wait for its last reader', async () => {
    const device = await init();
    const results: Tensor[] = [];
    const buffers = new Set<number>();
    for (let n = 0; n < 20; n++)
      results.push(
        step(() => {
          const x = tensor(new Float32Array(64).fill(n));
          buffers.add(x.storage.buffer.id);
          return ops.add(x, 0.5);
        }),
      );
    expect(buffers.size, 'the pool hands the same buffer out again').toBe(1);
    expect(device.stats.submits).toBe(0);
    for (const [n, result] of results.entries()) expect((await result.data())[63]).toBe(n + 0.5);
    device.destroy();
  });

  test('and clears, copies and dispatches happen in the order of the calls, also while kernels compile', async () => {
    const device = await init();
    const a = tensor([1, 2, 3, 4]);
    const b = empty([4], { device, label: 'b' });
    device.copy(a.view, b.view);
    const first = ops.neg(b);
    device.flush();
    device.clear(a.view);
    device.copy(a.view, b.view);
    const second = ops.add(ops.exp(b), ops.neg(b));
    device.flush();
    assign(a, Float32Array.of(7, 7, 7, 7));
    const third = ops.sqrt(ops.mul(a, a));
    expect([...(await third.data())]).toEqual([7, 7, 7, 7]);
    expect([...(await second.data())]).toEqual([1, 1, 1, 1]);
    expect([...(await first.data())]).toEqual([-1, -2, -3, -4]);
    device.destroy();
  });

  test('of integers: assign changes the host values too, and the first upload keeps its own', async () => {
    const device = await init();
    const ids = tensor(Int32Array.of(0, 1));
    const table = tensor([[10], [20]]);
    const before = ops.embedding(ids, table);
    assign(ids, Int32Array.of(1, 1));
    const after = ops.embedding(ids, table);
    expect([[...(await before.data())], [...(await after.data())]]).toEqual([
      [10, 20],
      [20, 20],
    ]);
    assign(ids, Int32Array.of(1, 2));
    expect(() => ops.embedding(ids, table)).toThrow('embedding: ids must be in 0..1, got 2 at [1].');
    expect([...zeros([2], { dtype: 'i32' }).host!, ...full([1], 3, { dtype: 'u32' }).host!]).toEqual([0, 0, 3]);
    device.destroy();
  });
});

describe('integers from numbers', () => {
  test('fractions are cut, as in PyTorch; what the dtype cannot hold is refused', async () => {
    const device = await init();
    expect([...tensor([1.7, -1.7, 2 ** 31 - 0.5], { dtype: 'i32' }).host!]).toEqual([1, -1, 2 ** 31 - 1]);
    expect([
      ...tensor(Float32Array.of(2.5), { dtype: 'u32' }).host!,
      ...full([1], 1.5, { dtype: 'i32' }).host!,
    ]).toEqual([2, 1]);
    expect(() => tensor([0, 2 ** 31], { dtype: 'i32' })).toThrow(
      'tensor: values must be what i32 holds, -2147483648..2147483647, got 2147483648 at element 1.',
    );
    expect(() => tensor(Int32Array.of(3, -1), { dtype: 'u32' })).toThrow('0..4294967295, got -1 at element 1.');
    expect(() => full([2], Number.NaN, { dtype: 'i32' })).toThrow('full: value must be what i32 holds');
    expect(() => arange(0, 1, 0.25, { dtype: 'i32' })).toThrow(
      'arange: start and stride must be whole numbers for i32, got 0 and 0.25.',
    );
    expect([...arange(2, 7.5, 2, { dtype: 'i32' }).host!]).toEqual([2, 4, 6]);
    device.destroy();
  });
});

test('a buffer that left the pool lives until the last batch that names it is submitted', async () => {
  const device = await init({ maxFreeBytes: 0 });
  const x = tensor([1, 2]);
  const y = ops.exp(x);
  const z = ops.tanh(y);
  device.flush(); // both batches wait for their kernels, and the second names a buffer that the first one's end would sweep
  const out = ops.sqrt(ops.square(y));
  for (const t of [x, y, z]) t.dispose();
  device.flush();
  expect((await out.data())[1]).toBeCloseTo(Math.E ** 2, 4);
  await device.synchronize();
  device.destroy();
});

// 200 003 elements are 3126 workgroups of 64, and the two-dimensional ones have more rows than fit one dimension.
function wideWork(): Record<string, Tensor> {
  const x = random([200_003], 1, true);
  const y = ops.mul(ops.tanh(x), random([200_003], 2));
  backward(y, random([200_003], 3));
  const table = random([70_001, 2], 4, true);
  const rows = ops.embedding(tensor(Int32Array.from({ length: 40_000 }, (_, n) => (n * n) % 70_001)), table);
  backward(rows, random(rows.shape, 5));
  const matrix = ops.reshape(random([2, 65_000], 6), [65_000, 2]);
  return {
    y,
    dX: gradient(x),
    broadcast: ops.add(matrix, random([2], 7)),
    sums: ops.sum(matrix, 1),
    best: ops.argmax(matrix, 0),
    turned: ops.transpose(matrix, 0, 1),
    rows,
    dTable: gradient(table),
  };
}

test('grids over the limit are folded: the same bits with 1000 workgroups a dimension', async () => {
  const whole = await bitsOn({}, wideWork);
  expect(await bitsOn({ maxGrid: 1000 }, wideWork)).toEqual(whole);
});

test('a grid that cannot be folded is refused with the op', async () => {
  const device = await init({ maxGrid: 10 });
  const twice = (size: number, dtype: DType = 'i32') => ops.add(full([size], 1, { dtype }), full([size], 1, { dtype })); // i32: one invocation an element, f32: strips of them
  expect(() => twice(64 * 101)).toThrow(/^add: a grid of .* is over the limit of 10 per dimension$/);
  expect(() => twice(2 ** 22, 'f32')).toThrow(/^add: a grid of .* is over the limit of 10 per dimension$/);
  for (const dtype of ['i32', 'f32'] as const) expect((await twice(64 * 100, dtype).data())[6399]).toBe(2);
  device.destroy();
});

// Every tensor here is over 1 MiB.
function largeWork(): Record<string, Tensor> {
  const x = random([600, 500], 1, true);
  const y = ops.mul(ops.add(ops.tanh(x), random([500], 2)), random([600, 1], 3));
  const chosen = ops.where(ops.gt(x, random([500], 4)), y, -1);
  backward(ops.square(chosen), random([600, 500], 5));
  const table = random([4000, 128], 6, true);
  const ids = Int32Array.from(randomNd([5000], 7).data, (v, n) => (n % 3 === 0 ? 77 : Math.floor((v + 1) * 2000)));
  for (const pass of [0, 1]) {
    const rows = ops.embedding(tensor(ids), table, { paddingIdx: pass === 0 ? undefined : 5 });
    backward(ops.square(rows), random(rows.shape, 8 + pass));
  }
  const looked = ops.embedding(tensor(ids), table);
  const fresh = random([4000, 128], 6, true);
  backward(ops.embedding(tensor(ids), fresh), random([5000, 128], 10));
  return { y, chosen, dX: gradient(x), looked, dTable: gradient(table), dFresh: gradient(fresh) };
}

/** Reductions of tensors over 1 MiB: a single row in slabs, many rows, long rows in slabs, and columns. */
function reducedWork(): Record<string, Tensor> {
  const [line, tall, wide] = [random([300_007], 11), random([3001, 96], 12), random([500, 699], 13)];
  return {
    all: ops.sum(line),
    best: ops.amax(line),
    rows: ops.sum(tall, 1),
    columns: ops.mean(tall, 0),
    slabs: ops.amin(wide, 1),
    wideColumns: ops.sum(ops.reshape(tall, [9003, 32]), 0),
    everything: ops.mean(wide),
  };
}

test('reductions of tensors over the binding limit: the same bits with 1 MiB and with 250 kB a binding', async () => {
  const whole = await bitsOn({}, reducedWork);
  expect(await bitsOn({ maxBindingBytes: 2 ** 20 }, reducedWork)).toEqual(whole);
  expect(await bitsOn({ maxBindingBytes: 250_000, maxGrid: 8 }, reducedWork)).toEqual(whole);
});

test('tensors over the binding limit are bound in pieces: the same bits with 1 MiB a binding', async () => {
  const whole = await bitsOn({}, largeWork);
  for (const { bytes } of Object.values(whole)) expect(bytes).toBeGreaterThan(2 ** 20);
  expect(await bitsOn({ maxBindingBytes: 2 ** 20 }, largeWork)).toEqual(whole);
});

test('what cannot be bound in pieces is refused with op, kernel, limit and size', async () => {
  const device = await init({ maxBindingBytes: 2 ** 20 });
  expect(() => ops.transpose(zeros([3, 100_000]), 0, 1)).toThrow(
    "permute: x of kernel copy_strided must be at most 1048576 bytes (the adapter's limit for one binding), got 1200000. " +
      'Use a smaller batch or split the tensor by rows.',
  );
  device.destroy();
});

/** A small tagger: embedding, a bidirectional LSTM with lengths, layer norm, cross-entropy. */
function taggerWork(): Record<string, Tensor> {
  const [B, T, E, H, K] = [3, 7, 6, 5, 4];
  const table = random([11, E], 1, true);
  const cell = (seed: number) => ({
    weightIh: random([4 * H, E], seed, true),
    weightHh: random([4 * H, H], seed + 1, true),
    biasIh: random([4 * H], seed + 2, true),
    biasHh: random([4 * H], seed + 3, true),
  });
  const [forward, reverse] = [cell(10), cell(20)];
  const [scale, shift] = [random([2 * H], 30, true), random([2 * H], 31, true)];
  const [weight, bias] = [random([K, 2 * H], 40, true), random([K], 41, true)];
  const ids = tensor(
    Int32Array.from({ length: B * T }, (_, n) => (n * 5) % 11),
    { shape: [B, T] },
  );
  const tags = tensor(
    Int32Array.from({ length: B * T }, (_, n) => (n % T < 5 ? n % K : -100)),
    { shape: [B, T] },
  );
  const lengths = tensor(Int32Array.of(7, 1, 5));
  const { output } = ops.lstm(ops.embedding(ids, table), [forward, reverse], { batchFirst: true, lengths });
  const logits = ops.linear(ops.layerNorm(output, 2 * H, scale, shift), weight, bias);
  const loss = ops.crossEntropy(logits, tags);
  backward(loss);
  const leaves = {
    table,
    scale,
    shift,
    weight,
    bias,
    ...forward,
    reverseIh: reverse.weightIh,
    reverseHh: reverse.weightHh,
  };
  return {
    loss,
    logits,
    probabilities: ops.softmax(logits, -1),
    ...Object.fromEntries(Object.entries(leaves).map(([name, leaf]) => [`d ${name}`, gradient(leaf)])),
  };
}

describe('a step of a small tagger gives the same bits', () => {
  let whole: Record<string, Bits>;
  beforeAll(async () => {
    whole = await bitsOn({}, taggerWork);
  });
  test.each<[string, DeviceOptions]>([
    ['run again', {}],
    ['with freed buffers poisoned', { debug: { poisonFreed: true } }],
    ['with workgroups in reversed order', { debug: { groupsReversed: true } }],
    ['with every op submitted by itself', { debug: { flushEveryOp: true } }],
    ['with all three', { debug: { poisonFreed: true, groupsReversed: true, flushEveryOp: true } }],
    ['with no buffer kept for reuse', { maxFreeBytes: 0 }],
    ['with 8 workgroups a dimension', { maxGrid: 8 }],
  ])('%s', async (_, options) => {
    expect(Object.keys(whole).length).toBeGreaterThan(10);
    for (const { finite } of Object.values(whole)) expect(finite).toBe(true);
    expect(await bitsOn(options, taggerWork)).toEqual(whole);
  });
});

test('a step repeated makes no new buffers and no new bind groups', async () => {
  const device = await init();
  const weight = random([64, 64], 1, true);
  const train = async () => {
    const loss = step(() => {
      const loss = ops.mean(ops.square(ops.linear(random([8, 64], 2), weight)));
      backward(loss);
      return loss;
    });
    await loss.item();
    loss.dispose();
    weight.grad!.dispose();
    weight.grad = undefined;
  };
  for (let n = 0; n < 3; n++) await train();
  const before = { ...device.stats, ...device.poolStats };
  for (let n = 0; n < 5; n++) await train();
  const after = { ...device.stats, ...device.poolStats };
  expect(after.liveBytes).toBe(before.liveBytes);
  expect(after.created).toBe(before.created);
  expect(after.pipelines).toBe(before.pipelines);
  expect(after.bindGroupsCreated - before.bindGroupsCreated).toBeLessThan(5 * 3);
  expect(after.submits - before.submits).toBeLessThanOrEqual(10);
  device.destroy();
});

test('every dispatch is timed, also more than a query set holds', async () => {
  const device = await Device.create({ profile: true });
  const x = tensor([1], { device });
  step(() => {
    for (let n = 0; n < 3000; n++) ops.neg(x);
  });
  const times = await device.kernelTimes();
  expect(times.filter((t) => t.kernel === 'unary_neg' && t.label === 'neg').length).toBe(3000);
  expect(times.every((t) => t.durationUs >= 0)).toBe(true);
  device.destroy();
});
