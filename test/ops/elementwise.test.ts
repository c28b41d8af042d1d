import { describe, expect, test } from 'vitest';
import { BOX_AXES } from '../../src/ops/box.ts';
import * as elementwise from '../../src/ops/elementwise.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { map, type Nd, randomNd } from '../nd.ts';
import { broadcast, each, erf, sigmoid } from '../reference/elementwise.ts';
import { where } from '../reference/indexing.ts';

useDevice();

const shapes = [[[1]], [[3, 5]], [[65]], [[2, 67, 3]], [[70_001]], [[0, 3]]];
const positive = (x: Nd) => map(x, (v) => 0.2 + Math.abs(v));
const awayFromZero = (x: Nd) => map(x, (v) => v + Math.sign(v) * 0.1);
const wide = (x: Nd) => map(x, (v) => 6 * v);

const unary: [string, (x: Tensor) => Tensor, (v: number) => number, ((x: Nd) => Nd)?][] = [
  ['neg', ops.neg, (v) => -v],
  ['abs', ops.abs, Math.abs, awayFromZero],
  ['exp', ops.exp, Math.exp],
  ['log', ops.log, Math.log, positive],
  ['sqrt', ops.sqrt, Math.sqrt, positive],
  ['reciprocal', ops.reciprocal, (v) => 1 / v, positive],
  ['square', ops.square, (v) => v * v],
  ['sigmoid', ops.sigmoid, sigmoid, wide],
  ['tanh', ops.tanh, Math.tanh, wide],
  ['relu', ops.relu, (v) => Math.max(v, 0), awayFromZero],
  ['gelu', ops.gelu, (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)), (x) => map(x, (v) => 3 * v)],
  ['silu', ops.silu, (v) => v * sigmoid(v), wide],
  ['softplus', ops.softplus, (v) => Math.log1p(Math.exp(v)), wide],
  ['log1p', ops.log1p, Math.log1p, (x) => map(x, (v) => 2 * v + 1.2)],
  ['expm1', ops.expm1, Math.expm1, wide],
  ['rsqrt', ops.rsqrt, (v) => 1 / Math.sqrt(v), positive],
  ['erf', ops.erf, erf, (x) => map(x, (v) => 3 * v)],
  [
    'gelu tanh',
    (x) => ops.gelu(x, { approximate: 'tanh' }),
    (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    (x) => map(x, (v) => 3 * v),
  ],
  ['leakyRelu', (x) => ops.leakyRelu(x, 0.2), (v) => (v > 0 ? v : 0.2 * v), awayFromZero],
  ['elu', (x) => ops.elu(x, 1.5), (v) => (v > 0 ? v : 1.5 * Math.expm1(v)), wide],
  ['sin', ops.sin, Math.sin],
  ['cos', ops.cos, Math.cos],
  ['clamp', (x) => ops.clamp(x, -0.5, 0.25), (v) => Math.min(0.25, Math.max(-0.5, v))],
  ['add scalar', (x) => ops.add(x, 1.5), (v) => v + 1.5],
  ['mul scalar', (x) => ops.mul(x, -2), (v) => -2 * v],
  ['div scalar', (x) => ops.div(x, 4), (v) => v / 4],
  ['pow 3', (x) => ops.pow(x, 3), (v) => v ** 3, awayFromZero],
  ['pow 0.5', (x) => ops.pow(x, 0.5), Math.sqrt, positive],
];

describe('unary', () => {
  test.each(unary)('%s', async (_, op, reference, sample) => {
    const options = sample ? { shapes, sample } : { shapes };
    await checkOp(([x]) => op(x!), each(reference), { ...options, atol: 2e-6 });
  });

  test.each([
    ['sign', ops.sign, (v: number) => Math.sign(v) || 0], // of NaN, too
    ['floor', ops.floor, Math.floor],
    ['ceil', ops.ceil, Math.ceil],
    ['round', ops.round, (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v))],
  ] as const)('%s', async (_, op, reference) => {
    await checkOp(([x]) => op(x!), each(reference), { shapes: [[[67]]], sample: wide });
  });
});

const pairs = [
  [[1], [1]],
  [
    [3, 5],
    [3, 5],
  ],
  [[3, 5], [5]],
  [
    [3, 1],
    [1, 5],
  ],
  [[], [4]],
  [
    [2, 1, 3, 1, 2],
    [4, 1, 5, 1],
  ],
  [
    [257, 3],
    [257, 1],
  ],
  [[0, 3], [3]],
];

const binary: [string, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number, ((x: Nd) => Nd)?][] = [
  ['add', ops.add, (a, b) => a + b],
  ['sub', ops.sub, (a, b) => a - b],
  ['mul', ops.mul, (a, b) => a * b],
  ['div', ops.div, (a, b) => a / b, positive],
  ['maximum', ops.maximum, Math.max],
  ['minimum', ops.minimum, Math.min],
  ['pow', ops.pow, (a, b) => a ** b, positive],
];

test('every op of one argument has a row above', () => {
  const tested = [...unary.map(([name]) => name), 'sign', 'floor', 'ceil', 'round', 'cast'];
  expect(Object.keys(elementwise).filter((name) => !tested.includes(name))).toEqual([]);
});

test('small results keep their digits, and halves go to the even number', async () => {
  const small = [1e-7, -3e-5, 1e-3, -0.02];
  for (const [op, exact] of [
    [ops.erf, erf],
    [ops.log1p, Math.log1p],
    [ops.expm1, Math.expm1],
  ] as const)
    for (const [i, v] of (await op(tensor(small)).data()).entries())
      expect(Math.abs(v / exact(Math.fround(small[i]!)) - 1)).toBeLessThan(3e-7);
  expect([...(await ops.round(tensor([0.5, 1.5, 2.5, -1.5])).data())]).toEqual([0, 2, 2, -2]);
});

describe('binary with broadcasting', () => {
  test.each(binary)('%s', async (_, op, reference, sample) => {
    await checkOp(([a, b]) => op(a!, b!), broadcast(reference), {
      shapes: pairs,
      atol: 2e-6,
      ...(sample ? { sample } : {}),
    });
  });

  test.each([
    ['eq', ops.eq, (a: number, b: number) => a === b],
    ['ne', ops.ne, (a: number, b: number) => a !== b],
    ['lt', ops.lt, (a: number, b: number) => a < b],
    ['le', ops.le, (a: number, b: number) => a <= b],
    ['gt', ops.gt, (a: number, b: number) => a > b],
    ['ge', ops.ge, (a: number, b: number) => a >= b],
  ] as const)('%s', async (_, op, holds) => {
    const halves = (x: Nd) => map(x, (v) => Math.round(2 * v) / 2);
    await checkOp(
      ([a, b]) => op(a!, b!),
      broadcast((a, b) => Number(holds(a, b))),
      { shapes: pairs, sample: halves, differentiable: false },
    );
  });

  test('integers', async () => {
    const a = tensor(Int32Array.of(5, -3, 7));
    expect([...(await ops.add(a, tensor(Int32Array.of(1, 2, 3))).data())]).toEqual([6, -1, 10]);
    expect([...(await ops.mul(a, 2).data())]).toEqual([10, -6, 14]);
    expect([...(await ops.pow(a, 2).data())]).toEqual([25, 9, 49]);
    expect([...(await ops.lt(a, 5).data())]).toEqual([0, 1, 0]);
    expect([...(await ops.cast(tensor([1.7, -1.7, 3]), 'i32').data())]).toEqual([1, -1, 3]);
  });
});

describe.each([BOX_AXES, BOX_AXES + 1, BOX_AXES + 2])('%d axes, repeated in turns', (rank) => {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const [a, b] = [0, 1].map((turn) => axes.map((axis) => (axis % 2 === turn ? 2 : 1))) as [number[], number[]];
  test('mul, with gradients', () =>
    checkOp(
      ([x, y]) => ops.mul(x!, y!),
      broadcast((x, y) => x * y),
      { shapes: [[a, b]], atol: 2e-6 },
    ));
  test('lt, where and broadcastTo', async () => {
    await checkOp(
      ([x, y]) => ops.lt(x!, y!),
      broadcast((x, y) => Number(x < y)),
      { shapes: [[a, b]], differentiable: false },
    );
    const mask = map(
      randomNd(
        axes.map((axis) => (axis % 3 === 0 ? 2 : 1)),
        7,
      ),
      (v) => Number(v > 0),
    );
    const made = tensor(Uint32Array.from(mask.data), { shape: mask.shape });
    await checkOp(
      ([x, y]) => ops.where(made, x!, y!),
      ([x, y]) => where(mask, x!, y!),
      { shapes: [[a, b]], atol: 1e-6 },
    );
    const full = axes.map(() => 2);
    await checkOp(
      ([x]) => ops.broadcastTo(x!, full),
      ([x]) => broadcast((v) => v)([x!, { shape: full, data: new Float64Array(2 ** rank) }]),
      { shapes: [[a]] },
    );
  });
});

describe('refusals', () => {
  test('shapes that do not broadcast', () => {
    expect(() => ops.add(tensor([[1, 2]]), tensor([1, 2, 3]))).toThrow(
      'add: the operands must be of shapes that broadcast (equal or 1 on each axis, counted from the back), got [1, 2] and [3].',
    );
  });
  test('integers with and without a sign', () => {
    expect(() => ops.mul(tensor(Uint32Array.of(1, 2)), tensor(Int32Array.of(1, 2)))).toThrow(
      'mul: the operands must be of one integer dtype, got u32 and i32. Convert one with cast.',
    );
  });
  test('a whole number that the integers do not hold', () => {
    expect(() => ops.add(tensor(Uint32Array.of(1)), -1)).toThrow(
      'add: b must be a number that u32 holds, 0..4294967295, got -1. Convert the tensor with cast first.',
    );
  });
  test('a negative power of integers', () => {
    expect(() => ops.pow(tensor(Int32Array.of(2)), -1)).toThrow(
      "pow: b must be at least 0 for the base i32, got -1. Convert the base with cast(a, 'f32').",
    );
  });
  test('an integer where a float is needed', () => {
    expect(() => ops.exp(tensor(Int32Array.of(1)))).toThrow('exp: x must be f32, got i32.');
  });
});

test('checkOp catches an error of one per cent, forward and backward', async () => {
  const off = (x: Tensor) => ops.mul(ops.sigmoid(x), 1.01);
  await expect(checkOp(([x]) => off(x!), each(sigmoid), { shapes: [[[3, 5]]] })).rejects.toThrow('output 0');
  // forward right, gradient 1 % off: the detached copy adds value but no gradient
  const { detach } = await import('../../src/autograd/tape.ts');
  const offBackward = (x: Tensor) => ops.add(ops.mul(ops.sigmoid(x), 1.01), ops.mul(detach(ops.sigmoid(x)), -0.01));
  await expect(checkOp(([x]) => offBackward(x!), each(sigmoid), { shapes: [[[3, 5]]] })).rejects.toThrow(
    'gradient of input 0',
  );
});
