import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp, expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { map } from '../nd.ts';
import * as reference from '../reference/losses.ts';

useDevice();

describe.each(['mean', 'sum', 'none'] as const)('%s', (reduction) => {
  test('mseLoss', () =>
    checkOp(
      ([x, y]) => ops.mseLoss(x!, y!, { reduction }),
      ([x, y]) => reference.mseLoss(x!, y!, reduction),
      {
        shapes: [
          [[1], [1]],
          [
            [3, 5],
            [3, 5],
          ],
          [
            [2, 67, 3],
            [2, 67, 3],
          ],
          [[], []],
        ],
        terms: ([x]) => x!.reduce((a, b) => a * b, 1),
      },
    ));
  const samples: ((v: number) => number)[] = [(v) => 20 * v, (v) => (v + 1) / 2, (v) => v + 1.5, (v) => v + 2];
  const inputs = (shape: number[]) => [shape, shape, shape, shape.slice(-1)];
  test('bceWithLogits', () =>
    checkOp(
      ([x, y, weight, posWeight]) => ops.bceWithLogits(x!, y!, { weight, posWeight, reduction }),
      ([x, y, weight, posWeight]) => reference.bceWithLogits(x!, y!, weight, posWeight, reduction),
      {
        shapes: [inputs([1]), inputs([3, 5]), inputs([13, 11])],
        sample: (x, input) => map(x, samples[input]!),
        terms: ([x]) => x!.reduce((a, b) => a * b, 1),
      },
    ));
});

describe('bceWithLogits cancels nowhere', () => {
  const x = Float32Array.of(-80, -17, -10, -6.9, -1e-3, 0, 1e-3, 6.9, 10, 17, 80);
  const tail = (v: number) => Math.log1p(Math.exp(v));
  const near = (got: ArrayLike<number>, expected: number[], what: string) =>
    expected.forEach((e, i) => {
      if (!(Math.abs(got[i]! - e) <= 1e-5 * Math.abs(e)))
        expect.fail(`${what} at x = ${x[i]} is ${got[i]}, expected ${e}`);
    });
  test.each([
    [0, undefined],
    [1, undefined],
    [0, 3],
    [1, 3],
  ])('y = %d, posWeight %d', async (y, posWeight = 1) => {
    const input = tensor(x, { requiresGrad: true });
    const target = tensor(new Float32Array(x.length).fill(y), { requiresGrad: true });
    const options = posWeight === 1 ? {} : { posWeight: tensor([posWeight]) };
    const losses = ops.bceWithLogits(input, target, { ...options, reduction: 'none' });
    backward(ops.sum(losses));
    near(await losses.data(), y ? Array.from(x, (v) => posWeight * tail(-v)) : Array.from(x, tail), 'loss');
    const slope = (v: number) => (y ? -posWeight / (1 + Math.exp(v)) : 1 / (1 + Math.exp(-v)));
    near(await (input.grad as Tensor).data(), Array.from(x, slope), 'gradient');
    if (posWeight === 1) expect(await (target.grad as Tensor).data()).toEqual(x.map((v) => -v));
  });
});

describe('the mean of nothing is NaN, as in PyTorch', () => {
  test.each([
    ['mseLoss', ops.mseLoss],
    ['bceWithLogits', ops.bceWithLogits],
  ] as const)('%s', async (_, op) => {
    const nothing = () => tensor(new Float32Array(0), { shape: [0, 3], requiresGrad: true });
    const x = nothing();
    const loss = op(x, nothing());
    backward(loss);
    expect(await loss.item()).toBeNaN();
    expect(await (x.grad as Tensor).data()).toHaveLength(0);
    expect(await op(nothing(), nothing(), { reduction: 'sum' }).item()).toBe(0);
  });
});

const FUNCTIONS: Record<string, (x: Tensor, target: Tensor, options: object) => Tensor> = {
  cross_entropy: ops.crossEntropy,
  nll_loss: ops.nllLoss,
  mse_loss: ops.mseLoss,
  bce_with_logits: ops.bceWithLogits,
};

test('PyTorch: value and gradient of every loss in every combination of options', async () => {
  const fixture = await loadFixture('losses.safetensors');
  const read = (name: string) => {
    const isFloat = fixture.names(name).includes(name) && !/targets/.test(name);
    const { shape, data } = isFloat ? fixture.get(name) : fixture.ints(name);
    return tensor(data, { shape });
  };
  const cases = Object.keys(fixture.meta).filter((name) => fixture.has(`${name}.loss`));
  expect(cases.length).toBeGreaterThan(100);
  for (const name of cases) {
    const { input, upstream, target, weight, pos_weight, posWeight = pos_weight, ...options } = fixture.meta[name]!;
    const op = FUNCTIONS[Object.keys(FUNCTIONS).find((prefix) => name.startsWith(prefix))!]!;
    const x = read(input);
    x.requiresGrad = true;
    const q = read(target);
    // PyTorch has the classes on axis 1, weft on the last.
    const classesLast = (t: Tensor) => (t.rank === 3 ? ops.permute(t, [0, 2, 1]) : t);
    const loss = op(classesLast(x), q.rank === 3 ? classesLast(q) : q, {
      ...options,
      ...(weight && { weight: read(weight) }),
      ...(posWeight && { posWeight: read(posWeight) }),
    });
    backward(loss, upstream ? read(upstream) : undefined);
    const expected = fixture.get(`${name}.loss`);
    expect(loss.shape, name).toEqual(expected.shape);
    const got = await loss.data();
    if (Number.isNaN(expected.data[0])) expect(got[0], name).toBeNaN();
    else expectClose(got, expected.data, 1e-5, 1e-6, `loss of ${name}`);
    expectClose(await (x.grad as Tensor).data(), fixture.get(`${name}.grad`).data, 1e-5, 1e-6, `gradient of ${name}`);
  }
});

describe('refusals', () => {
  test('mseLoss does not broadcast', () => {
    expect(() => ops.mseLoss(tensor([[1, 2]]), tensor([1, 2]))).toThrow(
      "mseLoss: target must be of input's shape [1, 2], got [2]. Repeat it with broadcastTo where that is meant.",
    );
  });
  test('integer targets', () => {
    expect(() => ops.bceWithLogits(tensor([1, 2]), tensor(Int32Array.of(0, 1)))).toThrow(
      'bceWithLogits: target must be f32, got i32. Convert it with cast.',
    );
  });
  test('a weight that does not fit', () => {
    expect(() => ops.bceWithLogits(tensor([1, 2]), tensor([0, 1]), { posWeight: tensor([[1], [2]]) })).toThrow(
      'bceWithLogits: posWeight must be of a shape that broadcasts to [2], got [2, 1].',
    );
  });
  test('an unknown reduction', () => {
    expect(() => ops.mseLoss(tensor([1]), tensor([1]), { reduction: 'batchmean' as 'mean' })).toThrow(
      "mseLoss: reduction must be 'mean', 'sum' or 'none', got 'batchmean'.",
    );
  });
});
