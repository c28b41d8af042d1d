// Keys of a configuration work, or are refused by name before anything is trained.
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/data/index.ts';
import { type Corpus, corpusOf, trainTagger } from '../../src/ner/index.ts';
import { TaggingLoss } from '../../src/ner/tagging-loss.ts';
import { crossEntropy, reshape } from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { useDevice } from '../gpu-device.ts';
import { tinyConfig, tinySentences } from '../tiny-tagger.ts';

useDevice();

const train = tinySentences(24, { words: 20 });
const validation = tinySentences(12, { words: 20, seed: 1 });
const corpus = corpusOf({ train, validation });
const LABELS = ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER'];
const { training, loss } = tinyConfig();
type Changes = NonNullable<Parameters<typeof tinyConfig>[0]>;

/** Three epochs of a network so small that its steps cost little. */
async function run(changes: Changes, data: Corpus = corpus) {
  const config = tinyConfig({
    ...changes,
    data: { wordDropout: 0, ...changes.data },
    model: { embedding: 4, hidden: 4, layers: 1, dropout: 0 },
    training: { ...training, epochs: 3, dropLast: false, ...changes.training },
  });
  const { model, history, best } = await trainTagger({ config, corpus: data });
  model.dispose();
  return { history, best };
}

const losses = async (changes: Changes, data?: Corpus) => (await run(changes, data)).history.map((e) => e.trainLoss);
const refusal = (changes: Changes, data?: Corpus) =>
  run(changes, data).then(
    () => 'trained',
    (error: Error) => `${error.name}: ${error.message}`,
  );

describe('loss.ignoreIndex', () => {
  test.each([0, 1, -1, -7])('%d trains, padded rows and all', async (ignoreIndex) => {
    const values = await losses({ loss: { ...loss, ignoreIndex } });
    expect(values.every(Number.isFinite)).toBe(true);
    expect(values[2]!).toBeLessThan(values[0]!);
  });

  test('a negative one leaves nothing out but padding: the same run as the default, to the bit', async () => {
    expect(await losses({ loss: { ...loss, ignoreIndex: -1 } })).toEqual(await losses({}));
  });

  test('0 leaves O out of the loss: what a batch of only O says changes nothing', async () => {
    const silent = [
      ['w1', 'w2', 'w4'],
      ['w5', 'w7'],
    ].map((tokens) => ({ tokens, tags: tokens.map(() => 'O') }));
    const one = (data: Changes) => ({ ...data, training: { ...training, batchSize: 1, epochs: 3, dropLast: false } });
    const values = await losses(
      one({ loss: { ...loss, ignoreIndex: 0 } }),
      corpusOf({ train: [...silent, ...train], validation }),
    );
    // Batches of one sentence, some of them without an entity: nothing to divide by.
    expect(values.every(Number.isFinite)).toBe(true);
    expect(values[2]!).toBeLessThan(values[0]!);
  });

  test('the loss is the mean over the tokens that count', async () => {
    const batch: Batch = {
      ids: Int32Array.of(1, 2, 3, 4, 5, 0),
      labels: Int32Array.of(0, 3, 1, 2, 0, -100),
      lengths: Int32Array.of(3, 2),
      batch: 2,
      time: 3,
      indices: [0, 1],
    };
    const scores = tensor(
      Float32Array.from({ length: 30 }, (_, i) => Math.sin(i * i)),
      { shape: [2, 3, 5] },
    );
    const flat = reshape(scores, [-1, 5]);
    for (const options of [
      { ...loss, labelSmoothing: 0, ignoreIndex: 0 },
      { ...loss, labelSmoothing: 0.1, ignoreIndex: 0 },
      { ...loss, labelSmoothing: 0, ignoreIndex: 3, classWeights: [0.5, 2, 0, 1, 1] },
      { ...loss, labelSmoothing: 0.1, ignoreIndex: -100, classWeights: [0, 1, 2, 3, 4] },
    ]) {
      const own = new TaggingLoss(options);
      const value = await own.of(scores, own.inputs(batch)).item();
      const labels = batch.labels.map((label) => (label === options.ignoreIndex ? -100 : label));
      const weight = options.classWeights && tensor(Float32Array.from(options.classWeights));
      const { labelSmoothing } = options;
      const wanted = await crossEntropy(flat, tensor(labels), { labelSmoothing, weight }).item();
      expect(Math.abs(value - wanted), JSON.stringify(options)).toBeLessThan(1e-6);
      own.dispose();
    }
    const nothing = new TaggingLoss({ ...loss, ignoreIndex: 2 });
    const all = { ...batch, labels: Int32Array.of(2, 2, 2, 2, 2, -100) };
    expect(await nothing.of(scores, nothing.inputs(all)).item()).toBe(0);
  });

  test('one that is no label is refused with the labels there are', async () => {
    expect(await refusal({ loss: { ...loss, ignoreIndex: 5 } })).toBe(
      'ConfigError: configuration: "loss.ignoreIndex" must be the id of a label (0 O, 1 B-LOC, 2 I-LOC, 3 B-PER, 4 I-PER), or negative for none, got 5',
    );
  });
});

describe('loss.classWeights', () => {
  test('0 for O trains, sentences without an entity and all', async () => {
    const changes = { training: { ...training, batchSize: 1, epochs: 3, dropLast: false } };
    const values = await losses({ ...changes, loss: { ...loss, classWeights: [0, 1, 1, 1, 1] } });
    expect(values.every(Number.isFinite)).toBe(true);
    expect(values[2]!).toBeLessThan(values[0]!);
  });

  test.each([
    [[1, 2, 3], 'must have a weight for each of the 5 labels (0 O, 1 B-LOC, 2 I-LOC, 3 B-PER, 4 I-PER), got 3'],
    [[1, 1, 1, 1, 1, 1], 'must have a weight for each of the 5 labels'],
    [[0, 0, 0, 0, 0], 'must leave a label that counts (0 O'],
  ])('%j is refused', async (classWeights, message) => {
    expect(await refusal({ loss: { ...loss, classWeights } })).toContain(
      `ConfigError: configuration: "loss.classWeights" ${message}`,
    );
  });
});

describe('metrics', () => {
  test('a plateau schedule watches trainLoss: the rate falls once it stops falling', async () => {
    const scheduler = {
      name: 'plateau',
      metric: 'trainLoss',
      factor: 0.5,
      patience: 0,
      threshold: 10,
      thresholdMode: 'abs',
    } as const;
    const { history } = await run({ scheduler });
    expect(history.map(({ lr }) => lr)).toEqual([0.01, 0.01, 0.005]);
  });

  test('what is watched of a validation part needs one, and is missed before training', async () => {
    const alone = corpusOf({ train });
    expect(await refusal({}, alone)).toBe(
      'ConfigError: configuration: "training.keepBest.metric" is validation.f1, but the data has no validation part: add one, or watch trainLoss (mode min)',
    );
    const keepBest = { metric: 'trainLoss', mode: 'min' } as const;
    const own = { training: { ...training, epochs: 3, keepBest } };
    expect(await refusal({ ...own, scheduler: { name: 'plateau' } }, alone)).toContain(
      '"scheduler.metric" is validation.loss, but the data has no validation part',
    );
    const { best, history } = await run({ ...own, scheduler: { name: 'plateau', metric: 'trainLoss' } }, alone);
    expect(best).toEqual({ epoch: 3, value: history[2]!.trainLoss });
  });
});

describe('scheduler', () => {
  const rates = async (changes: Changes) => (await run(changes)).history.map(({ lr }) => lr);

  test('a warm-up leads to the rate also where no schedule follows', async () => {
    const [first, second, third] = await rates({ scheduler: { warmup: 2 } });
    expect(first).toBeCloseTo(0.01 / 3, 12);
    expect(second).toBeCloseTo((0.01 * 2) / 3, 12);
    expect(third).toBe(0.01);
    expect(await rates({ scheduler: { warmup: 1, startEpoch: 1 } })).toEqual([0.01 * (1 / 3), 0.01 * (1 / 3), 0.01]);
  });

  test('a cycle of one step, which would be at its lowest rate all along, is refused', async () => {
    const scheduler = { name: 'onecycle' } as const;
    const once = { training: { ...training, epochs: 1 } };
    expect(await refusal({ scheduler, ...once })).toBe(
      'ConfigError: configuration: "scheduler.every" must be batch, or the run longer: a cycle has two steps at least, and 1 epochs with startEpoch 0 leave it 1',
    );
    expect(await refusal({ scheduler: { ...scheduler, startEpoch: 5 } })).toContain(
      '3 epochs with startEpoch 5 leave it 1',
    );
    expect(await refusal({ scheduler: { ...scheduler, every: 'batch' }, ...once })).toBe('trained');
  });
});

test('data.padTo and data.minCount that the data does not allow are refused with what it allows', async () => {
  const longest = Math.max(...train.map((s) => s.tokens.length));
  expect(await refusal({ data: { padTo: longest - 1 } })).toBe(
    `ConfigError: configuration: "data.padTo" must be at least ${longest}, the length of the longest sentence of train, or batch or set, got ${longest - 1}`,
  );
  expect((await run({ data: { padTo: longest } })).history).toHaveLength(3);
  expect(await refusal({ data: { minCount: 1000 } })).toMatch(
    /Vocabulary\.build: minCount must be at most \d+, how often the commonest word comes, got 1000/,
  );
});

test('the labels of these tests are the corpus’s', () => {
  expect(corpus.labels.names).toEqual(LABELS);
});
