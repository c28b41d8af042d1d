import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { LONG_ROW } from '../../src/ops/row-kernels.ts';
import { init, setDefaultDevice, tensor } from '../../src/tensor/create.ts';
import { checkOp, expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd, randomNd } from '../nd.ts';
import { softmax } from '../reference/softmax.ts';

const current = useDevice();

const wide = (x: Nd) => map(x, (v) => 6 * v);
const cases: [number[], number][] = [
  [[1], 0],
  [[7], 0],
  [[1, 1], -1],
  [[3, 5], -1],
  [[3, 5], 0],
  [[67, 9], 1],
  [[130, 4], 1],
  [[2, 67, 3], 1],
  [[2, 3, 5, 4], 1],
  [[2, LONG_ROW - 1], 1],
  [[2, LONG_ROW], 1],
  [[3, LONG_ROW + 1], 1],
  [[2, 1, 1301], -1],
  [[300, 3], 0],
  [[0, 3], 1],
  [[3, 0], 1],
];

describe.each(cases)('%j along %j', (shape, dim) => {
  test('softmax', () =>
    checkOp(
      ([x]) => ops.softmax(x!, dim),
      ([x]) => softmax(x!, dim),
      { shapes: [[shape]], sample: wide },
    ));
  test('logSoftmax', () =>
    checkOp(
      ([x]) => ops.logSoftmax(x!, dim),
      ([x]) => softmax(x!, dim, true),
      { shapes: [[shape]], sample: wide, atol: 2e-6 },
    ));
});

test.each([9, 1100])('rows of %d: large, shifted and masked values', async (length) => {
  const x = randomNd([3, length], 5);
  x.data.set([300, -1e30, 299], 0); // the first row: far apart
  for (let k = 0; k < length; k++) {
    x.data[length + k]! += 1e4; // the second: all large
    x.data[2 * length + k] = -3.4e38; // the third: all masked is uniform
  }
  const host = Float32Array.from(x.data);
  const exact = { shape: x.shape, data: Float64Array.from(host) };
  const y = await ops.softmax(tensor(host, { shape: x.shape }), 1).data();
  expectClose(y, softmax(exact, 1).data, 1e-5, 1e-6, 'softmax');
  expect(y[1]).toBe(0);
  const logs = await ops.logSoftmax(tensor(host, { shape: x.shape }), 1).data();
  const kept = (v: ArrayLike<number>) => Array.from(v).filter((_, k) => k !== 1);
  expectClose(kept(logs), kept(softmax(exact, 1, true).data), 1e-5, 1e-6, 'logSoftmax');
});

test('split over the binding limit: the same bits', async () => {
  const run = async () => {
    const x = tensor(Float32Array.from(randomNd([700, 9], 3).data), { shape: [700, 9], requiresGrad: true });
    const y = ops.softmax(x, 1);
    backward(y, tensor(Float32Array.from(randomNd([700, 9], 4).data), { shape: [700, 9] }));
    return [await y.data(), await (x.grad as typeof x).data()];
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

test('PyTorch: value and gradient', async () => {
  const fixture = await loadFixture('ops.safetensors');
  const cases = Object.keys(fixture.meta).filter((name) => /^(log_)?softmax_/.test(name));
  expect(cases.length).toBe(10);
  for (const name of cases) {
    const { shape, data } = fixture.get(`${name}.x`);
    const x = tensor(data, { shape, requiresGrad: true });
    const op = name.startsWith('log_') ? ops.logSoftmax : ops.softmax;
    const y = op(x, fixture.meta[name]!.dim);
    backward(y, tensor(fixture.get(`${name}.upstream`).data, { shape }));
    expectClose(await y.data(), fixture.get(`${name}.out`).data, 1e-5, 1e-6, name);
    expectClose(
      await (x.grad as typeof x).data(),
      fixture.get(`${name}.grad_x`).data,
      1e-5,
      1e-6,
      `gradient of ${name}`,
    );
  }
});

describe('refusals', () => {
  test('an axis that does not exist', () => {
    expect(() => ops.softmax(tensor([[1, 2]]), 2)).toThrow('softmax: dim must be an integer in -2..1, got 2.');
  });
  test('an axis that a scalar does not have', () => {
    expect(() => ops.logSoftmax(tensor(1), 1)).toThrow('logSoftmax: dim must be an integer in -1..0, got 1.');
  });
  test('integers', () => {
    expect(() => ops.softmax(tensor(Int32Array.of(1)), 0)).toThrow('softmax: x must be f32, got i32.');
  });
});
