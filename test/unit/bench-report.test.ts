// What the benches report: medians and percentiles, the tables, the README's block, the shape of a report, the workloads.
import { expect, test } from 'vitest';
import { newReport } from '../../bench/machine.ts';
import { caseName, gemmName, NAMED_STEPS, noise, parameterShapes, zipfBatches } from '../../bench/named-steps.ts';
import { readmeTables, withTables } from '../../bench/readme-table.ts';
import { referenceLoss } from '../../bench/reference-loss.ts';
import {
  against,
  better,
  median,
  medians,
  ms,
  percentile,
  type Report,
  type Result,
  resultTable,
  timing,
} from '../../bench/report.ts';
import { alternate } from '../../bench/rounds.ts';
import { comparisonTable, slower } from '../../bench/suites/against.ts';
import { judge } from '../../bench/suites/training-check.ts';

const result = (name: string, engine: Result['engine'], medianMs: number, more: Partial<Result> = {}): Result => ({
  suite: 'training',
  name,
  engine,
  medianMs,
  p95Ms: medianMs * 1.5,
  samples: 9,
  ...more,
});

const RESULTS = [
  result('bilstm-tagger', 'weft', 100, {
    dispatches: 17,
    submits: 1,
    buffersCreated: 0,
    encodeUs: 212.4,
    gpuBytes: 2 ** 25,
  }),
  result('bilstm-tagger-scan', 'weft', 80, { base: 'bilstm-tagger' }),
  result('bilstm-tagger', 'tfjs-webgpu', 2660),
  result('bilstm-tagger', 'torch-cpu', 75, { threads: 1 }),
  result('bilstm-tagger', 'torch-cpu', 50, { threads: 2 }),
];

test('median and 95th percentile', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNaN();
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(hundred, 0.95)).toBe(95);
  expect(percentile([7], 0.95)).toBe(7);
  expect(percentile([], 0.95)).toBeNaN();
  expect(
    medians([
      { a: 1, b: 9 },
      { a: 3, b: 7 },
      { a: 2, b: 8 },
    ]),
  ).toEqual({ a: 2, b: 8 });
  expect(medians([])).toEqual({});
  expect(timing([1, 3, 2])).toEqual({ medianMs: 2, p95Ms: 3, samples: 3 });
});

test('times and ratios are written for people', () => {
  expect([0.01234, 9.876, 99.96, 2660.4, Number.NaN].map(ms)).toEqual(['0.0123', '9.88', '100', '2,660', '–']);
  const [weft, , tfjs] = RESULTS as [Result, Result, Result];
  const torch = better(RESULTS, 'bilstm-tagger', 'torch-cpu')!;
  expect(against(tfjs, weft)).toBe('26.60× slower');
  expect(against(torch, weft)).toBe('2.00× faster');
  expect(against(weft, weft)).toBe('');
  expect(against(torch, undefined)).toBe('');
});

test('a table has the columns that have values, and says a case once', () => {
  expect(resultTable(RESULTS)).toBe(
    `case                engine       threads  median ms  p95 ms   against weft  dispatches  submits  buffers  encode µs  GPU MiB
──────────────────  ───────────  ───────  ─────────  ──────  ─────────────  ──────────  ───────  ───────  ─────────  ───────
bilstm-tagger       weft                        100     150                         17        1        0        212     32.0
bilstm-tagger-scan  weft                       80.0     120   1.25× faster
bilstm-tagger       tfjs-webgpu               2,660   3,990  26.60× slower
                    torch-cpu          1       75.0     113   1.33× faster
                    torch-cpu          2       50.0    75.0   2.00× faster
`,
  );
  expect(resultTable([])).toBe('');
});

test('PyTorch has a result for each number of threads, of which the better counts, case by case', () => {
  const results = [
    result('one', 'torch-cpu', 131, { threads: 1 }),
    result('one', 'torch-cpu', 259, { threads: 2 }),
    result('two', 'torch-cpu', 9, { threads: 1 }),
    result('two', 'torch-cpu', 5, { threads: 2 }),
    result('two', 'torch-cuda', 1),
  ];
  expect(['one', 'two', 'three'].map((name) => better(results, name, 'torch-cpu')?.threads)).toEqual([1, 2, undefined]);
});

test('a case that is slower than in another checkout by more than five per cent is named', () => {
  const pair = (name: string, before: number, after: number): Result[] => [
    result(name, 'weft', before, { tree: 'before' }),
    result(name, 'weft', after, { tree: 'after', ratio: after / before, lowest: 0.9, highest: 1.2 }),
  ];
  const results = [...pair('slow', 100, 105.1), ...pair('same', 100, 104.9), ...pair('fast', 100, 50)];
  expect(slower(results).map(({ name }) => name)).toEqual(['slow']);
  expect(comparisonTable(results)).toBe(`case  before  after  ratio  single rounds  rounds
────  ──────  ─────  ─────  ─────────────  ──────  ──────
slow     100    105  1.051  0.900 … 1.200       9  SLOWER
same     100    105  1.049  0.900 … 1.200       9
fast     100   50.0  0.500  0.900 … 1.200       9

3 cases, slower by more than 5 %: slow 1.051
`);
});

test('a report says where it comes from', () => {
  const report = newReport('some adapter');
  expect(Object.keys(report)).toEqual(['adapter', 'machine', 'date', 'commit', 'results']);
  expect(report.machine.cores).toBeGreaterThan(0);
  expect(report.date).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  expect(report.commit).toMatch(/^([0-9a-f]{40}(\+dirty)?|unknown)$/);
});

test('the README’s block is replaced, and nothing beside it', () => {
  const report: Report = {
    adapter: 'llvmpipe',
    machine: { cpu: 'a cpu', cores: 2, node: 'v20.0.0', platform: 'linux-x64', memoryGiB: 8 },
    date: '2026-01-02T03:04:05.000Z',
    commit: '0123456789abcdef0123456789abcdef01234567',
    results: RESULTS,
  };
  const tables = readmeTables([
    report,
    { ...report, results: [result('gemm-64', 'weft', 1), result('gemm-64', 'gpu.js', 9)] },
  ]);
  expect(tables).toContain('llvmpipe; a cpu, 2 cores; Node v20.0.0; 2026-01-02, commit 0123456.');
  const row = '| bilstm-tagger |  100 | 2,660 (26.6×) |             | 50.0 (0.5×, 2 threads) |';
  expect(tables).toContain(row);
  expect(tables).toContain('| gemm-64       | 1.00 |               | 9.00 (9.0×) |                        |');
  const reversed = readmeTables([{ ...report, results: RESULTS.toReversed() }]);
  expect(reversed).toContain('| 50.0 (0.5×, 2 threads) |');
  const begin = '<!-- benches: made by `npm run bench -- readme`, do not edit -->';
  const text = `before\n${begin}\nold\n<!-- /benches -->\nafter\n`;
  const made = withTables(text, tables);
  expect(made).toBe(`before\n${begin}\n\n${tables}\n<!-- /benches -->\nafter\n`);
  expect(withTables(made, tables)).toBe(made);
  expect(() => withTables('no markers', tables)).toThrow('the README has no block');
});

test('contenders take turns, another one first each round, and stop at the limit', async () => {
  const order: string[] = [];
  const make = (label: string, wait = 0) => ({
    label,
    turn: async () => {
      order.push(label);
      await new Promise((resolve) => setTimeout(resolve, wait));
      return [order.length];
    },
  });
  const [a, b, c] = [make('a'), make('b'), make('c')];
  const timings = await alternate([a, b, c], { rounds: 3, atLeast: 1, limitMs: 1e6 });
  expect(order.join('')).toBe('abcbcacab');
  expect(timings.get(a)).toEqual([1, 6, 8]);
  const slow = make('slow', 20);
  expect((await alternate([slow], { rounds: 50, atLeast: 2, limitMs: 1 })).get(slow)).toHaveLength(2);
});

test('workloads are seeded: the same weights and batches for every engine', () => {
  const spec = { ...NAMED_STEPS[0]!, cell: 'lstm' as const };
  expect(caseName(spec.name, 'lstm')).toBe('bilstm-tagger');
  expect(caseName(spec.name, 'gru')).toBe('bilstm-tagger-gru');
  expect([gemmName({ m: 1024, k: 1024, n: 1024 }), gemmName({ m: 1, k: 2, n: 3 })]).toEqual([
    'gemm-1024',
    'gemm-1x2x3',
  ]);
  const [one, other] = [zipfBatches(spec), zipfBatches(spec)];
  const first = one.next().value;
  expect(other.next().value).toEqual(first);
  expect(one.next().value.ids).not.toEqual(first.ids);
  expect(first.ids).toHaveLength(16 * 64);
  expect(Math.min(...first.ids)).toBeGreaterThan(0);
  expect(Math.max(...first.ids)).toBeLessThan(spec.vocabulary);
  expect(first.tags.every((tag) => tag >= 0 && tag < spec.tags)).toBe(true);
  // Zipf: the most frequent of 28,995 words has a share of ln 2 / ln 28,995 = 6.7 %.
  const counts = new Map<number, number>();
  for (const id of first.ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect(Math.max(...counts.values()) / first.ids.length).toBeGreaterThan(0.04);
  expect(Math.max(...counts.values()) / first.ids.length).toBeLessThan(0.1);
  const total = parameterShapes(spec).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(total).toBe(28_996 * 200 + 2 * (400 * 300 + 800) + 9 * 200 + 9);
  const values = noise(10_000, 1, 2);
  expect(values.every((v) => v >= -2 && v < 2)).toBe(true);
  expect(Math.abs(values.reduce((a, b) => a + b, 0) / 10_000)).toBeLessThan(0.05);
});

test('the reference loss of a model of zeros is the logarithm of the tags, and follows its head', () => {
  const spec = {
    ...NAMED_STEPS[0]!,
    vocabulary: 5,
    embedding: 3,
    hidden: 2,
    batch: 2,
    time: 3,
    tags: 4,
    cell: 'gru' as const,
  };
  const parameters = parameterShapes(spec).map(([name, shape]) => ({
    name,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  }));
  const batch = { ids: [1, 2, 3, 4, 1, 2], tags: [0, 1, 2, 3, 0, 1] };
  expect(referenceLoss(spec, parameters, batch)).toBeCloseTo(Math.log(4), 12);
  parameters.at(-1)!.data[0] = 1;
  const z = Math.log(Math.E + 3);
  expect(referenceLoss(spec, parameters, batch)).toBeCloseTo(z - 2 / 6, 12);
});

test('losses are judged: by float64 first, then by PyTorch, or by weft op by op without it', () => {
  const spec = {
    ...NAMED_STEPS[0]!,
    vocabulary: 5,
    embedding: 3,
    hidden: 2,
    batch: 2,
    time: 3,
    tags: 4,
    cell: 'lstm' as const,
  };
  const parameters = parameterShapes(spec).map(([name, shape]) => ({
    name,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  }));
  const one = Math.log(4);
  const engine = (name: Result['engine'], ...losses: number[]) => ({ engine: name, name: 'tagger', losses });
  const torch = engine('torch-cpu', one, 1.2, 1.1);
  const all = [
    engine('weft', one, 1.2, 1.1),
    engine('tfjs-webgpu', one, 1.23, 1.13),
    engine('weft-op-by-op', one, 1.2, 1.05),
    torch,
  ];
  expect(judge(spec, parameters, all)).toEqual([
    { passed: true, checks: ['loss 1 by float64 within 1e-4', 'losses 1 to 3 by torch-cpu within 1e-4'] },
    { passed: true, checks: ['loss 1 by float64 within 1e-4', 'losses 2 to 3 by torch-cpu within 5 %'] },
    { passed: false, problem: 'the loss of step 3 is 1.05, and 1.1 by torch-cpu: not within 1e-4' },
    { passed: true, checks: ['loss 1 by float64 within 1e-4'] },
  ]);
  const wrong = judge(spec, parameters, [engine('weft', one + 1e-3, 1.2, 1.1), engine('weft-op-by-op', one, 1.2, 1.1)]);
  expect(wrong.map(({ passed }) => passed)).toEqual([false, true]);
  const without = judge(spec, parameters, [engine('weft', one, 1.2, 1.3), engine('weft-op-by-op', one, 1.2, 1.1)]);
  expect(without[0]).toMatchObject({ passed: false, problem: expect.stringContaining('by weft-op-by-op') });
  expect(() => judge({ ...spec, layers: 3 }, parameters, [all[0]!])).toThrow('PyTorch is missing');
});
