// Resume: a run stopped anywhere ends with the same file, and with anything missing from its checkpoint it is refused or differs.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { openSafetensors, serializeSafetensors, type TensorToWrite } from '../../src/io/safetensors.ts';
import { BEST, LAST, type TaggerConfig, trainTagger } from '../../src/ner/index.ts';
import { useDevice } from '../gpu-device.ts';
import { MemoryStore, tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

useDevice();

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

// Two epochs of six batches, stopped in the second.
const corpus = tinyCorpus(24);
type Changes = Parameters<typeof tinyConfig>[0];
const config = (changes: Changes = {}) =>
  tinyConfig({ ...changes, training: { ...tinyConfig().training, epochs: 2, ...changes.training } });

async function train(config: TaggerConfig, store: MemoryStore, stopAfter = Number.POSITIVE_INFINITY): Promise<string> {
  let batches = 0;
  const shouldStop = () => ++batches >= stopAfter;
  const { model } = await trainTagger({ config, corpus, store, resume: true, shouldStop });
  model.dispose();
  return sha256(store.files.get(LAST)!);
}

/** The files of a run that was stopped after `stopAfter` batches, and the hash of its last file had it not been. */
async function stopped(config: TaggerConfig, stopAfter: number): Promise<{ store: MemoryStore; whole: string }> {
  const whole = await train(config, new MemoryStore());
  const store = new MemoryStore();
  await train(config, store, stopAfter);
  return { store, whole };
}

test.each<[string, Changes]>([
  ['no schedule, Adam', {}],
  ['a plateau schedule', { scheduler: { name: 'plateau', metric: 'validation.loss', patience: 0, threshold: 10 } }],
  [
    'warm-up and a late start, AdamW',
    {
      scheduler: { name: 'cosine', warmup: 2, startEpoch: 1, every: 'batch' },
      optimizer: { name: 'adamw', weightDecay: 0.1 },
    },
  ],
  ['SGD with Nesterov momentum', { optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true } }],
  [
    'RMSprop with momentum, buckets',
    { optimizer: { name: 'rmsprop', momentum: 0.5 }, training: { bucket: true, dropLast: false } as never },
  ],
])('%s: stopped anywhere and resumed, the same file', async (_, changes) => {
  const whole = await train(config(changes), new MemoryStore());
  // At the start, in mid-epoch twice in one run, and where an epoch ends.
  for (const stops of [[1], [4, 5], [6]]) {
    const store = new MemoryStore();
    for (const stop of stops) await train(config(changes), store, stop);
    expect(await train(config(changes), store), `stopped after ${stops}`).toBe(whole);
  }
});

/** All that a file holds, to be changed and written again. */
async function contentOf(bytes: Uint8Array) {
  const file = await openSafetensors({
    name: LAST,
    size: bytes.length,
    read: async (at, n) => bytes.slice(at, at + n),
  });
  const tensors = new Map<string, TensorToWrite>();
  for (const [name, { dtype, shape }] of file.tensors)
    tensors.set(name, { name, dtype, shape, data: await file.read(name) });
  return { state: JSON.parse(file.metadata['weft.run']!), tensors };
}

type Content = Awaited<ReturnType<typeof contentOf>>;

/** What comes of resuming from a changed file: the hash of the run's end, or the error. */
async function resumeChanged(
  bytes: Uint8Array,
  config: TaggerConfig,
  change: (content: Content) => void,
): Promise<string> {
  const content = await contentOf(bytes);
  change(content);
  const store = new MemoryStore();
  store.files.set(LAST, serializeSafetensors(content.tensors.values(), { 'weft.run': JSON.stringify(content.state) }));
  return train(config, store).catch((error: Error) => `${error.name}: ${error.message}`);
}

/** Every field of a state, by its path; of lists the first element stands for all. */
function* fieldsOf(value: unknown, path: string[] = []): Generator<string[]> {
  if (path.length > 0) yield path;
  if (Array.isArray(value)) {
    if (typeof value[0] === 'object' && value[0] !== null) yield* fieldsOf(value[0], [...path, '0']);
  } else if (value !== null && typeof value === 'object')
    for (const [key, item] of Object.entries(value)) yield* fieldsOf(item, [...path, key]);
}

function drop(state: unknown, path: readonly string[]): void {
  const last = path.at(-1)!;
  const parent = path.slice(0, -1).reduce((at, key) => (at as Record<string, unknown>)[key], state) as object;
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string, unknown>)[last];
}

// Written for the reader of the file: the run's own configuration says them again, or the schedule's state does.
const SAID_TWICE = new Set([
  'extra/config/training/epochs',
  'extra/config/training/out',
  'extra/config/training/logEvery',
  'extra/kernels', // nothing was tuned here; test/gpu/tune.test.ts has a run that was
  'optimizer/paramGroups/0/initialLr',
]);

test('no field of the run state can be dropped: the resumed run is another one, or is refused', async () => {
  const own = config({ scheduler: { name: 'onecycle', every: 'batch', maxLr: 0.02 } });
  const { store, whole } = await stopped(own, 8);
  const bytes = store.files.get(LAST)!;
  const { state } = await contentOf(bytes);
  expect(state.position).toEqual({ epoch: 1, batch: 2, step: 8 });
  expect(await resumeChanged(bytes, own, () => {}), 'written again unchanged').toBe(whole);
  const fields = [...fieldsOf(state)]
    .map((path) => path.join('/'))
    // Three parameters stand for all, and not every word of the vocabulary is dropped.
    .filter((path) => !/^optimizer\/state\/(?!(0|5|19)(\/|$))/.test(path));
  for (const name of [
    'position/epoch',
    'position/batch',
    'position/step',
    'generator/seed',
    'generator/step',
    'progress/lossSum',
    'scheduler/lastEpoch',
    'optimizer/state/5/step',
    'extra/best',
    'extra/history',
  ])
    expect(fields).toContain(name);
  const outcomes: Record<string, string> = {};
  for (const field of fields) {
    const outcome = await resumeChanged(bytes, own, ({ state }) => drop(state, field.split('/')));
    outcomes[field] = outcome === whole ? 'the same run' : outcome.includes('Error: ') ? outcome : 'another run';
  }
  const unnoticed = Object.keys(outcomes).filter((field) => outcomes[field] === 'the same run');
  expect(unnoticed.filter((field) => !SAID_TWICE.has(field))).toEqual([]);
});

test('no tensor can be dropped, of the model or of any kind of optimiser state, nor with its mention in the run state', async () => {
  const kinds: Record<string, string[]> = {};
  for (const changes of [
    { optimizer: { name: 'adam' } },
    { optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9 } },
    { optimizer: { name: 'rmsprop', momentum: 0.5 } },
  ] as const) {
    const own = config(changes);
    const { store, whole } = await stopped(own, 8);
    const bytes = store.files.get(LAST)!;
    const { tensors } = await contentOf(bytes);
    const names = [...tensors.keys()].filter((name) => /^(model\.|optimizer\.state\.5\.)/.test(name));
    kinds[changes.optimizer.name] = names.flatMap((name) => /^optimizer\.state\.5\.(.*)/.exec(name)?.[1] ?? []);
    for (const name of names)
      expect(await resumeChanged(bytes, own, ({ tensors }) => tensors.delete(name)), name).toMatch(
        name.startsWith('model.')
          ? `loadStateDict: ${name.slice('model.'.length)} is missing`
          : `FormatError: last.safetensors: tensor "${name}" is missing from the checkpoint`,
      );
    for (const kind of kinds[changes.optimizer.name]!) {
      const outcome = await resumeChanged(bytes, own, ({ state, tensors }) => {
        tensors.delete(`optimizer.state.5.${kind}`);
        const entry = state.optimizer.state[5];
        entry.tensors = entry.tensors.filter((name: string) => name !== kind);
      });
      expect(outcome, `${changes.optimizer.name} without ${kind}`).not.toBe(whole);
    }
  }
  expect(kinds).toEqual({
    adam: ['expAvg', 'expAvgSq'],
    sgd: ['momentumBuffer'],
    rmsprop: ['squareAvg', 'momentumBuffer'],
  });
});

test('a run is not resumed under a configuration that makes it another run; its length, place and log may change', async () => {
  const store = new MemoryStore();
  await train(config(), store, 8);
  expect(await train(config({ training: { seed: 43 } }), store).catch((e: Error) => e.message)).toBe(
    'last.safetensors: "training.seed" was 42 when the run began and is 43 now: the run cannot be resumed so. ' +
      'Put it back, or begin a new run in another folder.',
  );
  await expect(train(config({ optimizer: { clipNorm: undefined } }), store)).rejects.toThrow(
    '"optimizer.clipNorm" was 1 when the run began and is not set now',
  );
  await expect(train(config({ model: { hidden: 11 } }), store)).rejects.toThrow('"model.hidden" was 10');
  await train(config({ training: { epochs: 3, logEvery: 4, out: 'elsewhere' } }), store);
  expect((await contentOf(store.files.get(LAST)!)).state.position).toEqual({ epoch: 3, batch: 0, step: 18 });
});

test('a finished run goes on under another schedule, which starts from the optimiser’s rate where the run stands', async () => {
  const rates = async (store: MemoryStore) =>
    (await contentOf(store.files.get(LAST)!)).state.extra.history.map(({ lr }: { lr: number }) => lr);
  const store = new MemoryStore();
  await train(config({ scheduler: { name: 'exponential', gamma: 0.1 } }), store);
  const first = await rates(store);
  expect(first).toEqual([0.01, 0.001]);
  await train(config({ scheduler: { name: 'cosine' }, training: { epochs: 6 } }), store);
  const all = await rates(store);
  expect(all.slice(0, 2)).toEqual(first);
  for (const [i, share] of [1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2].entries())
    expect(all[2 + i]).toBeCloseTo(0.01 * share, 12);
});

test('a run that ends between the files of an epoch comes to the same last and best ones', async () => {
  // Enough batches that the second epoch is better than the first: both write both files.
  const own = config({ optimizer: { lr: 0.03 } });
  const longer = tinyCorpus(60);
  const run = async (store: MemoryStore) =>
    (await trainTagger({ config: own, corpus: longer, store, resume: true })).model.dispose();
  const whole = new MemoryStore();
  const writes: string[] = [];
  const { write } = whole;
  whole.write = (name, chunks) => {
    writes.push(name);
    return write.call(whole, name, chunks);
  };
  await run(whole);
  expect(writes.filter((name) => name === BEST).length).toBe(2);
  for (let nth = 0; nth < writes.length; nth++) {
    const store = new MemoryStore();
    let count = 0;
    store.write = async (name, chunks) => {
      if (count++ === nth) throw new Error('the disk is full');
      return write.call(store, name, chunks);
    };
    await expect(run(store)).rejects.toThrow('the disk is full');
    store.write = write;
    await run(store);
    for (const name of [LAST, BEST])
      expect(sha256(store.files.get(name)!), `${name} after write ${nth} failed`).toBe(sha256(whole.files.get(name)!));
  }
});
