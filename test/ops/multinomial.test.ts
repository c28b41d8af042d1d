import { expect, test } from 'vitest';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const shares = (drawn: ArrayLike<number>, classes: number) => {
  const counts = new Array<number>(classes).fill(0);
  for (const i of Array.from(drawn)) counts[i]!++;
  return counts.map((n) => n / drawn.length);
};

test('with replacement every index has its share', async () => {
  const weights = tensor([1, 0, 3, 4]);
  const drawn = ops.multinomial(weights, 4000, { replacement: true, generator: new Generator(1) });
  expect([drawn.dtype, drawn.shape]).toEqual(['i32', [4000]]);
  const [a, b, c, d] = shares(await drawn.data(), 4) as [number, number, number, number];
  expect(b).toBe(0);
  for (const [got, expected] of [
    [a, 1 / 8],
    [c, 3 / 8],
    [d, 1 / 2],
  ] as const)
    expect(Math.abs(got - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / 4000));
});

test('without replacement the first has its share, and none comes twice', async () => {
  const rows = 3000;
  const weights = tensor(
    Float32Array.from({ length: 3 * rows }, (_, i) => [2, 1, 1][i % 3]!),
    { shape: [rows, 3] },
  );
  const drawn = ops.multinomial(weights, 2, { generator: new Generator(2) });
  expect(drawn.shape).toEqual([rows, 2]);
  const data = await drawn.data();
  const first = data.filter((_, i) => i % 2 === 0);
  const second = data.filter((_, i) => i % 2 === 1);
  expect(first.some((v, i) => v === second[i])).toBe(false);
  expect(Math.abs(shares(first, 3)[0]! - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / rows));
  // Of the heavy one first: 1/2; second: after one of the others, 2 of 3.
  expect(Math.abs(shares(second, 3)[0]! - 1 / 3)).toBeLessThan(4 * Math.sqrt(0.25 / rows));
});

test('the same seed draws the same, the next call others', async () => {
  const weights = tensor(new Float32Array(50).fill(1));
  const draw = (generator: Generator) => ops.multinomial(weights, 20, { generator }).data();
  const generator = new Generator(7);
  const first = await draw(generator);
  expect(await draw(new Generator(7))).toEqual(first);
  expect(await draw(generator)).not.toEqual(first);
});

test('refusals', () => {
  expect(() => ops.multinomial(tensor([1, 2]), 3)).toThrow(
    'multinomial: numSamples must be an integer >= 1 and <= 2, got 3. With replacement there may be more.',
  );
  expect(() => ops.multinomial(tensor(1), 1)).toThrow('multinomial: weights must be f32 [K] or [N, K], got f32[].');
});
