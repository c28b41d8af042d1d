// Profiling on a device: times that add up, counts that are exact, training that is the same to the bit.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import { Device } from '../../src/gpu/device.ts';
import { trainTagger } from '../../src/ner/index.ts';
import * as ops from '../../src/ops/index.ts';
import { type Ceilings, measureCeilings, Profile, type ProfileReport } from '../../src/profile/index.ts';
import { init, ones, tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import { runSource } from '../e2e/child.ts';
import { MemoryStore, tinyConfig, tinyCorpus, tinySentences } from '../tiny-tagger.ts';

const CEILINGS: Ceilings = { gflops: 100, copyGbps: 10, triadGbps: 10, texelGbps: undefined };

/** The report of what `work` has a fresh device do. */
async function profiled(work: (device: Device) => void | Promise<void>): Promise<ProfileReport> {
  const device = await init({ profile: true });
  try {
    const profile = new Profile(device, CEILINGS);
    await work(device);
    return await profile.finish();
  } finally {
    device.destroy();
  }
}

describe('times', () => {
  test('kernels come one after the other, and together take no longer than the clock on the wall', async () => {
    const { totals, wallMs, trace } = await profiled(async (device) => {
      const x = ones([300, 300]);
      await ops.matmul(x, x).data();
      for (let n = 0; n < 5; n++) step(() => ops.sigmoid(ops.matmul(x, ops.add(x, n))));
      await device.synchronize();
    });
    expect(totals.dispatches).toBeGreaterThanOrEqual(16);
    expect(totals.kernelUs).toBeGreaterThan(0);
    expect(totals.kernelUs + totals.copies.totalUs).toBeLessThanOrEqual(wallMs * 1000);
    expect(totals.encodeMs + totals.submitMs).toBeLessThanOrEqual(wallMs);
    for (const { kernels, encodeMs, submitMs, submittedMs, readMs } of trace) {
      expect([encodeMs, submitMs, submittedMs, readMs].every((ms, i, all) => i === 0 || ms >= all[i - 1]!)).toBe(true);
      const spanUs = kernels.at(-1)!.startUs + kernels.at(-1)!.durationUs - kernels[0]!.startUs;
      expect(spanUs).toBeLessThanOrEqual((readMs - submitMs) * 1000);
    }
    expect(trace.reduce((sum, { kernels }) => sum + kernels.length, 0)).toBe(totals.dispatches);
  });

  test('are finer than the 65 µs to which Dawn rounds them by default', async () => {
    const { trace } = await profiled(() => {
      const x = ones([64]);
      for (let n = 0; n < 20; n++) ops.neg(x);
    });
    const stamps = trace.flatMap(({ kernels }) => kernels.map(({ startUs }) => Math.round(startUs * 1000)));
    expect(stamps.length).toBe(20);
    expect(stamps.some((ns) => ns % 65_536 !== 0)).toBe(true);
  });

  test('a kernel that does a hundred times the work takes longer', async () => {
    const { kernels } = await profiled(async (device) => {
      const [small, large] = [ones([24, 24]), ones([512, 512])];
      await device.synchronize();
      for (let n = 0; n < 5; n++) step(() => [ops.softmax(small, -1), ops.matmul(large, large)]);
    });
    const mean = (label: string) => {
      const rows = kernels.filter((row) => row.label === label);
      return rows.reduce((sum, row) => sum + row.totalUs, 0);
    };
    expect(mean('matmul')).toBeGreaterThan(mean('softmax'));
  });
});

describe('counts', () => {
  test.each([
    ['thin', [33, 65], [65, 17], 1],
    ['wide', [128, 96], [96, 200], 1],
    ['batched', [3, 20, 30], [3, 30, 40], 3],
    ['one matrix for a batch', [3, 20, 30], [30, 40], 3],
  ])('operations and bytes of a %s product', async (_, left, right, batch) => {
    const { kernels } = await profiled(() => {
      step(() => ops.matmul(ones(left), ones(right)));
    });
    const [m, k, n] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
    const product = kernels.filter((row) => row.label === 'matmul' && row.flops !== undefined);
    expect(product.map(({ dispatches, flops }) => [dispatches, flops])).toEqual([[1, 2 * batch * m * k * n]]);
    const elements = left.reduce((a, b) => a * b) + right.reduce((a, b) => a * b) + batch * m * n;
    expect(product[0]).toMatchObject({ bytes: 4 * elements, bytesTold: true });
  });

  test('bytes of what touches a part of what it binds', async () => {
    const { kernels } = await profiled(() => {
      const table = ones([1000, 16]);
      step(() => [ops.indexSelect(table, 0, tensor(Int32Array.of(5, 900, 5))), ops.slice(table, 0, 10, 20)]);
    });
    const bytesOf = (op: string) =>
      kernels.filter(({ label, bytesTold }) => label === op && bytesTold).map((k) => k.bytes);
    expect(bytesOf('indexSelect')).toEqual([4 * (3 + 2 * 3 * 16)]);
    expect(bytesOf('slice')).toEqual([4 * 2 * 10 * 16]);
  });

  test('rates are those sums over that time, and the shares make a whole', async () => {
    const { kernels, totals } = await profiled(() => {
      const x = ones([200, 200]);
      for (let n = 0; n < 3; n++) step(() => ops.relu(ops.matmul(x, x)));
    });
    for (const { flops, bytes, totalUs, gflops, gbps } of kernels) {
      expect(gbps).toBeCloseTo(bytes / totalUs / 1000, 9);
      if (flops !== undefined) expect(gflops).toBeCloseTo(flops / totalUs / 1000, 9);
    }
    expect(kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(kernels.reduce((sum, { totalUs }) => sum + totalUs, totals.firsts.totalUs)).toBeCloseTo(totals.kernelUs, 6);
    expect(kernels.find(({ label }) => label === 'relu')).toMatchObject({
      dispatches: 3,
      timed: 2,
      bytes: 2 * 2 * 4 * 200 * 200,
      bytesTold: false,
    });
  });

  test('nothing that ran before or after is counted', async () => {
    const device = await init({ profile: true });
    const x = ones([10]);
    ops.neg(x);
    await device.synchronize();
    await device.kernelTimes();
    const profile = new Profile(device, CEILINGS);
    ops.exp(x);
    const { totals, kernels } = await profile.finish();
    ops.sqrt(x);
    expect([totals.dispatches, kernels.map(({ label }) => label)]).toEqual([1, ['exp']]);
    expect((await device.kernelTimes()).map(({ label }) => label)).toEqual(['sqrt']);
    device.destroy();
  });
});

test('of a long run all is counted and the end is traced', async () => {
  const device = await init({ profile: true });
  const profile = new Profile(device, CEILINGS, { traceSubmits: 3 });
  const x = ones([10]);
  for (let n = 0; n < 330; n++) {
    step(() => ops.neg(x));
    device.flush();
    if (n % 10 === 9) await device.synchronize();
  }
  const { trace, totals, kernels } = await profile.finish();
  expect([trace.length, totals.submits, totals.dispatches, kernels[0]!.dispatches]).toEqual([3, 330, 330, 330]);
  device.destroy();
});

test('training leaves the same bits with a profile as without', async () => {
  const corpus = tinyCorpus(24);
  const train = async (options: { profile?: boolean }) => {
    const device = await init(options);
    const profile = options.profile ? new Profile(device, CEILINGS) : undefined;
    const store = new MemoryStore();
    const config = tinyConfig({ training: { ...tinyConfig().training, epochs: 2 } });
    const { model } = await trainTagger({ config, corpus, store });
    model.dispose();
    const report = await profile?.finish();
    device.destroy();
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    return { files: [...store.files].map(([name, bytes]) => [name, hash(bytes)]), report };
  };
  const [plain, timed] = [await train({}), await train({ profile: true })];
  expect(timed.files).toEqual(plain.files);
  expect(timed.report!.totals.submits, 'it was profiled').toBeGreaterThanOrEqual(12);
  expect(timed.report!.kernels.some(({ label, flops }) => label === 'lstm' && flops! > 0)).toBe(true);
});

describe('ceilings', () => {
  test('of this adapter are measured, and products stay below them', async () => {
    const { adapter, gflops, copyGbps, triadGbps, texelGbps } = await measureCeilings();
    expect(adapter).not.toBe('');
    for (const rate of [gflops, copyGbps, triadGbps]) expect(rate).toBeGreaterThan(0.01);
    if (texelGbps !== undefined) expect(texelGbps).toBeGreaterThan(0.01);
    const { kernels } = await profiled(() => {
      const x = ones([256, 256]);
      for (let n = 0; n < 8; n++) step(() => ops.matmul(x, x));
    });
    const product = kernels.find(({ flops }) => flops !== undefined)!;
    expect(product.gflops! / gflops, 'noise allowed for').toBeLessThan(1.5);
  });
});

describe('refusals', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('an adapter without timestamp queries', async () => {
    const real = await platform.gpu({});
    vi.spyOn(platform, 'gpu').mockResolvedValue({
      wgslLanguageFeatures: real.wgslLanguageFeatures,
      async requestAdapter(options: GPURequestAdapterOptions) {
        const adapter = (await real.requestAdapter(options))!;
        return new Proxy(adapter, {
          get(target, key) {
            if (key === 'features') return new Set([...target.features].filter((name) => name !== 'timestamp-query'));
            const value = Reflect.get(target, key, target);
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      },
    } as unknown as GPU);
    const message =
      /^profile: adapter ".+" has no timestamp-query, by which kernels are timed\. Run without profiling or choose another adapter\.$/;
    await expect(Device.create({ profile: true })).rejects.toThrow(message);
    await expect(measureCeilings()).rejects.toThrow(message);
    const device = await Device.create();
    expect(device.profiler).toBeUndefined();
    device.destroy();
  });

  test('a device that was not made for it', async () => {
    const device = await init();
    expect(() => new Profile(device, CEILINGS)).toThrow(
      'Profile: device must be made with profile: true, got one without. await init({ profile: true })',
    );
    device.destroy();
  });

  test('a device that is lost', async () => {
    const device = await init({ profile: true });
    const profile = new Profile(device, CEILINGS);
    ops.neg(ones([4]));
    device.flush();
    device.destroy();
    await expect(profile.finish()).rejects.toThrow(/lost/i);
  });
});

test('weft train --profile prints a table and leaves table, figures, picture and trace', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-profile-'));
  try {
    const sentences = tinySentences(48).map(({ tokens, tags }) => `${JSON.stringify({ tokens, tags })}\n`);
    await writeFile(join(folder, 'train.jsonl'), sentences.slice(0, 32).join(''));
    await writeFile(join(folder, 'valid.jsonl'), sentences.slice(32).join(''));
    const out = join(folder, 'out');
    const args = ['train', 'examples/configs/quickstart.yaml', '--data', folder, '--out', out, '--profile'];
    const settings = ['--set', 'training.epochs=1', 'training.batchSize=8', 'model.hidden=8', 'model.embedding=8'];
    const ended = await runSource('src/cli/main.ts', [...args, ...settings], { timeout: 110_000 });
    expect({ code: ended.code, error: /error|TypeError|weft:/i.exec(ended.error)?.[0] }).toEqual({ code: 0 });
    expect(ended.out).toMatch(/^measured ceilings: [\d.]+ GFLOP\/s, [\d.]+ GB\/s through storage buffers/m);
    expect(ended.out).toMatch(
      /^op +kernel +dispatches +total ms +share +mean µs +first ms +GFLOP\/s +GB\/s +FLOP\/byte +of roof$/m,
    );
    expect(ended.out).toMatch(/^lstm +\w+ +\d+ +[\d.]+ +[\d.]+ %/m);
    const read = (file: string) => readFile(join(out, 'profile', file), 'utf8');
    const { kernels, ceilings } = JSON.parse(await read('profile.json')) as ProfileReport;
    expect(ceilings.gflops).toBeGreaterThan(0);
    const { traceEvents } = JSON.parse(await read('trace.json')) as { traceEvents: { cat?: string; name: string }[] };
    const traced = new Set(traceEvents.filter(({ cat }) => cat === 'gpu').map(({ name }) => name));
    expect(
      kernels.every(({ kernel }) => traced.has(kernel)),
      'a run this short is traced whole',
    ).toBe(true);
    expect(await read('roofline.svg')).toMatch(/^<svg[\s\S]*<\/svg>\s*$/);
    expect(await read('profile.md')).toContain('![roofline](roofline.svg)');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
