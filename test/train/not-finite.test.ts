// Training meets a number that is none: the step is refused and named, nothing has changed, and the run can go on.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { IGNORE_INDEX } from '../../src/data/index.ts';
import { NonFiniteError } from '../../src/errors.ts';
import { Tagger } from '../../src/models/tagger.ts';
import { BEST, LAST, trainTagger } from '../../src/ner/index.ts';
import { crossEntropy, mul, reshape } from '../../src/ops/index.ts';
import { Adam, AdamW, OneCycleLR, type Optimizer, RMSprop, SGD } from '../../src/optim/index.ts';
import { assign, tensor } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { Trainer } from '../../src/train/index.ts';
import { runSource } from '../e2e/child.ts';
import { useDevice } from '../gpu-device.ts';
import { MemoryStore, tinyConfig, tinyCorpus, tinySentences } from '../tiny-tagger.ts';

useDevice();

const [BATCH, TIME, WORDS, TAGS, BATCHES] = [3, 5, 20, 4, 5];

interface Rectangle {
  ids: Int32Array<ArrayBuffer>;
  tags: Int32Array<ArrayBuffer>;
  lengths: Int32Array<ArrayBuffer>;
  rows: number[];
}

/** Batch `n` of the data: rows 3n to 3n + 2, of which the last is short. Word 7 is in batch 3 alone. */
function rectangle(n: number): Rectangle {
  const lengths = Int32Array.of(TIME, TIME - 1, 2);
  const within = (i: number) => i % TIME < lengths[Math.floor(i / TIME)]!;
  const word = (i: number) => (n === 3 && i === 2 ? 7 : 8 + ((i * 5 + n * 3) % (WORDS - 8)));
  const ids = Int32Array.from({ length: BATCH * TIME }, (_, i) => (within(i) ? word(i) : 0));
  const tags = ids.map((id, i) => (within(i) ? id % TAGS : IGNORE_INDEX));
  return { ids, tags, lengths, rows: [3 * n, 3 * n + 1, 3 * n + 2] };
}

const OPTIMIZERS: Record<string, (params: Tensor[]) => unknown> = {
  Adam: (params) => new Adam(params, { lr: 0.01 }),
  AdamW: (params) => new AdamW(params, { lr: 0.01 }),
  RMSprop: (params) => new RMSprop(params, { lr: 0.01, momentum: 0.5 }),
  SGD: (params) => new SGD(params, { lr: 0.1, momentum: 0.9 }),
};

interface Choice {
  optimizer?: keyof typeof OPTIMIZERS;
  clipNorm?: number;
  compiled?: boolean;
  /** A rate that changes with every batch. */
  scheduled?: boolean;
  logEvery?: number;
}

function makeRun({ optimizer: kind = 'Adam', clipNorm, compiled = true, scheduled = false, logEvery = 2 }: Choice) {
  const generator = new Generator(11);
  const model = new Tagger({
    cell: 'lstm',
    vocabularySize: WORDS,
    embedding: 4,
    hidden: 4,
    dropout: 0.1,
    outputDropout: 0.1,
    tags: TAGS,
    packed: true,
    generator,
  });
  const optimizer = OPTIMIZERS[kind]!(model.parameters()) as Optimizer;
  const factor = tensor(1);
  const trainer = new Trainer({
    model,
    optimizer,
    generator,
    scheduler: scheduled ? new OneCycleLR(optimizer, { maxLr: 0.02, totalSteps: 2 * BATCHES + 1 }) : undefined,
    scheduleEvery: 'batch',
    clipNorm,
    compiled,
    logEvery,
    data: {
      length: BATCHES,
      iterate: (_epoch, from = 0) => Array.from({ length: BATCHES - from }, (_, i) => rectangle(from + i)),
    },
    inputs: ({ ids, tags, lengths }: Rectangle) => ({
      ids: tensor(ids, { shape: [BATCH, TIME] }),
      tags: tensor(tags),
      lengths: tensor(lengths),
    }),
    loss: ({ ids, tags, lengths }) =>
      mul(crossEntropy(reshape(model.forward({ ids, lengths }), [-1, TAGS]), tags), factor),
    rows: ({ rows }) => rows,
    tokens: ({ lengths }) => lengths.reduce((a, b) => a + b, 0),
  });
  const dispose = () => {
    for (const part of [trainer, optimizer, generator, model, factor]) part.dispose();
  };
  const file = async () => Buffer.concat(await trainer.checkpoint({}));
  return { model, optimizer, trainer, factor, file, dispose };
}

type Run = ReturnType<typeof makeRun>;

/** Trains until so many steps are done. */
async function fitTo(run: Run, steps: number): Promise<void> {
  await run.trainer.fit(2, () => run.trainer.position.step >= steps);
  expect(run.trainer.position.step).toBe(steps);
}

/** Puts a number into a tensor, at element `at`. Returns what takes it out again. */
async function put(target: Tensor, value: number, at = 0): Promise<() => void> {
  const before = await target.data();
  assign(target, before.with(at, value) as Float32Array<ArrayBuffer>);
  return () => assign(target, before);
}

/** Where which number stands before step 4. */
const PLACES: [place: string, value: number, at: number, choice: Choice][] = [
  ['embedding.weight', Number.NaN, 8 * 4, { clipNorm: 1, compiled: false }],
  ['embedding.weight', Number.NEGATIVE_INFINITY, 7 * 4 + 1, { optimizer: 'AdamW', scheduled: true }],
  ['lstm.weight_ih_l0', Number.NaN, 3, { optimizer: 'SGD' }],
  ['lstm.weight_hh_l0', Number.NaN, 0, { optimizer: 'RMSprop', clipNorm: 0.5, scheduled: true }],
  ['lstm.bias_ih_l0_reverse', Number.NaN, 9, { optimizer: 'AdamW', clipNorm: 1, logEvery: 10 }],
  ['lstm.weight_hh_l0_reverse', Number.NaN, 5, { optimizer: 'SGD', clipNorm: 1, logEvery: 1 }],
  ['norm.weight', Number.NaN, 1, {}],
  ['norm.bias', Number.NaN, 7, { optimizer: 'RMSprop' }],
  ['classifier.weight', Number.NaN, 2, { scheduled: true }],
  ['classifier.bias', Number.POSITIVE_INFINITY, 1, { optimizer: 'SGD', compiled: false, scheduled: true }],
  ['the factor of the loss', Number.NaN, 0, { clipNorm: 1 }],
  ['the factor of the loss', 3e38, 0, { optimizer: 'AdamW', clipNorm: 1, scheduled: true }],
];

describe('a number that is none, met in the middle of an epoch', () => {
  test.each(PLACES)('in %s: %d at %d, %o', async (place, value, at, choice) => {
    const run = makeRun(choice);
    const whole = makeRun(choice);
    await fitTo(run, 3);
    const named = [...run.model.namedParameters(), ['the factor of the loss', run.factor] as const];
    const takeOut = await put(named.find(([name]) => name === place)![1], value, at);
    const before = await run.file();
    const error = await run.trainer.fit(2).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NonFiniteError);
    const { message, parameter } = error as NonFiniteError;
    expect(message).toMatch(
      /^training: step 4 \(epoch 1, batch 4 of 5, rows 9, 10, 11\) was refused: .*\. Parameters and optimiser are as before it\. Lower the learning rate, clip the gradients, or look at that batch\.$/,
    );
    // Gates and tanh of infinities are finite: it is the weights' gradient, 0 · ∞, that is the first to be none.
    const first = value === Number.NEGATIVE_INFINITY ? 'lstm.weight_ih_l0' : 'embedding.weight';
    expect(parameter).toBe(first);
    expect(message).toContain(`the first gradient whose norm is not finite is that of ${first}.`);
    expect(run.trainer.position).toEqual({ epoch: 0, batch: 3, step: 3 });
    expect((await run.file()).equals(before), 'the checkpoint of before').toBe(true);
    // It is no accident of the first time.
    await expect(run.trainer.fit(2)).rejects.toThrow(message);
    expect((await run.file()).equals(before)).toBe(true);
    takeOut();
    await run.trainer.fit(2);
    await whole.trainer.fit(2);
    expect((await run.file()).equals(await whole.file()), 'the run that met nothing').toBe(true);
    for (const one of [run, whole]) one.dispose();
  });

  test('a parameter that is not trained has no gradient to be named', async () => {
    const run = makeRun({ clipNorm: 1 });
    run.model.embedding.weight.requiresGrad = false;
    await put(run.model.classifier.bias!, Number.NaN);
    const before = await run.file();
    const error = (await run.trainer.fit(1).catch((e: unknown) => e)) as NonFiniteError;
    expect(error.message).toMatch(
      /^training: step 1 \(epoch 1, batch 1 of 5, rows 0, 1, 2\) was refused: its loss is NaN/,
    );
    expect(error.parameter).toBe('lstm.weight_ih_l0');
    expect((await run.file()).equals(before)).toBe(true);
    run.dispose();
  });
});

test.each(Object.keys(OPTIMIZERS))(
  'a rate that throws the parameters far out, with %s: the step after it is refused',
  async (optimizer) => {
    const run = makeRun({ optimizer, logEvery: 5 });
    await fitTo(run, 1);
    run.optimizer.paramGroups[0]!.lr = 1e37;
    const error = (await run.trainer.fit(2).catch((e: unknown) => e)) as NonFiniteError;
    expect(error).toBeInstanceOf(NonFiniteError);
    const { step } = run.trainer.position;
    expect(error.message).toContain(`training: step ${step + 1} (epoch 1, batch ${step + 1} of 5,`);
    expect(step).toBeLessThan(5);
    const other = makeRun({ optimizer, logEvery: 1 });
    await fitTo(other, 1);
    other.optimizer.paramGroups[0]!.lr = 1e37;
    await fitTo(other, step);
    expect((await run.file()).equals(await other.file())).toBe(true);
    for (const one of [run, other]) one.dispose();
  },
);

test('steps that are not checked go on as they are', async () => {
  const run = makeRun({});
  const unchecked = new Trainer({ ...run.trainer.options, checkFinite: false });
  await put(run.model.classifier.bias!, Number.NaN);
  await unchecked.fit(1);
  expect((await run.model.classifier.weight.data())[0]).toBeNaN();
  unchecked.dispose();
  run.dispose();
});

/** Rates of 0.01 in the first epoch and of 1e36 in the second. */
const DIVERGING = {
  scheduler: { name: 'exponential', gamma: 1e38, every: 'epoch', startEpoch: 0, warmup: 0 },
} as const;

test('a run of the tagger ends with one sentence, its files being those of the last epoch that was whole', async () => {
  const corpus = tinyCorpus(20);
  const store = new MemoryStore();
  const written: string[] = [];
  const kept = {
    open: store.open.bind(store),
    remove: store.remove.bind(store),
    write(name: string, chunks: readonly Uint8Array[]) {
      written.push(name);
      return store.write(name, chunks);
    },
  };
  const run = trainTagger({ config: tinyConfig(DIVERGING), corpus, store: kept });
  await expect(run).rejects.toThrow(
    /^training: step \d+ \(epoch 2, batch \d of 5, rows \d+, \d+, \d+, \d+\) was refused: /,
  );
  expect(written).toEqual([BEST, LAST]);
});

test('weft train says so in one line and ends with code 1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-not-finite-'));
  try {
    const text = (sentences: ReturnType<typeof tinySentences>) =>
      sentences.map(({ tokens, tags }) => `${tokens.map((t, i) => `${t} ${tags[i]}`).join('\n')}\n`).join('\n');
    for (const [part, seed] of [
      ['train', 0],
      ['valid', 1],
    ] as const)
      await writeFile(join(folder, `${part}.txt`), text(tinySentences(16, { seed })));
    const out = join(folder, 'out');
    const args = ['train', 'examples/configs/quickstart.yaml', '--data', folder, '--out', out];
    const sizes = ['training.batchSize=4', 'model.hidden=4', 'model.embedding=4', 'training.epochs=2'];
    const rates = ['scheduler.name=exponential', 'scheduler.gamma=1e38'];
    const ended = await runSource('src/cli/main.ts', [...args, '--set', ...sizes, ...rates], { timeout: 110_000 });
    expect(ended.code).toBe(1);
    const said = ended.error.split('\n').filter((line) => line !== '' && !line.startsWith('Warning: maxDynamic'));
    expect(said.at(-1)).toMatch(/^weft: training: step \d+ \(epoch 2, batch \d of 4, rows [\d, ]+\) was refused: /);
    expect(ended.error).not.toMatch(/\n +at /);
    expect((await readdir(out)).filter((name) => name.endsWith('.safetensors')).sort()).toEqual([BEST, LAST]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
