import { describe, expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import type { Nd } from '../nd.ts';
import { indexSelect } from '../reference/indexing.ts';

useDevice();

const often = Array.from({ length: 300 }, (_, i) => (i % 5 === 0 ? i % 3 : 1));
const cases: [Shape, number, number[]][] = [
  [[1], 0, [0, 0, 0]],
  [[5], 0, [4, 0, 4]],
  [[7, 3], 0, [6, 1, 1, 0]],
  [[3, 7], -1, [6, 1, 1, 0]],
  [[2, 3, 4], 1, [2, 2, 0, 1]],
  [[67, 3, 65], 1, [0, 2]],
  [[2, 3, 8], 1, often],
  [[3, 2], 0, often],
  [[2, 5], 1, []],
];

describe.each([
  ['indices of the host', (index: number[]) => tensor(Int32Array.from(index))],
  [
    'indices born on the GPU',
    (index: number[]) => ops.cast(tensor(Float32Array.from(index), { shape: [index.length] }), 'u32'),
  ],
])('%s', (_, make) => {
  test.each(cases)('x %j along %d', (shape, dim, index) => {
    const t = make(index);
    return checkOp(
      ([x]) => ops.indexSelect(x!, dim, t),
      ([x]) => indexSelect(x!, dim < 0 ? dim + shape.length : dim, index),
      { shapes: [[shape]], rtol: 0, atol: 0 },
    );
  });
});

test('indexSelect of integers', async () => {
  const x = tensor(Uint32Array.of(7, 8, 4_000_000_000));
  expect([...(await ops.indexSelect(x, 0, tensor(Uint32Array.of(2, 0))).data())]).toEqual([4_000_000_000, 7]);
});

test.each<[Shape, number[], Shape, number[]]>([
  [[5], [1, 0, 1, 1, 0], [5], [0, 2, 3]],
  [[2, 3], [0, 1, 1], [3], [1, 2, 4, 5]],
  [
    [2, 3],
    [0, 9],
    [2, 1],
    [3, 4, 5],
  ],
  [[3], [0, 0, 0], [3], []],
  [[], [1], [], [0]],
])('maskedSelect: x %j, mask %j %j', (shape, values, maskShape, places) => {
  const mask = tensor(Uint32Array.from(values), { shape: maskShape });
  return checkOp(
    ([x]) => ops.maskedSelect(x!, mask),
    ([x]): Nd => ({ shape: [places.length], data: Float64Array.from(places, (p) => x!.data[p]!) }),
    { shapes: [[shape]], rtol: 0, atol: 0 },
  );
});

test('maskedSelect repeats what it must', async () => {
  const picked = ops.maskedSelect(tensor([1, 2]), tensor(Uint32Array.of(1, 0, 1, 1), { shape: [2, 2] }));
  expect([...(await picked.data())]).toEqual([1, 1, 2]);
});

describe('refusals', () => {
  const x = () => tensor(new Float32Array(6), { shape: [2, 3] });
  test('an index past the axis', () => {
    expect(() => ops.indexSelect(x(), 1, tensor(Int32Array.of(0, 3)))).toThrow(
      'indexSelect: index must be in 0..2, got 3 at [1].',
    );
  });
  test('an index of two axes', () => {
    expect(() => ops.indexSelect(x(), 1, tensor(Int32Array.of(0), { shape: [1, 1] }))).toThrow(
      'indexSelect: index must be of one axis, got [1, 1].',
    );
  });
  test('floats as indices', () => {
    expect(() => ops.indexSelect(x(), 1, tensor([0]))).toThrow(
      'indexSelect: index must be i32 or u32, got f32. Convert it with cast.',
    );
  });
  test('a mask born on the GPU', () => {
    expect(() => ops.maskedSelect(x(), ops.gt(x(), 0))).toThrow(
      'maskedSelect: mask must be made from host values, for they give the size of the result, got a mask born on the GPU. ' +
        'Make it with tensor(Uint32Array), or use where or maskedFill, which keep the shape.',
    );
  });
  test('a mask that does not broadcast', () => {
    expect(() => ops.maskedSelect(x(), tensor(Uint32Array.of(1, 1)))).toThrow(
      'maskedSelect: the operands must be of shapes that broadcast',
    );
  });
});
