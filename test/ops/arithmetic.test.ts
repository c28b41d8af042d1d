// Elementwise ops against PyTorch's fixtures: powers, dtypes of operands, what integers have.
import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { type CaseOptions, loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const fixture = await loadFixture('arithmetic.safetensors');
const cases = (op: RegExp) => Object.entries(fixture.meta).filter(([name]) => op.test(name));
const leaf = (name: string) => {
  const { data, shape } = fixture.get(name);
  return tensor(data, { shape, requiresGrad: true });
};

/** Equal to `rtol` of each number, and to the sign of zeros and infinities; where `given` is a subnormal, 0 is right too. */
async function expectNumbers(got: Tensor, name: string, rtol: number, of: (i: number) => string): Promise<void> {
  const expected = fixture.get(name).data;
  const values = await got.data();
  expect(values.length).toBe(expected.length);
  values.forEach((v, i) => {
    const e = expected[i]!;
    const near = Math.abs(v - e) <= rtol * Math.abs(e) + 1.2e-38 && (e !== 0 || Object.is(v, e));
    if (!(Object.is(v, e) || near)) expect.fail(`${name}: ${of(i)} is ${v}, in PyTorch ${e}`);
  });
}

/** Of a slope `y · x^(y - 1)`: rounded to a float the exponent alone is off by 2^-24, and that times log x the power. */
const SLOPE = 4e-6;

describe('pow', () => {
  test('of an exponent that is too large to be odd', async () => {
    const [x, y] = [tensor([-2, -0.5, -1, -1]), tensor([2 ** 25, 2 ** 25, 2 ** 24 + 2, -(2 ** 26)])];
    expect([...(await ops.pow(x, y).data())]).toEqual([Number.POSITIVE_INFINITY, 0, 1, 1]);
  });

  test.each(['special', 'random', 'near_one', 'whole'])('%s numbers, with both gradients', async (kind) => {
    const name = `pow_${kind}`;
    const [x, y] = [leaf(`${name}.x`), leaf(`${name}.y`)];
    const of = (i: number) => `pow(${fixture.get(`${name}.x`).data[i]}, ${fixture.get(`${name}.y`).data[i]})`;
    const out = ops.pow(x, y);
    backward(ops.sum(out));
    await expectNumbers(out, `${name}.out`, 4e-7, of);
    await expectNumbers(x.grad as Tensor, `${name}.grad_x`, SLOPE, of);
    await expectNumbers(y.grad as Tensor, `${name}.grad_y`, 6e-7, of);
  });

  test.each(cases(/^pow_scalar/))('%s', async (name, { exponent }) => {
    const x = leaf(`${name}.x`);
    const of = (i: number) => `pow(${fixture.get(`${name}.x`).data[i]}, ${exponent})`;
    const out = ops.pow(x, numberOf(exponent));
    backward(ops.sum(out));
    await expectNumbers(out, `${name}.out`, 4e-7, of);
    await expectNumbers(x.grad as Tensor, `${name}.grad_x`, SLOPE, of);
  });

  test('whole results are exact', async () => {
    const [bases, exponents, results] = [[], [], []] as number[][];
    for (let base = -15; base <= 15; base++)
      for (let exponent = 0; Math.abs(base) ** exponent < 2 ** 24 && exponent < 40; exponent++) {
        bases!.push(base);
        exponents!.push(exponent);
        results!.push(base ** exponent);
      }
    expect([...(await ops.pow(tensor(bases!), tensor(exponents!)).data())]).toEqual(results);
    expect([...(await ops.pow(tensor([5, 4095]), 2).data())]).toEqual([25, 4095 ** 2]);
  });

  test('of integers: modulo 2^32, by exponents as large as they are', async () => {
    const x = tensor(Int32Array.of(3, -3, 1, -1, -1, 2, 7, 7));
    const y = tensor(Int32Array.of(20, 21, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 30, 31, 11, -1));
    const power = (a: number, n: number) => Number(BigInt.asIntN(32, BigInt(a) ** BigInt(n)));
    expect([...(await ops.pow(x, y).data())]).toEqual([
      power(3, 20),
      power(-3, 21),
      1,
      -1,
      1,
      -(2 ** 31),
      power(7, 11),
      0,
    ]);
    const u = tensor(Uint32Array.of(3, 0, 7));
    expect([...(await ops.pow(u, tensor(Uint32Array.of(21, 0, 4e9))).data())]).toEqual(
      [3n ** 21n, 1n, modular(7n, 4_000_000_000n)].map((v) => Number(BigInt.asUintN(32, v))),
    );
  });
});

function modular(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) result = BigInt.asUintN(32, result * result * (bit === '1' ? base : 1n));
  return result;
}

type Two = (a: Tensor, b: Tensor | number) => Tensor;
const named = new Map(Object.entries(ops));
const two = (op: string) => named.get(op) as Two;
const numberOf = (text: string) => Number(text.replace('inf', 'Infinity'));
const ints = (name: string) => tensor(fixture.ints(`promotion.${name}`).data);

/** Integers exactly, floats to a rounding, the dtype, or that PyTorch refuses. */
async function expectAnswer(run: () => Tensor, name: string, { dtype }: CaseOptions): Promise<void> {
  if (dtype === 'refused') {
    expect(run).toThrow();
    return;
  }
  const out = run();
  expect(out.dtype, name).toBe(dtype);
  if (dtype !== 'f32') expect([...(await out.data())], name).toEqual([...fixture.ints(`${name}.out`).data]);
  else await expectNumbers(out, `${name}.out`, 2e-7, (i) => `element ${i}`);
}

describe('integers beside numbers and floats', () => {
  const scalars = cases(/^(?!where|pow_)\w+ scalar/);
  test('there are cases', () => expect(scalars).toHaveLength(13 * 7));
  test.each(scalars)('%s', (name, options) =>
    expectAnswer(() => two(options.op)(ops.add(ints('integers'), 0), numberOf(options.scalar)), name, options),
  );
  test.each(cases(/^\w+ (integers floats|floats integers|integers other)$/))('%s', (name, options) => {
    const operandOf = (operand: string) =>
      operand === 'floats' ? tensor(fixture.get('promotion.floats').data) : ints(operand);
    const [a, b] = options.operands.split(' ').map(operandOf) as [Tensor, Tensor];
    return expectAnswer(() => two(options.op)(a, b), name, options);
  });
  test.each(cases(/^where scalar/))('%s', (name, options) => {
    const mask = tensor(Uint32Array.from(fixture.ints('promotion.mask').data));
    return expectAnswer(() => ops.where(mask, ints('integers'), numberOf(options.scalar)), name, options);
  });
  test.each(cases(/^clamp -?[\d.]+ /))('%s', (name, options) =>
    expectAnswer(() => ops.clamp(ints('integers'), numberOf(options.low), numberOf(options.high)), name, options),
  );
  test.each(cases(/^(neg|abs|square|relu|sign|floor|ceil)$/))('%s', (name, options) =>
    expectAnswer(() => (named.get(name) as (x: Tensor) => Tensor)(ints('integers')), name, options),
  );
});

test('integers without a sign: what fixtures cannot hold', async () => {
  const x = tensor(Uint32Array.of(0, 3, 2 ** 32 - 1));
  const values = async (out: Tensor) => [out.dtype, [...(await out.data())]];
  expect(await values(ops.mul(x, 0.5))).toEqual(['f32', [0, 1.5, 2 ** 31]]);
  expect(await values(ops.div(x, 2))).toEqual(['f32', [0, 1.5, 2 ** 31]]);
  expect(await values(ops.ge(x, 0.5))).toEqual(['u32', [0, 1, 1]]);
  expect(await values(ops.neg(x))).toEqual(['u32', [0, 2 ** 32 - 3, 1]]);
  for (const op of [ops.abs, ops.relu, ops.floor, ops.ceil])
    expect(await values(op(x))).toEqual(['u32', [0, 3, 2 ** 32 - 1]]);
  expect(await values(ops.sign(x))).toEqual(['u32', [0, 1, 1]]);
  expect(await values(ops.square(x))).toEqual(['u32', [0, 9, 1]]);
  expect(await values(ops.clamp(x, 1, 4))).toEqual(['u32', [1, 3, 4]]);
});

test('a whole number past all integers compares as what it is', async () => {
  const values = async (out: Tensor) => [...(await out.data())];
  const u = tensor(Uint32Array.of(0, 2 ** 32 - 1));
  expect(await values(ops.lt(u, -1))).toEqual([0, 0]);
  expect(await values(ops.ne(u, -1))).toEqual([1, 1]);
  expect(await values(ops.lt(u, 2 ** 32))).toEqual([1, 1]);
  const i = tensor(Int32Array.of(-(2 ** 31), 2 ** 31 - 1));
  expect(await values(ops.eq(i, 2 ** 31))).toEqual([0, 0]);
  expect(await values(ops.gt(i, -(2 ** 31) - 1))).toEqual([1, 1]);
});

test.each(cases(/^clamp_floats/))('%s, with its gradient', async (name, { low, high }) => {
  const x = leaf(`${name}.x`);
  const out = ops.clamp(x, numberOf(low), numberOf(high));
  backward(ops.sum(out));
  expect(await out.data()).toEqual(fixture.get(`${name}.out`).data);
  expect(await (x.grad as Tensor).data()).toEqual(fixture.get(`${name}.grad_x`).data);
});

test('a quotient by a number is the quotient: 49 / 49 = 1', async () => {
  const whole = Float32Array.from({ length: 200 }, (_, i) => i + 1);
  for (const by of [3, 7, 49, 107]) expect(await ops.div(tensor(whole), by).data()).toEqual(whole.map((v) => v / by));
});

test('log keeps its digits near 1', async () => {
  const near = Float32Array.from({ length: 101 }, (_, i) => 1 + (i - 50) * 1e-6);
  const got = await ops.log(tensor(near)).data();
  got.forEach((v, i) => {
    const e = Math.log(near[i]!);
    expect(Math.abs(v - e)).toBeLessThanOrEqual(3e-7 * Math.abs(e));
  });
});

test('softplus keeps its digits where it is small', async () => {
  const x = Float32Array.from({ length: 400 }, (_, i) => (i - 340) / 4);
  const got = await ops.softplus(tensor(x)).data();
  got.forEach((v, i) => {
    const e = Math.log1p(Math.exp(x[i]!));
    if (!(Math.abs(v - e) <= 8e-6 * e)) expect.fail(`softplus(${x[i]}) is ${v}, expected ${e}`);
  });
});
