// Gradient clipping: PyTorch's numbers, one order of summation everywhere, gradients of all kinds.
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { Device } from '../../src/gpu/device.ts';
import { clipGradNorm, clipGradValue } from '../../src/optim/index.ts';
import { full, tensor, zeros } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { type Fixture, loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';
import { expectSameBits } from './same-bits.ts';

const current = useDevice();
let fixture: Fixture;
beforeAll(async () => {
  fixture = await loadFixture('optimizers.safetensors');
});

function withGradient(shape: Shape, data: ArrayLike<number>, device: Device = current.device): Tensor {
  const param = zeros(shape, { requiresGrad: true, device });
  param.grad = tensor(Float32Array.from(data), { shape, device });
  return param;
}

const gradientOf = (param: Tensor) => (param.grad as Tensor).data();

test.each(['clip_norm2', 'clip_norm2_inside', 'clip_norm_inf', 'clip_norm_inf_inside'])(
  '%s of PyTorch',
  async (name) => {
    const { maxNorm, normType } = fixture.meta[name]!;
    const params = ['a', 'b'].map((key) => {
      const { shape, data } = fixture.get(`shared.grad0.${key}`);
      return withGradient(shape, data);
    });
    const options = normType === 'inf' ? { normType: Number.POSITIVE_INFINITY } : {};
    const total = clipGradNorm(params, name.endsWith('inside') ? () => maxNorm : maxNorm, options);
    expect(total.shape).toEqual([]);
    expectClose([await total.item()], fixture.get(`${name}.total_norm`).data, 1e-6, 0, 'norm');
    for (const [i, key] of ['a', 'b'].entries()) {
      const got = await gradientOf(params[i]!);
      if (name.endsWith('inside')) expect(got).toEqual(fixture.get(`shared.grad0.${key}`).data);
      expectClose(got, fixture.get(`${name}.${key}`).data, 1e-6, 0, key);
    }
  },
);

test('clip_value of PyTorch', async () => {
  const params = ['a', 'b'].map((key) => {
    const { shape, data } = fixture.get(`shared.grad0.${key}`);
    return withGradient(shape, data);
  });
  clipGradValue(params, fixture.meta.clip_value!.clipValue);
  for (const [i, key] of ['a', 'b'].entries())
    expect(await gradientOf(params[i]!)).toEqual(fixture.get(`clip_value.${key}`).data);
});

const file = '../shared/data/golden/torch-golden.json';
if (!existsSync(file)) console.warn(`SKIPPED: golden clip_grad_norm, for there is no ${file}`);
test.skipIf(!existsSync(file))('golden run of PyTorch', async () => {
  const golden = JSON.parse(readFileSync(file, 'utf8')).cases.clip_grad_norm;
  const params = golden.grads.map(({ shape, data }: { shape: Shape; data: number[] }) => withGradient(shape, data));
  const total = clipGradNorm(params, golden.max_norm);
  expectClose([await total.item()], [golden.total_norm], 1e-6, 0, 'norm');
  for (const [i, { data }] of golden.clipped.entries())
    expectClose(await gradientOf(params[i]), data, 1e-6, 1e-8, `gradient ${i}`);
});

// Nine gradients take two dispatches; blocks of 4096, parts of them, no element at all.
const SHAPES: Shape[] = [[3], [4096], [4097], [1], [0], [300, 301], [5, 5], [64], [8191], [2]];

test('many gradients of many sizes against float64, with the same bits under every limit and order of workgroups', async () => {
  const others = [
    await Device.create({ maxBindingBytes: 1 << 17, maxGrid: 19 }),
    await Device.create({ debug: { groupsReversed: true, poisonFreed: true } }),
  ];
  let squares = 0;
  for (const [i, shape] of SHAPES.entries()) for (const v of randomNd(shape, i + 1).data) squares += v * v;
  const expected = Math.sqrt(squares);
  const runs = [];
  for (const device of [current.device, ...others]) {
    const params = SHAPES.map((shape, i) => withGradient(shape, randomNd(shape, i + 1).data, device));
    const total = step(() => clipGradNorm(params, 1));
    runs.push({ total: await total.item(), gradients: await Promise.all(params.map(gradientOf)) });
  }
  const [first, ...rest] = runs as [(typeof runs)[0], ...typeof runs];
  expectClose([first.total], [expected], 1e-6, 0, 'norm');
  first.gradients.forEach((got, i) => {
    const factor = 1 / (expected + 1e-6);
    const scaled = randomNd(SHAPES[i]!, i + 1).data.map((v) => v * factor);
    expectClose(got, scaled, 2e-6, 0, `gradient ${i}`);
  });
  for (const run of rest) {
    expect(run.total).toBe(first.total);
    expectSameBits(run.gradients, first.gradients, 'gradients');
  }
  for (const device of others) device.destroy();
});

test('row-sparse gradients count by their values and are scaled there; one shared by two parameters counts once', async () => {
  const table = zeros([100, 3], { requiresGrad: true });
  table.grad = new RowSparse(
    [100, 3],
    tensor(Int32Array.from([4, 50])),
    tensor([
      [3, 0, 0],
      [0, 4, 0],
    ]),
  );
  const other = withGradient([1], [12]);
  const total = clipGradNorm([table, other, other], 6.5);
  expect(await total.item()).toBeCloseTo(13, 5);
  expectClose(await (table.grad as RowSparse).values.data(), [1.5, 0, 0, 0, 2, 0], 1e-6, 0, 'values');
  expectClose(await gradientOf(other), [6], 1e-6, 0, 'dense');
});

test('the largest magnitude is found wherever it lies, and a NaN shows in either norm', async () => {
  const data = randomNd([9000], 3).data;
  for (const at of [0, 4095, 8999]) {
    const spiked = data.with(at, -3);
    const total = clipGradNorm([withGradient([9000], spiked)], 10, { normType: Number.POSITIVE_INFINITY });
    expect(await total.item()).toBe(3);
    for (const normType of [2, Number.POSITIVE_INFINITY]) {
      const nan = clipGradNorm([withGradient([9000], data.with(at, Number.NaN))], 10, { normType });
      expect(await nan.item()).toBeNaN();
    }
  }
});

test('nothing to clip: a norm of zero', async () => {
  expect(await clipGradNorm([zeros([3])], 1).item()).toBe(0);
  expect(await clipGradNorm([], 1).item()).toBe(0);
  clipGradValue([], 1);
  expect(await clipGradNorm([withGradient([3], [0, 0, 0])], 1).item()).toBe(0);
});

test('temporaries go back to the pool outside of scopes too', () => {
  const live = () => current.device.poolStats.liveBytes;
  const start = live();
  const param = withGradient([50], randomNd([50], 1).data);
  const clip = () => {
    clipGradNorm([param], 1).dispose();
    clipGradValue([param], 1);
  };
  clip(); // makes the table of blocks, which goes with the parameter
  const before = live();
  clip();
  expect(live()).toBe(before);
  param.grad?.dispose();
  param.dispose();
  expect(live()).toBe(start);
});

test('refusals', () => {
  const params = [withGradient([1], [1])];
  expect(() => clipGradNorm(params, -1)).toThrow('clipGradNorm: maxNorm must be a finite number >= 0, got -1.');
  expect(() => clipGradNorm(params, 1, { normType: 1 })).toThrow(
    'clipGradNorm: normType must be 2 or Infinity, got 1.',
  );
  expect(() => clipGradValue(params, Number.NaN)).toThrow(
    'clipGradValue: clipValue must be a finite number >= 0, got NaN.',
  );
  expect(full([], 1).shape).toEqual([]);
});
