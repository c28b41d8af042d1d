// Optimisers: PyTorch's numbers for every variant, resumption to the bit, what a steady step costs, refusals.
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../src/gpu/device.ts';
import { mul } from '../../src/ops/arithmetic.ts';
import {
  Adam,
  type AdamOptions,
  AdamW,
  CosineAnnealingLR,
  OneCycleLR,
  type Optimizer,
  RMSprop,
  type RMSpropOptions,
  SGD,
  type SGDOptions,
} from '../../src/optim/index.ts';
import { tensor, zeros } from '../../src/tensor/create.ts';
import type { TypedArray } from '../../src/tensor/dtype.ts';
import { keep, step } from '../../src/tensor/scope.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { type Fixture, loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';
import { expectSameBits } from './same-bits.ts';

const current = useDevice();
const kinds = { SGD, RMSprop, Adam, AdamW } as const;
type Kind = keyof typeof kinds;
type Options = SGDOptions & RMSpropOptions & AdamOptions;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await loadFixture('optimizers.safetensors');
});

const parameter = (shape: Shape, data: ArrayLike<number>) =>
  tensor(Float32Array.from(data), { shape, requiresGrad: true });
const random = (shape: Shape, seed: number) => parameter(shape, randomNd(shape, seed).data);

function make(kind: Kind, groups: readonly (Options & { params: Tensor[] })[], options: Options = {}): Optimizer {
  return new kinds[kind](groups as never, options as never) as unknown as Optimizer;
}

/** The parameters a and b of a case, its optimiser, and its steps. */
class Run {
  readonly params: Record<string, Tensor> = {};
  readonly optimizer: Optimizer;
  readonly name: string;

  constructor(name: string, values?: Record<string, TypedArray>) {
    this.name = name;
    for (const key of ['a', 'b']) {
      const { shape, data } = fixture.get(`shared.init.${key}`);
      this.params[key] = parameter(shape, values?.[key] ?? data);
    }
    const { optimizer, groups } = fixture.meta[name]!;
    this.optimizer = make(
      optimizer,
      groups.map((group: Options & { params: string[] }) => ({
        ...group,
        params: group.params.map((key) => this.params[key]!),
      })),
      { lr: 1 },
    );
  }

  step(n: number): void {
    const skipped: { step: number; param: string }[] = fixture.meta[this.name]!.skipped;
    for (const [key, param] of Object.entries(this.params)) {
      if (skipped.some((s) => s.step === n && s.param === key)) continue;
      const { shape, data } = fixture.get(`shared.grad${n}.${key}`);
      param.grad = tensor(data, { shape });
    }
    this.optimizer.step();
    this.optimizer.zeroGrad();
  }

  async values(): Promise<Record<string, TypedArray>> {
    return { a: await this.params.a!.data(), b: await this.params.b!.data() };
  }

  dispose(): void {
    this.optimizer.dispose();
    for (const param of Object.values(this.params)) param.dispose();
  }
}

const CASES = [
  ...['sgd', 'sgd_decay', 'sgd_momentum', 'sgd_dampening', 'sgd_nesterov', 'sgd_groups'],
  ...['rmsprop', 'rmsprop_centered', 'rmsprop_momentum', 'rmsprop_all', 'rmsprop_groups'],
  ...['adam', 'adam_l2', 'adam_amsgrad', 'adam_eps', 'adam_skipped', 'adam_groups'],
  ...['adamw', 'adamw_decay', 'adamw_amsgrad', 'adamw_groups'],
];

test('every case of the fixtures is tested', () => {
  const found = Object.entries(fixture.meta).flatMap(([name, { optimizer }]) => (optimizer ? [name] : []));
  expect(found.sort()).toEqual([...CASES].sort());
});

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

describe.each(CASES)('%s', (name) => {
  test('takes four steps as PyTorch does, its state included', async () => {
    const run = new Run(name);
    for (let n = 0; n < 4; n++) {
      run.step(n);
      for (const [key, got] of Object.entries(await run.values()))
        expectClose(got, fixture.get(`${name}.step${n}.${key}`).data, 1e-6, 1e-7, `${key} after step ${n}`);
    }
    const state = run.optimizer.stateTensors();
    const order = run.optimizer.paramGroups.flatMap((group) => group.params);
    const expected = fixture.names(`${name}.state.`);
    expect(state.size).toBe(expected.length);
    for (const tensorName of expected) {
      const [kind, key] = tensorName.slice(`${name}.state.`.length).split('.') as [string, string];
      const own = state.get(`state.${order.indexOf(run.params[key]!)}.${camel(kind)}`)!;
      const { shape, data } = fixture.get(tensorName);
      expect(own.shape).toEqual(shape);
      expectClose(await own.data(), data, 1e-6, 1e-7, tensorName);
    }
    run.dispose();
  });

  test('resumes from saved state with the bits of the uninterrupted run', async () => {
    const run = new Run(name);
    run.step(0);
    run.step(1);
    const values = await run.values();
    const json = JSON.stringify(run.optimizer.stateJson());
    const tensors = new Map<string, TypedArray>();
    for (const [key, t] of run.optimizer.stateTensors()) tensors.set(key, await t.data());
    const resumed = new Run(name, values);
    for (const group of resumed.optimizer.paramGroups) group.lr = 123; // the saved one wins
    resumed.optimizer.loadState(JSON.parse(json), (key) => tensors.get(key)!);
    expect(JSON.stringify(resumed.optimizer.stateJson())).toBe(json);
    for (const r of [run, resumed]) {
      r.step(2);
      r.step(3);
    }
    expect(await resumed.values()).toEqual(await run.values());
    run.dispose();
    resumed.dispose();
  });
});

describe('golden runs of PyTorch', () => {
  const file = '../shared/data/golden/torch-golden.json';
  const names: [string, Kind][] = [
    ['adam', 'Adam'],
    ['adam_l2', 'Adam'],
    ['adamw', 'AdamW'],
    ['sgd_momentum_nesterov', 'SGD'],
    ['rmsprop', 'RMSprop'],
  ];
  if (!existsSync(file)) console.warn(`SKIPPED: golden optimiser runs, for there is no ${file}`);
  test.skipIf(!existsSync(file)).each(names)('%s', async (name, kind) => {
    const golden = JSON.parse(readFileSync(file, 'utf8')).cases[name];
    const param = parameter(golden.p0.shape, golden.p0.data);
    const options = Object.fromEntries(Object.entries(golden.options).map(([key, value]) => [camel(key), value]));
    const optimizer = make(kind, [{ params: [param] }], options);
    for (const [n, grad] of golden.grads.entries()) {
      param.grad = tensor(Float32Array.from(grad.data), { shape: grad.shape });
      optimizer.step();
      optimizer.zeroGrad();
      // The golden numbers are another float32 run, with roundings of its own.
      expectClose(await param.data(), golden.p[n].data, 2e-6, 2e-7, `step ${n}`);
    }
    optimizer.dispose();
    param.dispose();
  });
});

/** Shapes that lie alone and in pairs, with and without whole vec4s, one of more than a strip. */
const SHAPES: Shape[] = [[3, 5], [70, 1001], [1], [64], [0], [4, 4], [7]];

function withGradients(params: readonly Tensor[], seed: number): void {
  params.forEach((p, i) => {
    p.grad = tensor(Float32Array.from(randomNd(p.shape, seed + i).data), { shape: p.shape });
  });
}

describe.each<[Kind, Options]>([
  ['SGD', { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }],
  ['RMSprop', { centered: true, momentum: 0.5 }],
  ['Adam', { amsgrad: true, weightDecay: 0.01 }],
])('%s', (kind, options) => {
  test('gives the same bits element by element, however parameters are cut, grouped and dispatched', async () => {
    const limited = [
      await Device.create({ maxBindingBytes: 1 << 16, debug: { groupsReversed: true } }),
      await Device.create({ maxGrid: 7 }),
      await Device.create(),
    ];
    Object.assign(limited[2]!.info, { kind: 'gpu' });
    const results: TypedArray[][] = [];
    for (const device of [current.device, ...limited]) {
      const params = SHAPES.map((shape, i) => {
        const data = Float32Array.from(randomNd(shape, 40 + i).data);
        return tensor(data, { shape, device, requiresGrad: true });
      });
      const optimizer = make(kind, [{ params }], options);
      for (let n = 0; n < 3; n++) {
        params.forEach((p, i) => {
          const data = Float32Array.from(randomNd(p.shape, 100 * n + i).data);
          p.grad = tensor(data, { shape: p.shape, device });
        });
        optimizer.step();
        optimizer.zeroGrad();
      }
      results.push(await Promise.all(params.map((p) => p.data())));
      const flat = optimizer.stateTensors();
      for (const t of flat.values()) expect((await t.data()).every(Number.isFinite)).toBe(true);
    }
    expectSameBits(results[1]!, results[0]!, 'small bindings, workgroups reversed');
    expectSameBits(results[2]!, results[0]!, 'folded grids');
    expectSameBits(results[3]!, results[0]!, 'short strips');
    // One element of the large parameter, as a parameter of its own.
    const at = 65_432;
    const alone = parameter([1], [randomNd(SHAPES[1]!, 41).data[at]!]);
    const optimizer = make(kind, [{ params: [alone] }], options);
    for (let n = 0; n < 3; n++) {
      alone.grad = tensor([randomNd(SHAPES[1]!, 100 * n + 1).data[at]!]);
      optimizer.step();
    }
    expect((await alone.data())[0]).toBe(results[0]![1]![at]);
    for (const device of limited) device.destroy();
  });

  test('leaves what lies beside a parameter alone', async () => {
    const whole = zeros([70]);
    const param = whole.viewAs([5]);
    param.requiresGrad = true;
    param.grad = tensor([1, 1, 1, 1, 1]);
    make(kind, [{ params: [param] }], options).step();
    const data = await whole.data();
    expect(data.slice(0, 5).every((v) => v !== 0)).toBe(true);
    expect(data.slice(5).every((v) => v === 0)).toBe(true);
  });
});

describe('a step', () => {
  test('costs one dispatch for all small parameters, and nothing new once it has run', async () => {
    const { device } = current;
    const params = Array.from({ length: 10 }, (_, i) => random([16, i + 1], i));
    const optimizer = new Adam(params);
    const run = async (seed: number) => {
      step(() => {
        withGradients(params, seed);
        optimizer.step();
        optimizer.zeroGrad();
      });
      await device.synchronize();
      const { dispatches, bindGroupsCreated, pipelines, submits } = device.stats;
      return { dispatches, bindGroupsCreated, pipelines, submits, created: device.poolStats.created };
    };
    await run(0);
    const before = await run(10);
    optimizer.paramGroups[0]!.lr = 0.5;
    const after = await run(20);
    expect(after).toEqual({ ...before, dispatches: before.dispatches + 1, submits: before.submits + 1 });
  });

  test('keeps its state when it first runs inside a step scope, and frees it on dispose', async () => {
    const { device } = current;
    const param = random([100], 1);
    const live = device.poolStats.liveBytes;
    const optimizer = new AdamW([param], { amsgrad: true });
    for (let n = 0; n < 2; n++)
      step(() => {
        withGradients([param], n);
        optimizer.step();
        optimizer.zeroGrad();
      });
    const state = optimizer.stateTensors();
    expect([...state.keys()]).toEqual(['state.0.expAvg', 'state.0.expAvgSq', 'state.0.maxExpAvgSq']);
    expect((await state.get('state.0.maxExpAvgSq')!.data()).some((v) => v > 0)).toBe(true);
    expect(param.grad).toBeUndefined();
    expect(device.poolStats.liveBytes).toBeGreaterThan(live);
    optimizer.dispose();
    expect(device.poolStats.liveBytes).toBe(live);
  });

  test('skips parameters that are frozen or without a gradient; their state begins when they do', async () => {
    const [a, b, c] = [random([5], 1), random([5], 2), random([5], 3)];
    const before = await Promise.all([a, b, c].map((p) => p.data()));
    const optimizer = new Adam([a, b, c]);
    b.requiresGrad = false;
    withGradients([a, b], 9);
    optimizer.step();
    expect(await b.data()).toEqual(before[1]);
    expect(await c.data()).toEqual(before[2]);
    expect(await a.data()).not.toEqual(before[0]);
    expect(optimizer.stateJson()).toMatchObject({ state: { 0: { step: 1 } } });
    expect([...optimizer.stateTensors().keys()]).toEqual(['state.0.expAvg', 'state.0.expAvgSq']);
    b.requiresGrad = true;
    optimizer.step();
    // The first step of Adam moves every element by the rate, whatever the gradient.
    const moved = (await b.data()).map((v, i) => Math.abs(v - before[1]![i]!));
    expectClose(moved, new Float32Array(5).fill(1e-3), 1e-3, 0, 'first step of b');
    expect(Object.keys((optimizer.stateJson() as { state: object }).state)).toEqual(['0', '1']);
  });

  test('follows schedules, which change rate, momentum and betas', async () => {
    const a = random([4], 1);
    const sgd = new SGD([a], { lr: 0.5, momentum: 0 });
    const cycle = new OneCycleLR(sgd, { maxLr: 0.5, totalSteps: 10 });
    const expected = Float64Array.from(await a.data());
    const buffer = new Float64Array(4);
    for (let n = 0; n < 4; n++) {
      const { lr, momentum } = sgd.paramGroups[0]!;
      const g = randomNd([4], n).data;
      for (let i = 0; i < 4; i++) {
        buffer[i] = n === 0 ? g[i]! : momentum * buffer[i]! + g[i]!;
        expected[i]! -= lr * buffer[i]!;
      }
      a.grad = tensor(Float32Array.from(g));
      sgd.step();
      sgd.zeroGrad();
      cycle.step();
    }
    expectClose(await a.data(), expected, 1e-6, 1e-7, 'SGD under OneCycleLR');
    const adam = new Adam([a], { lr: 0.25 });
    const cosine = new CosineAnnealingLR(adam, { tMax: 1 });
    cosine.step();
    const before = await a.data();
    a.grad = tensor([1, 2, 3, 4]);
    adam.step();
    expect(await a.data()).toEqual(before);
  });

  test('counts the same with parameters added later', async () => {
    const [a, b] = [random([5], 1), random([6], 2)];
    const optimizer = new Adam([a], { lr: 0.1 });
    withGradients([a, b], 5);
    optimizer.step();
    optimizer.addParamGroup({ params: [b], eps: 1e-3, lr: undefined });
    expect(optimizer.paramGroups[1]).toMatchObject({ lr: 0.1, eps: 1e-3, betas: [0.9, 0.999] });
    optimizer.step();
    expect(optimizer.stateJson()).toMatchObject({ state: { 0: { step: 2 }, 1: { step: 1 } } });
  });
});

describe('refusals', () => {
  const of = (make: () => unknown) => {
    try {
      make();
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was refused';
  };

  test('options out of range', () => {
    const params = [random([2], 1)];
    expect(of(() => new Adam(params, { lr: -1 }))).toBe('Adam: lr must be a finite number >= 0, got -1.');
    expect(of(() => new SGD(params))).toBe('SGD: lr must be a finite number >= 0, got undefined.');
    expect(of(() => new Adam(params, { betas: [0.9, 1] }))).toBe(
      'Adam: betas[1] must be a finite number >= 0 and < 1, got 1.',
    );
    expect(of(() => new AdamW(params, { weightDecay: Number.NaN }))).toBe(
      'AdamW: weightDecay must be a finite number >= 0, got NaN.',
    );
    expect(of(() => new RMSprop([{ params, eps: -1 }]))).toBe('RMSprop: eps must be a finite number >= 0, got -1.');
    expect(of(() => new SGD(params, { lr: 1, nesterov: true }))).toBe(
      'SGD: nesterov must be used with a momentum above 0 and a dampening of 0, got momentum 0 and dampening 0.',
    );
  });

  test('parameters that are none, twice there, no leaves or no tensors', () => {
    const a = random([2], 1);
    expect(of(() => new Adam([]))).toBe('Adam: params must be at least one parameter, got none.');
    expect(of(() => new Adam([{ params: [] }]))).toBe('Adam: params must be at least one parameter, got none.');
    expect(of(() => new Adam(a as never))).toBe(
      'Adam: params must be an iterable of tensors or of groups { params, … }, got a Tensor.',
    );
    expect(of(() => new Adam([{ params: [a] }, { params: [a] }]))).toBe(
      'Adam: params[0] must be in one group and there once, got Tensor([2], f32, requiresGrad) again.',
    );
    expect(of(() => new Adam([a, 3 as never]))).toBe('Adam: params[1] must be a tensor, got 3.');
    expect(of(() => new Adam([mul(a, 2)]))).toBe(
      'Adam: params[0] must be a leaf, got the result of an op. Pass the tensor it was computed from.',
    );
    expect(of(() => new Adam([zeros([2], { dtype: 'i32' })]))).toBe('Adam: params[0] must be f32, got i32.');
  });

  test('a step with a gradient of another shape or a rate that is no number changes nothing', async () => {
    const a = random([2, 3], 1);
    const optimizer = new Adam([a]);
    const before = await a.data();
    a.grad = zeros([6]);
    expect(of(() => optimizer.step())).toBe('Adam: the gradient of parameter 0 must be of its shape [2, 3], got [6].');
    a.grad = zeros([2, 3]);
    optimizer.paramGroups[0]!.lr = Number.NaN;
    expect(of(() => optimizer.step())).toBe(
      'Adam: paramGroups[0] must be of finite options, got {"lr":"NaN","betas":[0.9,0.999],"eps":1e-8,"weightDecay":0,"amsgrad":false}.',
    );
    expect(await a.data()).toEqual(before);
    expect(optimizer.stateJson()).toMatchObject({ state: {} });
  });

  test('state of something else, and then the optimiser is as before', async () => {
    const a = random([2, 3], 1);
    const optimizer = new Adam([a]);
    withGradients([a], 5);
    optimizer.step();
    const json = JSON.stringify(optimizer.stateJson());
    const bits = await optimizer.stateTensors().get('state.0.expAvg')!.data();
    type State = ReturnType<typeof parse>;
    const parse = () => JSON.parse(json) as { type: string; paramGroups: object[]; state: Record<string, object> };
    const refused = (change: (state: State) => void, get = (_name: string): TypedArray => new Float32Array(6)) =>
      of(() => {
        const state = parse();
        change(state);
        optimizer.loadState(state, get);
      });
    expect(refused((s) => Object.assign(s, { type: 'AdamW' }))).toBe('Adam: state must be of Adam, got of AdamW.');
    expect(refused((s) => s.paramGroups.push({}))).toBe(
      'Adam: state.paramGroups must be a list of 1, one a parameter group, got 2.',
    );
    expect(refused((s) => Object.assign(s.paramGroups[0]!, { params: [0, 1] }))).toBe(
      'Adam: state.paramGroups[0].params must be [0], got [0,1].',
    );
    expect(refused((s) => Object.assign(s.paramGroups[0]!, { eps: -1 }))).toBe(
      'Adam: eps must be a finite number >= 0, got -1.',
    );
    expect(refused((s) => Object.assign(s.state, { 1: {} }))).toBe(
      'Adam: state.state must be of parameters 0..0, got parameter 1.',
    );
    expect(refused((s) => Object.assign(s.state['0']!, { shape: [3, 2] }))).toBe(
      'Adam: state.state.0.shape must be [2, 3], got [3, 2].',
    );
    expect(refused((s) => Object.assign(s.state['0']!, { step: -1 }))).toBe(
      'Adam: state.state.0.step must be an integer >= 0, got -1.',
    );
    expect(refused((s) => Object.assign(s.state['0']!, { tensors: ['expAvg'] }))).toBe(
      'Adam: state.state.0.tensors must be with expAvg, expAvgSq, got expAvg.',
    );
    expect(
      refused(
        () => {},
        () => new Float32Array(5),
      ),
    ).toBe('Adam: state.0.expAvg must be a Float32Array of 6 values, got 5 values.');
    expect(of(() => optimizer.loadState(null, () => new Float32Array(6)))).toBe(
      'Adam: state must be an object, got null.',
    );
    expect(JSON.stringify(optimizer.stateJson())).toBe(json);
    expect(await optimizer.stateTensors().get('state.0.expAvg')!.data()).toEqual(bits);
    keep(a).dispose();
  });
});
