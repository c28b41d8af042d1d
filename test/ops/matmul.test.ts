import { describe, expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, nd } from '../nd.ts';
import { erf } from '../reference/elementwise.ts';
import { matmul } from '../reference/matmul.ts';

useDevice();

const sizes = [
  [1, 1, 1],
  [1, 7, 1],
  [3, 5, 2],
  [4, 4, 4],
  [8, 16, 8],
  [17, 33, 9],
  [35, 64, 70],
  [64, 3, 129],
  [130, 40, 9],
];

describe.each([
  [false, false],
  [false, true],
  [true, false],
  [true, true],
])('transposeA %s, transposeB %s', (transposeA, transposeB) => {
  test('every size', () =>
    checkOp(
      ([a, b]) => ops.matmul(a!, b!, { transposeA, transposeB }),
      ([a, b]) => matmul(a!, b!, transposeA, transposeB),
      {
        shapes: sizes.map(([m, k, n]) => [transposeA ? [k!, m!] : [m!, k!], transposeB ? [n!, k!] : [k!, n!]]),
        terms: ([a]) => a!.at(transposeA ? -2 : -1)!,
      },
    ));
  test('batched, and a matrix shared by the batch', () =>
    checkOp(
      ([a, b]) => ops.matmul(a!, b!, { transposeA, transposeB }),
      ([a, b]) => matmul(a!, b!, transposeA, transposeB),
      {
        shapes: [
          [
            [3, ...(transposeA ? [5, 4] : [4, 5])],
            [3, ...(transposeB ? [6, 5] : [5, 6])],
          ],
          [[2, 3, ...(transposeA ? [5, 4] : [4, 5])], transposeB ? [6, 5] : [5, 6]],
        ],
        terms: () => 5,
      },
    ));
});

test('one-dimensional operands', async () => {
  expect(await ops.matmul(tensor([1, 2, 3]), tensor([4, 5, 6])).item()).toBe(32);
  const row = ops.matmul(
    tensor([1, 2]),
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  );
  expect([row.shape, [...(await row.data())]]).toEqual([[3], [9, 12, 15]]);
});

test('an empty inner dimension gives zeros', async () => {
  const out = ops.matmul(
    tensor(new Float32Array(0), { shape: [2, 0] }),
    tensor(new Float32Array(0), { shape: [0, 3] }),
  );
  expect([out.shape, [...(await out.data())]]).toEqual([
    [2, 3],
    [0, 0, 0, 0, 0, 0],
  ]);
});

describe.each([
  ['none', (v: number) => v],
  ['relu', (v: number) => Math.max(0, v)],
  ['tanh', Math.tanh],
  ['sigmoid', (v: number) => 1 / (1 + Math.exp(-v))],
  ['gelu', (v: number) => 0.5 * v * (1 + erf(v / Math.SQRT2))],
] as const)('linear with activation %s', (activation, f) => {
  test('against the reference', () =>
    checkOp(
      ([x, w, b]) => ops.linear(x!, w!, b!, activation),
      ([x, w, b]) => {
        const rows = matmul({ shape: [6, 5], data: x!.data }, w!, false, true);
        return map({ shape: [2, 3, 7], data: nd([6, 7], ([, j], k) => rows.data[k]! + b!.data[j!]!).data }, f);
      },
      { shapes: [[[2, 3, 5], [7, 5], [7]]], terms: () => 5, atol: 2e-6 },
    ));
});

describe('refusals', () => {
  test('inner dimensions', () => {
    expect(() => ops.matmul(tensor([[1, 2]]), tensor([[1, 2]]))).toThrow(
      'matmul: the inner dimensions must be equal, got 2 and 1 (shapes [1, 2] and [1, 2]).',
    );
  });
  test('bias', () => {
    expect(() => ops.matmul(tensor([[1]]), tensor([[1]]), { bias: tensor([1, 2]) })).toThrow(
      'matmul: bias must be [N] = [1], got [2].',
    );
  });
  test('weight', () => {
    expect(() => ops.linear(tensor([[1, 2]]), tensor([[1]]))).toThrow(
      'linear: weight must be [N, 2] for x [1, 2], got [1, 1].',
    );
  });
});
