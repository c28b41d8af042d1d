import { describe, expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { RUN } from '../../src/ops/sort.ts';
import { tensor } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd } from '../nd.ts';
import { lines, order } from '../reference/order.ts';

useDevice();

/** Few different values, so that many are equal. */
const tied = (x: Nd) => map(x, (v) => Math.round(4 * v));
const cases: [number[], number][] = [
  [[1], 0],
  [[5], -1],
  [[RUN], 0],
  [[RUN + 1], 0],
  [[2, 70, 3], 1],
  [[3, 2 * RUN, 2], 1],
  [[2, 2 * RUN + 1], -1],
  [[67, 5], 0],
  [[2, 1000], 1],
];

describe.each([false, true])('descending %s', (descending) => {
  test.each(cases)('%j along %d', async (shape, dim) => {
    const axis = dim < 0 ? dim + shape.length : dim;
    await checkOp(
      ([x]) => ops.sort(x!, dim, { descending }).values,
      ([x]) => lines(x!, axis, (line) => order(line, descending).map((i) => line[i]!)),
      { shapes: [[shape]], sample: apart },
    );
    await checkOp(
      ([x]) => ops.argsort(x!, dim, { descending }),
      ([x]) => lines(x!, axis, (line) => order(line, descending)),
      { shapes: [[shape]], sample: tied, differentiable: false },
    );
  });

  test.each([Int32Array, Uint32Array] as const)('%o', async (Type) => {
    const numbers = Array.from({ length: 150 }, (_, i) => ((i * 7919) % 151) - (Type === Int32Array ? 75 : 0));
    const data = Type.from(numbers);
    const sorted = [...data].sort((a, b) => (descending ? b - a : a - b));
    const { values, indices } = ops.sort(tensor(data), 0, { descending });
    expect([...(await values.data())]).toEqual(sorted);
    expect([...(await indices.data())].map((i) => data[i])).toEqual(sorted);
    const { values: first } = ops.topk(tensor(data), 3, 0, { largest: descending });
    expect([...(await first.data())]).toEqual(sorted.slice(0, 3));
  });
});

test('nothing, and a scalar', async () => {
  const none = ops.sort(tensor(new Float32Array(0), { shape: [3, 0] }));
  expect([none.values.shape, none.indices.shape]).toEqual([
    [3, 0],
    [3, 0],
  ]);
  const { values, indices } = ops.topk(tensor(7), 1);
  expect([await values.item(), await indices.item()]).toEqual([7, 0]);
});

test('more than there are', () => {
  expect(() => ops.topk(tensor([1, 2]), 3)).toThrow('topk: k must be an integer >= 0 and <= 2, got 3.');
  expect(() => ops.sort(tensor([1, 2]), 0, { reverse: true } as never)).toThrow(
    'sort: options must be among descending, stable, got "reverse".',
  );
});

/** Far enough from one another that a central difference moves none past another. */
function apart(x: Nd): Nd {
  const ranks = order([...x.data], false);
  const data = x.data.slice();
  for (const [rank, at] of ranks.entries()) data[at] = 0.1 * rank - 1;
  return { shape: x.shape, data };
}
