import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd, nd, randomNd } from '../nd.ts';
import { where } from '../reference/indexing.ts';

useDevice();

const maskOf = (shape: Shape): Nd => map(randomNd(shape, 17), (v) => Number(v > 0.1));
const toTensor = (mask: Nd) => tensor(Uint32Array.from(mask.data), { shape: mask.shape });

const cases: [Shape, Shape, Shape][] = [
  [[1], [1], [1]],
  [
    [3, 5],
    [3, 5],
    [3, 5],
  ],
  [[257], [257], [257]],
  [[2, 67, 1], [2, 67, 3], [3]],
  [[4], [3, 1], [2, 1, 1]],
  [[], [5], [5]],
  [[2, 1, 3, 1, 2, 1], [1, 4, 1, 5, 1, 2], [2]],
  [[0, 3], [0, 3], [1]],
];

test.each(cases)('where: mask %j, a %j, b %j', (m, a, b) => {
  const mask = maskOf(m);
  return checkOp(
    ([x, y]) => ops.where(toTensor(mask), x!, y!),
    ([x, y]) => where(mask, x!, y!),
    { shapes: [[a, b]], atol: 1e-6 },
  );
});

test('where with numbers and with integers', async () => {
  const mask = tensor(Uint32Array.of(1, 0, 7));
  const x = tensor([1, 2, 3], { requiresGrad: true });
  const out = ops.where(mask, x, -1.5);
  expect([...(await out.data())]).toEqual([1, -1.5, 3]);
  backward(ops.sum(out));
  expect([...(await (x.grad as Tensor).data())]).toEqual([1, 0, 1]);
  expect([...(await ops.where(mask, 4, 5).data())]).toEqual([4, 5, 4]);
  const ids = ops.where(mask, tensor(Int32Array.of(-5, 6, 7)), 0);
  expect([ids.dtype, [...(await ids.data())]]).toEqual(['i32', [-5, 0, 7]]);
});

test('maskedFill', async () => {
  const mask = maskOf([2, 1, 33]);
  await checkOp(
    ([x]) => ops.maskedFill(x!, toTensor(mask), 4),
    ([x]) =>
      where(
        mask,
        nd([], () => 4),
        x!,
      ),
    { shapes: [[[2, 3, 33]]], atol: 1e-6 },
  );
  const filled = ops.maskedFill(tensor([1, 2]), tensor(Uint32Array.of(0, 1)), Number.NEGATIVE_INFINITY);
  expect([...(await filled.data())]).toEqual([1, Number.NEGATIVE_INFINITY]);
});

describe('refusals', () => {
  const mask = () => tensor(Uint32Array.of(1, 0));
  test('a mask of floats', () => {
    expect(() => ops.where(tensor([1, 0]), 1, 2)).toThrow(
      'where: mask must be u32, as comparisons make it, got f32. Compare with ne(mask, 0).',
    );
  });
  test('integers with and without a sign', () => {
    expect(() => ops.where(mask(), tensor(Uint32Array.of(1, 2)), tensor(Int32Array.of(1, 2)))).toThrow(
      'where: a and b must be of one integer dtype, got u32 and i32. Convert one with cast.',
    );
  });
  test('a fraction among integers', () => {
    expect(() => ops.maskedFill(tensor(Int32Array.of(1, 2)), mask(), 0.5)).toThrow(
      'maskedFill: value must be a whole number that i32 holds, got 0.5. Convert x with cast first.',
    );
  });
  test('shapes that do not broadcast', () => {
    expect(() => ops.where(mask(), tensor([1, 2, 3]), 0)).toThrow(
      'where: the operands must be of shapes that broadcast (equal or 1 on each axis, counted from the back), got [2] and [3].',
    );
  });
  test('a mask larger than what it fills', () => {
    expect(() => ops.maskedFill(tensor([1]), mask(), 0)).toThrow(
      'maskedFill: mask must be of a shape that broadcasts to [1], got [2].',
    );
  });
});
