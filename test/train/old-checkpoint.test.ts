// Checkpoints of earlier versions: they load, tag as they did, and are gone on with.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  openSafetensors,
  parseSafetensors,
  serializeSafetensors,
  type TensorToWrite,
} from '../../src/io/safetensors.ts';
import { LAST, loadTagger, predict, type TaggerConfig, trainTagger } from '../../src/ner/index.ts';
import { useDevice } from '../gpu-device.ts';
import { MemoryStore, tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

useDevice();

/** Run state of version 1, stopped after 8 of 12 batches; a hash of the data alone; `model.packed: false`. */
const OLD = await readFile(new URL('../fixtures/old/checkpoint-1.safetensors', import.meta.url));
const corpus = () => tinyCorpus(24, { words: 20 });
const { training } = tinyConfig();
const config = tinyConfig({
  model: { embedding: 4, hidden: 4, layers: 1, dropout: 0, packed: false },
  training: { ...training, epochs: 2 },
});

async function changed(change: (state: { extra: { config: TaggerConfig } }) => void): Promise<Uint8Array> {
  const file = await parseSafetensors(OLD, 'old');
  const state = JSON.parse(file.metadata['weft.run']!);
  change(state);
  const tensors: TensorToWrite[] = [];
  for (const [name, { dtype, shape }] of file.tensors)
    tensors.push({ name, dtype, shape, data: await file.read(name) });
  return serializeSafetensors(tensors, { 'weft.run': JSON.stringify(state) });
}

test('version 1 loads with the mode it was trained in, also where its configuration says nothing of it', async () => {
  const { model, vocabulary, labels, config: own } = await loadTagger(await parseSafetensors(OLD, 'old'));
  expect([model.packed, own.model.packed]).toEqual([false, false]);
  expect(labels).toEqual(['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER']);
  const tags = await predict(model, [['w0', 'w3', 'w7'], ['w9']], { vocabulary, labels });
  expect(tags.map((row) => row.length)).toEqual([3, 1]);
  model.dispose();
  const bare = await changed(({ extra }) => {
    delete (extra.config.model as Partial<TaggerConfig['model']>).packed;
  });
  const silent = await loadTagger(await parseSafetensors(bare, 'bare'));
  expect([silent.model.packed, silent.config.model.packed]).toEqual([false, false]);
  silent.model.dispose();
});

test('version 1 is gone on with, and what is written then is of the present version', async () => {
  const store = new MemoryStore();
  store.files.set(LAST, OLD);
  const { model, finished, history } = await trainTagger({ config, corpus: corpus(), store, resume: true });
  expect(finished).toBe(true);
  expect(history.map(({ epoch, step }) => [epoch, step])).toEqual([
    [1, 6],
    [2, 12],
  ]);
  expect(history[1]!.trainLoss).toBeLessThan(history[0]!.trainLoss);
  model.dispose();
  const bytes = store.files.get(LAST)!;
  const { metadata } = await openSafetensors({
    name: LAST,
    size: bytes.length,
    read: async (at, n) => bytes.slice(at, at + n),
  });
  expect(JSON.parse(metadata['weft.run']!).version).toBe(2);
  expect(metadata['weft.sha256.of']).toBe('file');
});

test('version 1 does not say what it began on, but other numbers of batches are noticed, before anything is trained', async () => {
  const store = new MemoryStore();
  store.files.set(LAST, OLD);
  for (const sentences of [20, 28, 4, 96])
    await expect(
      trainTagger({ config, corpus: tinyCorpus(sentences, { words: 20 }), store, resume: true }),
    ).rejects.toThrow(
      `last.safetensors: stands at step 8, 1 epochs and 2 batches in, and this data gives ${sentences / 4} batches an epoch: the run began on other data.`,
    );
  expect(store.files.get(LAST)).toBe(OLD);
});

test('a newer version is refused by its number', async () => {
  const newer = await changed((state) => Object.assign(state, { version: 3 }));
  await expect(loadTagger(await parseSafetensors(newer, 'newer'))).rejects.toThrow(
    'newer: was written by a newer weft (run state version 3, this one reads 1 to 2)',
  );
});
