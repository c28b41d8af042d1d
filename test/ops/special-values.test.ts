// NaN, infinities, -0 and subnormal numbers through every op, forward and backward, beside PyTorch's own results
// (test/fixtures/cases/specials.py). Exceptions are the table of docs/special-values.md.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import { RowSparse, Tensor } from '../../src/tensor/tensor.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { tuned } from '../tuned.ts';

useDevice();

const fixture = await loadFixture('specials.safetensors');
const SPECIALS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-40];
const CLASSES = ['finite', 'NaN', 'Infinity', '-Infinity'];

/** One call of an op: the tensors it is given, by name, and those of them with an element replaced. */
type Given = Record<string, { shape: number[]; data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> }>;
type Results = Record<string, ArrayLike<number>>;

/** A row of the table of exceptions: ops or cases of the fixture, and the tensors and specials with which they differ. */
interface Exception {
  /** With `*` at the end, all that begin so. */
  readonly of: string;
  readonly targets: readonly string[];
  readonly specials: readonly number[];
}

const exceptions: Exception[] = [
  ...readFileSync('docs/special-values.md', 'utf8').matchAll(/^\| `(\w+\*?)` \| (.*?) ?\| .+ \|$/gm),
].map(([, of, where]) => ({
  of: of!,
  targets: [...where!.matchAll(/`(\w+)`/g)].map(([, target]) => target!),
  specials: where!.includes('=') ? specialsIn(where!.split('=')[1]!) : [],
}));
/** Exceptions that excused a difference; one that does not would be a lie. */
const met = new Set<Exception>();
/** Cases that ran. */
const compared = new Set<string>();

function specialsIn(text: string): number[] {
  return text.split(',').flatMap((one) => {
    const name = one.trim();
    return name.startsWith('±') ? [Number(name.slice(1)), -Number(name.slice(1))] : [Number(name)];
  });
}

function isOf({ of }: Exception, name: string): boolean {
  return of.endsWith('*') ? name.startsWith(of.slice(0, -1)) : name === of;
}

// Optimisers have theirs in test/optim/special-values.test.ts.
const names = Object.keys(fixture.meta).filter((name) => fixture.meta[name]!.op);
const recurrent = ['lstm', 'gru', 'rnn'];

describe.each(names.filter((name) => !recurrent.includes(fixture.meta[name]!.op)))('%s', (name) => {
  test('as in PyTorch', () => compare(name));
});

const cells = names.filter((name) => recurrent.includes(fixture.meta[name]!.op));
// The cells are the same in every form: in one all cases, in the others ragged rows of units that are no multiple of four.
describe.each([
  { recurrentForm: 'scan' },
  { recurrentForm: 'step' },
  { recurrentForm: 'scan', recurrentLanes: 0 },
] as const)('%j', (form) => {
  tuned(form);
  const all = form.recurrentForm === 'scan' && !('recurrentLanes' in form);
  test.each(cells.filter((name) => all || name.endsWith('_3_ragged')))('%s', compare);
});

// What is above is small: here rows that go by groups, slabs and pieces, NaN in each of their parts.
describe('long rows', () => {
  const LENGTH = 3000;
  const rows = (place: number, special: number) => {
    const data = Float32Array.from({ length: 3 * LENGTH }, (_, i) => Math.sin(i));
    data[LENGTH + place] = special;
    return tensor(data, { shape: [3, LENGTH], requiresGrad: true });
  };
  const finite = (data: ArrayLike<number>) =>
    Array.from({ length: 3 }, (_, r) =>
      Array.from(data)
        .slice((r * data.length) / 3, ((r + 1) * data.length) / 3)
        .every(Number.isFinite),
    );
  const none = (data: ArrayLike<number>) =>
    Array.from(data)
      .slice(data.length / 3, (2 * data.length) / 3)
      .every(Number.isNaN);

  test.each([0, 1, 31, 1023, 1500, LENGTH - 1])('NaN at %d', async (place) => {
    for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const op of [ops.softmax, ops.logSoftmax, (x: Tensor, _dim: number) => ops.layerNorm(x, LENGTH)]) {
        const x = rows(place, special);
        const y = op(x, 1);
        backward(y, tensor(new Float32Array(3 * LENGTH).fill(1), { shape: [3, LENGTH] }));
        for (const got of [await y.data(), await (x.grad as Tensor).data()]) {
          expect(finite(got)).toEqual([true, false, true]);
          expect(none(got), `${special}`).toBe(true);
        }
      }
      const x = rows(place, special);
      const loss = ops.crossEntropy(x, tensor(Int32Array.of(5, 7, 9)), { reduction: 'none' });
      backward(ops.sum(loss));
      expect(finite(await loss.data())).toEqual([true, false, true]);
      expect(finite(await (x.grad as Tensor).data())).toEqual([true, false, true]);
      expect(none(await (x.grad as Tensor).data())).toBe(true);
    }
    const x = rows(place, Number.NaN);
    for (const op of [ops.amax, ops.amin, ops.sum, ops.mean]) {
      expect(finite(await op(x, 1).data())).toEqual([true, false, true]);
      expect(await op(x).item()).toBeNaN();
    }
    for (const op of [ops.argmax, ops.argmin]) {
      expect((await op(x, 1).data())[1]).toBe(place);
      expect(await op(x).item()).toBe(LENGTH + place);
    }
  });

  test('NaN and infinities of a product reach their row or column alone, by every kernel', async () => {
    for (const n of [3, 64, 260]) {
      const make = (at?: number) => {
        const data = Float32Array.from({ length: n * n }, (_, i) => Math.cos(i));
        if (at !== undefined) data[at] = Number.NaN;
        return tensor(data, { shape: [n, n] });
      };
      for (const [transposeA, transposeB] of [
        [false, false],
        [false, true],
        [true, false],
      ] as const) {
        const row = await ops.matmul(make(2 * n + 1), make(), { transposeA, transposeB }).data();
        const column = await ops.matmul(make(), make(2 * n + 1), { transposeA, transposeB }).data();
        const [ownRow, ownColumn] = [transposeA ? 1 : 2, transposeB ? 2 : 1];
        for (let i = 0; i < n * n; i++) {
          if (Number.isNaN(row[i]!) !== (Math.floor(i / n) === ownRow)) expect.fail(`a row of ${n}: element ${i}`);
          if (Number.isNaN(column[i]!) !== (i % n === ownColumn)) expect.fail(`a column of ${n}: element ${i}`);
        }
      }
    }
  });
});

test('every exported op has a case, or stands among the exceptions', () => {
  const exported = Object.entries(ops).filter(([, value]) => typeof value === 'function');
  const missing = exported
    .map(([name]) => name)
    .filter((name) => !exceptions.some((one) => one.targets.length === 0 && one.of === name))
    .filter((name) => !names.some((one) => fixture.meta[one]!.op === name));
  expect(missing, 'exported ops without a case in test/fixtures/cases/specials.py').toEqual([]);
  const unknown = exceptions.filter((one) => ![...names, ...Object.keys(ops)].some((name) => isOf(one, name)));
  expect(unknown, 'exceptions that name neither an op nor a case').toEqual([]);
});

test('every exception is one', () => {
  const whole = exceptions.filter((one) => names.every((name) => !isOf(one, name) || compared.has(name)));
  const idle = whole.filter((one) => one.targets.length > 0 && !met.has(one));
  expect(idle, 'exceptions of docs/special-values.md that agree with PyTorch').toEqual([]);
});

async function compare(name: string): Promise<void> {
  compared.add(name);
  const { places, specials } = fixture.meta[name]!;
  const given = Object.fromEntries(
    Object.entries<string>(fixture.meta[name]!.given).map(([key, at]) => [key, anyTensor(at)]),
  );
  const differences: string[] = [];
  if (!places) {
    const got = await results(name, given);
    for (const [key, values] of Object.entries(got)) {
      const expected = [`${name}.${key}`, `${name}.${key}.flushed`].filter(fixture.has).map((at) => anyTensor(at).data);
      if (expected[0]!.length !== values.length)
        expect.fail(`${name}: ${key} has ${values.length} elements, not ${expected[0]!.length}`);
      for (let i = 0; i < values.length; i++)
        if (!expected.some((data) => close(values[i]!, data[i]!)))
          differences.push(
            `${key}[${i}] is ${values[i]}, PyTorch's ${expected.map((data) => data[i])} ${at(given, i)}`,
          );
    }
  } else {
    const runs = Object.entries<number>(places).flatMap(([target, place]) =>
      SPECIALS.slice(0, specials).map((special) => ({ target, place, special })),
    );
    const pending = runs.map(({ target, place, special }) => {
      const data = Float32Array.from(given[target]!.data);
      data[place] = special;
      return results(name, { ...given, [target]: { ...given[target]!, data } });
    });
    for (const [n, got] of (await Promise.all(pending)).entries()) {
      const { target, place, special } = runs[n]!;
      const excuse = exceptions.find(
        (one) => isOf(one, name) && one.targets.includes(target) && one.specials.some((v) => Object.is(v, special)),
      );
      for (const [key, values] of Object.entries(got)) {
        const packed = [`${name}.${key}`, `${name}.${key}.flushed`]
          .filter(fixture.has)
          .map((at) => fixture.ints(at).data);
        for (let i = 0; i < values.length; i++) {
          const expected = packed.map((words) => classAt(words, n * values.length + i));
          if (expected.includes(classOf(values[i]!))) continue;
          if (excuse) met.add(excuse);
          else
            differences.push(
              `${key}[${i}] is ${values[i]}, PyTorch's ${expected.map((c) => CLASSES[c])}, with ${target}[${place}] = ${special}`,
            );
        }
      }
    }
  }
  const shown = differences.slice(0, 12).join('\n  ');
  expect(differences.length, `${name}: ${differences.length} differences\n  ${shown}\n`).toBe(0);
}

/** Outputs `out0`, … and the gradients `grad_<name>` of a call with the tensors given, among them upstream gradients `up0`, …. */
async function results(name: string, given: Given): Promise<Results> {
  const { call, op, differentiable, constants = [] } = fixture.meta[name]!;
  const leaves: Record<string, Tensor> = {};
  for (const [key, { shape, data }] of Object.entries(given))
    leaves[key] = tensor(data, {
      shape,
      requiresGrad: differentiable && !/^up\d$/.test(key) && data instanceof Float32Array && !constants.includes(key),
    });
  if (fixture.has(`${name}.lengths`)) leaves.lengths = tensor(fixture.ints(`${name}.lengths`).data);
  // Masks are u32 here.
  if (leaves.mask) leaves.mask = tensor(Uint32Array.from(given.mask!.data), { shape: given.mask!.shape });
  const outputs = step(() => {
    const made = outputsOf(
      (ops as unknown as Record<string, (...args: unknown[]) => unknown>)[op]!(...argumentsOf(call, leaves)),
    );
    if (differentiable)
      backward(
        made
          .map((y, i) => ops.sum(ops.mul(y, leaves[`up${i}`]!.viewAs(y.shape))))
          .reduce((total, term) => ops.add(total, term)),
      );
    return made;
  });
  const pending: [string, Promise<ArrayLike<number>>][] = outputs.map((y, i) => [`out${i}`, y.data()]);
  for (const [key, leaf] of Object.entries(leaves)) {
    if (!leaf.requiresGrad) continue;
    const { grad } = leaf;
    if (!grad) throw new Error(`${name}: no gradient reached ${key}`);
    pending.push([`grad_${key}`, (grad instanceof RowSparse ? ops.densify(grad) : grad).data()]);
  }
  const read = await Promise.all(pending.map(async ([key, data]) => [key, await data] as const));
  for (const leaf of Object.values(leaves)) {
    leaf.grad?.dispose();
    leaf.dispose();
  }
  return Object.fromEntries(read);
}

function outputsOf(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  return Object.values(value as Record<string, Tensor>);
}

/** The arguments as the fixture writes them: "$x" is a tensor, "inf" a number. */
function argumentsOf<T>(value: T, leaves: Record<string, Tensor>): T {
  const of = (v: unknown): unknown => {
    if (Array.isArray(v)) return v.map(of);
    if (typeof v === 'object' && v !== null) return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, of(e)]));
    if (typeof v !== 'string') return v;
    if (v.startsWith('$')) return leaves[v.slice(1)];
    return { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, nan: Number.NaN }[v] ?? v;
  };
  return of(value) as T;
}

function anyTensor(at: string) {
  try {
    return fixture.get(at);
  } catch {
    return fixture.ints(at);
  }
}

function classOf(v: number): number {
  if (Number.isNaN(v)) return 1;
  return Number.isFinite(v) ? 0 : v > 0 ? 2 : 3;
}

function classAt(words: Int32Array, i: number): number {
  return (words[Math.floor(i / 16)]! >>> (2 * (i % 16))) & 3;
}

function close(a: number, b: number): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Object.is(a, b);
  return Math.abs(a - b) <= 1e-6 + 1e-4 * Math.abs(b);
}

/** The elements of a grid that an element of a result was made of. */
function at(given: Given, i: number): string {
  const flat = Object.entries(given).filter(([, { data }]) => data.length > i);
  return `(${flat.map(([key, { data }]) => `${key} ${data[i]}`).join(', ')})`;
}
