// How long tensors live: steps, what leaves them, and what happens to a tensor that is used after its end.
import { describe, expect, test } from 'vitest';
import { gradEnabled, noGrad } from '../../src/autograd/tape.ts';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { empty, tensor } from '../../src/tensor/create.ts';
import { inStep, keep, step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';

const current = useDevice();
const live = () => current.device.poolStats.liveBytes;

test('a step frees what was made in it and keeps what it returns, at any depth', async () => {
  const before = live();
  let hidden: Tensor | undefined;
  const out = step(() => {
    hidden = tensor([1, 2]);
    const [a, b] = [ops.add(hidden, 1), ops.add(hidden, 2)];
    return { a, rest: [b, { c: ops.add(b, 1) }], count: 3, none: undefined };
  });
  expect(hidden!.storage.alive).toBe(false);
  const { a, rest } = out;
  const [b, { c }] = rest as [Tensor, { c: Tensor }];
  expect([await a.data(), await b.data(), await c.data()].map((d) => [...d])).toEqual([
    [2, 3],
    [3, 4],
    [4, 5],
  ]);
  for (const t of [a, b, c]) t.dispose();
  expect(live()).toBe(before);
});

test('a view that is returned keeps what it views', async () => {
  const view = step(() => ops.reshape(ops.add(tensor([1, 2]), 1), [2, 1]));
  expect([...(await view.data())]).toEqual([2, 3]);
  view.dispose();
});

test('a row-sparse gradient that is returned keeps its rows and values', async () => {
  const device = current.device;
  const sparse = step(() => new RowSparse([3, 1], tensor(Int32Array.of(2)), ops.add(tensor([[4]]), 1)));
  const dense = ops.densify(sparse);
  expect([...(await dense.data())]).toEqual([0, 0, 5]);
  const before = device.poolStats.liveBuffers;
  sparse.dispose();
  expect(device.poolStats.liveBuffers).toBe(before - 2);
  dense.dispose();
});

test('keep outlives the step, also the outer one', async () => {
  const before = live();
  let kept: Tensor | undefined;
  step(() => {
    step(() => {
      kept = keep(ops.add(tensor([1]), 1));
    });
  });
  expect(await kept!.item()).toBe(2);
  kept!.dispose();
  kept!.dispose();
  expect(live()).toBe(before);
});

test('an inner step hands its result to the outer one, which frees it', () => {
  const before = live();
  let inner: Tensor | undefined;
  const outer = step(() => {
    inner = step(() => ops.add(tensor([1]), 1));
    expect(inner.storage.alive).toBe(true);
    return ops.add(inner, 1);
  });
  expect([inner!.storage.alive, outer.storage.alive, inStep()]).toEqual([false, true, false]);
  outer.dispose();
  expect(live()).toBe(before);
});

test('a tensor of the outer step that the inner one returns stays with the outer one', () => {
  let passed: Tensor | undefined;
  step(() => {
    const mine = tensor([1]);
    passed = step(() => mine);
    expect(passed.storage.alive).toBe(true);
  });
  expect(passed!.storage.alive).toBe(false);
});

test('a step that throws frees everything and closes its scope', () => {
  const before = live();
  expect(() =>
    step(() => {
      tensor([1, 2]);
      step(() => {
        tensor([3]);
        throw new RangeError('mine');
      });
    }),
  ).toThrow(RangeError);
  expect([live(), inStep()]).toEqual([before, false]);
});

test('gradients of leaves outlive the step, everything else does not', () => {
  const before = live();
  const [w, table] = [tensor([[1, 2]], { requiresGrad: true }), tensor([[1], [2]], { requiresGrad: true })];
  const own = live();
  for (let n = 0; n < 3; n++)
    step(() => {
      const rows = ops.embedding(tensor(Int32Array.of(1, 0, 1)), table);
      backward(ops.sum(ops.square(ops.matmul(rows, w))));
    });
  expect(live()).toBeGreaterThan(own);
  for (const leaf of [w, table]) {
    leaf.grad!.dispose();
    leaf.grad = undefined;
  }
  expect(live()).toBe(own);
  for (const leaf of [w, table]) leaf.dispose();
  expect(live()).toBe(before);
});

describe('use after the end', () => {
  test('of a tensor of a step that is over', async () => {
    let gone: Tensor | undefined;
    step(() => {
      gone = ops.mul(tensor([1]), 2);
    });
    const message =
      'this tensor (made by mul) was freed: it was born in a step that has ended, or disposed. Return it from the step or keep() it.';
    expect(() => ops.add(gone!, 1)).toThrow(message);
    await expect(gone!.data()).rejects.toThrow(message);
  });
  test('of a disposed tensor, by every view of it', () => {
    const x = empty([4], { device: current.device, label: 'mine' });
    const view = ops.reshape(x, [2, 2]);
    {
      using _ = x;
    }
    expect(() => ops.add(view, 1)).toThrow('this tensor (made by mine) was freed');
  });
});

describe('asynchronous functions', () => {
  test('step refuses one, frees what it made so far, and what it does later ends nothing', async () => {
    const before = live();
    const rejections: unknown[] = [];
    const listener = (reason: unknown) => rejections.push(reason);
    process.on('unhandledRejection', listener);
    const start = () =>
      step(async () => {
        const x = tensor([1, 2, 3]);
        await Promise.resolve();
        return ops.add(x, 1); // throws: x is gone by then
      });
    expect(start).toThrow(
      'step: fn must be a synchronous function, got a function that returns a promise. ' +
        'Load data before step, and await item() or data() of what it returns after it.',
    );
    expect([live(), inStep()]).toEqual([before, false]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', listener);
    expect(rejections).toEqual([]);
  });
  test('noGrad refuses one and turns recording on again', () => {
    expect(() => noGrad(async () => {})).toThrow('noGrad: fn must be a synchronous function');
    expect(gradEnabled()).toBe(true);
  });
});
