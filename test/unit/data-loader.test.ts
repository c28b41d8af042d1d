// Samplers are permutations, batches are padded as asked, and an epoch resumes at any batch exactly.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CollateOptions, Collator } from '../../src/data/collate.ts';
import { EncodedSentences } from '../../src/data/encoded.ts';
import { LabelSet } from '../../src/data/label-set.ts';
import { DataLoader } from '../../src/data/loader.ts';
import { prefetched } from '../../src/data/prefetch.ts';
import { BucketSampler, RandomSampler, type Sampler, SequentialSampler } from '../../src/data/sampler.ts';
import { labelStatistics } from '../../src/data/statistics.ts';
import { ArgumentError } from '../../src/errors.ts';

const UNKNOWN = 1;

/** Sentences of the given lengths whose ids count up from 2, so that every position can be told apart. */
function encoded(lengths: readonly number[], withUnknown = true): EncodedSentences {
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const offsets = Int32Array.from([0, ...lengths]);
  for (let i = 1; i < offsets.length; i++) offsets[i]! += offsets[i - 1]!;
  return new EncodedSentences({
    ids: Int32Array.from({ length: tokens }, (_, i) => i + 2),
    labels: Int32Array.from({ length: tokens }, (_, i) => i % 3),
    offsets,
    unknownIds: withUnknown ? new Int32Array(tokens).fill(UNKNOWN) : undefined,
    vocabularySize: tokens + 2,
    labelCount: 3,
  });
}

const someLengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 60 });
const seed = fc.nat();
const epoch = fc.nat(1000);
type Kind = 'sequential' | 'random' | 'bucket';
const kinds: Kind[] = ['sequential', 'random', 'bucket'];

function sampler(kind: Kind, lengths: readonly number[], batchSize: number, seed: number): Sampler {
  if (kind === 'sequential') return new SequentialSampler({ length: lengths.length });
  if (kind === 'random') return new RandomSampler({ length: lengths.length, seed });
  return new BucketSampler({ lengths, batchSize, seed, batchesPerPool: 3 });
}

describe.each(kinds)('%s sampler', (kind) => {
  test('is a permutation, the same for the same seed and epoch', () => {
    fc.assert(
      fc.property(someLengths, fc.integer({ min: 1, max: 9 }), seed, epoch, (lengths, batchSize, seed, epoch) => {
        const order = sampler(kind, lengths, batchSize, seed).order(epoch);
        expect([...order].sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
        expect(sampler(kind, lengths, batchSize, seed).order(epoch)).toEqual(order);
      }),
    );
  });

  const shuffles = kind !== 'sequential';
  test(shuffles ? 'changes with seed and with epoch' : 'is the same for every seed and epoch', () => {
    const lengths = Array.from({ length: 100 }, (_, i) => 1 + (i % 7));
    const orders = [
      sampler(kind, lengths, 8, 1).order(0),
      sampler(kind, lengths, 8, 1).order(1),
      sampler(kind, lengths, 8, 2).order(0),
    ];
    expect(new Set(orders.map(String)).size).toBe(shuffles ? 3 : 1);
  });
});

describe('BucketSampler', () => {
  const lengths = Array.from({ length: 1003 }, (_, i) => 1 + ((i * 7919) % 50));

  test('puts sentences of like length together, and the batch that is not full last', () => {
    const padding = (sampler: Sampler) => {
      const dataset = encoded(lengths);
      return labelStatistics(new DataLoader({ dataset, batchSize: 16, sampler }), new LabelSet(['a', 'b', 'c']))
        .padTokens;
    };
    const bucketed = new BucketSampler({ lengths, batchSize: 16, seed: 1 });
    expect(padding(bucketed)).toBeLessThan(0.1 * padding(new RandomSampler({ length: lengths.length, seed: 1 })));
    const sizes = [...new DataLoader({ dataset: encoded(lengths), batchSize: 16, sampler: bucketed })].map(
      (b) => b.batch,
    );
    expect(sizes).toEqual([...Array(62).fill(16), 11]);
  });

  test('shuffles the batches, so that short ones do not come first', () => {
    const times = [
      ...new DataLoader({
        dataset: encoded(lengths),
        batchSize: 16,
        sampler: new BucketSampler({ lengths, batchSize: 16, seed: 1 }),
      }),
    ].map((batch) => batch.time);
    const ascents = times.slice(1).filter((time, i) => time > times[i]!).length;
    expect(ascents).toBeGreaterThan(15);
    expect(ascents).toBeLessThan(47);
  });

  test('refuses a batch size that is no positive integer', () => {
    expect(() => new BucketSampler({ lengths, batchSize: 0, seed: 1 })).toThrow(
      /batchSize must be a positive integer, got 0/,
    );
    expect(() => new BucketSampler({ lengths, batchSize: 2, seed: 1, batchesPerPool: 0.5 })).toThrow(ArgumentError);
  });
});

describe('Collator', () => {
  const dataset = encoded([2, 5, 3]);

  test('pads ids with 0 and labels with -100 to the longest of the batch', () => {
    expect(new Collator(dataset).collate([2, 0], 0)).toEqual({
      ids: Int32Array.of(9, 10, 11, 2, 3, 0),
      labels: Int32Array.of(1, 2, 0, 0, 1, -100),
      lengths: Int32Array.of(3, 2),
      batch: 2,
      time: 3,
      indices: [2, 0],
    });
  });

  test.each<[string, CollateOptions, number[], number]>([
    ['the batch', {}, [0, 2], 3],
    ['the set', { padTo: 'set' }, [0], 5],
    ['a number', { padTo: 7 }, [0], 7],
    ['the batch, to a multiple of 4', { multipleOf: 4 }, [0, 1], 8],
    ['the set, to a multiple of 4', { padTo: 'set', multipleOf: 4 }, [0], 8],
    ['a number, to a multiple of 4', { padTo: 5, multipleOf: 4 }, [0], 8],
  ])('pads to %s', (_, options, indices, time) => {
    expect(new Collator(dataset, options).collate(indices, 0).time).toBe(time);
  });

  test('cuts long sentences only if asked to', () => {
    expect(() => new Collator(dataset, { padTo: 4 })).toThrow(
      /padTo must be at least 5, the longest sentence, got 4 \(sentence 1 of dataset\)\. Set `truncate: true`/,
    );
    const batch = new Collator(dataset, { padTo: 4, truncate: true }).collate([1, 0], 0);
    expect(batch.ids).toEqual(Int32Array.of(4, 5, 6, 7, 2, 3, 0, 0));
    expect([...batch.lengths]).toEqual([4, 2]);
  });

  test.each<[CollateOptions, RegExp]>([
    [{ padTo: 0 }, /padTo must be 'batch', 'set' or a positive integer, got 0/],
    [{ padTo: 'max' as 'set' }, /padTo must be/],
    [{ multipleOf: 0 }, /multipleOf must be a positive integer/],
    [{ wordDropout: 1 }, /wordDropout must be from 0 to below 1, got 1/],
    [{ wordDropout: Number.NaN }, /wordDropout must be/],
  ])('refuses %j', (options, message) => {
    expect(() => new Collator(dataset, options)).toThrow(message);
  });

  test.each([3, -1, 0.5])('refuses sentence %d of three', (index) => {
    expect(() => new Collator(dataset).collate([0, index], 0)).toThrow(/indices must be sentences from 0 to 2, got/);
  });

  test('refuses word dropout where there is no unknown id', () => {
    expect(() => new Collator(encoded([2], false), { wordDropout: 0.1 })).toThrow(/vocabulary without an unknown id/);
  });
});

describe('word dropout', () => {
  const lengths = Array.from({ length: 400 }, (_, i) => 1 + (i % 40));
  const dataset = encoded(lengths);
  const collate = (indices: number[], epoch: number, seed = 5) =>
    new Collator(dataset, { wordDropout: 0.2, seed }).collate(indices, epoch);
  const all = lengths.map((_, i) => i);

  test('hides about the asked share of tokens, and nothing of labels or padding', () => {
    const batch = collate(all, 0);
    const plain = new Collator(dataset).collate(all, 0);
    const hidden = batch.ids.filter((id) => id === UNKNOWN).length / dataset.ids.length;
    // Four standard errors of a share of 0.2.
    expect(Math.abs(hidden - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / dataset.ids.length));
    expect(batch.labels).toEqual(plain.labels);
    batch.ids.forEach((id, i) => {
      if (id !== UNKNOWN) expect(id).toBe(plain.ids[i]);
    });
  });

  test('depends on seed, epoch, sentence and position, and not on the batch a sentence is in', () => {
    const [together, alone] = [collate([3, 39, 7], 2), collate([39], 2)];
    expect(together.ids.slice(together.time, 2 * together.time)).toEqual(alone.ids);
    expect(collate([39], 2).ids).toEqual(alone.ids);
    expect(collate([39], 3).ids).not.toEqual(alone.ids);
    expect(collate([39], 2, 6).ids).not.toEqual(alone.ids);
  });
});

describe('DataLoader', () => {
  const options = fc.record({
    lengths: someLengths,
    batchSize: fc.integer({ min: 1, max: 9 }),
    seed,
    epoch,
    kind: fc.constantFrom(...kinds),
    prefetch: fc.nat(3),
    from: fc.nat(70),
  });

  test('resumed at any batch gives the tail of a full pass', () => {
    fc.assert(
      fc.property(options, ({ lengths, batchSize, seed, epoch, kind, prefetch, from }) => {
        const make = () =>
          new DataLoader({
            dataset: encoded(lengths),
            batchSize,
            sampler: sampler(kind, lengths, batchSize, seed),
            collate: { wordDropout: 0.3, seed },
            prefetch,
          });
        const full = [...make().iterate(epoch)];
        const start = Math.min(from, full.length);
        expect([...make().iterate(epoch, start)]).toEqual(full.slice(start));
        expect(full.length).toBe(make().length);
        const met = full.flatMap((batch) => batch.indices).sort((a, b) => a - b);
        expect(met).toEqual(lengths.map((_, i) => i));
      }),
    );
  });

  test('drops other words in every epoch', () => {
    const loader = new DataLoader({ dataset: encoded([40]), batchSize: 1, collate: { wordDropout: 0.5 } });
    const idsOf = (epoch: number) => [...loader.iterate(epoch)][0]!.ids;
    expect(idsOf(1)).toEqual(idsOf(1));
    expect(idsOf(1)).not.toEqual(idsOf(0));
  });

  test('dropLast leaves out a batch that is not full', () => {
    const dataset = encoded([1, 1, 1, 1, 1]);
    const sizes = (dropLast: boolean) => [...new DataLoader({ dataset, batchSize: 2, dropLast })].map((b) => b.batch);
    expect(sizes(false)).toEqual([2, 2, 1]);
    expect(sizes(true)).toEqual([2, 2]);
    expect(() => new DataLoader({ dataset, batchSize: 6, dropLast: true })).toThrow(/batchSize must be at most 5/);
  });

  test('refuses options that do not fit', () => {
    const dataset = encoded([1, 2, 3]);
    const make = (change: object) => () => new DataLoader({ dataset, batchSize: 2, ...change });
    expect(make({ batchSize: 0 })).toThrow(/batchSize must be a positive integer, got 0/);
    expect(make({ prefetch: -1 })).toThrow(/prefetch must be an integer from 0/);
    expect(make({ sampler: new SequentialSampler({ length: 4 }) })).toThrow(/sampler.length must be 3, .* got 4/);
    expect(make({ sampler: new BucketSampler({ lengths: [1, 2, 3], batchSize: 3, seed: 0 }) })).toThrow(
      /sampler.batchSize must be 2, the loader's, got 3/,
    );
    expect(() => make({})().iterate(0, 3)).toThrow(/fromBatch must be an integer from 0 to 2, got 3/);
    expect([...make({})().iterate(0, 2)]).toEqual([]);
  });
});

describe('prefetched', () => {
  const turns = () => new Promise((resolve) => setTimeout(resolve, 20));

  test('makes items ahead in idle turns, no more than asked, each once and in order', async () => {
    const made: number[] = [];
    const items = prefetched((i) => made.push(i) && i, 3, 8, 2);
    expect(items.next().value).toBe(3);
    expect(made).toEqual([3]);
    await turns();
    expect(made).toEqual([3, 4, 5]);
    expect([...items]).toEqual([4, 5, 6, 7]);
    expect(made).toEqual([3, 4, 5, 6, 7]);
  });

  test('makes nothing ahead by default, and nothing more once its consumer has left', async () => {
    const made: number[] = [];
    for (const _ of prefetched((i) => made.push(i), 0, 8, 0)) break;
    for (const _ of prefetched((i) => made.push(i), 0, 8, 2)) break;
    await turns();
    expect(made).toEqual([0, 0]);
  });
});

describe('labelStatistics', () => {
  test('counts labels, tokens, padding and shapes', () => {
    const loader = new DataLoader({ dataset: encoded([2, 5, 3]), batchSize: 2 });
    expect(labelStatistics(loader, new LabelSet(['O', 'B-X', 'I-X']))).toEqual({
      batches: 2,
      sentences: 3,
      tokens: 10,
      padTokens: 3,
      classCounts: new Map([
        ['O', 4],
        ['B-X', 3],
        ['I-X', 3],
      ]),
      shapes: 2,
    });
  });
});
