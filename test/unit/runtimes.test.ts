// What a runtime must have in common with Node to pass.
import { expect, test } from 'vitest';
import { judge } from '../runtimes/runtimes.ts';
import type { Done } from '../runtimes/work.ts';

const node: Done = {
  adapter: 'one',
  lanes: 8,
  kernels: 'software',
  losses: { lstm: [1.5, 1], gru: [1.5, 1] },
  replayed: 2,
  errors: { matmul: 1e-7, sum: 2e-6 },
  seconds: 1,
};

test('a runtime passes with the losses of Node and ops near float64', () => {
  const done = { ...node, adapter: 'other', losses: { lstm: [1.5, 1 + 2 ** -21], gru: [1.5, 1] } };
  const losses = 2 ** -21;
  expect(judge('other', done, node)).toEqual({ runtime: 'other', done, losses, worst: { op: 'sum', error: 2e-6 } });
});

test.each<[string, Partial<Done>, string]>([
  ['a loss that is off', { losses: { lstm: [1.5, 1], gru: [1.5, 1.00001] } }, 'losses differ by 1.0e-5'],
  ['a loss that is no number', { losses: { lstm: [1.5, Number.NaN], gru: [1.5, 1] } }, 'losses differ by NaN'],
  ['a loss that is missing', { losses: { lstm: [1.5], gru: [1.5, 1] } }, 'losses differ by NaN'],
  ['an op that is off', { errors: { matmul: 1e-4, sum: 0 } }, 'matmul is off by 1.0e-4'],
  ['other steps recorded', { replayed: 1 }, '1 steps were replayed, in Node 2'],
])('%s is a problem', (_, what, problem) => {
  expect(judge('other', { ...node, ...what }, node).problem).toContain(problem);
});

test('a tagger that does not learn, and a runtime that refuses, are problems', () => {
  const same = { lstm: [1.5, 1.4], gru: [1.5, 1] };
  const flat = { ...node, losses: same };
  expect(judge('other', flat, flat).problem).toBe('the lstm does not learn (1.5 → 1.4)');
  expect(judge('other', { refused: 'AdapterError: none', afterMs: 1 }, node)).toEqual({
    runtime: 'other',
    problem: 'AdapterError: none',
  });
});
