// Recorded steps: replays equal the step itself to the bit, create nothing, and are refused where the host changed.
import { afterEach, expect, test } from 'vitest';
import type { Device } from '../../src/gpu/device.ts';
import type { DeviceOptions } from '../../src/gpu/options.ts';
import { Tagger } from '../../src/models/tagger.ts';
import { Dropout, Linear } from '../../src/nn/index.ts';
import { readStateDict } from '../../src/nn/module.ts';
import { backward } from '../../src/ops/backward.ts';
import { crossEntropy, maskedSelect, mean, mseLoss, mul, oneHot, reshape, sum } from '../../src/ops/index.ts';
import { Adam, OneCycleLR, SGD } from '../../src/optim/index.ts';
import { compile } from '../../src/tensor/compile.ts';
import { assign, full, init, tensor } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import { keep } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { Trainer } from '../../src/train/index.ts';
import { expectSameBits } from '../optim/same-bits.ts';

const TAGS = 5;
const VOCABULARY = 60;
const SHAPES = [
  [4, 6],
  [4, 7],
  [3, 7],
  [2, 70], // more than one span of segments
] as const;

let device: Device | undefined;
afterEach(async () => {
  device?.destroy();
  await device?.lost;
  device = undefined;
});

async function start(options: DeviceOptions = {}): Promise<Device> {
  device = await init(options);
  return device;
}

interface TagBatch {
  ids: Int32Array<ArrayBuffer>;
  tags: Int32Array<ArrayBuffer>;
  shape: readonly [number, number];
}

/** Batch `n`: skewed ids, so that some rows come in runs longer than a span and others rest for many steps. */
function batchOf(n: number): TagBatch {
  const shape = SHAPES[(n * 3) % SHAPES.length]!;
  const size = shape[0] * shape[1];
  const ids = Int32Array.from({ length: size }, (_, i) => {
    const draw = (i * 7919 + n * 104729) % 997;
    return draw < 600 ? 3 : draw < 900 ? draw % 11 : (draw * (n + 1)) % VOCABULARY;
  });
  return { ids, tags: ids.map((id, i) => (i % 9 === 8 ? -100 : id % TAGS)), shape };
}

/** 200 steps of a tagger with dropout, clipping, and another rate at each step. */
async function train(options: { compiled: boolean; device?: DeviceOptions; planBytes?: number }) {
  const device = await start(options.device);
  const generator = new Generator(3);
  const model = new Tagger({
    cell: 'lstm',
    vocabularySize: VOCABULARY,
    embedding: 12,
    hidden: 8,
    layers: 2,
    bidirectional: true,
    dropout: 0.2,
    embeddingDropout: 0.1,
    tags: TAGS,
    generator,
  });
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const losses: number[] = [];
  const trainer = new Trainer({
    model,
    optimizer,
    generator,
    scheduler: new OneCycleLR(optimizer, { maxLr: 0.02, totalSteps: 210 }),
    scheduleEvery: 'batch',
    clipNorm: 0.5,
    data: {
      length: 50,
      iterate: (epoch, from = 0) => Array.from({ length: 50 - from }, (_, i) => batchOf(50 * epoch + from + i)),
    },
    inputs: ({ ids, tags, shape }: TagBatch) => ({ ids: tensor(ids, { shape }), tags: tensor(tags) }),
    loss: ({ ids, tags }) => crossEntropy(reshape(model.forward({ ids }), [-1, TAGS]), tags),
    tokens: ({ ids }) => ids.length,
    logEvery: 1,
    compiled: options.compiled,
    planBytes: options.planBytes,
    callbacks: [{ onBatch: ({ runningLoss }) => void losses.push(runningLoss) }],
  });
  await trainer.fit(4);
  const state = [...(await readStateDict(model))].map(([, { data }]) => data);
  const moments = await Promise.all([...optimizer.stateTensors().values()].map((t) => t.data()));
  const { plans } = trainer;
  trainer.dispose();
  device.destroy();
  return { losses, values: [...state, ...moments], plans };
}

test('200 steps of four shapes with dropout, clipping and a changing rate: replays have the bits of the step', async () => {
  const plain = await train({ compiled: false });
  expect(plain.losses).toHaveLength(200);
  expect(plain.losses.at(-1)!).toBeLessThan(0.7 * plain.losses[0]!);
  const replayed = await train({ compiled: true });
  expect(replayed.plans).toEqual({ traced: 5, replayed: 195, plans: 4 });
  expect(replayed.losses).toEqual(plain.losses);
  expectSameBits(replayed.values, plain.values, 'parameters and moments');
  const strict = await train({
    compiled: true,
    device: { debug: { poisonFreed: true, groupsReversed: true, flushEveryOp: true } },
  });
  expect(strict.plans!.replayed).toBe(195);
  expectSameBits(strict.values, plain.values, 'nothing stale shows in replays');
  const forgetful = await train({ compiled: true, planBytes: 1 });
  expect(forgetful.plans!.plans, 'under a small byte budget the one used last').toBe(1);
  expectSameBits(forgetful.values, plain.values, 'recorded again and again');
});

/** A linear model with a compiled training step. */
function linearStep(options: { momentum?: number; dropout?: number } = {}) {
  const generator = new Generator(5);
  const linear = new Linear(3, 2, { generator });
  const dropout = new Dropout(options.dropout ?? 0, { generator });
  const optimizer = new SGD(linear.parameters(), { lr: 0.01, momentum: options.momentum ?? 0.9 });
  const run = compile(({ x, y }: { x: Tensor; y: Tensor }) => {
    const loss = mseLoss(linear.forward(dropout.forward(x)), y);
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]); // prettier-ignore
  const y = tensor([
    [0, 1],
    [1, 0],
  ]);
  return { generator, linear, dropout, optimizer, run, x, y };
}

test('a steady replay is one submit, makes no buffer and no bind group', async () => {
  const device = await start();
  const { run, x, y } = linearStep();
  for (let n = 0; n < 4; n++) {
    run({ x, y }).dispose();
    await device.synchronize();
  }
  const before = { ...device.stats, created: device.poolStats.created };
  const loss = run({ x, y });
  await device.synchronize();
  const after = { ...device.stats, created: device.poolStats.created };
  expect(after.dispatches - before.dispatches).toBeGreaterThan(4);
  expect(after.submits - before.submits).toBe(1);
  expect(after.created - before.created).toBe(0);
  expect(after.bindGroupsCreated - before.bindGroupsCreated).toBe(0);
  expect(await loss.item()).toBeLessThan(10);
});

test('modes, frozen parameters, kinds of update and calls of the generator have the step recorded anew', async () => {
  await start();
  const { run, x, y, dropout, linear, optimizer, generator } = linearStep({ dropout: 0.5 });
  const traced = async (change: () => void) => {
    const before = run.stats.traced;
    change();
    generator.step++;
    await run({ x, y }).item();
    return run.stats.traced - before;
  };
  expect(await traced(() => {})).toBe(1);
  expect(await traced(() => {}), 'recorded').toBe(1);
  expect(await traced(() => {}), 'replayed').toBe(0);
  expect(await traced(() => dropout.eval()), 'eval').toBe(1);
  expect(await traced(() => dropout.train()), 'train').toBe(1);
  expect(await traced(() => (linear.bias!.requiresGrad = false)), 'frozen').toBe(1);
  expect(await traced(() => (optimizer.paramGroups[0]!.nesterov = true)), 'another kind of update').toBe(1);
  expect(await traced(() => (optimizer.paramGroups[0]!.lr = 0.02)), 'a rate is data').toBe(0);
  generator.step++;
  generator.nextCall(); // another draw before the step's own
  const before = run.stats.traced;
  await run({ x, y }).item();
  expect(run.stats.traced - before, 'a draw more').toBe(1);
});

test('replays draw new dropout masks, as many calls on as the step makes', async () => {
  await start();
  const generator = new Generator(11);
  const layer = new Dropout(0.5, { generator });
  const ones = full([4, 64], 1);
  const draw = compile(({ x }: { x: Tensor }) => mul(layer.forward(x), layer.forward(x)));
  const masks: string[] = [];
  for (let step = 0; step < 6; step++) {
    generator.step = step;
    masks.push((await draw({ x: ones }).data()).join());
  }
  expect(draw.stats).toEqual({ traced: 2, replayed: 4, plans: 1 });
  expect(new Set(masks).size).toBe(6);
  expect(generator.nextCall(), 'two draws in each step').toBe(2);
});

test('replays that wait together keep their own data, and those of a plan that was dropped meanwhile still run', async () => {
  const device = await start();
  // Made on the device: it is copied in, and no upload parts the replays but the rates.
  const x = keep(mul(full([4], 3), full([4], 2)));
  const results = async (together: boolean) => {
    const weight = full([4], 1, { requiresGrad: true });
    const sgd = new SGD([weight], { lr: 0.01 });
    const run = compile(({ x }: { x: Tensor }) => {
      const loss = sum(mul(mul(weight, weight), x));
      backward(loss);
      sgd.step();
      sgd.zeroGrad();
      return loss;
    });
    const waiting: Tensor[] = [];
    for (let n = 0; n < 6; n++) {
      sgd.paramGroups[0]!.lr = 0.01 * (n + 1);
      waiting.push(run({ x }));
      if (!together) await device.synchronize();
    }
    expect(run.stats).toEqual({ traced: 2, replayed: 4, plans: 1 });
    run.dispose();
    return Promise.all([weight, ...waiting].map((result) => result.data()));
  };
  const apart = await results(false); // first: replays whose kernels are not compiled yet go another way
  expectSameBits(await results(true), apart, 'waiting together');
});

test('loading other values between replays is seen, freeing a parameter has the step recorded anew', async () => {
  await start();
  const { run, x, y, linear } = linearStep({ momentum: 0 });
  for (let n = 0; n < 3; n++) await run({ x, y }).item();
  assign(linear.weight, new Float32Array(6));
  assign(linear.bias!, new Float32Array(2));
  expect(await run({ x, y }).item()).toBeCloseTo(0.5, 6);
  const table = keep(full([2, 2], 3));
  const scale = compile(({ x }: { x: Tensor }) => mul(x, table));
  const z = full([2, 2], 2);
  for (let n = 0; n < 3; n++) expect(await sum(scale({ x: z })).item()).toBe(24);
  table.dispose();
  expect(() => scale({ x: z })).toThrow(/was freed/);
});

test('an id out of range in a replay is refused before anything is queued', async () => {
  const device = await start();
  const model = new Tagger({
    cell: 'rnn',
    vocabularySize: 9,
    embedding: 4,
    hidden: 4,
    tags: 3,
    generator: new Generator(1),
  });
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const run = compile(({ ids, tags }: { ids: Tensor; tags: Tensor }) => {
    const loss = crossEntropy(reshape(model.forward({ ids }), [-1, 3]), tags);
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  const call = (last: number, tag = 2) =>
    run({ ids: tensor(Int32Array.of(1, 2, 3, last), { shape: [2, 2] }), tags: tensor(Int32Array.of(0, 1, 2, tag)) });
  for (let n = 0; n < 3; n++) await call(n).item();
  const values = async () => [...(await readStateDict(model)).values()].map(({ data }) => data);
  const [before, state] = [await values(), JSON.stringify(optimizer.stateJson())];
  const { dispatches } = device.stats;
  expect(() => call(9)).toThrow('embedding: ids must be in 0..8, got 9 at [1, 1]');
  expect(() => call(8, 3)).toThrow(/crossEntropy: target must be in 0\.\.2/);
  await device.synchronize();
  expect(device.stats.dispatches).toBe(dispatches);
  expectSameBits(await values(), before, 'parameters');
  expect(JSON.stringify(optimizer.stateJson())).toBe(state);
  expect(await call(8).item()).toBeGreaterThan(0);
  expect(run.stats.replayed).toBeGreaterThanOrEqual(2);
});

test('what a replay could not repeat is refused while recording, with the remedy', async () => {
  await start();
  const x = full([2, 3], 1);
  const twice = (fn: (inputs: { x: Tensor }) => Tensor | undefined) => {
    const run = compile(fn);
    run({ x });
    return () => run({ x });
  };
  expect(twice(({ x }) => mul(x, tensor([2])))).toThrow(
    'compile: tensor in a compiled step uploads values, which a replay would repeat. Make it before the step and pass it to the compiled function; constants can be made once, or with full().',
  );
  const outside = full([3], 1);
  expect(twice(() => void assign(outside, new Float32Array(3)))).toThrow(/compile: assign in a compiled step/);
  const generator = new Generator(1);
  const layer = new Dropout(0.5, { generator });
  expect(
    twice(({ x }) => {
      generator.step++;
      return layer.forward(x);
    }),
  ).toThrow(/Generator\.step in a compiled step would be set once/);
  const mask = tensor(Uint32Array.of(1, 0, 1));
  expect(twice(({ x }) => maskedSelect(x, mask))).toThrow(
    /maskedSelect in a compiled step has a size that follows from values/,
  );
  const ids = tensor(Int32Array.of(1, 0, 1));
  expect(twice(() => oneHot(ids))).toThrow(/oneHot in a compiled step without `classes`/);
  let reads: Promise<unknown> = Promise.resolve();
  const reading = compile(({ x }: { x: Tensor }) => {
    reads = mean(x).item();
    return undefined;
  });
  reading({ x });
  await reads;
  reading({ x });
  await expect(reads).rejects.toThrow('compile: the step reads data back from the device');
  const weight = full([3], 1, { requiresGrad: true });
  const accumulating = compile(({ x }: { x: Tensor }) => {
    backward(sum(mul(x, weight)));
    return undefined;
  });
  accumulating({ x });
  expect(() => accumulating({ x })).toThrow(/uses and frees a tensor made before it .* Call zeroGrad in the same step/);
  expect(() => compile(() => full([1], 1))(7 as never)).toThrow(
    'compile: the inputs or results must be tensors, in arrays or plain objects, got number',
  );
});

test('plans give way under a byte budget, and the bits stay', async () => {
  const byteBudget = 700_000;
  const plain = await train({ compiled: false });
  const tight = await train({ compiled: true, device: { byteBudget } });
  expectSameBits(tight.values, plain.values, 'parameters and moments');
});
