import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, randomNd } from '../nd.ts';
import { gather } from '../reference/indexing.ts';

useDevice();

test.each<[Shape, number, Shape]>([
  [[1], 0, [1]],
  [[5], 0, [7]],
  [[3, 5], 1, [3, 1]],
  [[3, 5], 0, [6, 2]],
  [[3, 5], -1, [2, 9]],
  [[2, 3, 4], 1, [2, 5, 3]],
  [[70, 9], 1, [70, 1]],
  [[33, 2, 70], 0, [4, 1, 70]],
  [[2, 1, 3, 2, 2, 3], 2, [1, 1, 5, 2, 1, 3]],
  [[2, 3, 1, 2, 3, 2, 2], 4, [2, 2, 1, 1, 4, 2, 1]],
  [[2, 2, 2, 2, 2, 2, 2, 3], -1, [1, 2, 1, 2, 1, 2, 1, 5]],
  [[2, 3], 1, [2, 0]],
  [[2, 3], 1, [0, 2]],
])('gather: x %j along %d by %j', async (shape, dim, indexShape) => {
  const axis = dim < 0 ? dim + shape.length : dim;
  const index = map(randomNd(indexShape, 5), (v) => Math.floor(((v + 1) / 2) * shape[axis]!));
  const host = tensor(Int32Array.from(index.data), { shape: indexShape });
  const born = ops.cast(tensor(Float32Array.from(index.data), { shape: indexShape }), 'i32');
  for (const t of [host, born])
    await checkOp(
      ([x]) => ops.gather(x!, dim, t),
      ([x]) => gather(x!, axis, index),
      { shapes: [[shape]], rtol: 0, atol: 0 },
    );
});

test('of integers, of a scalar, and out of range without host values', async () => {
  const x = tensor(Int32Array.of(-4, 5, 6));
  expect([...(await ops.gather(x, 0, tensor(Int32Array.of(2, 0))).data())]).toEqual([6, -4]);
  expect(await ops.gather(tensor(3), 0, tensor(Int32Array.of(0), { shape: [] })).item()).toBe(3);
  const values = tensor([1, 2], { requiresGrad: true });
  const out = ops.gather(values, 0, ops.cast(tensor([1, 2]), 'i32'));
  expect([...(await out.data())]).toEqual([2, Number.NaN]);
  backward(out, tensor([1, 1]));
  expect([...(await (values.grad as Tensor).data())]).toEqual([0, 1]);
});

describe('refusals', () => {
  const x = () => tensor(new Float32Array(6), { shape: [2, 3] });
  test('an index past the axis', () => {
    expect(() => ops.gather(x(), 1, tensor(Int32Array.of(0, 1, 2, 3), { shape: [2, 2] }))).toThrow(
      'gather: index must be in 0..2, got 3 at [1, 1].',
    );
  });
  test('an index of another rank', () => {
    expect(() => ops.gather(x(), 1, tensor(Int32Array.of(0)))).toThrow(
      'gather: index must be of 2 axes, as x [2, 3], got [1].',
    );
  });
  test('an index longer than x', () => {
    expect(() => ops.gather(x(), 1, tensor(new Int32Array(3), { shape: [3, 1] }))).toThrow(
      'gather: index must be no longer than x [2, 3] on any axis but 1, got [3, 1].',
    );
  });
  test('floats as indices', () => {
    expect(() => ops.gather(x(), 1, tensor([[0]]))).toThrow(
      'gather: index must be i32 or u32, got f32. Convert it with cast.',
    );
  });
});
