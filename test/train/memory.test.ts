// Memory over thousands of steps, and what happens where there is too little of it.
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { IGNORE_INDEX } from '../../src/data/index.ts';
import { OutOfMemoryError } from '../../src/errors.ts';
import type { Device } from '../../src/gpu/device.ts';
import type { DeviceOptions } from '../../src/gpu/options.ts';
import { Tagger, type TaggerOptions } from '../../src/models/tagger.ts';
import { trainTagger } from '../../src/ner/index.ts';
import { readStateDict } from '../../src/nn/module.ts';
import { crossEntropy, reshape } from '../../src/ops/index.ts';
import { Adam } from '../../src/optim/adam.ts';
import { init, tensor, zeros } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import { Trainer } from '../../src/train/index.ts';
import { randomNd } from '../nd.ts';
import { expectSameBits } from '../optim/same-bits.ts';
import { tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

/** Ids, tags and lengths of a batch `[B, T]`, as host arrays. */
interface Rectangle {
  ids: Int32Array<ArrayBuffer>;
  tags: Int32Array<ArrayBuffer>;
  lengths: Int32Array<ArrayBuffer>;
  batch: number;
  time: number;
}

const TAGS = 5;

/** A ragged batch whose ids are spread over the vocabulary; the first row is as long as T. */
function rectangle(batch: number, time: number, words: number, seed: number): Rectangle {
  const draw = randomNd([3, batch * time], seed).data;
  const lengths = Int32Array.from({ length: batch }, (_, b) =>
    b === 0 ? time : 1 + Math.floor(((draw[b]! + 1) / 2) * (time - 1)),
  );
  const within = (n: number) => n % time < lengths[Math.floor(n / time)]!;
  const ids = Int32Array.from({ length: batch * time }, (_, n) =>
    within(n) ? 1 + Math.floor(((draw[n + batch * time]! + 1) / 2) * (words - 2)) : 0,
  );
  return { ids, tags: ids.map((id, n) => (within(n) ? id % TAGS : IGNORE_INDEX)), lengths, batch, time };
}

/** A tagger, its optimiser and a trainer over `batches`, one epoch of them at a time in the order that `order` gives. */
function makeRun(batches: readonly Rectangle[], options: Partial<TaggerOptions> & { vocabularySize: number }) {
  const generator = new Generator(7);
  const model = new Tagger({
    cell: 'lstm',
    embedding: 12,
    hidden: 8,
    dropout: 0.2,
    embeddingDropout: 0.1,
    tags: TAGS,
    packed: true,
    generator,
    ...options,
  });
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const data = {
    length: batches.length,
    *iterate(epoch: number, from = 0) {
      // Another order every epoch: what a step allocates must not depend on the step before it.
      for (let n = from; n < batches.length; n++) yield batches[(n * 7 + epoch * 3) % batches.length]!;
    },
  };
  const trainer = new Trainer({
    model,
    optimizer: optimizer as never,
    generator,
    data,
    inputs: ({ ids, tags, lengths, batch, time }: Rectangle) => ({
      ids: tensor(ids, { shape: [batch, time] }),
      lengths: tensor(lengths),
      tags: tensor(tags),
    }),
    loss: ({ ids, tags, lengths }) => {
      const scores = model.forward({ ids, lengths });
      return crossEntropy(reshape(scores, [-1, TAGS]), tags, { ignoreIndex: IGNORE_INDEX });
    },
    tokens: ({ lengths }) => lengths.reduce((sum, n) => sum + n, 0),
    clipNorm: 1,
  });
  return { model, optimizer, trainer, generator };
}

async function parametersOf(model: Tagger) {
  return [...(await readStateDict(model)).values()].map(({ data }) => data);
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/**
 * Bytes resident after what is garbage has gone, the driver's part of it included. Not V8's space for new objects, which
 * is touched page by page up to 32 MiB whatever the program keeps.
 */
async function residentBytes(device: Device): Promise<number> {
  for (let n = 0; n < 3; n++) {
    collect();
    await device.synchronize();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { physical_space_size: nursery } = getHeapSpaceStatistics().find((s) => s.space_name === 'new_space')!;
  return process.memoryUsage.rss() - nursery;
}

test('2,000 steps with varying B and T: what steps 200 to 2,000 hold is the same', async () => {
  // Compiling what has become hot would leave some 5 MB of V8's own in malloc's arenas between the two measurements.
  setFlagsFromString('--no-opt');
  onTestFinished(() => setFlagsFromString('--opt'));
  const device = await init();
  // 25 batches of as many shapes, B from 1 to 9 and T from 1 to 8.
  const batches = Array.from({ length: 25 }, (_, n) => rectangle(1 + ((n * 5) % 9), 1 + ((n * 3) % 8), 90, n));
  expect(new Set(batches.map(({ batch, time }) => `${batch}x${time}`)).size).toBe(25);
  const { trainer } = makeRun(batches, { vocabularySize: 90, bidirectional: false });
  const measure = async () => ({
    ...device.poolStats,
    ...device.stats,
    resident: await residentBytes(device),
  });
  await trainer.fit(8);
  expect(trainer.position.step).toBe(200);
  const early = await measure();
  await trainer.fit(80);
  expect(trainer.position.step).toBe(2000);
  const late = await measure();
  const flat = ({
    liveBytes,
    reservedBytes,
    peakBytes,
    textureBytes,
    created,
    pipelines,
    bindGroupsCreated,
  }: typeof late) =>
    Object.entries({ liveBytes, reservedBytes, peakBytes, textureBytes, created, pipelines, bindGroupsCreated });
  expect(flat(late)).toEqual(flat(early));
  expect(late.dispatches).toBeGreaterThan(9 * early.dispatches);
  expect(late.resident, `from ${early.resident} bytes`).toBeLessThan(1.05 * early.resident);
  device.destroy();
});

/** What a promise rejects with. */
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error,
  );

describe('a byte budget that is too small', () => {
  const small = [rectangle(3, 5, 90, 1), rectangle(2, 6, 90, 2), rectangle(4, 4, 90, 3), rectangle(3, 6, 90, 4)];
  const big = rectangle(40, 30, 90, 5);

  test('for one batch: the step is refused with tensor, bytes and total, and the run goes on with a smaller batch', async () => {
    const roomy = await init();
    const whole = makeRun(small, { vocabularySize: 90 });
    await whole.trainer.fit(2);
    const expected = await parametersOf(whole.model);
    const { liveBytes, reservedBytes, textureBytes } = roomy.poolStats;
    roomy.destroy();
    const budget = reservedBytes + textureBytes + 65_536;

    const device = await init({ byteBudget: budget });
    const batches = small.with(1, big);
    const run = makeRun(batches, { vocabularySize: 90 });
    const live: number[] = [];
    for (const time of ['once', 'and again']) {
      const error = (await failure(run.trainer.fit(2))) as OutOfMemoryError;
      expect(error, time).toBeInstanceOf(OutOfMemoryError);
      const { tensor: name, bytes, total } = error;
      expect(error.message).toBe(
        `out of GPU memory: ${name} needs ${bytes} bytes with ${total} bytes in use of a budget of ${budget}. ` +
          'Use a smaller batch, a shorter sequence or a larger byteBudget.',
      );
      expect(name, 'an op').toMatch(/^[a-z]\w+$/i);
      expect(total).toBeLessThanOrEqual(budget);
      expect(total + bytes).toBeGreaterThan(budget);
      // The big batch is the fourth of the first epoch.
      expect(run.trainer.position).toEqual({ epoch: 0, batch: 3, step: 3 });
      expect(device.poolStats.liveTextures).toBe(0);
      live.push(device.poolStats.liveBytes);
    }
    expect(live[1]).toBe(live[0]);
    batches[1] = small[1]!;
    expect(await run.trainer.fit(2)).toBe(true);
    expectSameBits(await parametersOf(run.model), expected, 'parameters');
    expect(device.poolStats.liveBytes).toBe(liveBytes);
    device.destroy();
  });

  test('for any part of a step, the optimiser’s included: nothing has changed, and with room again the run goes on', async () => {
    const words = 1500;
    const batches = [rectangle(3, 5, words, 1), rectangle(2, 6, words, 2)];
    const roomy = await init();
    const whole = makeRun(batches, { vocabularySize: words, embedding: 24 });
    await whole.trainer.fit(1);
    const expected = await parametersOf(whole.model);
    const { reservedBytes, textureBytes } = roomy.poolStats;
    roomy.destroy();

    const byteBudget = reservedBytes + textureBytes + 2 ** 19;
    const device = await init({ byteBudget });
    const short = new Set<string>();
    for (let room = 0; room < reservedBytes; room += 24 * 1024) {
      const run = makeRun(batches, { vocabularySize: words, embedding: 24 });
      const ballast = [];
      while (byteBudget - device.poolStats.liveBytes > room + 4096) ballast.push(zeros([1024]));
      const outcome = await run.trainer.fit(1).catch((error: unknown) => error);
      if (outcome !== true) {
        expect(outcome).toBeInstanceOf(OutOfMemoryError);
        short.add((outcome as OutOfMemoryError).tensor);
        expect(run.model.parameters().every((p) => p.grad === undefined)).toBe(true);
      }
      for (const block of ballast) block.dispose();
      expect(await run.trainer.fit(1)).toBe(true);
      expectSameBits(await parametersOf(run.model), expected, `with room for ${room} bytes`);
      for (const part of [run.trainer, run.optimizer, run.generator, run.model]) part.dispose();
      expect(device.poolStats.liveBytes).toBe(0);
    }
    for (const tensor of ['lstm', 'expAvg', 'expAvgSq']) expect([...short]).toContain(tensor);
    device.destroy();
  });

  test('for a run, whatever it is short of: nothing of the run stays on the device, and a smaller one trains there', async () => {
    const train = (layers: number, batchSize: number) =>
      trainTagger({
        config: tinyConfig({
          model: { layers, embedding: 4 * layers, hidden: 4 * layers },
          training: { ...tinyConfig().training, epochs: 1, batchSize },
        }),
        corpus: tinyCorpus(8),
      });
    const roomy = await init();
    await train(3, 8);
    const { reservedBytes, textureBytes } = roomy.poolStats;
    roomy.destroy();
    const short = new Set<string>();
    for (const share of [0.02, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1]) {
      const byteBudget = Math.floor(share * (reservedBytes + textureBytes));
      const device = await init({ byteBudget });
      const outcome = await train(3, 8).catch((error: unknown) => error);
      if (outcome instanceof OutOfMemoryError) {
        short.add(outcome.tensor);
        expect(outcome.total + outcome.bytes).toBeGreaterThan(byteBudget);
        const { liveBytes, liveTextures } = device.poolStats;
        expect({ liveBytes, liveTextures }, `after ${outcome.message}`).toEqual({ liveBytes: 0, liveTextures: 0 });
        if (share > 0.5) (await train(1, 1)).model.dispose();
        expect(share, 'what the run took altogether is enough').toBeLessThan(1);
      } else expect(outcome, `with ${byteBudget} bytes`).toHaveProperty('finished', true);
      await device.synchronize();
      device.destroy();
    }
    expect(short.size, [...short].join()).toBeGreaterThan(2);
  });
});

test('20 steps with 1 MiB a binding and 1,000 workgroups a dimension: the bits of the unlimited device', async () => {
  const words = 7001;
  const batches = Array.from({ length: 20 }, (_, n) => rectangle(8, 1 + ((n * 5) % 9), words, n));
  const train = async (options: DeviceOptions) => {
    const device = await init(options);
    const { model, trainer } = makeRun(batches, { vocabularySize: words, embedding: 48, layers: 2 });
    expect(model.embedding.weight.bytes).toBeGreaterThan(2 ** 20);
    await trainer.fit(1);
    const parameters = await parametersOf(model);
    device.destroy();
    return parameters;
  };
  const unlimited = await train({});
  for (const data of unlimited) expect(data.every(Number.isFinite)).toBe(true);
  expectSameBits(await train({ maxBindingBytes: 2 ** 20, maxGrid: 1000 }), unlimited, 'parameters');
  // So few that the table's rows, the activations and the gradients' norm are all folded.
  expectSameBits(await train({ maxBindingBytes: 2 ** 20, maxGrid: 20 }), unlimited, 'parameters, 20 workgroups');
});
