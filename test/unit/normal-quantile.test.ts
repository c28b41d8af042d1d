// The normal quantile against another implementation of the same algorithm: Python's statistics.NormalDist().inv_cdf.
import { expect, test } from 'vitest';
import { normalQuantile } from '../../src/random.ts';

test.each([
  [0.5, 0],
  [0.075, -1.4395314709384557],
  [0.3, -0.5244005127080407],
  [0.9249, 1.4388253927525403],
  [0.001, -3.090232306167813],
  [0.999, 3.090232306167813],
  [1e-8, -5.61200124417479],
  [0.99999999, 5.612001243305506],
  [1e-12, -7.034483825301132],
  [1e-15, -7.941345326170995],
  [2 ** -33, -6.337957754553789],
])('at %d', (p, expected) => {
  expect(Math.abs(normalQuantile(p) - expected)).toBeLessThanOrEqual(4e-16 * Math.abs(expected));
});

test('rises everywhere, across the borders of its regions too', () => {
  const ps = Array.from({ length: 2000 }, (_, i) => (i + 0.5) / 2000);
  const xs = [1e-300, 1e-20, Math.exp(-25) * 0.999, Math.exp(-25) * 1.001, ...ps].map(normalQuantile);
  expect(xs.every((x, i) => i === 0 || x > xs[i - 1]!)).toBe(true);
});
