import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd } from '../nd.ts';
import { reduce } from '../reference/reduce.ts';

useDevice();

const cases: [number[], number | number[] | undefined, boolean][] = [
  [[1], undefined, false],
  [[3, 5], 0, false],
  [[3, 5], 1, true],
  [[3, 5], -1, false],
  [[2, 3, 4, 5], [0, 2], false],
  [[2, 3, 4, 5], [1, 2], true],
  [[7, 300], 1, false],
  [[300, 7], 0, false],
  [[70_003], undefined, false],
];
const axesOf = (shape: number[], dim: number | number[] | undefined) =>
  dim === undefined ? shape.map((_, i) => i) : [dim].flat().map((d) => (d < 0 ? d + shape.length : d));

describe.each(cases)('%j over %j, keepDim %s', (shape, dim, keepDim) => {
  const axes = axesOf(shape, dim);
  const count = axes.reduce((n, axis) => n * shape[axis]!, 1);
  const terms = () => count;

  test('sum', () =>
    checkOp(
      ([x]) => ops.sum(x!, dim, { keepDim }),
      ([x]) => reduce(x!, axes, keepDim, 0, (a, b) => a + b),
      { shapes: [[shape]], terms },
    ));
  test('mean', () =>
    checkOp(
      ([x]) => ops.mean(x!, dim, { keepDim }),
      ([x]) =>
        map(
          reduce(x!, axes, keepDim, 0, (a, b) => a + b),
          (v) => v / count,
        ),
      { shapes: [[shape]], terms },
    ));
  test('amax', () =>
    checkOp(
      ([x]) => ops.amax(x!, dim, { keepDim }),
      ([x]) => reduce(x!, axes, keepDim, Number.NEGATIVE_INFINITY, Math.max),
      { shapes: [[shape]], sample: distinct },
    ));
  test('amin', () =>
    checkOp(
      ([x]) => ops.amin(x!, dim, { keepDim }),
      ([x]) => reduce(x!, axes, keepDim, Number.POSITIVE_INFINITY, Math.min),
      { shapes: [[shape]], sample: distinct },
    ));
});

/** Values far enough apart that a finite difference does not change which is largest. */
function distinct(x: Nd): Nd {
  const order = [...x.data.keys()].sort((a, b) => x.data[a]! - x.data[b]!);
  const data = new Float64Array(x.data.length);
  order.forEach((at, rank) => {
    data[at] = (2 * rank) / data.length - 1;
  });
  return { shape: x.shape, data };
}

test('broadcastTo and its gradient', () =>
  checkOp(
    ([x]) => ops.broadcastTo(x!, [4, 3, 5]),
    ([x]) => ({ shape: [4, 3, 5], data: Float64Array.from({ length: 60 }, (_, i) => x!.data[Math.floor(i / 5) % 3]!) }),
    { shapes: [[[3, 1]]] },
  ));

describe('integers', () => {
  const many = Int32Array.from({ length: 3 * 70_001 }, (_, i) => Math.imul(i, 0x9e3779b1));
  const wrapped = (values: Iterable<number>) => {
    let total = 0;
    for (const v of values) total = (total + v) | 0;
    return total;
  };
  test('sums are exact modulo 2^32', async () => {
    expect(await ops.sum(tensor(many)).item()).toBe(wrapped(many));
    const rows = ops.sum(tensor(many, { shape: [3, 70_001] }), 1);
    expect([rows.dtype, ...(await rows.data())]).toEqual([
      'i32',
      ...[0, 1, 2].map((r) => wrapped(many.subarray(r * 70_001, (r + 1) * 70_001))),
    ]);
    const columns = ops.sum(tensor(Uint32Array.of(1, 2 ** 32 - 1, 5, 3), { shape: [2, 2] }), 0, { keepDim: true });
    expect([columns.dtype, columns.shape, [...(await columns.data())]]).toEqual(['u32', [1, 2], [6, 2]]);
    // 2^24 + 1 is no f32.
    expect(await ops.sum(tensor(Int32Array.of(2 ** 24, 1))).item()).toBe(2 ** 24 + 1);
  });
  test('largest and smallest', async () => {
    const all = [...many];
    expect(await ops.amax(tensor(many)).item()).toBe(all.reduce((a, b) => Math.max(a, b)));
    expect(await ops.amin(tensor(many)).item()).toBe(all.reduce((a, b) => Math.min(a, b)));
    const unsigned = Uint32Array.from(many);
    expect(await ops.amax(tensor(unsigned)).item()).toBe([...unsigned].reduce((a, b) => Math.max(a, b)));
    const two = ops.amin(tensor(Uint32Array.of(7, 2 ** 31, 2 ** 32 - 1, 9), { shape: [2, 2] }), -1);
    expect([two.dtype, ...(await two.data())]).toEqual(['u32', 7, 9]);
  });
  test('a mask is counted', async () => {
    const x = tensor([1, -2, 3, -4, -5]);
    expect(await ops.sum(ops.lt(x, 0)).item()).toBe(3);
  });
  test('nothing adds up to 0', async () => {
    const none = ops.sum(tensor(new Int32Array(0), { shape: [2, 0] }), 1);
    expect([none.dtype, ...(await none.data())]).toEqual(['i32', 0, 0]);
  });
});

describe('no axes', () => {
  test('an empty list means all of them', async () => {
    const x = tensor([
      [1, 2],
      [3, 6],
    ]);
    expect(await ops.sum(x, []).item()).toBe(12);
    expect(await ops.mean(x, []).item()).toBe(3);
    expect(await ops.amax(x, []).item()).toBe(6);
    expect(ops.sum(x, [], { keepDim: true }).shape).toEqual([1, 1]);
  });
  test.each([0, -1])('a scalar has the axis %d', async (dim) => {
    const x = tensor(3, { requiresGrad: true });
    for (const op of [ops.sum, ops.mean, ops.amax, ops.amin]) {
      const out = op(x, dim, { keepDim: dim === 0 });
      expect([out.shape, await out.item()]).toEqual([[], 3]);
      backward(out);
    }
    expect(await (x.grad as Tensor).item()).toBe(4);
    expect(await ops.softmax(x, dim).item()).toBe(1);
    expect(await ops.logSoftmax(x, dim).item()).toBe(0);
    const first = ops.argmax(x, dim, { keepDim: true });
    expect([first.shape, await first.item()]).toEqual([[], 0]);
    expect(await ops.argmin(x, dim).item()).toBe(0);
    expect(await ops.transpose(x, dim, 0).item()).toBe(3);
    expect(ops.squeeze(x, dim).shape).toEqual([]);
    expect(await ops.gather(x, dim, tensor(Int32Array.of(0), { shape: [] })).item()).toBe(3);
    const chosen = ops.indexSelect(x, dim, tensor(Int32Array.of(0)));
    expect([chosen.shape, await chosen.item()]).toEqual([[], 3]);
  });
});

describe('the mean of nothing is NaN, as in PyTorch', () => {
  const empty = (...shape: number[]) => tensor(new Float32Array(0), { shape, requiresGrad: true });
  test('of all, of rows, of columns', async () => {
    expect(await ops.mean(empty(0)).item()).toBeNaN();
    expect(await ops.mean(empty(3, 0), 1).data()).toEqual(new Float32Array(3).fill(Number.NaN));
    expect(await ops.mean(empty(3, 0), [1], { keepDim: true }).data()).toHaveLength(3);
    expect(ops.mean(empty(0, 3), 1).shape).toEqual([0]);
    expect(await ops.sum(empty(3, 0), 1).data()).toEqual(new Float32Array(3));
  });
  test('and its gradient is empty', async () => {
    const x = empty(2, 0);
    backward(ops.mean(x));
    expect(await (x.grad as Tensor).data()).toHaveLength(0);
  });
});

test('the mean of integers, and of a comparison the share where it holds', async () => {
  expect(await ops.mean(tensor(Int32Array.of(1, 2, 6))).item()).toBe(3);
  expect(await ops.mean(ops.gt(tensor([1, 2, 3, 4]), 1)).item()).toBe(0.75);
});

describe('refusals', () => {
  test('an axis by name', () => {
    expect(() => ops.sum(tensor([1, 2]), { dim: 0 } as never)).toThrow(
      'sum: dim must be an integer in -1..0, got an object. Give it by its place, without a name: sum(x, 1, { keepDim: true }).',
    );
    expect(() => ops.softmax(tensor([1, 2]), { dim: 0 } as never)).toThrow('Give it by its place, without a name');
  });
  test('an option that there is not, with the nearest right one', () => {
    expect(() => ops.mean(tensor([1, 2]), 0, { keepdims: true } as never)).toThrow(
      'mean: options must be among keepDim, got "keepdims". Did you mean "keepDim"?',
    );
    expect(() => ops.argmax(tensor([1, 2]), 0, true as never)).toThrow(
      'argmax: options must be an object with some of keepDim, got true.',
    );
  });
  test('a part of a scalar', () => {
    const x = tensor(1);
    const message = 'must be a tensor of at least one axis, got a scalar. Give it an axis with unsqueeze(x, 0).';
    expect(() => ops.slice(x, 0, 0)).toThrow(`slice: x ${message}`);
    expect(() => ops.narrow(x, 0, 0, 1)).toThrow(`narrow: x ${message}`);
    expect(() => ops.split(x, 1)).toThrow(`split: x ${message}`);
    expect(() => ops.concat([x, x])).toThrow(`concat: tensors ${message}`);
    expect(() => ops.sum(x, 1)).toThrow('sum: dim must be an integer in -1..0, got 1.');
    expect(() => ops.indexSelect(x, 0, tensor(Int32Array.of(0, 0)))).toThrow(
      'indexSelect: index must be one index, x being a scalar, got [2].',
    );
  });
  test('an axis that does not exist', () => {
    expect(() => ops.sum(tensor([1, 2]), 1)).toThrow('sum: dim must be an integer in -1..0, got 1.');
  });
  test('an axis twice', () => {
    expect(() => ops.mean(tensor([[1, 2]]), [0, -2])).toThrow('mean: dim must be distinct axes, got [0, 0].');
  });
  test('the largest of nothing', () => {
    expect(() => ops.amax(tensor(new Float32Array(0), { shape: [2, 0] }), 1)).toThrow(
      'amax: x must be at least one element along dim, got [2, 0].',
    );
  });
});
