// Steps that are not finite: whatever the optimiser and the form of its update, nothing changes, and training may go on.
import { describe, expect, test } from 'vitest';
import { NonFiniteError } from '../../src/errors.ts';
import { backward } from '../../src/ops/backward.ts';
import { add, embedding, mul, sum } from '../../src/ops/index.ts';
import { Adam, AdamW, clipGradNorm, FiniteCheck, type Optimizer, RMSprop, SGD } from '../../src/optim/index.ts';
import { compile } from '../../src/tensor/compile.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';
import { expectSameBits } from './same-bits.ts';

const current = useDevice();

const MAKE: Record<string, (params: Tensor[]) => unknown> = {
  SGD: (params) => new SGD(params, { lr: 0.1 }),
  'SGD with momentum': (params) => new SGD(params, { lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 }),
  RMSprop: (params) => new RMSprop(params, { centered: true, momentum: 0.9 }),
  Adam: (params) => new Adam(params, { lr: 0.1 }),
  AdamW: (params) => new AdamW(params, { lr: 0.1, amsgrad: true }),
};

const random = (shape: number[], seed: number) =>
  tensor(Float32Array.from(randomNd(shape, seed).data), { shape, requiresGrad: true });

/** Elements over a chunk's limit, so that a parameter of them has a dispatch of its own. */
const LARGE = 262_145;
const many = Float32Array.from(randomNd([LARGE], 4).data);

interface Inputs {
  ids: Tensor;
  /** Factors of the parameters' parts in the loss, in their order. */
  scales: Tensor[];
}

/** A table, two small parameters in a chunk and perhaps a large one, and a step over them. */
class Run {
  readonly params = [random([40, 6], 1), random([6], 2), random([], 3)];
  readonly optimizer: Optimizer;
  readonly check = new FiniteCheck();
  readonly queue: (inputs: Inputs) => Tensor;
  readonly dispose: () => void;

  constructor(make: (params: Tensor[]) => unknown, options: { compiled: boolean; maxNorm: number; large?: boolean }) {
    if (options.large) this.params.push(tensor(many, { requiresGrad: true }));
    this.optimizer = make(this.params) as Optimizer;
    const { check } = this;
    const run = ({ ids, scales }: Inputs) => {
      const [table, ...others] = this.params as [Tensor, ...Tensor[]];
      const parts = [embedding(ids, table), ...others].map((part, i) => sum(mul(mul(part, part), scales[i]!)));
      const loss = parts.reduce((a, b) => add(a, b));
      backward(loss);
      clipGradNorm(this.params, options.maxNorm, { check, loss });
      this.optimizer.step({ check });
      this.optimizer.zeroGrad();
      return loss;
    };
    const recorded = options.compiled ? compile(run as never) : undefined;
    this.queue = (recorded ?? ((inputs: Inputs) => step(() => run(inputs)))) as never;
    this.dispose = () => {
      recorded?.dispose();
      check.dispose();
      this.optimizer.dispose();
      for (const param of this.params) param.dispose();
    };
  }

  /** Queues step `n`, with other factors for some parameters. */
  step(n: number, bad: Readonly<Record<number, number>> = {}): void {
    const ids = tensor(Int32Array.from({ length: 8 }, (_, i) => (i * n * 7 + 3 * n) % 40));
    const scales = this.params.map((_, i) => tensor(bad[i] ?? 1 / (n + i + 1)));
    this.queue({ ids, scales }).dispose();
    for (const input of [ids, ...scales]) input.dispose();
  }

  async state() {
    const tensors = [...this.params, ...this.optimizer.stateTensors().values()];
    return { values: await Promise.all(tensors.map((t) => t.data())), json: this.optimizer.stateJson() };
  }
}

async function expectSameState(run: Run, other: Run, message: string): Promise<void> {
  const [found, expected] = await Promise.all([run.state(), other.state()]);
  expect(found.json, message).toEqual(expected.json);
  expectSameBits(found.values, expected.values, message);
}

const HUGE = 3e38;
/** Factors, what is said of the loss, and the parameter that is named. */
const BAD: [name: string, bad: Record<number, number>, text: RegExp, parameter: number | undefined][] = [
  ['a NaN in one gradient', { 2: Number.NaN }, /its loss is NaN, and the first .* that of parameter 2\./, 2],
  [
    'an infinity in a chunk',
    { 1: Number.POSITIVE_INFINITY },
    /its loss is Infinity, and the first .* parameter 1\./,
    1,
  ],
  ['an overflow in a table', { 0: HUGE }, /refused: (its loss is Infinity, and )?the first .* parameter 0\./, 0],
  ['NaN everywhere', { 0: Number.NaN, 1: Number.NaN, 2: Number.NaN, 3: Number.NaN }, /parameter 0\./, 0],
];

describe.each([
  { compiled: false, maxNorm: Number.POSITIVE_INFINITY },
  { compiled: true, maxNorm: 0.5 },
])('recorded $compiled, norm limited to $maxNorm', (options) => {
  test.each(Object.entries(MAKE))('%s', async (_name, make) => {
    // Refused as the very first step, while a step is recorded, and in replays; with other steps behind it in the queue.
    for (const [place, [name, bad, text, parameter]] of BAD.entries()) {
      const run = new Run(make, options);
      const other = new Run(make, options);
      for (let n = 0; n < place; n++) for (const one of [run, other]) one.step(n);
      if (place === 2) await run.check.verify();
      const before = run.check.pending;
      run.step(place, bad);
      for (let n = 0; n < 3; n++) run.step(20 + n);
      // Looked at before it is known.
      const seen = await run.params[0]!.data();
      expectSameBits([seen], [await other.params[0]!.data()], `${name}: before it is known`);
      const error = await run.check.verify().catch((e: unknown) => e);
      expect(error, name).toBeInstanceOf(NonFiniteError);
      expect((error as Error).message).toMatch(text);
      expect(error).toMatchObject({ step: before, parameter });
      await expectSameState(run, other, `${name}: after the refusal`);
      for (let n = place; n < place + 4; n++) for (const one of [run, other]) one.step(n);
      await run.check.verify();
      await expectSameState(run, other, `${name}: four steps later`);
      for (const one of [run, other]) one.dispose();
    }
  });
});

test.each(['SGD with momentum', 'RMSprop', 'AdamW'])('%s, a parameter too large for a chunk', async (name) => {
  const options = { compiled: true, maxNorm: Number.POSITIVE_INFINITY, large: true };
  const [run, other] = [new Run(MAKE[name]!, options), new Run(MAKE[name]!, options)];
  for (let n = 0; n < 3; n++) for (const one of [run, other]) one.step(n);
  run.step(3, { 3: Number.NaN });
  await expect(run.check.verify()).rejects.toThrow(/its loss is NaN, and the first .* is that of parameter 3\./);
  await expectSameState(run, other, 'after the refusal');
  for (const one of [run, other]) one.dispose();
});

test('one check for two optimisers, and two questions at a time: both stand still, one answer each', async () => {
  const options = { compiled: true, maxNorm: 1 };
  const runs = [new Run(MAKE.Adam!, options), new Run(MAKE.SGD!, options)] as const;
  const check = new FiniteCheck();
  const train = compile(({ scale }: { scale: Tensor }) => {
    const params = runs.flatMap((run) => run.params.slice(1, 3));
    const loss = params.map((p) => sum(mul(mul(p, p), scale))).reduce((a, b) => add(a, b));
    backward(loss);
    clipGradNorm(params, 1, { check, loss });
    for (const { optimizer } of runs) optimizer.step({ check });
    for (const { optimizer } of runs) optimizer.zeroGrad();
    return loss;
  });
  const go = (value: number) => {
    const scale = tensor(value);
    train({ scale }).dispose();
    scale.dispose();
  };
  for (const value of [1, 2, 3]) go(value);
  await check.verify();
  const before = await Promise.all(runs.map((run) => run.state()));
  go(Number.NaN);
  const [first, second] = await Promise.allSettled([check.verify(), check.verify()]);
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  for (const [i, run] of runs.entries()) {
    const { values, json } = await run.state();
    expect(json).toEqual(before[i]!.json);
    expectSameBits(values, before[i]!.values, `optimiser ${i}`);
  }
  train.dispose();
  check.dispose();
  for (const run of runs) run.dispose();
});

test('gradients whose norm overflows while each is finite are refused too; a finite norm of huge ones is not', async () => {
  const check = new FiniteCheck();
  const params = [random([4], 1), random([4], 2)];
  const optimizer = new SGD(params, { lr: 0 });
  const go = (value: number) =>
    step(() => {
      for (const param of params) param.grad = tensor(new Float32Array(4).fill(value), { shape: [4] });
      clipGradNorm(params, Number.POSITIVE_INFINITY, { check });
      optimizer.step({ check });
      for (const param of params) {
        param.grad?.dispose();
        param.grad = undefined;
      }
    });
  go(1e18);
  await check.verify();
  // Squares of 4 · 8.1e37 and all of them together: 3.2e38 and 6.5e38, which is over the largest float.
  go(9e18);
  await expect(check.verify()).rejects.toThrow(
    'step 1 of those not verified yet was refused: its loss is Infinity, and the norm of all gradients is Infinity, though that of each is finite.',
  );
  check.dispose();
});

test('a loss that is no number of one element is refused, and steps without a check are no concern of it', async () => {
  const check = new FiniteCheck();
  const param = random([3], 1);
  const optimizer = new SGD([param], { lr: 1 });
  param.grad = tensor([Number.NaN, 1, 1]);
  expect(() => clipGradNorm([param], 1, { check, loss: param })).toThrow(
    'clipGradNorm: loss must be f32 of one element, got Tensor([3], f32, requiresGrad).',
  );
  expect(check.pending).toBe(0);
  clipGradNorm([param], Number.POSITIVE_INFINITY);
  optimizer.step();
  await check.verify();
  expect((await param.data())[0]).toBeNaN();
  check.dispose();
  expect(current.device.poolStats.liveBytes).toBeGreaterThan(0);
});
