import { describe, expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd, randomNd } from '../nd.ts';
import { scatter } from '../reference/order.ts';

useDevice();

/** Shapes of x and of index, and the axis. */
const cases: [number[], number[], number][] = [
  [[4], [6], 0],
  [[5, 3], [2, 3], 0],
  [[2, 70, 3], [2, 9, 3], 1],
  [[7, 4], [7, 90], 1],
];

describe.each(cases)('x %j, index %j along %d', (shape, places, axis) => {
  const index = map(randomNd(places, 3), (v) => Math.floor(((v + 1) / 2) * shape[axis]!));
  const given = tensorOf(index);
  for (const [name, op, adds] of [
    ['scatter', ops.scatter, false],
    ['scatterAdd', ops.scatterAdd, true],
  ] as const)
    test(name, async () => {
      await checkOp(
        ([x, src]) => op(x!, axis, given(), src!),
        ([x, src]) => scatter(x!, axis, index, src!, adds),
        // Of several elements for one place PyTorch gives all of them a gradient, which no difference shows.
        { shapes: [[shape, places]], differentiable: adds },
      );
    });
});

test('places born on the GPU that are none are left out, and get no gradient', async () => {
  const x = tensor([1, 2, 3]);
  const src = tensor([7, 8]);
  const index = ops.add(tensor(Int32Array.of(1, 5)), 0);
  expect([...(await ops.scatter(x, 0, index, src).data())]).toEqual([1, 7, 3]);
  expect([...(await ops.scatterAdd(x, 0, index, src).data())]).toEqual([1, 9, 3]);
});

test('integers, and a number', async () => {
  const x = tensor(Int32Array.of(1, 2, 3));
  expect([...(await ops.scatter(x, 0, tensor(Int32Array.of(2, 0)), -1).data())]).toEqual([-1, 2, -1]);
});

test('indexAdd with indices born on the GPU', async () => {
  const sums = ops.indexAdd(tensor([1, 2]), 0, ops.add(tensor(Int32Array.of(1, 1, 0)), 0), tensor([1, 10, 100]));
  expect([...(await sums.data())]).toEqual([101, 13]);
});

test('refusals', () => {
  const x = tensor([[1, 2]]);
  const index = tensor(Int32Array.of(0, 2), { shape: [1, 2] });
  expect(() => ops.scatter(x, 1, index, 0)).toThrow('scatter: index must be in 0..1, got 2 at [0, 1].');
  expect(() => ops.scatter(x, 1, index, tensor([[1]]))).toThrow(
    'scatter: index and src must be of 2 axes and src of f32, index no longer than src on any, and than x [1, 2] on any but 1, got [1, 2] and f32[1, 1].',
  );
  expect(() => ops.scatterAdd(tensor(Int32Array.of(1)), 0, tensor(Int32Array.of(0)), tensor(Int32Array.of(1)))).toThrow(
    'scatterAdd: x must be f32, got i32.',
  );
  expect(() => ops.indexAdd(x, 0, tensor(Int32Array.of(0)), tensor([1]))).toThrow(
    "indexAdd: index and source must be of [n], and of x's shape [1, 2] with n on axis 0, got [1] and [1].",
  );
});

function tensorOf({ shape, data }: Nd) {
  return () => tensor(Int32Array.from(data), { shape });
}
