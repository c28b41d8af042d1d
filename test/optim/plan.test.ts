// Optimisers in a recorded step: scalars and counters go on in replays, and what changes the kernels is told.
import { expect, test } from 'vitest';
import { type Plan, record } from '../../src/gpu/plan.ts';
import { add, mul } from '../../src/ops/arithmetic.ts';
import { backward } from '../../src/ops/backward.ts';
import { embedding } from '../../src/ops/embedding.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { BLOCK } from '../../src/optim/blocks.ts';
import { Adam, AdamW, clipGradNorm, type Optimizer, RMSprop, SGD } from '../../src/optim/index.ts';
import { compile } from '../../src/tensor/compile.ts';
import { assign, tensor } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';
import { expectSameBits } from './same-bits.ts';

const current = useDevice();

const MAKE: Record<string, (params: Tensor[]) => Optimizer> = {
  adam: (params) => new Adam(params, { lr: 0.1, weightDecay: 0.01 }),
  amsgrad: (params) => new AdamW(params, { lr: 0.1, amsgrad: true }),
  sgd: (params) => new SGD(params, { lr: 0.1 }),
  momentum: (params) => new SGD(params, { lr: 0.1, momentum: 0.9, dampening: 0.5 }),
  rmsprop: (params) => new RMSprop(params, { centered: true, momentum: 0.9 }),
};

const random = (shape: number[], seed: number) =>
  tensor(Float32Array.from(randomNd(shape, seed).data), { shape, requiresGrad: true });

/** A table, a vector and a scalar, and a step over them. */
class Run {
  readonly params = [random([40, 6], 1), random([6], 2), random([], 3)];
  readonly ids = tensor(new Int32Array(8));
  readonly optimizer: Optimizer;

  constructor(make: (params: Tensor[]) => Optimizer) {
    this.optimizer = make(this.params);
  }

  clip = 0.5;

  /** What comes from outside in step `n`. */
  prepare(n: number): void {
    this.clip = n % 3;
    assign(
      this.ids,
      Int32Array.from({ length: 8 }, (_, i) => (i * n * 7 + n) % 40),
    );
    this.optimizer.paramGroups[0]!.lr = 0.1 / (n + 1);
  }

  step(): void {
    const [table, bias, scale] = this.params as [Tensor, Tensor, Tensor];
    step(() => {
      const rows = add(embedding(this.ids, table), bias);
      backward(sum(mul(mul(rows, rows), scale)));
      clipGradNorm(this.params, () => this.clip);
      this.optimizer.step();
      this.optimizer.zeroGrad();
    });
  }

  async values() {
    const state = await Promise.all([...this.optimizer.stateTensors().values()].map((t) => t.data()));
    return [...(await Promise.all(this.params.map((p) => p.data()))), ...state];
  }
}

test.each(Object.entries(MAKE))('%s: replays give the bits of the steps themselves', async (_name, make) => {
  const { device } = current;
  const plain = new Run(make);
  const replayed = new Run(make);
  let plan: Plan | undefined;
  let recorded = 0;
  for (let n = 0; n < 12; n++) {
    plain.prepare(n);
    plain.step();
    replayed.prepare(n);
    if (plan?.valid && plan.current) device.replay(plan);
    else {
      plan = record(device, () => replayed.step()).plan;
      recorded++;
    }
  }
  // The first step of those with state made it, and was not to be repeated.
  expect(recorded).toBe(replayed.optimizer.stateTensors().size > 0 ? 2 : 1);
  expect(replayed.optimizer.stateJson()).toEqual(plain.optimizer.stateJson());
  expectSameBits(await replayed.values(), await plain.values(), 'values and state');
});

test('options that change the kernels, and parameters that no longer want gradients, are told; numbers are not', () => {
  const run = new Run(MAKE.adam!);
  run.prepare(0);
  run.step();
  const { plan } = record(current.device, () => run.step());
  const group = run.optimizer.paramGroups[0] as unknown as { lr: number; eps: number; amsgrad: boolean };
  Object.assign(group, { lr: 3, eps: 1e-3 });
  expect(plan.current).toBe(true);
  group.amsgrad = true;
  expect(plan.current).toBe(false);
  group.amsgrad = false;
  expect(plan.current).toBe(true);
  run.params[1]!.requiresGrad = false;
  expect(plan.current).toBe(false);
});

test('a replay that is refused for its options queues nothing and leaves the counters', async () => {
  const run = new Run(MAKE.adam!);
  run.prepare(0);
  run.step();
  const { plan } = record(current.device, () => run.step());
  const before = await run.values();
  const json = JSON.stringify(run.optimizer.stateJson());
  run.optimizer.paramGroups[0]!.lr = Number.NaN;
  expect(() => current.device.replay(plan)).toThrow(/paramGroups\[0\] must be of finite options/);
  run.optimizer.paramGroups[0]!.lr = 0.1;
  expect(JSON.stringify(run.optimizer.stateJson())).toBe(json);
  expectSameBits(await run.values(), before, 'values and state');
});

test('of two optimisers the second is refused: the first has not gone on either, nor has a generator', async () => {
  const runs = [new Run(MAKE.adam!), new Run(MAKE.adam!)] as const;
  const generator = new Generator(3);
  for (const run of runs) {
    run.prepare(0);
    run.step();
  }
  const { plan } = record(current.device, () => {
    runs[0].step();
    generator.nextCall(current.device);
    runs[1].step();
  });
  generator.step = 1; // its calls count from 0 again, as they did at the recording
  const before = await runs[0].values();
  const json = runs.map(({ optimizer }) => optimizer.stateJson());
  runs[1].optimizer.paramGroups[0]!.lr = Number.NaN;
  expect(() => current.device.replay(plan)).toThrow(/paramGroups\[0\] must be of finite options/);
  runs[1].optimizer.paramGroups[0]!.lr = 0.1;
  expect(runs.map(({ optimizer }) => optimizer.stateJson())).toEqual(json);
  expect(plan.current, 'the generator counts its calls').toBe(true);
  expectSameBits(await runs[0].values(), before, 'values and state');
});

test('a limit of norms that is none is refused in a replay, which queues nothing then', async () => {
  const run = new Run(MAKE.adam!);
  run.prepare(1);
  run.step();
  const { plan } = record(current.device, () => run.step());
  const before = await run.values();
  run.clip = -1;
  expect(() => current.device.replay(plan)).toThrow('clipGradNorm: maxNorm must be a finite number >= 0, got -1.');
  expectSameBits(await run.values(), before, 'values and state');
});

test('a plan goes with the state that it updates', () => {
  const run = new Run(MAKE.adam!);
  run.prepare(0);
  run.step();
  const { plan } = record(current.device, () => run.step());
  run.optimizer.dispose();
  expect(plan.valid).toBe(false);
});

test('tables of blocks made in one recording are out of reach of the replays of others', async () => {
  const run = (compiled: boolean) => {
    const params = [random([300, 64], 1), random([64], 2), random([64], 3), random([], 4)];
    const optimizer = new Adam(params, { lr: 0.01 });
    const norms: Tensor[] = [];
    const work = ({ ids }: { ids: Tensor }) => {
      const [table, bias, weight, scale] = params as [Tensor, Tensor, Tensor, Tensor];
      const rows = mul(add(embedding(ids, table), bias), weight);
      backward(mean(mul(mul(rows, rows), scale)));
      const norm = clipGradNorm(params, 0.1);
      optimizer.step();
      optimizer.zeroGrad();
      return norm;
    };
    const each = compiled ? compile(work) : (inputs: { ids: Tensor }) => step(() => work(inputs));
    // Places of partial sums, and so tables, differ with the number of blocks that the table's gradient has.
    for (let n = 0; n < 30; n++) {
      const count = (BLOCK / 64) * [9, 9, 1, 2, 9, 1.75, 3, 1, 2.75, 9][n % 10]!;
      norms.push(each({ ids: tensor(Int32Array.from({ length: count }, (_, i) => (i * 7 + n) % 300)) }));
    }
    return Promise.all([...norms, ...params].map((t) => t.data()));
  };
  expectSameBits(await run(true), await run(false), 'norms and parameters');
});
