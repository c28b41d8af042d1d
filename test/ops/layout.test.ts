import { describe, expect, test } from 'vitest';
import { BOX_AXES } from '../../src/ops/box.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { type Shape, sizeOf } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import type { Nd } from '../nd.ts';
import * as reference from '../reference/layout.ts';

useDevice();

const shaped = (x: Nd, shape: Shape): Nd => ({ shape, data: x.data });
const exact = { rtol: 0, atol: 0 };

describe('another shape of the same elements', () => {
  const cases: [string, Shape, (x: Tensor) => Tensor, Shape][] = [
    ['reshape', [6, 35], (x) => ops.reshape(x, [5, 2, 21]), [5, 2, 21]],
    ['reshape with an inferred axis', [4, 33], (x) => ops.reshape(x, [-1, 11]), [12, 11]],
    ['reshape to a scalar', [1, 1], (x) => ops.reshape(x, []), []],
    ['reshape of nothing', [0, 3], (x) => ops.reshape(x, [3, 0, 2]), [3, 0, 2]],
    ['flatten', [2, 3, 5], (x) => ops.flatten(x), [30]],
    ['flatten the last axes', [2, 3, 5], (x) => ops.flatten(x, 1), [2, 15]],
    ['flatten the first axes', [2, 3, 5, 7], (x) => ops.flatten(x, 0, -3), [6, 5, 7]],
    ['flatten a scalar', [], (x) => ops.flatten(x), [1]],
    ['unsqueeze at the front', [3, 5], (x) => ops.unsqueeze(x, 0), [1, 3, 5]],
    ['unsqueeze at the back', [3, 5], (x) => ops.unsqueeze(x, -1), [3, 5, 1]],
    ['squeeze every axis', [1, 3, 1, 5], (x) => ops.squeeze(x), [3, 5]],
    ['squeeze one axis', [1, 3, 1, 5], (x) => ops.squeeze(x, 2), [1, 3, 5]],
    ['squeeze an axis that is longer than 1', [3, 5], (x) => ops.squeeze(x, 0), [3, 5]],
  ];
  test.each(cases)('%s', (_, shape, op, result) =>
    checkOp(
      ([x]) => op(x!),
      ([x]) => shaped(x!, result),
      { shapes: [[shape]], ...exact },
    ),
  );

  test('shares the storage', () => {
    const x = tensor([1, 2, 3, 4]);
    expect(ops.reshape(x, [2, 2]).storage).toBe(x.storage);
  });
});

describe('axes in another order', () => {
  test.each([
    [
      [3, 5],
      [1, 0],
    ],
    [
      [2, 67, 3],
      [2, 0, 1],
    ],
    [
      [2, 1, 3, 4, 1, 5],
      [5, 3, 0, 4, 1, 2],
    ],
    [
      [70, 129],
      [1, 0],
    ],
    // In blocks of 4 by 4.
    [
      [72, 132],
      [1, 0],
    ],
    [
      [3, 68, 20],
      [0, 2, 1],
    ],
    [
      [4, 3, 8],
      [2, 1, 0],
    ],
    [
      [4, 6, 2, 10],
      [2, 3, 0, 1],
    ],
    [
      [2, 0, 3],
      [1, 2, 0],
    ],
    [[7], [0]],
    [[], []],
  ])('permute %j by %j', (shape, dims) =>
    checkOp(
      ([x]) => ops.permute(x!, dims),
      ([x]) => reference.permute(x!, dims),
      { shapes: [[shape]], ...exact },
    ),
  );
  test('transpose', () =>
    checkOp(
      ([x]) => ops.transpose(x!, -1, 0),
      ([x]) => reference.permute(x!, [2, 1, 0]),
      { shapes: [[[2, 3, 5]], [[65, 1, 3]]], ...exact },
    ));
});

// Reversed, no two of these axes merge.
test.each([BOX_AXES, BOX_AXES + 1, BOX_AXES + 2])('%d axes reversed', async (rank) => {
  const shape = Array.from({ length: rank }, (_, axis) => 2 + (axis % 2));
  const dims = shape.map((_, axis) => rank - 1 - axis);
  await checkOp(
    ([x]) => ops.permute(x!, dims),
    ([x]) => reference.permute(x!, dims),
    { shapes: [[shape]], ...exact },
  );
  const ids = tensor(
    Int32Array.from({ length: sizeOf(shape) }, (_, i) => i),
    { shape },
  );
  const turned = ops.permute(ids, dims);
  expect(turned.host).toEqual(await turned.data());
});

describe('slice', () => {
  const cases: [Shape, [number, number, number?, number?], [number, number, number, number]][] = [
    [[9], [0, 2], [0, 2, 9, 1]],
    [[9], [0, 2, 7], [0, 2, 7, 1]],
    [
      [9, 3],
      [0, 1, 9, 3],
      [0, 1, 9, 3],
    ],
    [
      [9, 3],
      [-2, 0, 9, 4],
      [0, 0, 9, 4],
    ],
    [
      [3, 130],
      [1, -70, -3, 2],
      [1, 60, 127, 2],
    ],
    [
      [2, 5, 3],
      [1, -100, 100],
      [1, 0, 5, 1],
    ],
    [
      [2, 5, 3],
      [1, 4, 2],
      [1, 4, 4, 1],
    ],
    [
      [2, 5, 3],
      [2, -1],
      [2, 2, 3, 1],
    ],
  ];
  test.each(cases)('%j by %j', (shape, [dim, start, end, stride], [axis, first, last, step]) =>
    checkOp(
      ([x]) => ops.slice(x!, dim, start, end, stride),
      ([x]) => reference.slice(x!, axis, first, last, step),
      { shapes: [[shape]], ...exact },
    ),
  );
  test('narrow, also from the back', async () => {
    await checkOp(
      ([x]) => ops.narrow(x!, 1, 2, 3),
      ([x]) => reference.slice(x!, 1, 2, 5),
      { shapes: [[[3, 6]]], ...exact },
    );
    await checkOp(
      ([x]) => ops.narrow(x!, -1, -2, 2),
      ([x]) => reference.slice(x!, 1, 4, 6),
      { shapes: [[[3, 6]]], ...exact },
    );
    expect(ops.narrow(tensor([1, 2, 3]), 0, 3, 0).shape).toEqual([0]);
  });
});

describe('joining and cutting', () => {
  test.each([0, 1, 2])('concat along axis %d', (axis) =>
    checkOp(
      (parts) => ops.concat(parts, axis),
      (parts) => reference.concat(parts, axis),
      { shapes: [[1, 0, 70].map((n) => [2, 3, 5].with(axis, n)), [[2, 3, 5]]], ...exact },
    ),
  );
  test('concat of one tensor with itself adds up its gradient', () =>
    checkOp(
      ([x]) => ops.concat([x!, x!], -1),
      ([x]) => reference.concat([x!, x!], 1),
      { shapes: [[[3, 4]]], ...exact },
    ));
  test.each([0, 1, 2, -1])('stack along axis %d', (dim) => {
    const axis = dim < 0 ? dim + 3 : dim;
    const deeper = (x: Nd) => shaped(x, x.shape.toSpliced(axis, 0, 1));
    return checkOp(
      (parts) => ops.stack(parts, dim),
      (parts) => reference.concat(parts.map(deeper), axis),
      {
        shapes: [
          [
            [3, 5],
            [3, 5],
            [3, 5],
          ],
          [[7, 11]],
        ],
        ...exact,
      },
    );
  });
  test('split into equal pieces and a rest, and by sizes', async () => {
    await checkOp(
      ([x]) => ops.split(x!, 4),
      ([x]) => [0, 4, 8].map((start) => reference.slice(x!, 0, start, Math.min(start + 4, 10))),
      { shapes: [[[10, 3]]], ...exact },
    );
    await checkOp(
      ([x]) => ops.split(x!, [1, 0, 5], -1),
      ([x]) => [reference.slice(x!, 1, 0, 1), reference.slice(x!, 1, 1, 1), reference.slice(x!, 1, 1, 6)],
      { shapes: [[[2, 6]]], ...exact },
    );
    const empty = tensor(new Float32Array(0), { shape: [0, 3] });
    expect(ops.split(empty, 2).map((t) => t.shape)).toEqual([[0, 3]]);
  });
  test('pad', async () => {
    await checkOp(
      ([x]) => ops.pad(x!, [1, 2]),
      ([x]) => reference.pad(x!, [0, 1], [0, 2]),
      { shapes: [[[3, 5]], [[67, 1]], [[3, 0]]], ...exact },
    );
    await checkOp(
      ([x]) => ops.pad(x!, [0, 1, 2, 0, 3, 1]),
      ([x]) => reference.pad(x!, [3, 2, 0], [1, 0, 1]),
      { shapes: [[[2, 3, 5]]], ...exact },
    );
  });
});

test('integers keep their host values wherever they go', async () => {
  const ids = tensor(Int32Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3] });
  const results = [
    ops.reshape(ids, [3, 2]),
    ops.transpose(ids, 0, 1),
    ops.slice(ids, 1, 0, 3, 2),
    ops.concat([ids, ops.narrow(ids, 0, 1, 1)]),
    ops.stack([ids, ids], -1),
    ops.pad(ids, [1, 0, 0, 1]),
    ...ops.split(ids, 2, 1),
  ];
  for (const result of results) expect([...result.host!]).toEqual([...(await result.data())]);
  expect([...results[1]!.host!]).toEqual([1, 4, 2, 5, 3, 6]);
  const born = ops.cast(tensor([1, 2, 3]), 'i32');
  expect(ops.concat([born, tensor(Int32Array.of(4))]).host).toBeUndefined();
});

describe('refusals', () => {
  const x = () => tensor(new Float32Array(6), { shape: [2, 3] });
  const cases: [string, () => unknown, string][] = [
    [
      'reshape to another size',
      () => ops.reshape(x(), [4, 2]),
      'reshape: shape must be a shape of 6 elements (one -1 is inferred), got [4, 2].',
    ],
    [
      'two inferred axes',
      () => ops.reshape(x(), [-1, -1]),
      'reshape: shape must be a shape of 6 elements (one -1 is inferred), got [-1, -1].',
    ],
    ['flatten backwards', () => ops.flatten(x(), 1, 0), 'flatten: startDim must be at most endDim = 0, got 1.'],
    ['unsqueeze too far', () => ops.unsqueeze(x(), 3), 'unsqueeze: dim must be an integer in -3..2, got 3.'],
    ['an axis twice', () => ops.permute(x(), [0, -2]), 'permute: dims must be a permutation of 2 axes, got [0, -2].'],
    ['too few axes', () => ops.permute(x(), [0]), 'permute: dims must be a permutation of 2 axes, got [0].'],
    [
      'an axis that does not exist',
      () => ops.transpose(x(), 0, 2),
      'transpose: dim1 must be an integer in -2..1, got 2.',
    ],
    ['a stride of 0', () => ops.slice(x(), 0, 0, 2, 0), 'slice: stride must be a whole number >= 1, got 0.'],
    ['half an element', () => ops.slice(x(), 0, 0.5), 'slice: start and end must be whole numbers, got 0.5 and 2.'],
    [
      'narrow past the end',
      () => ops.narrow(x(), 1, 2, 2),
      'narrow: start and length must be whole numbers that stay within the 3 elements of axis 1, got 2 and 2.',
    ],
    ['concat of nothing', () => ops.concat([]), 'concat: tensors must be at least one tensor, got none.'],
    [
      'concat of different ranks',
      () => ops.concat([x(), tensor([1])], 1),
      'concat: tensors must be of one dtype and of shapes that agree but for axis 1, got f32[2, 3], f32[1].',
    ],
    [
      'concat of different shapes',
      () => ops.concat([x(), tensor([[1]])], 0),
      'concat: tensors must be of one dtype and of shapes that agree but for axis 0, got f32[2, 3], f32[1, 1].',
    ],
    [
      'stack of different shapes',
      () => ops.stack([x(), tensor([1])]),
      'stack: tensors must be at least one tensor, and all of one dtype and shape, got f32[2, 3], f32[1].',
    ],
    ['split by 0', () => ops.split(x(), 0), 'split: sizes must be a whole number >= 1, got 0.'],
    [
      'split by sizes that do not add up',
      () => ops.split(x(), [1, 1], 1),
      'split: sizes must be whole numbers that add up to 3, got [1, 1].',
    ],
    [
      'pad more axes than there are',
      () => ops.pad(x(), [1, 1, 1, 1, 1, 1]),
      'pad: padding must be up to 2 pairs of whole numbers >= 0, got [1, 1, 1, 1, 1, 1].',
    ],
  ];
  test.each(cases)('%s', (_, act, message) => {
    expect(act).toThrow(message);
  });
});
