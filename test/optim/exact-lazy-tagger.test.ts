// Exact-lazy Adam in whole runs of a tagger: recorded steps, clipping, schedules, evaluation, stops; the same file in the end.
import { expect, test } from 'vitest';
import { LAST, type TaggerConfig, trainTagger } from '../../src/ner/index.ts';
import { useDevice } from '../gpu-device.ts';
import { MemoryStore, tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

const current = useDevice();
const corpus = tinyCorpus(24);
type Lazy = TaggerConfig['optimizer']['lazy'];

/** Trains on to the end, or until so many batches are done; returns the last file as text, without the word for laziness and the hash over it. */
async function train(
  changes: Parameters<typeof tinyConfig>[0],
  lazy: Lazy,
  store = new MemoryStore(),
  stopAfter = Number.POSITIVE_INFINITY,
) {
  const own = tinyConfig({ ...changes, optimizer: { ...changes?.optimizer, lazy } as TaggerConfig['optimizer'] });
  let batches = 0;
  const shouldStop = () => ++batches >= stopAfter;
  const { model } = await trainTagger({ config: own, corpus, store, resume: true, shouldStop });
  model.dispose();
  const text = Buffer.from(store.files.get(LAST)!).toString('latin1');
  expect(text).toContain(`\\"lazy\\":\\"${lazy}\\"`);
  const word = `\\"lazy\\":\\"${lazy}\\"`;
  return text
    .slice(8)
    .replace(word, '')
    .replace(/"weft\.sha256":"\w+"/, '')
    .replaceAll(' ', '');
}

test.each<[string, Parameters<typeof tinyConfig>[0]]>([
  ['Adam, a cosine', { scheduler: { name: 'cosine', every: 'batch', startEpoch: 0, warmup: 3 } }],
  ['Adam, weight decay, padding run over', { optimizer: { name: 'adam', weightDecay: 0.01 } as never }],
  [
    'AdamW, one cycle with momenta',
    {
      optimizer: { name: 'adamw', weightDecay: 0.1 } as never,
      scheduler: { name: 'onecycle', every: 'batch', startEpoch: 0, warmup: 0 },
    },
  ],
])('%s: the file of the dense run, whole and stopped, resumed one way and the other', async (_name, changes) => {
  const whole = await train(changes, 'none');
  expect(await train(changes, 'exact')).toBe(whole);
  const store = new MemoryStore();
  await train(changes, 'exact', store, 4);
  await train(changes, 'none', store, 7);
  await train(changes, 'exact', store, 5);
  expect(await train(changes, 'exact', store)).toBe(whole);
  expect(current.device.poolStats.liveBytes).toBe(0);
});
