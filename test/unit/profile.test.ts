// Profiles without a device: where kernels stand under a roof, sums that do not grow, traces that viewers read.
import { describe, expect, test } from 'vitest';
import { kernel as kernelOf } from '../../src/gpu/kernel.ts';
import type { KernelTime, SubmitTimes } from '../../src/gpu/profiler.ts';
import * as shaders from '../../src/gpu/shaders.gen.ts';
import { boundBytes, usesOf } from '../../src/gpu/traffic.ts';
import { type Ceilings, chromeTrace, place, Recorder, reportOf, ridge, roofAt } from '../../src/profile/index.ts';

const CEILINGS: Ceilings = { gflops: 100, copyGbps: 8, triadGbps: 10, texelGbps: 25 };

function kernel(changes: Partial<KernelTime> = {}): KernelTime {
  return {
    kernel: 'matmul_direct',
    label: 'matmul',
    startUs: 1000,
    durationUs: 10,
    grid: [2, 3, 1],
    params: { m: 5, n: 7 },
    flops: 1000,
    bytes: 400,
    bytesTold: true,
    texels: false,
    first: false,
    copies: undefined,
    ...changes,
  };
}

/** A submit at a host time in milliseconds whose kernels run one after the other, a microsecond apart. */
function submit(atMs: number, startUs: number, kernels: readonly Partial<KernelTime>[]): SubmitTimes {
  let next = startUs;
  const timed = kernels.map((changes) => {
    const time = kernel({ startUs: next, ...changes });
    next = time.startUs + time.durationUs + 1;
    return time;
  });
  return {
    label: 'matmul',
    encodeMs: atMs - 2,
    submitMs: atMs,
    submittedMs: atMs + 0.5,
    readMs: atMs + 9,
    kernels: timed,
  };
}

describe('roofline', () => {
  test('a kernel of low intensity stands under the slope, and its share is that of the bandwidth', () => {
    // 4 operations a byte at 5 GB/s: 20 GFLOP/s where 4 · 10 are possible.
    expect(place({ flops: 20_000, bytes: 5000, us: 1, texels: false }, CEILINGS)).toEqual({
      gflops: 20,
      gbps: 5,
      intensity: 4,
      roofGflops: 40,
      bound: 'memory',
      ofRoof: 0.5,
    });
  });

  test('one of high intensity under the peak', () => {
    const { bound, roofGflops, ofRoof } = place({ flops: 3e6, bytes: 1e4, us: 100, texels: false }, CEILINGS);
    expect({ bound, roofGflops, ofRoof }).toEqual({ bound: 'compute', roofGflops: 100, ofRoof: 0.3 });
  });

  test('textures have a slope of their own, where it is the steeper one', () => {
    expect(place({ flops: 20_000, bytes: 5000, us: 1, texels: true }, CEILINGS)).toMatchObject({
      roofGflops: 100,
      bound: 'compute',
      ofRoof: 0.2,
    });
    expect([ridge(CEILINGS, false), ridge(CEILINGS, true)]).toEqual([10, 4]);
    expect(roofAt({ ...CEILINGS, texelGbps: 1 }, 2, true)).toBe(20);
    expect(roofAt({ ...CEILINGS, texelGbps: undefined }, 2, true)).toBe(20);
  });

  test('without operations there is a bandwidth and no place', () => {
    expect(place({ flops: undefined, bytes: 5000, us: 2, texels: false }, CEILINGS)).toEqual({
      gflops: undefined,
      gbps: 2.5,
      intensity: undefined,
      roofGflops: undefined,
      bound: 'memory',
      ofRoof: 0.25,
    });
  });
});

describe('bytes of a dispatch', () => {
  test.each([
    ['y[i] = x[i];', ['write'], ['read']],
    ['y[i] += x[i];', ['both'], ['read']],
    ['y[x[i]] = y[i] == 1.0;', ['write', 'read'], ['read']],
    ['y[at(i, n[2])].xy = x[i][1];', ['write'], ['read']],
    ['let f = p.y; // y[0] = x[0]', [], []],
    ['add(&y, arrayLength(&x));', ['both'], ['both']],
    ['y[i]++; y[i] >= x[i];', ['both', 'read'], ['read']],
  ])('%s', (code, y, x) => {
    expect(usesOf(code, 'y')).toEqual(y);
    expect(usesOf(code, 'x')).toEqual(x);
  });

  test('a bare name is a value, but for arrays a local of that name', () => {
    const code = 'fn power(x: f32, y: f32) -> f32 { return select(x, y * y, x < 0.0 && y > 1.0 & y); } y[0] = 1.0;';
    expect(usesOf(code, 'y')).toEqual(['read', 'read', 'read', 'read', 'write']);
    expect(usesOf(code, 'y', true)).toEqual(['write']);
  });

  const view = (bytes: number) => ({ buffer: {} as never, offset: 0, bytes });

  test('each binding once for every way it is used', () => {
    expect(boundBytes(shaders.unary, [view(40), view(48)])).toBe(88);
    // matmul: a, b and bias are read, out is written.
    expect(boundBytes(shaders.matmul_direct, [view(400), view(300), view(20), view(1000)])).toBe(1720);
    const update = kernelOf(`@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read_write> param: array<f32>;
@compute @workgroup_size(1) fn main() { param[0] = param[0] - 0.1 * grad[0]; }`);
    expect(boundBytes(update, [view(100), view(100)])).toBe(300);
  });
});

describe('recorder', () => {
  test('sums per op and kernel', () => {
    const recorder = new Recorder();
    recorder.add(submit(5, 1000, [{}, { label: 'lstm', durationUs: 4 }, { durationUs: 30 }]));
    recorder.add(submit(9, 9000, [{ bytesTold: false, bytes: 100 }]));
    expect(recorder.kernels).toEqual([
      {
        kernel: 'matmul_direct',
        label: 'matmul',
        texels: false,
        dispatches: 3,
        timed: 3,
        firstUs: undefined,
        totalUs: 50,
        longestUs: 30,
        flops: 3000,
        bytes: 900,
        bytesTold: false,
      },
      expect.objectContaining({ label: 'lstm', dispatches: 1, totalUs: 4, bytesTold: true }),
    ]);
    expect(recorder.totals).toMatchObject({ submits: 2, dispatches: 4, kernelUs: 54, encodeMs: 4, submitMs: 1 });
  });

  test('the first dispatch of a pipeline, within which drivers compile, stays out of a kernel’s sums', () => {
    const recorder = new Recorder();
    recorder.add(
      submit(5, 1000, [{ first: true, durationUs: 5000 }, { label: 'once', first: true, durationUs: 70 }, {}]),
    );
    // Another pipeline of the same kernel.
    recorder.add(submit(9, 9000, [{ first: true, durationUs: 3000 }, { durationUs: 20 }]));
    expect(recorder.kernels).toMatchObject([
      { label: 'matmul', dispatches: 4, timed: 2, firstUs: 5000, totalUs: 30, longestUs: 20, flops: 2000, bytes: 800 },
      { label: 'once', dispatches: 1, timed: 1, totalUs: 70, flops: 1000 },
    ]);
    expect(recorder.totals).toMatchObject({ dispatches: 5, kernelUs: 8100, firsts: { count: 2, totalUs: 8000 } });
    const { kernels } = reportOf(recorder, { adapter: 'x', ceilings: CEILINGS, wallMs: 9 });
    expect(kernels.map(({ label, share }) => [label, share])).toEqual([
      ['once', 0.7],
      ['matmul', 0.3],
    ]);
  });

  test('operations are known only if those of all dispatches are', () => {
    const recorder = new Recorder();
    recorder.add(submit(5, 1000, [{}, { flops: undefined }, {}]));
    expect(recorder.kernels[0]!.flops).toBeUndefined();
  });

  test('copies take the time between two kernels; without copies that time is nobody’s', () => {
    const recorder = new Recorder();
    const copies = { count: 2, bytes: 64 };
    recorder.add(submit(5, 1000, [{}, { startUs: 1025, copies }, { startUs: 1100 }]));
    expect(recorder.totals.copies).toEqual({ count: 2, bytes: 64, totalUs: 15 });
  });

  test('of a long run as many submits and dispatches are kept as of a short one, and every one is counted', () => {
    const recorder = new Recorder({ traceSubmits: 7 });
    for (let n = 0; n < 5000; n++) recorder.add(submit(n, 100 * n, [{}, {}]));
    expect(recorder.trace.map(({ submitMs }) => submitMs)).toEqual([4993, 4994, 4995, 4996, 4997, 4998, 4999]);
    expect(recorder.kernels).toMatchObject([{ dispatches: 10_000, totalUs: 100_000, flops: 1e7 }]);

    const wide = new Recorder({ traceDispatches: 10 });
    for (let n = 0; n < 50; n++) wide.add(submit(n, 100 * n, [{}, {}, {}]));
    expect(wide.trace.length).toBe(3);
    wide.add(submit(50, 9000, Array(40).fill({})));
    expect(wide.trace.map(({ kernels }) => kernels.length)).toEqual([40]);
  });
});

test('a report has the longest kernel first, and shares that make a whole', () => {
  const recorder = new Recorder();
  recorder.add(
    submit(5, 1000, [
      { label: 'a', durationUs: 10 },
      { label: 'b', durationUs: 25 },
      { label: 'c', durationUs: 15 },
    ]),
  );
  const { kernels, wallMs } = reportOf(recorder, { adapter: 'x', ceilings: CEILINGS, wallMs: 3 });
  expect(kernels.map(({ label, share }) => [label, share])).toEqual([
    ['b', 0.5],
    ['c', 0.3],
    ['a', 0.2],
  ]);
  expect(kernels[0]).toMatchObject({ gflops: 1000 / 25 / 1000, gbps: 400 / 25 / 1000 });
  expect(wallMs).toBe(3);
});

describe('trace', () => {
  // The adapter's clock runs 3 s ahead; the second submit's kernels begin at once, the first one's a millisecond late.
  const copies = { count: 1, bytes: 8 };
  const trace = [
    submit(10, 3_011_000, [{}, { label: 'lstm', startUs: 3_011_040, copies }]),
    submit(20, 3_020_000, [{ flops: undefined }]),
  ];
  const json = JSON.parse(JSON.stringify(chromeTrace({ adapter: 'An adapter', trace })));

  test('is what viewers of the format ask for', () => {
    expect(Object.keys(json).sort()).toEqual(['displayTimeUnit', 'otherData', 'traceEvents']);
    for (const event of json.traceEvents) {
      expect(event).toMatchObject({
        name: expect.any(String),
        pid: 1,
        tid: expect.any(Number),
        args: expect.any(Object),
      });
      if (event.ph === 'M') expect(event.args.name).toEqual(expect.any(String));
      else {
        expect(event).toMatchObject({ ph: 'X', cat: expect.stringMatching(/^(gpu|host)$/) });
        expect(event.ts).toBeGreaterThanOrEqual(0);
        expect(event.dur).toBeGreaterThanOrEqual(0);
      }
    }
    const names = json.traceEvents.filter((e: { ph: string }) => e.ph === 'M');
    expect(names.map((e: { tid: number; args: { name: string } }) => [e.tid, e.args.name])).toEqual([
      [1, 'weft on An adapter'],
      [1, 'GPU kernels'],
      [2, 'host: encode, submit'],
    ]);
  });

  test('has kernels beside what the host did, on one clock', () => {
    type Event = { ph: string; tid: number; name: string; ts: number; dur: number };
    const shown = json.traceEvents.filter((e: Event) => e.ph === 'X');
    expect(shown.map((e: Event) => [e.tid, e.name, e.ts, e.dur])).toEqual([
      [2, 'encode', 0, 2000],
      [2, 'submit', 2000, 500],
      [1, 'matmul_direct', 3000, 10],
      [1, 'copies', 3010, 30],
      [1, 'matmul_direct', 3040, 10],
      [2, 'encode', 10_000, 2000],
      [2, 'submit', 12_000, 500],
      [1, 'matmul_direct', 12_000, 10],
    ]);
  });

  test('tells op, workgroups and shapes of a kernel', () => {
    const events = json.traceEvents.filter((e: { cat?: string }) => e.cat === 'gpu');
    expect(events[0].args).toEqual({
      op: 'matmul',
      workgroups: '2 x 3 x 1',
      params: { m: 5, n: 7 },
      bytes: 400,
      'GB/s': 0.04,
      flops: 1000,
      'GFLOP/s': 0.1,
    });
    expect(events.at(-1).args).not.toHaveProperty('flops');
  });

  test('of nothing is empty but for the names', () => {
    expect(chromeTrace({ adapter: 'x', trace: [] }).traceEvents.map(({ ph }) => ph)).toEqual(['M', 'M', 'M']);
  });
});
