// Both sides of every number at which elementwise ops, reductions and copies change how their work is cut: strips, workgroups a
// dimension, bindings, slabs. Row kernels and boxes have theirs in their own tests.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../src/gpu/device.ts';
import type { DeviceOptions } from '../../src/gpu/options.ts';
import { LONGEST_STRIP } from '../../src/gpu/strips.ts';
import { LONGEST_SEARCH } from '../../src/ops/argmax.ts';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { WORKGROUP } from '../../src/ops/pointwise.ts';
import { LONGEST_SUM } from '../../src/ops/reduce.ts';
import { full, init, setDefaultDevice, tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';

const current = useDevice();
const around = (n: number) => [n - 1, n, n + 1];

/** Whole numbers that floats add up exactly, none like its neighbours. */
const numbers = (size: number) => Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 251) - 125);
const integers = (size: number) => Int32Array.from(numbers(size));

/** Fails at the first difference: an array of a million elements is no message. */
async function expectValues(got: Tensor, expected: ArrayLike<number>): Promise<void> {
  const values = await got.data();
  expect(values.length).toBe(expected.length);
  const at = values.findIndex((v, i) => v !== expected[i]!);
  if (at >= 0) expect.fail(`element ${at} of ${values.length} is ${values[at]}, expected ${expected[at]}`);
}

/** Every elementwise kernel at one size. */
async function expectElementwise(size: number): Promise<void> {
  const host = numbers(size);
  const x = tensor(host, { requiresGrad: true });
  const y = ops.square(x);
  await expectValues(
    y,
    host.map((v) => v * v),
  );
  backward(y, tensor(host));
  await expectValues(
    x.grad as Tensor,
    host.map((v) => 2 * v * v),
  );
  const other = host.map((v) => v + 1);
  await expectValues(ops.maximum(x, tensor(other)), other);
  await expectValues(
    ops.sub(x, full([], 3)),
    host.map((v) => v - 3),
  );
  const ints = tensor(integers(size));
  await expectValues(
    ops.mul(ints, ints),
    host.map((v) => v * v),
  );
  const positive = ops.gt(ints, 0);
  await expectValues(
    positive,
    host.map((v) => Number(v > 0)),
  );
  await expectValues(
    ops.where(positive, x, -1),
    host.map((v) => (v > 0 ? v : -1)),
  );
  await expectValues(ops.cast(ints, 'f32'), host);
}

test('strips: one vec4 an invocation, two, the most', async () => {
  const { stripInvocations } = current.device.tuning;
  const sizes = [4, 8 * stripInvocations, 4 * LONGEST_STRIP * stripInvocations].flatMap(around);
  for (const size of sizes.filter((n) => n < 2 ** 20)) await expectElementwise(size);
});

/** Makes a device of these limits the default one of the tests beside the call. */
function useLimits(limits: DeviceOptions): void {
  let small: Device;
  beforeAll(async () => {
    small = await init(limits);
  });
  afterAll(async () => {
    setDefaultDevice(current.device);
    await small.synchronize();
    small.destroy();
  });
}

describe('the binding limit', () => {
  const limits = { maxBindingBytes: 2 ** 17 };
  const piece = limits.maxBindingBytes / 4;
  useLimits(limits);

  test.each([piece, 2 * piece].flatMap(around))('elementwise, %d elements', expectElementwise);

  // Rows of 16 go by whole rows, columns and a single row by whole slabs.
  test.each([piece / 16, piece / 8].flatMap(around))('sums of %d rows, and of as many columns', async (rows) => {
    const host = numbers(16 * rows);
    const x = tensor(host, { shape: [rows, 16] });
    const sums = new Float32Array(rows);
    const columns = new Float32Array(16);
    host.forEach((v, i) => {
      sums[Math.floor(i / 16)]! += v;
      columns[i % 16]! += v;
    });
    await expectValues(ops.sum(x, 1), sums);
    await expectValues(ops.sum(x, 0), columns);
  });
  test.each([piece, 3 * piece].flatMap(around))('a sum of %d', async (size) => {
    const host = integers(size);
    const total = host.reduce((a, b) => a + b);
    expect(await ops.sum(tensor(host)).item()).toBe(total);
    expect(await ops.sum(tensor(numbers(size))).item()).toBe(total);
  });
});

describe('workgroups a dimension', () => {
  const groups = 5;
  useLimits({ maxGrid: groups });

  test.each(around(groups * WORKGROUP))('%d elements: grids folded in two dimensions', async (size) => {
    await expectElementwise(size);
    const host = numbers(3 * size);
    const x = tensor(host, { shape: [size, 3] });
    // An invocation a row of three, and one an element that is copied or gathered.
    await expectValues(
      ops.sum(x, 1),
      Float32Array.from({ length: size }, (_, r) => host[3 * r]! + host[3 * r + 1]! + host[3 * r + 2]!),
    );
    const line = tensor(host.subarray(0, size));
    const reversed = Int32Array.from({ length: size }, (_, i) => size - 1 - i);
    await expectValues(ops.gather(line, 0, tensor(reversed)), host.slice(0, size).reverse());
    await expectValues(ops.slice(line, 0, 1), host.slice(1, size));
    await expectValues(ops.argmax(ops.reshape(line, [size, 1]), 1), new Int32Array(size));
  });

  test('the most that folds, and one more', async () => {
    const most = groups * groups * WORKGROUP;
    const twice = (size: number) => ops.add(tensor(integers(size)), tensor(integers(size)));
    await expectValues(
      twice(most),
      integers(most).map((v) => 2 * v),
    );
    expect(() => twice(most + 1)).toThrow(/^add: a grid of .* is over the limit of 5 per dimension$/);
  });
});

describe('slabs', () => {
  test.each([LONGEST_SUM, LONGEST_SUM ** 2].flatMap(around))('sums and extremes of %d', async (length) => {
    const host = numbers(3 * length);
    const [total, most, least] = [new Float32Array(3), new Float32Array(3), new Float32Array(3)];
    for (const values of [most, least]) values.set(host.subarray(0, 3));
    host.forEach((v, i) => {
      total[i % 3]! += v;
      most[i % 3] = Math.max(most[i % 3]!, v);
      least[i % 3] = Math.min(least[i % 3]!, v);
    });
    const x = tensor(host, { shape: [length, 3] });
    await expectValues(ops.sum(x, 0), total);
    await expectValues(ops.amax(x, 0), most);
    await expectValues(ops.amin(ops.transpose(x, 0, 1), 1), least);
    expect(await ops.sum(tensor(integers(length))).item()).toBe(integers(length).reduce((a, b) => a + b));
  });

  test.each([LONGEST_SEARCH, LONGEST_SEARCH ** 2].flatMap(around))(
    'argmax of %d, the last the largest',
    async (length) => {
      const host = numbers(length);
      host[length - 1] = 200;
      expect(await ops.argmax(tensor(host)).item()).toBe(length - 1);
      expect(await ops.argmin(tensor(integers(length))).item()).toBe(integers(length).indexOf(-125));
    },
  );
});
