// Every kernel under the sanitizer: the tests of the ops and of the optimisers, on the executor in place of a device, as a software
// adapter and as a GPU would choose kernels. Any fault fails the test that met it; at the end is the table of what ran, which may have
// no hole.
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DeviceOptions } from '../../src/gpu/options.ts';
import * as shaders from '../../src/gpu/shaders.gen.ts';
import { tuningOf } from '../../src/gpu/tuning.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { KERNELS as kernels } from '../kernels.ts';
import { type Nd, randomNd } from '../nd.ts';
import { erf } from '../reference/elementwise.ts';
import { matmul as reference } from '../reference/matmul.ts';
import { type AdapterTraits, shared } from './adapter.ts';
import { Corpus } from './corpus.ts';
import { Coverage } from './coverage.ts';
import type { Dispatch, Executable } from './execute.ts';
import type { Fault } from './report.ts';

const SOFTWARE = { description: 'llvmpipe', vendor: 'mesa' };
const GPU = { description: 'GPU', vendor: '' };
const ACTIVATIONS = {
  none: (v: number) => v,
  relu: (v: number) => Math.max(0, v),
  tanh: Math.tanh,
  sigmoid: (v: number) => 1 / (1 + Math.exp(-v)),
  gelu: (v: number) => 0.5 * v * (1 + erf(v / Math.SQRT2)),
};
const WIDTHS = [4, 8, 16, 32, 64, 128];

interface Leg {
  readonly name: string;
  readonly traits: AdapterTraits;
  readonly debug?: DeviceOptions['debug'];
  readonly files: (path: string) => boolean;
  /** Names of the recurrence's cases. */
  readonly cases: readonly string[];
}

/** Where `npm run mutate` wants the dispatches; then more tests run than the sanitizer needs. */
const recordTo = process.env.WEFT_RECORD;
/** Tests with shapes over thresholds that lie at thousands of elements, and what is tried here in a smaller way. */
const LEFT_OUT = recordTo ? /thresholds/ : /thresholds|special-values|lstm-form|finite-check|row-sparse/;
/** Cases of the recurrence that differ in what their kernels do; an invocation in subgroups is dear here. */
const CASES = ['without bias', 'ragged, both directions', 'more units than a workgroup'];
/** Tiles of every number of rows, with and without rows of every length. */
const TILES = [40, 14, 5].flatMap((B) => {
  const tile = { name: `${B} rows`, B, T: 2, I: 2, H: 5, D: B === 14 ? (2 as const) : (1 as const) };
  return [tile, { ...tile, name: `ragged, ${B} rows`, lengths: Array.from({ length: B }, (_, i) => i % 3) }];
});
const usesTexels = (subgroupSize: number) =>
  tuningOf({ kind: 'cpu', subgroupSize, hasSubgroups: true, readsTextures: true, maxWorkgroupSize: 1024 }).texelLanes >
  0;

const LEGS: Leg[] = [
  {
    name: 'a software adapter with 8 lanes',
    traits: { ...SOFTWARE, subgroupSize: 8 },
    files: () => true,
    cases: CASES,
  },
  {
    name: 'a GPU with 32 lanes, workgroups in reversed order',
    traits: { ...GPU, subgroupSize: 32 },
    debug: { groupsReversed: true },
    // All but these have one form of each kernel; products are tried in all of theirs below.
    files: (path) =>
      recordTo !== undefined || /^ops\/(lstm|gru|rnn|elementwise|index-select|embedding|layout|dropout)$/.test(path),
    cases: CASES,
  },
  ...WIDTHS.filter((width) => width !== 8 && usesTexels(width)).map((width) => ({
    name: `a software adapter with ${width} lanes`,
    traits: { ...SOFTWARE, subgroupSize: width },
    files: (path: string) => /^ops\/(lstm|gru|rnn)$/.test(path),
    cases: recordTo ? CASES : [],
  })),
];

/** What is not written is told from what is, and views from what lies behind them. */
const EXACT = { poisonFreed: true, exactBindings: true };

/** A test there counts submits, of which poison makes more. */
const UNPOISONED: Readonly<Record<string, DeviceOptions['debug']>> = { 'optim/optimizers': { poisonFreed: false } };

const folder = new URL('..', import.meta.url).pathname;
const all = ['ops', 'optim'].flatMap((part) =>
  readdirSync(`${folder}/${part}`)
    .filter((name) => name.endsWith('.test.ts') && !LEFT_OUT.test(name))
    .map((name) => `${part}/${name.slice(0, -'.test.ts'.length)}`),
);

const corpus = recordTo ? new Corpus() : undefined;
const coverage = new Coverage();
/** Executables whose dispatches were run again in subgroups that are not full. */
const widened = new Set<Executable>();

function watched(
  executable: Executable,
  overrides: Readonly<Record<string, number>>,
  dispatch: Dispatch,
): readonly Fault[] {
  const { text, usesSubgroups, workgroupSize } = executable.compiled;
  const kernel = kernels[text.name];
  const { subgroupSize } = dispatch;
  const again =
    usesSubgroups && workgroupSize <= subgroupSize && !widened.has(executable) ? copyOf(dispatch) : undefined;
  const run = () => executable.run(dispatch);
  const faults = corpus && kernel ? corpus.record(executable, overrides, dispatch, run) : run();
  if (kernel) coverage.add(kernel, overrides, subgroupSize, usesSubgroups);
  if (!again || faults.length > 0 || !kernel) return faults;
  // A workgroup that is one subgroup is one in wider subgroups, too, some of whose lanes are not there.
  widened.add(executable);
  for (const width of WIDTHS.filter((w) => w > subgroupSize)) {
    const wider = { ...copyOf(again), subgroupSize: width };
    const found = executable.run(wider);
    if (found.length > 0) return found;
    for (const [binding, words] of wider.views)
      if (words instanceof Uint32Array)
        expect(same(words, dispatch.views.get(binding) as Uint32Array), `${text.name} by ${width} lanes`).toBe(true);
    coverage.add(kernel, overrides, width, true);
  }
  return faults;
}

const same = (a: Uint32Array, b: Uint32Array) => a.every((word, i) => word === b[i]);

function copyOf(dispatch: Dispatch): Dispatch {
  const views = [...dispatch.views].map(([i, view]) => [i, view instanceof Uint32Array ? view.slice() : view] as const);
  return { ...dispatch, views: new Map(views) };
}

beforeAll(() => {
  shared.watcher = watched;
});
afterAll(() => {
  shared.watcher = undefined;
  if (recordTo) corpus?.save(recordTo);
});

describe('combinations that no test of an op makes', () => {
  const widths = WIDTHS.filter(usesTexels);
  test.each([
    ...widths.map((subgroupSize) => ({ ...SOFTWARE, subgroupSize })),
    { ...GPU, subgroupSize: 32 },
    { ...GPU, subgroupSize: 32, limits: { maxComputeInvocationsPerWorkgroup: 128 } },
  ])('products with every activation on %j', async (traits) => {
    shared.traits = traits;
    const { Device } = await import('../../src/gpu/device.ts');
    const { matmul } = await import('../../src/ops/matmul.ts');
    const { tensor } = await import('../../src/tensor/create.ts');
    const { gemmClass } = await import('../../src/ops/gemm-choice.ts');
    const device = await Device.create({ debug: EXACT });
    const methods = traits.vendor === GPU.vendor ? ['tiled_1', 'tiled_2'] : ['texel', 'texel_packed'];
    const m = 17;
    for (const [n, k] of [
      [9, 20],
      [70, 16],
    ] as const)
      for (const method of methods)
        for (const [transposeA, transposeB] of [
          [false, false],
          [false, true],
          [true, false],
        ] as const)
          for (const activation of [undefined, 'none', 'relu', 'tanh', 'sigmoid', 'gelu'] as const) {
            // A GPU's kernels turn operands by a switch: each activation with some of them, the first and the last with all.
            const few = traits.vendor === GPU.vendor && activation && activation !== 'gelu';
            if (few && (transposeA || transposeB) !== n > 9) continue;
            device.choices.set(gemmClass({ m, n, k, batch: 1 }), method);
            const [a, b, bias] = [randomNd([m, k], 1), randomNd([k, n], 2), randomNd([n], 3)];
            const turned = (x: Nd, rows: number, columns: number) =>
              Float32Array.from(
                { length: rows * columns },
                (_, i) => x.data[(i % rows) * columns + Math.floor(i / rows)]!,
              );
            const given = (x: Nd, transposed: boolean) => {
              const [rows, columns] = x.shape as [number, number];
              return transposed
                ? tensor(turned(x, rows, columns), { shape: [columns, rows], device })
                : tensor(Float32Array.from(x.data), { shape: x.shape, device });
            };
            const out = matmul(given(a, transposeA), given(b, transposeB), {
              transposeA,
              transposeB,
              ...(activation && { bias: tensor(Float32Array.from(bias.data), { device }), activation }),
            });
            const f = ACTIVATIONS[activation ?? 'none'];
            const plain = reference(a, b, false, false);
            expectClose(
              await out.data(),
              plain.data.map((v, i) => f(activation ? v + bias.data[i % n]! : v)),
              1e-5,
              5e-6,
              `${method} ${transposeA} ${transposeB} ${activation}`,
            );
          }
    // An infinity in the last row of b, with a tile that ends past it.
    for (const method of methods) {
      device.choices.set(gemmClass({ m, n: 70, k: 20, batch: 1 }), method);
      const [a, b] = [randomNd([m, 20], 1), randomNd([20, 70], 2)];
      b.data[19 * 70] = Number.POSITIVE_INFINITY;
      const out = await matmul(
        tensor(Float32Array.from(a.data), { shape: a.shape, device }),
        tensor(Float32Array.from(b.data), { shape: b.shape, device }),
      ).data();
      const column = Array.from({ length: m }, (_, i) => out[i * 70]!);
      expect(column, method).toEqual(
        Array.from({ length: m }, (_, i) => a.data[i * 20 + 19]! * Number.POSITIVE_INFINITY),
      );
    }
    device.destroy();
  });

  test('integers, losses without gradients', async () => {
    shared.traits = LEGS[0]!.traits;
    const { Device } = await import('../../src/gpu/device.ts');
    const ops = await import('../../src/ops/index.ts');
    const { setDefaultDevice, tensor } = await import('../../src/tensor/create.ts');
    const device = await Device.create({ debug: EXACT });
    setDefaultDevice(device);
    const [a, b] = [Uint32Array.of(5, 2 ** 32 - 1, 7), Uint32Array.of(6, 2, 7)];
    const compared = { eq: [0, 0, 1], ne: [1, 1, 0], lt: [1, 0, 0], le: [1, 0, 1], gt: [0, 1, 0], ge: [0, 1, 1] };
    for (const [name, wanted] of Object.entries(compared))
      expect([...(await ops[name as keyof typeof compared](tensor(a), tensor(b)).data())], name).toEqual(wanted);
    expect([...(await ops.add(tensor(a), tensor(b)).data())]).toEqual([11, 1, 14]);
    expect([...(await ops.cast(tensor([1.5, -2]), 'f32').data())]).toEqual([1.5, -2]);
    expect([...(await ops.cast(tensor(Int32Array.of(-1, 3)), 'u32').data())]).toEqual([2 ** 32 - 1, 3]);
    const long = Array.from({ length: 660 }, (_, i) => ((i * 7919) % 601) - 300);
    const [largest, smallest] = [long.indexOf(Math.max(...long)), long.indexOf(Math.min(...long))];
    const shifted = long.map((v) => v + 300);
    for (const x of [tensor(Int32Array.from(long)), tensor(Uint32Array.from(shifted))]) {
      expect(await ops.argmax(x).item()).toBe(largest);
      expect(await ops.argmin(x).item()).toBe(smallest);
    }
    const wide = tensor(new Float32Array(2 * 2000), { shape: [2, 2000] });
    const loss = ops.crossEntropy(wide, tensor(Int32Array.of(3, 7)));
    expect(await loss.item()).toBeCloseTo(Math.log(2000), 4);
    device.destroy();
  });

  test.each([
    { adapter: { ...SOFTWARE, subgroupSize: 8 }, limits: { maxBindingBytes: 2 ** 14, maxGrid: 30 } },
    { adapter: { ...GPU, subgroupSize: 32 }, limits: { maxBindingBytes: 2 ** 14, maxGrid: 30 } },
  ])('work cut by small bindings and grids has the bits of whole work: %j', async ({ adapter, limits }) => {
    shared.traits = adapter;
    const { Device } = await import('../../src/gpu/device.ts');
    const ops = await import('../../src/ops/index.ts');
    const { Adam, clipGradNorm, RMSprop, SGD } = await import('../../src/optim/index.ts');
    const { backward } = await import('../../src/ops/backward.ts');
    const { densify } = await import('../../src/ops/row-sparse.ts');
    const { RowSparse } = await import('../../src/tensor/tensor.ts');
    const { setDefaultDevice, tensor } = await import('../../src/tensor/create.ts');
    const random = (shape: number[], seed: number, requiresGrad = false) =>
      tensor(Float32Array.from(randomNd(shape, seed).data), { shape, requiresGrad });
    type Made = Record<string, Tensor>;

    /** Tensors of more than 16 KiB, rows of fewer. */
    const elementwise = (): Made => {
      const x = random([60, 90], 1, true);
      const y = ops.mul(ops.add(ops.tanh(x), random([90], 2)), random([60, 1], 3));
      const chosen = ops.where(ops.gt(x, random([90], 4)), y, random([60, 90], 5));
      backward(ops.square(chosen), random([60, 90], 6));
      return { y, chosen, dX: x.grad as Tensor };
    };
    const rows = (): Made => {
      const [x, scale, shift] = [random([660, 9], 1, true), random([9], 2, true), random([9], 3, true)];
      const z = ops.layerNorm(x, 9, scale, shift);
      const labels = tensor(Int32Array.from({ length: 660 }, (_, i) => (i * 5) % 9));
      const loss = ops.crossEntropy(z, labels, { labelSmoothing: 0.1 });
      backward(loss);
      backward(ops.softmax(ops.layerNorm(x, 9, scale, shift), -1), random([660, 9], 4));
      const table = random([60, 90], 5, true);
      const ids = tensor(Int32Array.from({ length: 90 }, (_, i) => (i % 4 ? 33 : i % 40)));
      for (const seed of [6, 7]) backward(ops.embedding(ids, table), random([90, 90], seed));
      const pairs = tensor(Int32Array.from({ length: 720 }, (_, i) => i % 2));
      const second = ops.crossEntropy(random([720, 2], 12), pairs);
      const wide = random([60, 90], 10, true);
      backward(ops.indexSelect(wide, 0, tensor(Int32Array.of(59, 0, 31, 31))), random([4, 90], 11));
      const columns = random([2, 6, 300], 8, true);
      const picked = ops.indexSelect(columns, 1, tensor(Int32Array.of(5, 3, 3, 0)));
      backward(picked, random([2, 4, 300], 9));
      const grads = { dX: x, dScale: scale, dShift: shift, dColumns: columns, dWide: wide };
      return {
        loss,
        second,
        z,
        picked,
        dTable: table.grad instanceof RowSparse ? densify(table.grad) : (table.grad as Tensor),
        ...Object.fromEntries(Object.entries(grads).map(([name, { grad }]) => [name, grad as Tensor])),
      };
    };
    const reductions = (): Made => {
      const tall = random([700, 7], 2);
      return {
        turned: ops.transpose(random([40, 50], 3), 0, 1),
        rows: ops.sum(tall, 1),
        least: ops.amin(tall, 1),
      };
    };
    const updates = (): Made => {
      const shapes = [[60, 90], [5], [11], [2], [3, 9], ...Array.from({ length: 70 }, () => [3])];
      const params = shapes.map((shape, i) => random(shape, 20 + i, true));
      const made: Made = {};
      for (const optimizer of [
        new Adam(params, { lr: 0.1 }),
        new SGD(params, { lr: 0.1, momentum: 0.9 }),
        new RMSprop(params),
      ]) {
        for (const [i, p] of params.entries()) backward(ops.mul(p, p), random(p.shape as number[], 30 + i));
        made[`norm ${optimizer.constructor.name}`] = clipGradNorm(params, 0.5);
        optimizer.step();
        optimizer.zeroGrad();
      }
      return { ...made, ...Object.fromEntries(params.map((p, i) => [`parameter ${i}`, p])) };
    };
    const recurrence = (): Made => {
      const x = random([9, 3, 4], 1, true);
      const cell = (seed: number) => ({
        weightIh: random([24, 4], seed, true),
        weightHh: random([24, 6], seed + 1, true),
        biasIh: random([24], seed + 2, true),
        biasHh: random([24], seed + 3, true),
      });
      const weights = [cell(10), cell(20)];
      const { output: out } = ops.lstm(x, weights, {
        batchFirst: true,
        lengths: tensor(Int32Array.of(3, 1, 2, 3, 3, 0, 1, 2, 3)),
      });
      backward(out, random([9, 3, 12], 2));
      const grads = weights.flatMap((w, d) =>
        Object.entries(w).map(([name, t]) => [`${name} ${d}`, t.grad as Tensor] as const),
      );
      // Units that are no multiple of four beside an input that is infinite, and more panels of units than one.
      const short = random([2, 2, 2], 3, true);
      const odd = ops.lstm(
        tensor(Float32Array.of(Number.POSITIVE_INFINITY, 1, 2, 3, 1, 0, 1, 0), {
          shape: [2, 2, 2],
          requiresGrad: true,
        }),
        [{ weightIh: random([20, 2], 4, true), weightHh: random([20, 5], 5, true) }],
        { batchFirst: true },
      );
      backward(odd.output, random([2, 2, 5], 6));
      const both = [30, 40].map((seed) => ({
        weightIh: random([112, 2], seed, true),
        weightHh: random([112, 28], seed + 1, true),
      }));
      const many = ops.lstm(short, both, { batchFirst: true });
      backward(many.output, random([2, 2, 56], 7));
      return { out, dX: x.grad as Tensor, dMany: short.grad as Tensor, odd: odd.output, ...Object.fromEntries(grads) };
    };

    const bits = async (options: DeviceOptions, work: () => Made) => {
      const device = await Device.create({ debug: EXACT, ...options });
      setDefaultDevice(device);
      const read: Record<string, Uint32Array> = {};
      for (const [name, t] of Object.entries(work())) read[name] = new Uint32Array((await t.data()).slice().buffer);
      device.destroy();
      return read;
    };
    for (const work of [elementwise, rows, reductions, updates])
      expect(await bits(limits, work), work.name).toEqual(await bits({}, work));
    expect(await bits({ maxGrid: 30 }, recurrence), 'recurrence').toEqual(await bits({}, recurrence));
  });

  test('updates row by row are those of the dense gradient, and none where the loss is not finite', async () => {
    shared.traits = LEGS[0]!.traits;
    const { Device } = await import('../../src/gpu/device.ts');
    const ops = await import('../../src/ops/index.ts');
    const { Adam, AdamW, clipGradNorm, FiniteCheck, RMSprop, SGD } = await import('../../src/optim/index.ts');
    const { backward } = await import('../../src/ops/backward.ts');
    const { setDefaultDevice, tensor } = await import('../../src/tensor/create.ts');
    const device = await Device.create({ debug: EXACT });
    setDefaultDevice(device);
    type Step = { step(options?: { check: InstanceType<typeof FiniteCheck> }): void; zeroGrad(): void };
    const updates: ((p: Tensor[]) => Step)[] = [
      (p) => new SGD(p, { lr: 0.1 }),
      (p) => new SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.5, weightDecay: 0.01 }),
      (p) => new SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true }),
      (p) => new RMSprop(p, {}),
      (p) => new RMSprop(p, { momentum: 0.9 }),
      (p) => new RMSprop(p, { centered: true }),
      (p) => new RMSprop(p, { centered: true, momentum: 0.9 }),
      (p) => new Adam(p, { lr: 0.1 }),
      (p) => new AdamW(p, { lr: 0.1, amsgrad: true }),
    ];
    const used = [
      [3, 1, 3],
      [0, 3, 8],
      [1, 1, 1],
    ];
    for (const [which, make] of updates.entries())
      for (const width of [5, 8]) {
        const start = Float32Array.from(randomNd([9, width], 5).data);
        const weight = () => tensor(start, { shape: [9, width], requiresGrad: true });
        const trained = async (byRows: boolean) => {
          const parameter = weight();
          const optimizer = make([parameter]);
          for (const [n, ids] of used.entries()) {
            const { data } = randomNd([3, width], n);
            const check = new FiniteCheck();
            if (byRows)
              backward(
                ops.embedding(tensor(Int32Array.from(ids)), parameter),
                tensor(Float32Array.from(data), { shape: [3, width] }),
              );
            else {
              const dense = new Float32Array(9 * width);
              for (const [i, id] of ids.entries())
                for (let k = 0; k < width; k++) dense[id * width + k]! += data[i * width + k]!;
              backward(ops.sum(ops.mul(parameter, tensor(dense, { shape: [9, width] }))));
            }
            clipGradNorm([parameter], 1.5, { check, loss: tensor(0) });
            optimizer.step({ check });
            optimizer.zeroGrad();
            await check.verify();
          }
          const good = await parameter.data();
          const check = new FiniteCheck();
          backward(ops.embedding(tensor(Int32Array.of(2)), parameter), tensor([new Array(width).fill(Number.NaN)]));
          clipGradNorm([parameter], 1.5, { check, loss: tensor(0) });
          optimizer.step({ check });
          await expect(check.verify()).rejects.toThrow();
          expect(await parameter.data()).toEqual(good);
          return good;
        };
        expectClose(await trained(true), await trained(false), 1e-5, 1e-6, `update ${which}, ${width} wide`);
      }
    device.destroy();
  });
});

for (const { name, traits, debug, files, cases } of LEGS)
  describe(name, () => {
    for (const path of all.filter(files))
      describe(path, async () => {
        // Modules are loaded anew for every leg, so that their tests are declared in each.
        vi.resetModules();
        vi.doMock('../gpu-device.ts', async (original) => {
          const real = await original<typeof import('../gpu-device.ts')>();
          const useDevice = (options: DeviceOptions = {}) =>
            real.useDevice({ ...options, debug: { ...EXACT, ...debug, ...options.debug, ...UNPOISONED[path] } });
          return { ...real, useDevice };
        });
        vi.doMock('../check-op.ts', async (original) => ({
          ...(await original<typeof import('../check-op.ts')>()),
          checkOp: (await import('./check-op.ts')).checkOp,
        }));
        vi.doMock('../ops/recurrent-cases.ts', async (original) => {
          const real = await original<typeof import('../ops/recurrent-cases.ts')>();
          const everyForm: typeof real.everyForm = (fn) =>
            real.everyForm((all) => {
              const some = all.filter((c) => cases.includes(c.name));
              fn([...some, ...(all.length > 1 ? TILES : some.length > 0 ? [] : TILES.slice(-1))]);
            });
          return { ...real, everyForm };
        });
        beforeAll(() => {
          shared.traits = traits;
        });
        await import(/* @vite-ignore */ `${folder}${path}.test.ts`);
      });
  });

describe('ceilings', () => {
  beforeAll(() => {
    shared.traits = LEGS[0]!.traits;
  });
  for (const groupsReversed of [false, true])
    test(`fma, stream and texels, workgroups ${groupsReversed ? 'in reversed order' : 'in order'}`, async () => {
      const { Device } = await import('../../src/gpu/device.ts');
      const device = await Device.create({ debug: { ...EXACT, groupsReversed } });
      const view = (words: number) => {
        const buffer = device.allocate(4 * words, 'ceilings');
        return { buffer, offset: 0, bytes: 4 * words };
      };
      const filled = (words: number, value: (i: number) => number) => {
        const made = view(words);
        device.write(
          made,
          Float32Array.from({ length: words }, (_, i) => value(i)),
        );
        return made;
      };
      const read = async (from: ReturnType<typeof view>) => [...new Float32Array(await device.read(from))];
      const label = 'ceilings';
      const sums = view(70);
      device.run(shaders.ceiling_fma, {
        bind: { out: sums },
        params: { size: 70, rounds: 2, a: 1, b: 0.5 },
        grid: 2,
        label,
      });
      // 8 chains from lane + c, each with 2 · 16 halves added.
      expect(await read(sums)).toEqual(Array.from({ length: 70 }, (_, i) => 8 * (i % 64) + 28 + 8 * 16));
      const [x, y] = [filled(4 * 600, (i) => i), filled(4 * 600, (i) => 2 * i)];
      for (const OP of [0, 1]) {
        const out = view(4 * 600);
        device.run(shaders.ceiling_stream, {
          bind: { x, y, out },
          params: { size: 600, a: 0.5 },
          overrides: { OP },
          grid: 2,
          label,
        });
        expect(await read(out)).toEqual(Array.from({ length: 2400 }, (_, i) => (OP === 0 ? i : 2 * i)));
      }
      const texels = filled(4 * 512, (i) => i);
      const out = view(4 * 16);
      device.texels!.mirror([texels], label, ([texture]) =>
        device.run(shaders.ceiling_texels, {
          bind: { x: texture, out },
          params: { size: 512 },
          grid: 2,
          label,
        }),
      );
      const sum = (n: number, c: number) =>
        Array.from({ length: 32 }, (_, i) => 4 * (256 * Math.floor(n / 8) + (n % 8) + 8 * i) + c).reduce(
          (a, b) => a + b,
        );
      expect(await read(out)).toEqual(Array.from({ length: 64 }, (_, i) => sum(Math.floor(i / 4), i % 4)));
      device.destroy();
    });
});

/** What no table chooses, and why. */
function never(kernel: string, override: string, value: number): boolean {
  // From the end go gradients, and integers have none.
  if (/^cumsum_[iu]32$/.test(kernel) && override === 'REVERSE') return value === 1;
  // Texel kernels hand over in storage, where a software adapter's states are as near as any.
  return kernel.includes('_texel_') && override === 'HANDOVER' && value === 2;
}

test('the table has no hole', () => {
  console.log(coverage.table());
  expect(coverage.holes(Object.values(kernels), never)).toEqual([]);
});
