import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { DOMAIN, streamKey, streamOf, threefry2x32 } from '../../src/random.ts';
import { init, setDefaultDevice, tensor } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { type Nd, nd, randomNd } from '../nd.ts';

const current = useDevice();

/** The mask as its definition says: the CPU twin of the kernel's generator. */
function masked(x: Nd, p: number, seed: number, step = 0, call = 0): Nd {
  const [key0, key1] = streamKey(seed, streamOf(DOMAIN.dropout, step));
  return nd(x.shape, (_, i) => {
    const word = threefry2x32(key0, key1, i >> 1, call)[i & 1]!;
    return (x.data[i]! * Number(word >= p * 2 ** 32)) / (1 - p); // a NaN that is dropped is one all the same
  });
}

test.each([0.1, 0.5, 0.9])('p = %d: value and gradient by the mask of the CPU twin', async (p) => {
  const generator = new Generator(2 ** 40 + 7);
  await checkOp(
    ([x]) => {
      generator.step = 3; // begins the calls anew, so that every run of checkOp draws the same
      return ops.dropout(x!, p, generator);
    },
    ([x]) => masked(x!, p, 2 ** 40 + 7, 3),
    { shapes: [[[1]], [[3, 5]], [[65]], [[2, 67, 3]], [[70_001]], [[0, 3]]] },
  );
});

test('p = 0 is x itself, p = 1 zeros, and both take a call number', async () => {
  const generator = new Generator(1);
  const x = tensor([1, -2, Number.MAX_VALUE], { requiresGrad: true });
  expect(ops.dropout(x, 0, generator)).toBe(x);
  const y = ops.dropout(x, 1, generator);
  backward(ops.sum(y));
  expect([...(await y.data())]).toEqual([0, 0, 0]);
  expect([...(await (x.grad as Tensor).data())]).toEqual([0, 0, 0]);
  expect(generator.nextCall()).toBe(2);
});

test('keeps 1 - p of many elements, within four standard errors', async () => {
  const n = 100_000;
  const y = [...(await ops.dropout(tensor(new Float32Array(n).fill(1)), 0.3, new Generator(11)).data())];
  const kept = y.reduce((sum, v) => sum + Number(v !== 0), 0) / n;
  expect(Math.abs(kept - 0.7)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / n));
});

test('seed, step and call each give another mask, and the same ones the same', async () => {
  const x = tensor(new Float32Array(256).fill(1));
  const draw = async (seed: number, at: number, call: number) => {
    const generator = new Generator(seed);
    generator.step = at;
    for (let i = 0; i < call; i++) generator.nextCall();
    return (await ops.dropout(x, 0.5, generator).data()).join();
  };
  const masks = await Promise.all([
    draw(1, 0, 0),
    draw(2, 0, 0),
    draw(1, 1, 0),
    draw(1, 0, 1),
    draw(1 + 2 ** 32, 0, 0),
  ]);
  expect(new Set(masks).size).toBe(5);
  expect(await draw(1, 1, 0)).toBe(masks[2]);
});

test('the key lives outside the scopes and follows the step', async () => {
  const generator = new Generator(9);
  const x = tensor(new Float32Array(64).fill(1));
  const draws: string[] = [];
  for (const at of [0, 1, 0]) {
    generator.step = at;
    const y = step(() => ops.dropout(x, 0.5, generator));
    draws.push((await y.data()).join());
  }
  expect(draws[0]).toBe(draws[2]);
  expect(draws[0]).not.toBe(draws[1]);
  expect([...(await generator.state().data())]).toEqual([...streamKey(9, streamOf(DOMAIN.dropout, 0))]);
});

test('split over the binding limit: the same bits', async () => {
  const run = async () => {
    const x = tensor(Float32Array.from(randomNd([5003], 3).data), { requiresGrad: true });
    const y = ops.dropout(x, 0.4, new Generator(5));
    backward(y, tensor(Float32Array.from(randomNd([5003], 4).data)));
    return [await y.data(), await (x.grad as Tensor).data()];
  };
  const whole = await run();
  const small = await init({ maxBindingBytes: 4096 });
  try {
    expect(await run()).toEqual(whole);
  } finally {
    setDefaultDevice(current.device);
    await small.synchronize();
    small.destroy();
  }
});

test('what is dropped is multiplied by 0, forward and backward: NaN and infinities give NaN', async () => {
  const size = 64;
  const run = async (value: number) => {
    const x = tensor(new Float32Array(size).fill(value), { requiresGrad: true });
    const y = ops.dropout(x, 0.5, new Generator(3));
    backward(y, tensor(new Float32Array(size).fill(value)));
    return [[...(await y.data())], [...(await (x.grad as Tensor).data())]];
  };
  const [ones] = await run(1);
  expect(new Set(ones)).toEqual(new Set([0, 2]));
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const expected = ones!.map((v) => v * value);
    expect(await run(value)).toEqual([expected, expected]);
  }
});

describe('refusals', () => {
  test('a probability outside 0..1', () => {
    expect(() => ops.dropout(tensor([1]), 1.5)).toThrow('dropout: p must be in 0..1, got 1.5.');
    expect(() => ops.dropout(tensor([1]), Number.NaN)).toThrow('dropout: p must be in 0..1, got NaN.');
  });
  test('integers', () => {
    expect(() => ops.dropout(tensor(Int32Array.of(1)), 0.5)).toThrow('dropout: x must be f32, got i32.');
  });
  test('a backward pass after the step has changed', () => {
    const generator = new Generator(1);
    const x = tensor([1, 2], { requiresGrad: true });
    const y = ops.sum(ops.dropout(x, 0.5, generator));
    generator.step = 1;
    expect(() => backward(y)).toThrow(
      'dropout: the generator is at step 1 of seed 1, but the forward pass ran in step 0 of seed 1; call backward before the next step begins',
    );
  });
});
