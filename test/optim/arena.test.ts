// Parameters moved together: one dispatch for all of them, the bits of each alone, and tensors that stay what they are.
import { expect, test } from 'vitest';
import { detach } from '../../src/autograd/tape.ts';
import { Device } from '../../src/gpu/device.ts';
import { Linear } from '../../src/nn/linear.ts';
import { readStateDict } from '../../src/nn/module.ts';
import { Sequential } from '../../src/nn/sequential.ts';
import { mul } from '../../src/ops/arithmetic.ts';
import { backward } from '../../src/ops/backward.ts';
import { sum } from '../../src/ops/reduce.ts';
import { Adam, clipGradNorm, clipGradValue, RMSprop, SGD } from '../../src/optim/index.ts';
import { placeOf } from '../../src/tensor/arena.ts';
import { tensor, zeros } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';
import { expectSameBits } from './same-bits.ts';

const current = useDevice();
const SHAPES = [[3, 5], [70, 101], [1], [64], [4, 1025], [4096], [7]];

function random(shape: readonly number[], seed: number, device = current.device): Tensor {
  return tensor(Float32Array.from(randomNd(shape, seed).data), { shape, device, requiresGrad: true });
}

const RULES = {
  adam: (params: Tensor[]) => new Adam(params, { amsgrad: true, weightDecay: 0.01 }),
  sgd: (params: Tensor[]) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }),
  rmsprop: (params: Tensor[]) => new RMSprop(params, { centered: true, momentum: 0.5 }),
};

/** Values and state after four steps with clipping, of parameters in one optimiser or each in its own. */
async function train(rule: keyof typeof RULES, apart: boolean, device = current.device) {
  const table = random([50, 6], 99, device);
  const params = SHAPES.map((shape, i) => random(shape, i, device));
  const all = [...params.slice(0, 3), table, ...params.slice(3)];
  const optimizers = apart ? all.map((p) => RULES[rule]([p])) : [RULES[rule](all)];
  const norms: Tensor[] = [];
  for (let n = 0; n < 4; n++) {
    params.forEach((p, i) => {
      // The third has none in the second step, the first an older one in place.
      if (!(i === 2 && n === 1)) p.grad = random(p.shape, 100 * n + i, device);
    });
    const values = random([5, 6], 1000 + n, device);
    table.grad = new RowSparse([50, 6], tensor(Int32Array.from([1, 7, 8, 40, -1]), { device }), values);
    norms.push(clipGradNorm(all, n + 1));
    if (n === 2) clipGradValue(all, 0.01);
    for (const optimizer of optimizers) {
      optimizer.step();
      optimizer.zeroGrad();
    }
  }
  const state = optimizers.flatMap((optimizer) => [...optimizer.stateTensors().values()]);
  return Promise.all([...all, ...norms, ...state].map((t) => t.data()));
}

test.each(Object.keys(RULES) as (keyof typeof RULES)[])('%s: the bits of parameters apart', async (rule) => {
  const apart = await train(rule, true);
  expectSameBits(await train(rule, false), apart, 'together');
  const others = [
    await Device.create({ maxBindingBytes: 1 << 15, maxGrid: 7 }),
    await Device.create({ debug: { groupsReversed: true, poisonFreed: true } }),
  ];
  for (const [i, device] of others.entries()) {
    expectSameBits(await train(rule, false, device), apart, `device ${i}`);
    device.destroy();
  }
});

test('a step with clipping takes four dispatches for all small parameters; arenas stay under the binding limit', async () => {
  for (const [maxBindingBytes, arenas] of [
    [1 << 27, 1],
    [1 << 20, 2],
  ] as const) {
    const device = await Device.create({ maxBindingBytes });
    // Five to a MiB.
    const params = Array.from({ length: 10 }, (_, i) => random([200, 256], i, device));
    const adam = new Adam(params);
    const run = (n: number) => {
      for (const p of params) p.grad = random(p.shape, n, device);
      clipGradNorm(params, 1).dispose();
      adam.step();
      adam.zeroGrad();
    };
    for (let n = 0; n < 2; n++) run(n);
    await device.synchronize();
    const before = { ...device.stats };
    run(2);
    await device.synchronize();
    expect(device.stats.dispatches - before.dispatches).toBe(arenas + 3);
    expect(device.stats.bindGroupsCreated).toBe(before.bindGroupsCreated);
    expect(new Set(params.map((p) => placeOf(p)!.arena)).size).toBe(arenas);
    device.destroy();
  }
});

test('a module whose parameters were moved is used, copied, loaded and freed as before', async () => {
  const { device } = current;
  new Linear(1, 1).dispose(); // makes the generator, which stays
  const live = device.poolStats.liveBytes;
  const module = new Sequential(new Linear(5, 7), new Linear(7, 3));
  const [first] = module.parameters() as [Tensor];
  const views = [detach(first), first.viewAs([35])];
  const copyBefore = module.clone();
  const adam = new Adam(module.parameters(), { lr: 0.1 });
  const input = random([4, 5], 1);
  input.requiresGrad = false;
  const run = (of: Sequential, optimizer: Adam) =>
    step(() => {
      backward(sum(mul(of.forward(input), of.forward(input))));
      optimizer.step();
      optimizer.zeroGrad();
    });
  const adamOfCopy = new Adam([...copyBefore.parameters()].reverse(), { lr: 0.1 });
  for (let n = 0; n < 3; n++) {
    run(module, adam);
    run(copyBefore, adamOfCopy);
  }
  expect(placeOf(first)).toBeDefined();
  // Views from before see what became of it.
  const values = await first.data();
  for (const view of views) expect(await view.data()).toEqual(values);
  const dict = await readStateDict(module);
  const copied = await readStateDict(copyBefore);
  for (const [name, { data }] of dict) expectSameBits([copied.get(name)!.data], [data], name);
  const copy = module.clone();
  module.loadStateDict(
    new Map([...dict].map(([name, { shape, data }]) => [name, { shape, data: data.map((v) => v + 1) }])),
  );
  expect(await first.data()).toEqual(values.map((v) => v + 1));
  expect(await copy.parameters()[0]!.data()).toEqual(values);
  // Another optimiser finds them together; one freed leaves the others.
  const again = new Adam(module.parameters(), { lr: 0.1 });
  run(module, again);
  expect(placeOf(first)!.arena).toBe(placeOf(module.parameters()[3]!)!.arena);
  const last = module.parameters()[3]!;
  const kept = await last.data();
  first.dispose();
  first.dispose();
  expect(await last.data()).toEqual(kept);
  await expect(async () => first.data()).rejects.toThrow('was freed');
  for (const one of [adam, adamOfCopy, again]) one.dispose();
  for (const one of [module, copy, copyBefore]) one.dispose();
  input.dispose();
  expect(device.poolStats.liveBytes).toBe(live);
});

test('gradients that somebody keeps are not written over', async () => {
  const params = [random([6], 1), random([9], 2)];
  const alone = [random([6], 1), random([9], 2)];
  const [sgd, others] = [new SGD(params, { lr: 1 }), alone.map((p) => new SGD([p], { lr: 1 }))];
  const kept: Tensor[] = [];
  for (let n = 0; n < 3; n++) {
    for (const [i, p] of params.entries()) {
      p.grad = random(p.shape, 10 * n + i);
      alone[i]!.grad = random(p.shape, 10 * n + i);
      if (i === 0) kept.push(p.grad);
    }
    clipGradNorm(params, 100);
    clipGradNorm(alone, 100);
    sgd.step();
    for (const other of others) other.step();
    params[0]!.grad = undefined;
    sgd.zeroGrad();
  }
  for (const [n, gradient] of kept.entries())
    expectSameBits([await gradient.data()], [Float32Array.from(randomNd([6], 10 * n).data)], `step ${n}`);
  expectSameBits(
    await Promise.all(params.map((p) => p.data())),
    await Promise.all(alone.map((p) => p.data())),
    'parameters',
  );
});

test('what cannot be moved stays: large ones, parts of a storage, one alone', async () => {
  const whole = zeros([70]);
  const part = whole.viewAs([5]);
  const large = random([1200, 1000], 1);
  const small = random([4], 2);
  for (const p of [part, large, small]) {
    p.requiresGrad = true;
    p.grad = random(p.shape, 3);
  }
  new SGD([part, large, small], { lr: 1 }).step();
  for (const p of [part, large, small]) expect(placeOf(p)).toBeUndefined();
  expect((await whole.data()).slice(5).every((v) => v === 0)).toBe(true);
});
