import { describe, expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
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
  const options = dim === undefined ? { keepDim } : { dim, keepDim };
  const axes = axesOf(shape, dim);
  const count = axes.reduce((n, axis) => n * shape[axis]!, 1);
  const terms = () => count;

  test('sum', () =>
    checkOp(
      ([x]) => ops.sum(x!, options),
      ([x]) => reduce(x!, axes, keepDim, 0, (a, b) => a + b),
      { shapes: [[shape]], terms },
    ));
  test('mean', () =>
    checkOp(
      ([x]) => ops.mean(x!, options),
      ([x]) =>
        map(
          reduce(x!, axes, keepDim, 0, (a, b) => a + b),
          (v) => v / count,
        ),
      { shapes: [[shape]], terms },
    ));
  test('amax', () =>
    checkOp(
      ([x]) => ops.amax(x!, options),
      ([x]) => reduce(x!, axes, keepDim, Number.NEGATIVE_INFINITY, Math.max),
      { shapes: [[shape]], sample: distinct },
    ));
  test('amin', () =>
    checkOp(
      ([x]) => ops.amin(x!, options),
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

describe('refusals', () => {
  test('an axis that does not exist', () => {
    expect(() => ops.sum(tensor([1, 2]), { dim: 1 })).toThrow('sum: dim must be an integer in -1..0, got 1.');
  });
  test('an axis twice', () => {
    expect(() => ops.mean(tensor([[1, 2]]), { dim: [0, -2] })).toThrow('mean: dim must be distinct axes, got [0, 0].');
  });
  test('the largest of nothing', () => {
    expect(() => ops.amax(tensor(new Float32Array(0), { shape: [2, 0] }), { dim: 1 })).toThrow(
      'amax: x must be at least one element along dim, got [2, 0].',
    );
  });
});
