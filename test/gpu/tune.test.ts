// Tuned kernels: what is sampled, what is chosen, where it is kept, and that a run goes on with those it began with.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { trainTagger } from '../../src/ner/index.ts';
import { readTuning, tuningFile, writeTuning } from '../../src/node/tuning.ts';
import { backward } from '../../src/ops/backward.ts';
import { gemmClass } from '../../src/ops/gemm-choice.ts';
import { linear, matmul, sum } from '../../src/ops/index.ts';
import { samplesOf, takeChoices, tuneGemm } from '../../src/ops/tune-gemm.ts';
import { full } from '../../src/tensor/create.ts';
import { normal } from '../../src/tensor/random.ts';
import { step } from '../../src/tensor/scope.ts';
import { expectClose } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { MemoryStore, tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

const current = useDevice();
afterEach(() => current.device.choices.clear());

test('the products of a layer, forward and backward, are sampled once a class, with the way their operands lie', () => {
  const { device } = current;
  const weight = full([30, 20], 1, { requiresGrad: true });
  const samples = samplesOf(device, () =>
    step(() => {
      for (let n = 0; n < 2; n++) backward(sum(linear(full([50, 20], 1, { requiresGrad: true }), weight)));
    }),
  );
  expect([...samples.keys()].sort()).toEqual(['gemm 32x32x64', 'gemm 64x32x32']);
  expect(samples.get('gemm 64x32x32')).toEqual({
    m: 50,
    n: 30,
    k: 20,
    batch: 1,
    transposedA: false,
    transposedB: true,
  });
  expect(samples.get('gemm 32x32x64')).toMatchObject({ k: 50, batch: 1 });
  expect(device.onChoice).toBeUndefined();
  weight.dispose();
});

test('the choice is no slower than the table’s, holds for its class from then on, and computes the same', async () => {
  const { device } = current;
  const sample = { m: 40, n: 48, k: 128, batch: 1, transposedA: true, transposedB: false };
  const [found] = await tuneGemm(device, [sample]);
  expect(found!.key).toBe(gemmClass(sample));
  expect(found!.ms).toBeLessThanOrEqual(found!.tableMs);
  expect(device.choices.get(found!.key)).toBe(found!.choice);
  const [a, b] = [normal([128, 40], 0, 1), normal([128, 48], 0, 1)];
  const product = async () => [...(await matmul(a, b, { transposeA: true }).data())];
  const tuned = await product();
  device.choices.clear();
  expectClose(tuned, await product(), 1e-4, 1e-4, 'tuned product');
});

test('choices that are none, or that this device cannot run, are left out', () => {
  const { device } = current;
  const taken = takeChoices(device, {
    'gemm 1x1x1': 'direct',
    'gemm 2x1x1': 'magic',
    'gemm 4x1x1': 'tiled_1/x',
    'gemm 8x1x1': 'tiled_2/4',
  });
  expect(taken).toBe(2);
  expect([...device.choices.keys()]).toEqual(['gemm 1x1x1', 'gemm 8x1x1']);
});

test('choices are kept by adapter, beside one another; a damaged file is as good as none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-tuning-'));
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = folder;
  try {
    const file = tuningFile('1.2.3');
    expect(file).toBe(join(folder, 'weft', 'tuning-1.2.3.json'));
    expect(await readTuning(file, 'card')).toEqual({});
    await writeTuning(file, 'card', { x: 'direct' });
    await writeTuning(file, 'other', { x: 'texel' });
    await writeTuning(file, 'card', { y: 'tiled_1' });
    expect(await readTuning(file, 'card')).toEqual({ x: 'direct', y: 'tiled_1' });
    expect(await readTuning(file, 'other')).toEqual({ x: 'texel' });
    expect(Object.keys(JSON.parse(await readFile(file, 'utf8')))).toEqual(['card', 'other']);
    await writeFile(file, '{"card":');
    expect(await readTuning(file, 'card')).toEqual({});
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    await rm(folder, { recursive: true });
  }
});

test('a run that is resumed goes on with the kernels it began with', async () => {
  const { device } = current;
  const corpus = tinyCorpus(16);
  const config = tinyConfig({ training: { ...tinyConfig().training, epochs: 1 } });
  const store = new MemoryStore();
  device.choices.set('gemm 64x128x16', 'direct');
  (await trainTagger({ config, corpus, store })).model.dispose();
  device.choices.clear();
  device.choices.set('gemm 1x1x1', 'direct');
  (await trainTagger({ config, corpus, store, resume: true })).model.dispose();
  expect([...device.choices]).toEqual([['gemm 64x128x16', 'direct']]);
});
