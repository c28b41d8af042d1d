// The profiler on a device made up for it: what it asks for, in which order it tells, and that it keeps nothing.
import { expect, test } from 'vitest';
import type { DispatchCommand } from '../../src/gpu/command.ts';
import { Profiler, type SubmitTimes } from '../../src/gpu/profiler.ts';
import * as shaders from '../../src/gpu/shaders.gen.ts';

/** Buffers that are mapped when `done` is called, with stamps that count up by 2,500 ns. */
function fakeDevice() {
  const made: { size: number }[] = [];
  const waiting: (() => void)[] = [];
  let lost = false;
  const device = {
    createQuerySet: () => ({}),
    createBuffer: ({ size }: { size: number }) => {
      const buffer = {
        size,
        mapAsync: () =>
          new Promise<void>((resolve, reject) => waiting.push(() => (lost ? reject(new Error('lost')) : resolve()))),
        getMappedRange: (_: number, bytes: number) =>
          BigUint64Array.from({ length: bytes / 8 }, (_, i) => BigInt(i * 2500)).buffer,
        unmap() {},
        destroy() {},
      };
      made.push(buffer);
      return buffer;
    },
  };
  /** Ends the device's work on the submits given, by number, in that order. */
  const done = (...which: number[]) => {
    const ready = which.map((i) => waiting[i]!);
    waiting.splice(0);
    for (const go of ready) go();
  };
  const lose = () => {
    lost = true;
    for (const go of waiting.splice(0)) go();
  };
  return { device: device as unknown as GPUDevice, made, done, lose };
}

const encoder = { resolveQuerySet() {}, copyBufferToBuffer() {} } as unknown as GPUCommandEncoder;
const view = { buffer: {}, offset: 0, bytes: 40 };
const PIPELINE = { kernel: shaders.unary } as unknown as DispatchCommand['pipeline'];
const dispatch = (label: string, told: { flops?: number; bytes?: number } = {}): DispatchCommand => ({
  kind: 'dispatch',
  pipeline: PIPELINE,
  views: [view, view] as unknown as DispatchCommand['views'],
  params: new Uint32Array(Float32Array.of(0, 0.5, -1).buffer).fill(10, 0, 1),
  grid: [1, 2, 3],
  label,
  ...told,
});

/** One command for each label, as a plan has them. */
const commands = new Map<string, DispatchCommand>();

function submit(profiler: Profiler, labels: readonly string[]): void {
  for (const label of labels) {
    if (!commands.has(label)) commands.set(label, dispatch(label));
    profiler.descriptor(commands.get(label)!);
  }
  profiler.resolve(encoder);
  profiler.submitted({ label: labels.join(), encodeMs: 1, submitMs: 2, submittedMs: 3 });
}

test('a pass has two stamps, and a dispatch its shapes, bytes and operations', async () => {
  const { device, done } = fakeDevice();
  const profiler = new Profiler(device);
  const heard: SubmitTimes[] = [];
  profiler.onSubmit = (times) => heard.push(times);
  expect(profiler.descriptor(dispatch('neg')).timestampWrites).toMatchObject({
    beginningOfPassWriteIndex: 0,
    endOfPassWriteIndex: 1,
  });
  profiler.between({ kind: 'clear', target: { ...view, bytes: 12 } as never });
  profiler.between({ kind: 'copy', source: view as never, target: view as never });
  expect(profiler.descriptor(dispatch('exp', { flops: 7, bytes: 9 })).timestampWrites).toMatchObject({
    beginningOfPassWriteIndex: 2,
    endOfPassWriteIndex: 3,
  });
  profiler.resolve(encoder);
  profiler.submitted({ label: 'neg … exp', encodeMs: 1, submitMs: 2, submittedMs: 3 });
  done(0);
  await profiler.settle();
  const params = { size: 10, alpha: 0.5, beta: -1 };
  const same = { kernel: 'unary', grid: [1, 2, 3], params, texels: false, durationUs: 2.5 };
  expect(heard.map(({ kernels, label, submitMs }) => ({ kernels, label, submitMs }))).toEqual([
    {
      label: 'neg … exp',
      submitMs: 2,
      kernels: [
        {
          ...same,
          label: 'neg',
          startUs: 0,
          flops: undefined,
          bytes: 80,
          bytesTold: false,
          first: true,
          copies: undefined,
        },
        {
          ...same,
          label: 'exp',
          startUs: 5,
          flops: 7,
          bytes: 9,
          bytesTold: true,
          first: false,
          copies: { count: 2, bytes: 92 },
        },
      ],
    },
  ]);
});

test('submits are told in their order, whenever their times come back', async () => {
  const { device, done } = fakeDevice();
  const profiler = new Profiler(device);
  const heard: string[] = [];
  profiler.onSubmit = ({ label }) => heard.push(label);
  for (const label of ['a', 'b', 'c']) submit(profiler, [label]);
  done(2, 0, 1);
  await profiler.settle();
  expect(heard).toEqual(['a', 'b', 'c']);
});

test('buffers are used again: as many as submits are under way at once, however long the run', async () => {
  const { device, made, done } = fakeDevice();
  const profiler = new Profiler(device);
  profiler.onSubmit = () => {};
  for (let round = 0; round < 200; round++) {
    for (const label of ['a', 'b', 'c']) submit(profiler, Array(1 + (round % 5)).fill(label));
    done(0, 1, 2);
    await profiler.settle();
  }
  expect(made.length, 'the resolved stamps, and one for each of three').toBe(4);
});

test('where nobody listens the last times are kept, not all', async () => {
  const { device, done } = fakeDevice();
  const profiler = new Profiler(device);
  for (let round = 0; round < 70; round++) {
    submit(profiler, Array(2000).fill(`round ${round}`));
    done(0);
    await profiler.settle();
  }
  const times = await profiler.collect();
  expect(times.length).toBeGreaterThanOrEqual(65_536);
  expect(times.length).toBeLessThanOrEqual(131_072);
  expect(times.at(-1)!.label).toBe('round 69');
  expect(await profiler.collect()).toEqual([]);
}, 30_000);

test('a query set has room for 2,048 passes', () => {
  const profiler = new Profiler(fakeDevice().device);
  for (let n = 0; n < 2047; n++) profiler.descriptor(dispatch('neg'));
  expect(profiler.full).toBe(false);
  profiler.descriptor(dispatch('neg'));
  expect(profiler.full).toBe(true);
  profiler.resolve(encoder);
  expect(profiler.full).toBe(false);
});

test('times that never come, for the device is lost, are waited for no longer', async () => {
  const { device, lose } = fakeDevice();
  const profiler = new Profiler(device);
  submit(profiler, ['a']);
  lose();
  expect(await profiler.collect()).toEqual([]);
});
