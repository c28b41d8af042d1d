import { describe, expect, test } from 'vitest';
import { detach } from '../../src/autograd/tape.ts';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { LONG_ROW } from '../../src/ops/row-kernels.ts';
import { init, setDefaultDevice, tensor } from '../../src/tensor/create.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp, expectClose } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd, randomNd } from '../nd.ts';
import * as reference from '../reference/losses.ts';
import { softmax } from '../reference/softmax.ts';

const current = useDevice();

const wide = (x: Nd) => map(x, (v) => 5 * v);
const floats = (x: Nd) => tensor(Float32Array.from(x.data), { shape: x.shape });

/** Class indices, every fifth one ignored. */
function labels(shape: Shape, ignoreIndex = -100): Int32Array<ArrayBuffer> {
  const classes = shape.at(-1)!;
  const draws = randomNd(shape.slice(0, -1), 77).data;
  return Int32Array.from(draws, (v, i) => (i % 5 === 4 ? ignoreIndex : Math.floor(((v + 1) / 2) * classes)));
}

function weights(classes: number): Nd {
  return map(randomNd([classes], 31), (v) => Math.fround(1.2 + v));
}

const shapes: Shape[] = [[1, 1], [1, 3], [13, 5], [3, 7, 9], [67, 4], [2, LONG_ROW - 1], [2, LONG_ROW], [4], [0, 3]];

describe.each(['mean', 'sum', 'none'] as const)('%s', (reduction) => {
  // The mean of nothing is not a number, and has its own test.
  const tried = shapes.filter((shape) => reduction !== 'mean' || sizeOf(shape) > 0);
  describe.each(tried.map((shape) => [shape]))('%j', (shape) => {
    const classes = shape.at(-1)!;
    const weight = weights(classes);
    const classTensor = (host: Int32Array<ArrayBuffer>) => tensor(host, { shape: shape.slice(0, -1) });

    test('classes', () => {
      const host = labels(shape);
      return checkOp(
        ([x]) => ops.crossEntropy(x!, classTensor(host), { reduction }),
        ([x]) => reference.crossEntropy(x!, host, { reduction }),
        { shapes: [[shape]], sample: wide },
      );
    });
    test('classes with weights, another index ignored', () => {
      const host = labels(shape, -1);
      return checkOp(
        ([x]) => ops.crossEntropy(x!, classTensor(host), { reduction, ignoreIndex: -1, weight: floats(weight) }),
        ([x]) => reference.crossEntropy(x!, host, { reduction, ignoreIndex: -1, weight: weight.data }),
        { shapes: [[shape]], sample: wide },
      );
    });
    test('classes smoothed, with weights', () => {
      const host = labels(shape);
      return checkOp(
        ([x]) => ops.crossEntropy(x!, classTensor(host), { reduction, labelSmoothing: 0.1, weight: floats(weight) }),
        ([x]) => reference.crossEntropy(x!, host, { reduction, labelSmoothing: 0.1, weight: weight.data }),
        { shapes: [[shape]], sample: wide, terms: () => classes },
      );
    });
    test('probabilities, constant and with a gradient of their own', async () => {
      if (classes === 1) return;
      const q = map(softmax(randomNd(shape, 5), -1), Math.fround);
      const options = { reduction, labelSmoothing: 0.2 };
      const expected = ([x, target]: Nd[]) =>
        reference.crossEntropy(x!, (target ?? q).data, { ...options, weight: weight.data });
      const check = { sample: wide, terms: () => classes, atol: 5e-6 };
      await checkOp(([x]) => ops.crossEntropy(x!, floats(q), { ...options, weight: floats(weight) }), expected, {
        ...check,
        shapes: [[shape]],
      });
      await checkOp(([x, target]) => ops.crossEntropy(x!, target!, { ...options, weight: floats(weight) }), expected, {
        ...check,
        shapes: [[shape, shape]],
      });
    });
    test('log-probabilities (nllLoss)', () => {
      const host = labels(shape);
      return checkOp(
        ([x]) => ops.nllLoss(x!, classTensor(host), { reduction, weight: floats(weight) }),
        ([x]) => reference.classLoss(x!, host, { reduction, weight: weight.data }),
        { shapes: [[shape]] },
      );
    });
  });
});

test('more rows than one pass sums', async () => {
  const shape = [20_011, 3];
  const host = labels(shape);
  await checkOp(
    ([x]) => ops.crossEntropy(x!, tensor(host)),
    ([x]) => reference.crossEntropy(x!, host),
    { shapes: [[shape]], sample: wide },
  );
});

test.each([5, 1100])('large, shifted and masked logits in %d classes', async (classes) => {
  const x = randomNd([3, classes], 9);
  x.data.set([200, -300, 50], 0);
  for (let k = 0; k < classes; k++) {
    x.data[classes + k]! += 2e4;
    if (k % 2) x.data[2 * classes + k] = -1e30;
  }
  const exact = map(x, Math.fround);
  const host = Int32Array.of(1, 3, 2);
  const logits = tensor(Float32Array.from(exact.data), { shape: x.shape, requiresGrad: true });
  const loss = ops.crossEntropy(logits, tensor(host), { reduction: 'none' });
  expectClose(await loss.data(), reference.crossEntropy(exact, host, { reduction: 'none' }).data, 1e-5, 1e-6, 'loss');
  backward(ops.sum(loss));
  const p = softmax(exact, 1).data;
  host.forEach((c, row) => {
    p[row * classes + c]! -= 1;
  });
  expectClose(await (logits.grad as Tensor).data(), p, 1e-5, 1e-6, 'gradient');
});

describe.each([700, 1100])('%d smoothed classes', (classes) => {
  const x = map(randomNd([2, classes], 12), (v) => Math.fround(2 * v));
  const host = Int32Array.of(3, classes - 1);
  const p = softmax(x, 1).data;
  test.each([false, true])('every gradient to its own precision, with weights: %s', async (weighted) => {
    const w = weighted
      ? map(randomNd([classes], 8), (v) => Math.fround(1.5 + v)).data
      : new Float64Array(classes).fill(1);
    const smoothing = Math.fround(0.1);
    const share = (row: number, c: number) => w[c]! * ((1 - smoothing) * Number(host[row] === c) + smoothing / classes);
    const logits = tensor(Float32Array.from(x.data), { shape: x.shape, requiresGrad: true });
    const options = weighted ? { weight: tensor(Float32Array.from(w)) } : {};
    backward(ops.crossEntropy(logits, tensor(host), { ...options, labelSmoothing: 0.1, reduction: 'sum' }));
    const got = await (logits.grad as Tensor).data();
    for (const row of [0, 1]) {
      let total = 0;
      for (let c = 0; c < classes; c++) total += share(row, c);
      for (let c = 0; c < classes; c++) {
        const at = row * classes + c;
        // What p and a share are rounded to is what their difference can be off by.
        const allowed = 2e-6 * (total * p[at]! + share(row, c));
        const expected = total * p[at]! - share(row, c);
        if (!(Math.abs(got[at]! - expected) <= allowed))
          expect.fail(`row ${row}, class ${c}: ${got[at]}, expected ${expected} within ${allowed}`);
      }
    }
  });
});

describe('nothing to learn from', () => {
  test.each([
    ['all ignored', [3, 4], Int32Array.of(-100, -100, -100)],
    ['no rows', [0, 4], new Int32Array(0)],
  ] as const)('%s: the mean is NaN, as in PyTorch, the gradient 0', async (_, shape, host) => {
    const logits = tensor(Float32Array.from(randomNd(shape, 1).data), { shape, requiresGrad: true });
    const loss = ops.crossEntropy(logits, tensor(host.slice()));
    expect(await loss.item()).toBeNaN();
    backward(loss);
    expect([...(await (logits.grad as Tensor).data())]).toEqual(new Array(sizeOf(shape)).fill(0));
  });
  test('all ignored: the sum is 0', async () => {
    expect(await ops.crossEntropy(tensor([[1, 2]]), tensor(Int32Array.of(-100)), { reduction: 'sum' }).item()).toBe(0);
  });
  test('smoothed and ignored: no gradient either', async () => {
    const logits = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    backward(ops.crossEntropy(logits, tensor(Int32Array.of(0, -100)), { labelSmoothing: 0.3 }));
    expect([...(await (logits.grad as Tensor).data())].slice(2)).toEqual([0, 0]);
  });
});

test('an index made on the GPU that is out of range poisons its row', async () => {
  const logits = tensor(
    [
      [1, 2],
      [3, 4],
    ],
    { requiresGrad: true },
  );
  const born = ops.add(tensor(Int32Array.of(1, 1)), tensor(Int32Array.of(0, 1)));
  const unchecked = detach(born);
  expect(unchecked.host).toBeUndefined();
  const loss = ops.crossEntropy(logits, unchecked, { reduction: 'none' });
  const [first, second] = await loss.data();
  expect(first).toBeCloseTo(Math.log(1 + Math.exp(-1)), 6);
  expect(second).toBeNaN();
  backward(ops.sum(loss));
  expect(Array.from(await (logits.grad as Tensor).data(), Number.isNaN)).toEqual([false, false, true, true]);
});

test('dispatches: two forward without a gradient and with one, one backward', () => {
  const { device } = current;
  const logits = tensor(Float32Array.from(randomNd([64, 9], 1).data), { shape: [64, 9], requiresGrad: true });
  const target = tensor(labels([64, 9]));
  const counted = (run: () => void) => {
    device.flush();
    return device.synchronize().then(() => {
      const before = device.stats.dispatches;
      run();
      device.flush();
      return device.synchronize().then(() => device.stats.dispatches - before);
    });
  };
  return counted(() => ops.crossEntropy(detach(logits), target))
    .then((n) => expect(n).toBe(2))
    .then(() => counted(() => backward(ops.crossEntropy(logits, target))))
    .then((n) => expect(n).toBe(3));
});

test('split over the binding limit: the same bits', async () => {
  const shape = [900, 9];
  const run = async (target: () => Tensor) => {
    const x = tensor(Float32Array.from(randomNd(shape, 3).data), { shape, requiresGrad: true });
    const loss = ops.crossEntropy(x, target(), { reduction: 'none' });
    backward(loss, tensor(Float32Array.from(randomNd([900], 4).data)));
    return [await loss.data(), await (x.grad as Tensor).data()];
  };
  const byClass = () => tensor(labels(shape));
  const byProbability = () => floats(map(softmax(randomNd(shape, 6), -1), Math.fround));
  const whole = [await run(byClass), await run(byProbability)];
  const small = await init({ maxBindingBytes: 8192 });
  try {
    expect([await run(byClass), await run(byProbability)]).toEqual(whole);
  } finally {
    setDefaultDevice(current.device);
    await small.synchronize();
    small.destroy();
  }
});

describe('refusals', () => {
  const logits = () =>
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  const target = () => tensor(Int32Array.of(0, 2));
  test('a class that does not exist', () => {
    expect(() => ops.crossEntropy(logits(), tensor(Int32Array.of(0, 3)))).toThrow(
      'crossEntropy: target must be in 0..2 or ignoreIndex = -100, got 3 at element 1.',
    );
    expect(() => ops.nllLoss(logits(), tensor(Int32Array.of(-1, 0)), { ignoreIndex: 5 })).toThrow(
      'nllLoss: target must be in 0..2 or ignoreIndex = 5, got -1 at element 0.',
    );
  });
  test('shapes and dtypes', () => {
    expect(() => ops.crossEntropy(logits(), tensor(Int32Array.of(0)))).toThrow(
      'crossEntropy: target must be class indices (i32) [2], got i32 [1].',
    );
    expect(() => ops.crossEntropy(logits(), tensor([0, 2]))).toThrow(
      'crossEntropy: target must be class indices (i32) [2] or probabilities (f32) [2, 3], got f32 [2].',
    );
    const sequences = tensor(new Float32Array(24), { shape: [2, 3, 4] });
    expect(() => ops.crossEntropy(sequences, tensor(new Int32Array(8), { shape: [2, 4] }))).toThrow(
      'crossEntropy: target must be class indices (i32) [2, 3], got i32 [2, 4]. The class axis is the last one here, not the second as in PyTorch: pass permute(x, [0, 2, 1]).',
    );
    expect(() => ops.nllLoss(sequences, tensor(new Int32Array(8), { shape: [2, 4] }))).toThrow('permute(x, [0, 2, 1])');
    expect(() => ops.crossEntropy(tensor(1), target())).toThrow(
      'crossEntropy: logits must be f32 […, K] with K at least 1, got f32 [].',
    );
    expect(() => ops.nllLoss(tensor(Int32Array.of(1)), target())).toThrow(
      'nllLoss: input must be f32 […, K] with K at least 1, got i32 [1].',
    );
  });
  test('weights', () => {
    expect(() => ops.crossEntropy(logits(), target(), { weight: tensor([1, 2]) })).toThrow(
      'crossEntropy: weight must be f32 [K] = [3], got f32 [2].',
    );
    expect(() => ops.crossEntropy(logits(), target(), { weight: tensor([1, 2, 3], { requiresGrad: true }) })).toThrow(
      'crossEntropy: weight must be a constant, got a tensor that requires a gradient. Detach it: class weights have no gradient here, nor in PyTorch.',
    );
  });
  test('options', () => {
    expect(() => ops.crossEntropy(logits(), target(), { labelSmoothing: 1.5 })).toThrow(
      'crossEntropy: labelSmoothing must be in 0..1, got 1.5.',
    );
    expect(() => ops.crossEntropy(logits(), target(), { reduction: 'avg' as 'mean' })).toThrow(
      "crossEntropy: reduction must be 'mean', 'sum' or 'none', got 'avg'.",
    );
    expect(() => ops.crossEntropy(logits(), logits(), { ignoreIndex: 1 })).toThrow(
      'crossEntropy: ignoreIndex must be negative (unused) where target holds probabilities, got 1.',
    );
  });
});
