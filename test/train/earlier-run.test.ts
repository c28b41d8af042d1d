// Runs and the files of runs before them: not resumed on other data, not written over unasked, replaced as a whole where asked.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Sentence } from '../../src/data/index.ts';
import { BEST, type Corpus, corpusOf, LAST, trainTagger } from '../../src/ner/index.ts';
import { useDevice } from '../gpu-device.ts';
import { MemoryStore, tinyConfig, tinySentences } from '../tiny-tagger.ts';

useDevice();

const { training } = tinyConfig();
const config = (epochs: number) =>
  tinyConfig({
    data: { wordDropout: 0 },
    model: { embedding: 4, hidden: 4, layers: 1, dropout: 0 },
    training: { ...training, epochs, dropLast: false },
  });
const parts = () => ({
  train: tinySentences(24, { words: 20 }),
  validation: tinySentences(12, { words: 20, seed: 1 }),
  test: tinySentences(8, { words: 20, seed: 2 }),
});
const hash = (store: MemoryStore, name: string) =>
  createHash('sha256')
    .update(store.files.get(name) ?? '')
    .digest('hex');

interface Run {
  epochs?: number;
  stopAfter?: number;
  resume?: boolean;
  overwrite?: boolean;
  withTest?: boolean;
  /** Ends with an error after its first batch. */
  fails?: boolean;
}

async function train(store: MemoryStore, corpus: Corpus, run: Run = {}) {
  const { epochs = 2, stopAfter = Number.POSITIVE_INFINITY, resume, overwrite, withTest } = run;
  let batches = 0;
  const { model, history } = await trainTagger({
    config: config(epochs),
    corpus,
    store,
    shouldStop: () => {
      if (run.fails) throw new Error('no more');
      return ++batches >= stopAfter;
    },
    ...(resume === undefined ? {} : { resume }),
    ...(overwrite === undefined ? {} : { overwrite }),
    ...(withTest === undefined ? {} : { testEveryEpoch: withTest }),
  });
  model.dispose();
  return { batches, history };
}

const copy = (store: MemoryStore) => {
  const other = new MemoryStore();
  for (const [name, bytes] of store.files) other.files.set(name, bytes);
  return other;
};

test('a run is resumed on its own data alone; the error names the part and what differs', async () => {
  const began = new MemoryStore();
  await train(began, corpusOf(parts()), { stopAfter: 8 });
  const refusal = async (data: Parameters<typeof corpusOf>[0], run: Run = {}) => {
    const store = copy(began);
    const before = hash(store, LAST);
    const message = await train(store, corpusOf(data), { resume: true, ...run }).then(
      () => 'went on',
      (error: Error) => `${error.name}: ${error.message}`,
    );
    if (message !== 'went on') expect(hash(store, LAST), 'the files stay as they were').toBe(before);
    return message;
  };
  const { train: sentences, validation, test: tested } = parts();
  const tokens = (list: readonly Sentence[]) => list.reduce((sum, s) => sum + s.tokens.length, 0);
  const changed = (at: number, change: (s: Sentence) => Sentence) => sentences.with(at, change(sentences[at]!));
  const remedy = ' Resume it on the data it began with, or begin a new run in another folder.';

  expect(await refusal(parts()), 'the same sentences, read again').toBe('went on');
  expect(await refusal({ ...parts(), train: sentences.slice(0, 9) })).toBe(
    `FormatError: last.safetensors: is of a run on other data: its train part had 24 sentences of ${tokens(sentences)} tokens, this one has 9 sentences of ${tokens(sentences.slice(0, 9))} tokens.${remedy}`,
  );
  // More of the same, so that the place where the run stands is there too.
  expect(await refusal({ ...parts(), train: [...sentences, ...sentences] })).toContain('this one has 48 sentences');
  const same = `had as many sentences and tokens as this one, 24 sentences of ${tokens(sentences)} tokens, but other`;
  const word = changed(5, (s) => ({ ...s, tokens: s.tokens.with(0, 'w19') }));
  expect(await refusal({ ...parts(), train: word })).toContain(`train part ${same} words or another order of them`);
  const long = sentences.findIndex((s) => s.tokens.length > 1 && s.tags[0] === 'O');
  const tag = changed(long, (s) => ({ ...s, tags: s.tags.with(0, 'B-PER') }));
  expect(await refusal({ ...parts(), train: tag })).toContain(`${same} tags or another order`);
  expect(await refusal({ ...parts(), train: sentences.toReversed() })).toContain(
    `${same} words and tags or another order`,
  );
  expect(await refusal({ ...parts(), validation: validation.slice(1) })).toContain(
    'its validation part had 12 sentences',
  );
  expect(await refusal({ train: sentences, test: tested })).toContain(
    `validation part had 12 sentences of ${tokens(validation)} tokens, this data has none`,
  );
  // The test part is nobody's business in a run that does not look at it.
  expect(await refusal({ ...parts(), test: tested.slice(1) })).toBe('went on');
  expect(await refusal({ ...parts(), test: tested.slice(1) }, { withTest: true })).toContain('its test part had 8');
});

test('words that are cut elsewhere are other words: their hash is not that of the text', async () => {
  const store = new MemoryStore();
  const of = (tokens: string[]) => ({ tokens, tags: tokens.map(() => 'O') });
  const base = parts();
  await train(store, corpusOf({ ...base, train: [...base.train, of(['a', 'b c']), of(['d'])] }), { stopAfter: 2 });
  const other = corpusOf({ ...base, train: [...base.train, of(['a b', 'c']), of(['d'])] });
  await expect(train(store, other, { resume: true })).rejects.toThrow('but other words or another order of them');
});

test('a finished run is not gone on with on other data either', async () => {
  const store = new MemoryStore();
  await train(store, corpusOf(parts()));
  const more = corpusOf({ ...parts(), train: tinySentences(24, { words: 20, seed: 5 }) });
  await expect(train(store, more, { resume: true, epochs: 4 })).rejects.toThrow('is of a run on other data: its train');
  expect((await train(store, corpusOf(parts()), { resume: true, epochs: 3 })).history).toHaveLength(3);
});

test('a run that is there already is not written over: not a finished one, nor a stopped one, nor its best alone', async () => {
  const finished = new MemoryStore();
  await train(finished, corpusOf(parts()));
  const stopped = new MemoryStore();
  await train(stopped, corpusOf(parts()), { stopAfter: 2 });
  const best = copy(finished);
  best.files.set(BEST, finished.files.get(LAST)!);
  best.files.delete(LAST);
  const damaged = copy(finished);
  damaged.files.set(LAST, damaged.files.get(LAST)!.slice(0, 500));
  for (const [store, said] of [
    [
      finished,
      /^last\.safetensors: is of an earlier run \(2 of 2 epochs, best validation\.f1 0\.\d{4}\), which this run/,
    ],
    [
      stopped,
      /^last\.safetensors: is of an earlier run \(0 of 2 epochs\), which this run would overwrite\. Train into another/,
    ],
    [best, /^best\.safetensors: is of an earlier run/],
    [damaged, /^last\.safetensors: is a file that is here already, which this run would overwrite/],
  ] as const) {
    const before = [LAST, BEST].map((name) => hash(store, name));
    const error = await train(store, corpusOf(parts())).catch((e: Error) => e);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(said);
    expect((error as Error).message).toContain('(--out), replace it (--overwrite), or go on with it (--resume).');
    expect([LAST, BEST].map((name) => hash(store, name))).toEqual(before);
  }
  // To resume without the last checkpoint would be to begin anew over the best one, which is not of the first epoch.
  await expect(train(best, corpusOf(parts()), { resume: true })).rejects.toThrow(
    'best.safetensors: is of an earlier run',
  );
});

test('a run that is to be replaced stands until the new one has files, and none of it is left beside them', async () => {
  const store = new MemoryStore();
  await train(store, corpusOf(parts()), { epochs: 3 });
  const [last, best] = [hash(store, LAST), hash(store, BEST)];
  const keep = copy(store);
  await expect(train(store, corpusOf(parts()), { overwrite: true, fails: true })).rejects.toThrow('no more');
  expect([hash(store, LAST), hash(store, BEST)]).toEqual([last, best]);
  // Stopped in its first epoch, the new run has no best epoch, and must not be taken for the owner of the old one's.
  await train(store, corpusOf(parts()), { overwrite: true, stopAfter: 2 });
  expect(hash(store, LAST)).not.toBe(last);
  expect(store.files.has(BEST)).toBe(false);
  const { history } = await train(store, corpusOf(parts()), { resume: true });
  expect(history).toHaveLength(2);
  expect(hash(store, BEST)).not.toBe(best);
  // Finished, it is the run that an empty store would have seen.
  const fresh = new MemoryStore();
  await train(fresh, corpusOf(parts()));
  const again = copy(keep);
  await train(again, corpusOf(parts()), { overwrite: true });
  for (const name of [LAST, BEST]) expect(hash(again, name)).toBe(hash(fresh, name));
});
