// A sentence's tags and scores are its own: alone, beside longer and shorter ones, in any order and batch, for every cell.
import { beforeAll, describe, expect, test } from 'vitest';
import { noGrad } from '../../src/autograd/tape.ts';
import { EncodedSentences, Vocabulary } from '../../src/data/index.ts';
import { Tagger } from '../../src/models/tagger.ts';
import { evaluate, predict } from '../../src/ner/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import { step } from '../../src/tensor/scope.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const WORDS = Array.from({ length: 40 }, (_, i) => `w${String(i).padStart(2, '0')}`);
const vocabulary = new Vocabulary(WORDS);
const LABELS = ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER'];
const sentence = (length: number, seed: number) =>
  Array.from({ length }, (_, t) => WORDS[(seed * 7 + t * t * 3 + 5 * t) % WORDS.length]!);
/** Lengths from 1 to several times the others', so that padding would be most of a row. */
const SENTENCES = [5, 1, 12, 90, 5, 7, 33, 2].map((length, i) => sentence(length, i));

const model = (options: Partial<ConstructorParameters<typeof Tagger>[0]>) =>
  new Tagger({
    vocabularySize: vocabulary.size,
    tags: LABELS.length,
    cell: 'lstm',
    embedding: 9,
    hidden: 11,
    generator: new Generator(3),
    ...options,
  }).eval();

/** Scores of every sentence `[length · K]`, all in one batch. */
async function scoresOf(tagger: Tagger, sentences: readonly (readonly string[])[]): Promise<Float32Array[]> {
  const time = Math.max(...sentences.map((s) => s.length));
  const ids = new Int32Array(sentences.length * time);
  sentences.forEach((s, row) => {
    ids.set(
      s.map((word) => vocabulary.encode(word)),
      row * time,
    );
  });
  const lengths = tensor(Int32Array.from(sentences, (s) => s.length));
  const out = step(() =>
    noGrad(() => tagger.forward({ ids: tensor(ids, { shape: [sentences.length, time] }), lengths })),
  );
  const scores = (await out.data()) as Float32Array;
  return sentences.map((s, row) => scores.slice(row * time * LABELS.length, (row * time + s.length) * LABELS.length));
}

/** As a part of a data set, gold being what `tags` says. */
function dataset(sentences: readonly (readonly string[])[]): EncodedSentences {
  const offsets = Int32Array.of(0, ...sentences.map((_, i) => sentences.slice(0, i + 1).flat().length));
  const ids = Int32Array.from(sentences.flat(), (word) => vocabulary.encode(word));
  const labels = ids.map((id) => id % LABELS.length);
  return new EncodedSentences({ ids, labels, offsets, vocabularySize: vocabulary.size, labelCount: LABELS.length });
}

const shapes = [
  { cell: 'rnn', layers: 1, bidirectional: true },
  { cell: 'rnn', layers: 2, bidirectional: true, nonlinearity: 'relu' },
  { cell: 'gru', layers: 1, bidirectional: true, layerNorm: false },
  { cell: 'gru', layers: 2, bidirectional: false },
  { cell: 'lstm', layers: 1, bidirectional: true, activation: 'none' },
  { cell: 'lstm', layers: 2, bidirectional: true },
] as const;

describe.each(shapes)('$cell, $layers layers, bidirectional $bidirectional', (options) => {
  let tagger: Tagger;
  beforeAll(() => {
    tagger = model(options);
  });

  test('scores: alone as among longer and shorter ones', async () => {
    expect(tagger.packed, 'rows end at their own length where nothing is said').toBe(true);
    const together = await scoresOf(tagger, SENTENCES);
    const reversed = (await scoresOf(tagger, SENTENCES.toReversed())).toReversed();
    for (const [i, own] of SENTENCES.entries()) {
      const [alone] = await scoresOf(tagger, [own]);
      // Not to the bit: which kernel multiplies, and so how it rounds, may follow from the size of the batch.
      for (const among of [together[i]!, reversed[i]!])
        among.forEach(
          (score, at) => void expect(Math.abs(score - alone![at]!), `sentence ${i} at ${at}`).toBeLessThan(2e-6),
        );
    }
  });

  test('tags: predicted alone, in one call, in small batches', async () => {
    const names = { vocabulary, labels: LABELS };
    const together = await predict(tagger, SENTENCES, names);
    expect(await predict(tagger, SENTENCES.toReversed(), { ...names, batchSize: 3 })).toEqual(together.toReversed());
    for (const [i, own] of SENTENCES.entries()) expect(await predict(tagger, [own], names)).toEqual([together[i]]);
    expect(new Set(together.flat()).size, 'different tags, or nothing is shown').toBeGreaterThan(1);
  });

  test('figures: evaluation does not depend on how sentences fall into batches, nor on one long sentence', async () => {
    const keep = { labels: LABELS, keepPredictions: true };
    const all = await evaluate(tagger, dataset(SENTENCES), keep);
    const single = await evaluate(tagger, dataset(SENTENCES), { ...keep, batchSize: 1 });
    expect(single.predictions).toEqual(all.predictions);
    expect(single.entities).toEqual(all.entities);
    expect(single.loss).toBeCloseTo(all.loss, 5);
    const short = SENTENCES.filter((s) => s.length < 90);
    const without = await evaluate(tagger, dataset(short), keep);
    expect(without.predictions).toEqual(all.predictions.filter((_, i) => SENTENCES[i]!.length < 90));
  });
});

describe('packed: false', () => {
  const unpacked = () => model({ packed: false, layers: 1 });

  test('runs over the padding, as it says: scores change beside a longer row', async () => {
    const tagger = unpacked();
    expect(tagger.describe()).toBe('runs over padding');
    const [alone] = await scoresOf(tagger, [SENTENCES[0]!]);
    const [beside] = await scoresOf(tagger, SENTENCES);
    expect(Math.max(...beside!.map((score, i) => Math.abs(score - alone![i]!)))).toBeGreaterThan(1e-3);
  });

  test('predicts sentences of one length at a time, so that tags do not depend on the others of a call', async () => {
    const tagger = unpacked();
    const names = { vocabulary, labels: LABELS };
    const together = await predict(tagger, SENTENCES, names);
    for (const [i, own] of SENTENCES.entries()) {
      expect(await predict(tagger, [own], names)).toEqual([together[i]]);
      expect(together[i]).toHaveLength(own.length);
    }
    expect(await predict(tagger, [[], SENTENCES[0]!, []], names)).toEqual([[], together[0], []]);
  });
});
