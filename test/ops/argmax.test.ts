import { describe, expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map } from '../nd.ts';
import { argmax } from '../reference/indexing.ts';

useDevice();

const shapes: [Shape, number][] = [
  [[1], 0],
  [[9], -1],
  [[3, 5], 0],
  [[3, 5], 1],
  [[2, 7, 65], 1],
  [[70, 9], -1],
  [[3, 1000], 1],
  [[70_001], 0],
  [[2, 70_001], 1],
  [[0, 3], 1],
];

// Few different values, so that most rows have ties.
const coarse = (levels: number) => ({
  sample: (x: Parameters<typeof map>[0]) => map(x, (v) => Math.round(levels * v)),
  differentiable: false,
  rtol: 0,
  atol: 0,
});

test.each(shapes)('argmax and argmin of %j along %d', async (shape, dim) => {
  const axis = dim < 0 ? dim + shape.length : dim;
  for (const levels of [2, 1e6]) {
    await checkOp(
      ([x]) => ops.argmax(x!, dim),
      ([x]) => argmax(x!, axis),
      { shapes: [[shape]], ...coarse(levels) },
    );
    await checkOp(
      ([x]) => ops.argmin(x!, dim, { keepDim: true }),
      ([x]) => ({ shape: shape.with(axis, 1), data: argmax(x!, axis, (a, b) => a < b).data }),
      { shapes: [[shape]], ...coarse(levels) },
    );
  }
});

test('over all elements, of integers, of a scalar', async () => {
  const x = tensor([
    [1, 5],
    [5, 0],
  ]);
  expect([ops.argmax(x).shape, ops.argmax(x).dtype, await ops.argmax(x).item()]).toEqual([[], 'i32', 1]);
  expect(ops.argmax(x, undefined, { keepDim: true }).shape).toEqual([1, 1]);
  expect(await ops.argmin(tensor(Int32Array.of(3, -2_000_000_001, -2_000_000_000))).item()).toBe(1);
  expect(await ops.argmax(tensor(Uint32Array.of(4_000_000_000, 4_000_000_001))).item()).toBe(1);
  expect(await ops.argmax(tensor(3)).item()).toBe(0);
});

test('oneHot', async () => {
  const rows = ops.oneHot(tensor(Int32Array.of(2, 0, 1, 1), { shape: [2, 2] }), 4);
  expect([rows.shape, rows.dtype]).toEqual([[2, 2, 4], 'i32']);
  expect([...(await rows.data())]).toEqual([0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
  expect(ops.oneHot(tensor(Uint32Array.of(0, 6))).shape).toEqual([2, 7]);
  expect(ops.oneHot(tensor(new Int32Array(0)), 3).shape).toEqual([0, 3]);
  const born = ops.oneHot(ops.cast(tensor([1, 5]), 'i32'), 2);
  expect([...(await born.data())]).toEqual([0, 1, 0, 0]);
});

describe('refusals', () => {
  test('the largest of nothing', () => {
    expect(() => ops.argmax(tensor(new Float32Array(0), { shape: [2, 0] }), 1)).toThrow(
      'argmax: x must be at least one element along dim, got [2, 0].',
    );
    expect(() => ops.argmin(tensor(new Float32Array(0)))).toThrow('argmin: x must be at least one element along dim');
  });
  test('an axis that does not exist', () => {
    expect(() => ops.argmin(tensor([1]), 1)).toThrow('argmin: dim must be an integer in -1..0, got 1.');
  });
  test('a class past the last', () => {
    expect(() => ops.oneHot(tensor(Int32Array.of(0, 3)), 3)).toThrow('oneHot: ids must be in 0..2, got 3 at [1].');
  });
  test('a negative class, also where their number is inferred', () => {
    expect(() => ops.oneHot(tensor(Int32Array.of(2, -1)))).toThrow('oneHot: ids must be in 0..2, got -1 at [1].');
  });
  test('classes that nobody can count', () => {
    expect(() => ops.oneHot(ops.cast(tensor([1]), 'i32'))).toThrow(
      'oneHot: classes must be given unless ids has host values to count by, got none for i32 ids without host values.',
    );
    expect(() => ops.oneHot(tensor(Int32Array.of(0)), 0)).toThrow(
      'oneHot: classes must be a whole number >= 1, got 0.',
    );
  });
});
