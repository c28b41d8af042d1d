import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { LEAST_SLAB } from '../../src/ops/layer-norm.ts';
import { LONG_ROW } from '../../src/ops/row-kernels.ts';
import { init, setDefaultDevice, tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp, expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd, randomNd } from '../nd.ts';
import { layerNorm } from '../reference/layer-norm.ts';

const current = useDevice();

const shifted = (x: Nd) => map(x, (v) => 2 * v + 1);
const cases: [number[], number[]][] = [
  [[5], [5]],
  [[3, 7], [7]],
  [
    [2, 3, 5],
    [3, 5],
  ],
  [[67, 9], [9]],
  [[300, 6], [6]],
  [[3, LONG_ROW - 1], [LONG_ROW - 1]],
  [[3, LONG_ROW], [LONG_ROW]],
  ...[LEAST_SLAB, LEAST_SLAB + 1, LEAST_SLAB ** 2, LEAST_SLAB ** 2 + 1].map((rows): [number[], number[]] => [
    [rows, 3],
    [3],
  ]),
];

describe.each(cases)('%j over %j', (shape, axes) => {
  const width = axes.reduce((a, b) => a * b, 1);
  const options = { sample: shifted, terms: () => width, atol: 1e-6 };
  test('with weight and bias', () =>
    checkOp(
      ([x, weight, bias]) => ops.layerNorm(x!, axes, weight, bias),
      ([x, weight, bias]) => layerNorm(x!, width, weight, bias),
      { ...options, shapes: [[shape, axes, axes]] },
    ));
  test('plain, and with a bias alone', async () => {
    await checkOp(
      ([x]) => ops.layerNorm(x!, axes, undefined, undefined, 0.1),
      ([x]) => layerNorm(x!, width, undefined, undefined, 0.1),
      { ...options, shapes: [[shape]] },
    );
    await checkOp(
      ([x, bias]) => ops.layerNorm(x!, axes, undefined, bias),
      ([x, bias]) => layerNorm(x!, width, undefined, bias),
      { ...options, shapes: [[shape, axes]] },
    );
  });
});

test('no rows: the parameters get zeros', async () => {
  const weight = tensor([1, 2, 3], { requiresGrad: true });
  const y = ops.layerNorm(tensor(new Float32Array(0), { shape: [0, 3] }), 3, weight);
  expect(y.shape).toEqual([0, 3]);
  backward(ops.sum(y));
  expect([...(await (weight.grad as Tensor).data())]).toEqual([0, 0, 0]);
});

// Half a unit in the last place of the mean is 4e-4 of a standard deviation here; E[x²] - E[x]² would leave no digit at all.
test('a mean far from zero costs no more than its own rounding', async () => {
  const x = map(randomNd([2, 64], 3), (v) => Math.fround(4096 + v));
  const y = await ops.layerNorm(tensor(Float32Array.from(x.data), { shape: x.shape }), 64).data();
  expectClose(y, layerNorm(x, 64, undefined, undefined).data, 0, 6e-4, 'layerNorm');
});

test('PyTorch: value and every gradient', async () => {
  const fixture = await loadFixture('ops.safetensors');
  const cases = Object.keys(fixture.meta).filter((name) => name.startsWith('layer_norm_'));
  expect(cases.length).toBe(6);
  for (const name of cases) {
    const { normalizedShape, eps } = fixture.meta[name]!;
    const read = (key: string) => {
      const { shape, data } = fixture.get(`${name}.${key}`);
      return tensor(data, { shape });
    };
    const leaves = Object.fromEntries(
      ['x', 'weight', 'bias'].filter((key) => fixture.has(`${name}.${key}`)).map((key) => [key, read(key)]),
    );
    for (const leaf of Object.values(leaves)) leaf.requiresGrad = true;
    const y = ops.layerNorm(leaves.x!, normalizedShape, leaves.weight, leaves.bias, eps);
    backward(y, read('upstream'));
    expectClose(await y.data(), fixture.get(`${name}.out`).data, 1e-5, 1e-6, name);
    for (const [key, leaf] of Object.entries(leaves))
      expectClose(
        await (leaf.grad as Tensor).data(),
        fixture.get(`${name}.grad_${key}`).data,
        1e-5,
        2e-6,
        `gradient of ${key} in ${name}`,
      );
  }
});

test('split over the binding limit: the same bits', async () => {
  const shape = [700, 9];
  const run = async () => {
    const x = tensor(Float32Array.from(randomNd(shape, 3).data), { shape, requiresGrad: true });
    const [weight, bias] = [4, 5].map((seed) =>
      tensor(Float32Array.from(randomNd([9], seed).data), { requiresGrad: true }),
    );
    const y = ops.layerNorm(x, 9, weight, bias);
    backward(y, tensor(Float32Array.from(randomNd(shape, 6).data), { shape }));
    return Promise.all([y, x.grad, weight!.grad, bias!.grad].map((t) => (t as Tensor).data()));
  };
  const whole = await run();
  const small = await init({ maxBindingBytes: 8192 });
  try {
    expect(await run()).toEqual(whole);
  } finally {
    setDefaultDevice(current.device);
    await small.synchronize();
    small.destroy();
  }
});

describe('refusals', () => {
  const x = () => tensor([[1, 2, 3]]);
  test('a shape that is not at the end of x', () => {
    expect(() => ops.layerNorm(x(), [1, 2])).toThrow(
      'layerNorm: normalizedShape must be the last axes of x [1, 3], none of length 0, got [1, 2].',
    );
  });
  test('weight', () => {
    expect(() => ops.layerNorm(x(), 3, tensor([1, 2]))).toThrow('layerNorm: weight must be f32 [3], got f32 [2].');
  });
  test('bias', () => {
    expect(() => ops.layerNorm(x(), 3, undefined, tensor(Int32Array.of(1, 2, 3)))).toThrow(
      'layerNorm: bias must be f32 [3], got i32 [3].',
    );
  });
  test('eps', () => {
    expect(() => ops.layerNorm(x(), 3, undefined, undefined, -1)).toThrow('layerNorm: eps must be >= 0, got -1.');
  });
});
