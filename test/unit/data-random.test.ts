// Threefry against Random123's known answers, and the draws and orders made from it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArgumentError } from '../../src/errors.ts';
import { DOMAIN, permutation, streamKey, streamOf, threefry2x32, uniform, uniformAt } from '../../src/random.ts';

describe('threefry2x32', () => {
  // Random123, kat_vectors, threefry2x32 with 20 rounds: counter, key, answer.
  test.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ])('counter %j, key %j', ([c0, c1], [key0, key1], answer) => {
    expect(threefry2x32(key0!, key1!, c0!, c1!)).toEqual(answer);
  });
});

describe('uniform', () => {
  test('is in [0, 1) with the mean and variance of a uniform variable', () => {
    const n = 20_000;
    const draws = Array.from({ length: n }, (_, i) => uniform(7, streamOf(DOMAIN.shuffle, 0), i));
    const mean = draws.reduce((sum, x) => sum + x, 0) / n;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / n;
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    // Four standard errors of the mean: 4 · sqrt(1/12 / n).
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(variance).toBeCloseTo(1 / 12, 2);
  });

  test('equals uniformAt with the key of its stream', () => {
    expect(uniform(5, 9, 3)).toBe(uniformAt(streamKey(5, 9), 3));
  });

  test('differs between seeds (above 32 bits too), streams, domains and indices', () => {
    const draws = [
      uniform(1, streamOf(DOMAIN.shuffle, 0), 0),
      uniform(1 + 2 ** 32, streamOf(DOMAIN.shuffle, 0), 0),
      uniform(2, streamOf(DOMAIN.shuffle, 0), 0),
      uniform(1, streamOf(DOMAIN.shuffle, 1), 0),
      uniform(1, streamOf(DOMAIN.wordDropout, 0), 0),
      uniform(1, streamOf(DOMAIN.shuffle, 0), 1),
    ];
    expect(new Set(draws).size).toBe(draws.length);
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('seed %d is refused', (seed) => {
    expect(() => uniform(seed, 0, 0)).toThrow(ArgumentError);
  });
});

describe('permutation', () => {
  test('holds every index once, for any size, seed and stream', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(), fc.nat(), (n, seed, stream) => {
        const sorted = [...permutation(n, seed, stream)].sort((a, b) => a - b);
        expect(sorted).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test('gives each of the 24 orders of 4 about equally often', () => {
    const counts = new Map<string, number>();
    const runs = 4800;
    for (let stream = 0; stream < runs; stream++) {
      const order = permutation(4, 3, stream).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - runs / 24) ** 2 / (runs / 24), 0);
    expect(counts.size).toBe(24);
    // 23 degrees of freedom: above 49.7 once in a thousand draws; seed and streams are fixed, so this cannot flicker.
    expect(chiSquare).toBeLessThan(49.7);
  });
});
