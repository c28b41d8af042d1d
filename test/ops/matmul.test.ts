import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tuningOf } from '../../src/gpu/tuning.ts';
import { canRun, formatChoice, gemmChoice, gemmClass, parseChoice } from '../../src/ops/gemm-choice.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, nd } from '../nd.ts';
import { erf } from '../reference/elementwise.ts';
import { matmul } from '../reference/matmul.ts';

const current = useDevice();

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

// In tiles of side 8 where workgroups are small, as for portable kernels; else of 16.
describe.each(['tiled_1', 'tiled_2', 'direct/4', 'tiled_1/2', 'texel/4', 'texel_packed', 'texel_packed/3'])(
  'by %s',
  (choice) => {
    const { method } = parseChoice(choice);
    beforeEach((context) => {
      if (!canRun(current.device, method)) context.skip(`${current.device.info.name} cannot run ${method}`);
    });
    afterEach(() => current.device.choices.clear());
    const shapes = [
      [1, 1, 1],
      [17, 33, 9],
      [65, 48, 127],
      [130, 24, 140],
    ];

    test.each([
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ])('transposeA %s, transposeB %s: every size', async (transposeA, transposeB) => {
      for (const [m, k, n] of shapes) current.device.choices.set(gemmClass({ m: m!, n: n!, k: k!, batch: 1 }), choice);
      const before = current.device.stats.dispatches;
      await checkOp(
        ([a, b]) => ops.matmul(a!, b!, { transposeA, transposeB }),
        ([a, b]) => matmul(a!, b!, transposeA, transposeB),
        {
          shapes: shapes.map(([m, k, n]) => [transposeA ? [k!, m!] : [m!, k!], transposeB ? [n!, k!] : [k!, n!]]),
          terms: ([a]) => a!.at(transposeA ? -2 : -1)!,
          differentiable: false,
        },
      );
      expect(current.device.stats.dispatches).toBeGreaterThan(before);
    });

    test('batched, with bias and activation', async () => {
      for (const n of [9, 70]) current.device.choices.set(gemmClass({ m: 66, n, k: 20, batch: 3 }), choice);
      await checkOp(
        ([a, b, bias]) => ops.matmul(a!, b!, { bias: bias!, activation: 'relu' }),
        ([a, b, bias]) => {
          const plain = matmul(a!, b!, false, false);
          return nd(plain.shape, (_, at) => Math.max(0, plain.data[at]! + bias!.data[at % bias!.data.length]!));
        },
        { shapes: [9, 70].map((n) => [[3, 66, 20], [3, 20, n], [n]]), terms: () => 20, differentiable: false },
      );
    });
  },
);

test('the table: tiles and slabs for GPUs, texels or the plain kernel for software adapters', () => {
  const like = (kind: 'cpu' | 'gpu', subgroupSize: number, maxWorkgroupSize = 1024) =>
    ({
      tuning: tuningOf({ kind, subgroupSize, hasSubgroups: true, readsTextures: true, maxWorkgroupSize }),
      choices: new Map(),
      maxBindingBytes: 2 ** 27,
    }) as never;
  const of = (device: never, m: number, n: number, k: number, batch = 1) =>
    formatChoice(gemmChoice(device, { m, n, k, batch }));
  const gpu = like('gpu', 32);
  expect(of(gpu, 4096, 4096, 4096)).toBe('tiled_2');
  expect(of(gpu, 1024, 800, 200)).toBe('tiled_1');
  expect(of(gpu, 800, 200, 1024), 'a weight gradient').toBe('tiled_1/2');
  expect(of(gpu, 64, 64, 4096)).toBe('tiled_1/32');
  expect(of(gpu, 64, 64, 4099), 'k that is not divisible').toBe('tiled_1');
  expect(of(gpu, 1024, 9, 200)).toBe('direct');
  const small = like('gpu', 32, 128);
  expect(of(small, 512, 512, 512), 'tiles of half the side').toBe('tiled_2');
  expect(of(small, 128, 128, 4096)).toBe('tiled_1/8');
  expect(of(gpu, 9, 200, 1024)).toBe('direct/8');
  expect(of(like('cpu', 8), 1024, 1024, 1024)).toBe('texel');
  expect(of(like('cpu', 8), 1024, 512, 2048), 'a long sum').toBe('texel_packed');
  expect(of(like('cpu', 8), 8192, 512, 4096), 'operands over half a binding').toBe('texel');
  expect(of(like('cpu', 8), 8, 8, 8)).toBe('direct');
  for (const lanes of [4, 16]) expect(of(like('cpu', lanes), 1024, 1024, 1024), `${lanes} lanes`).toBe('texel');
  expect(of(like('cpu', 32), 1024, 1024, 1024), 'a size without kernels').toBe('direct');
  expect(gemmClass({ m: 9, n: 200, k: 1024, batch: 1 })).toBe('gemm 16x256x1024');
  expect(gemmClass({ m: 5000, n: 200, k: 4096, batch: 3 })).toBe('gemm 4 x 4096x256x4096');
});
