import { expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { cumsum } from '../reference/order.ts';

useDevice();

test.each([
  [[1], 0],
  [[], 0],
  [[3, 5], 0],
  [[3, 5], -1],
  [[2, 257, 3], 1],
  [[700, 2], 0],
  [[0, 3], 0],
  [[70_001], 0], // whose slabs are summed by slabs
])('%j along %d', async (shape, dim) => {
  const axis = dim < 0 ? dim + shape.length : dim;
  await checkOp(
    ([x]) => ops.cumsum(x!, dim),
    ([x]) => (shape.length === 0 ? x! : cumsum(x!, axis)),
    { shapes: [[shape]], terms: () => 4 * (shape[axis] ?? 1) },
  );
});

test('integers stay what they are, and wrap', async () => {
  expect([...(await ops.cumsum(tensor(Int32Array.of(3, -5, 2)), 0).data())]).toEqual([3, -2, 0]);
  const wrapped = ops.cumsum(tensor(Uint32Array.of(2 ** 32 - 1, 3)), 0);
  expect([wrapped.dtype, ...(await wrapped.data())]).toEqual(['u32', 2 ** 32 - 1, 2]);
  const long = Int32Array.from({ length: 1000 }, (_, i) => (i % 7) - 3);
  let sum = 0;
  const sums = long.map((v) => (sum += v));
  expect(await ops.cumsum(tensor(long), 0).data()).toEqual(sums);
  const unsigned = ops.cumsum(tensor(Uint32Array.from(long, Math.abs)), 0);
  expect((await unsigned.data()).at(-1)).toBe(long.reduce((a, b) => a + Math.abs(b), 0));
});
