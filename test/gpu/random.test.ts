// Random numbers on the device: the shader's Threefry against the published answers and its CPU twin, and filled tensors.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kernel } from '../../src/gpu/kernel.ts';
import { threefry2x32 } from '../../src/random.ts';
import { empty, tensor } from '../../src/tensor/create.ts';
import { defaultGenerator, Generator, manualSeed, normal, uniform } from '../../src/tensor/random.ts';
import { useDevice } from '../gpu-device.ts';

const current = useDevice();

// From another implementation: Python's own Threefry and statistics.NormalDist().inv_cdf, seed 1, step 0, call 0.
const UNIFORM_BITS = [1060528418, 1057563866, 1055780216];
const NORMAL_BITS = [1057979082, 1035443215, 3182784681, 3199196675, 1064560420];

/** The library's text with a main of the test's own: one key and counter per invocation. */
const threefryOfEach = kernel(
  `${readFileSync(new URL('../../shaders/lib/random.wgsl', import.meta.url), 'utf8')}
@group(0) @binding(0) var<storage, read> inputs: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> out: array<vec2u>;
@compute @workgroup_size(64)
fn threefry_of_each(@builtin(global_invocation_id) id: vec3u) {
  if id.x < arrayLength(&inputs) {
    out[id.x] = threefry2x32(inputs[id.x].xy, inputs[id.x].zw);
  }
}`,
);

async function threefryOnDevice(inputs: readonly (readonly number[])[]): Promise<number[][]> {
  const out = empty([inputs.length, 2], { dtype: 'u32', device: current.device, label: 'threefry' });
  const given = tensor(Uint32Array.from(inputs.flat()));
  current.device.run(threefryOfEach, {
    bind: { inputs: given.view, out: out.view },
    params: {},
    grid: Math.ceil(inputs.length / 64),
    label: 'threefry',
  });
  const words = await out.data();
  return inputs.map((_, i) => [words[2 * i]!, words[2 * i + 1]!]);
}

describe('threefry2x32 in WGSL', () => {
  test('Random123’s known answers (kat_vectors, 20 rounds)', async () => {
    const ones = 0xffffffff;
    expect(
      await threefryOnDevice([
        [0, 0, 0, 0],
        [ones, ones, ones, ones],
        [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3], // key, then counter
      ]),
    ).toEqual([
      [0x6b200159, 0x99ba4efe],
      [0x1cb996fc, 0xbb002be7],
      [0xc4923a9c, 0x483df7a0],
    ]);
  });
  test('its CPU twin', async () => {
    const inputs = Array.from({ length: 200 }, (_, i) =>
      [0, 1, 2, 3].map((k) => Math.imul(i + 1, 0x9e3779b1 + 2 * k) >>> 0),
    );
    expect(await threefryOnDevice(inputs)).toEqual(inputs.map(([a, b, c, d]) => threefry2x32(a!, b!, c!, d!)));
  });
});

describe('filled tensors', () => {
  const bits = async (t: { data(): Promise<ArrayLike<number>> }) => [
    ...new Uint32Array(Float32Array.from(await t.data()).buffer),
  ];
  test('uniform: range, mean and variance', async () => {
    const n = 20_000;
    const values = [...(await uniform([n], -2, 4, new Generator(3)).data())];
    expect(values.every((v) => v >= -2 && v <= 4)).toBe(true);
    const mean = values.reduce((sum, v) => sum + v, 0) / n;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n;
    expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(3 / n)); // the variance of a uniform variable 6 wide is 3
    expect(Math.abs(variance - 3)).toBeLessThan(0.1);
  });
  test('normal: the first four moments', async () => {
    const n = 40_000;
    const values = [...(await normal([n], 5, 2, new Generator(4)).data())];
    const moment = (k: number) => values.reduce((sum, v) => sum + ((v - 5) / 2) ** k, 0) / n;
    // Standard errors of the moments of a standard normal variable: sqrt(1, 2, 15, 96) / sqrt(n).
    expect(Math.abs(moment(1))).toBeLessThan((4 * 1) / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan((4 * Math.sqrt(2)) / Math.sqrt(n));
    expect(Math.abs(moment(3))).toBeLessThan((4 * Math.sqrt(15)) / Math.sqrt(n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan((4 * Math.sqrt(96)) / Math.sqrt(n));
  });
  test('the same bits everywhere: these are the ones', async () => {
    expect(await bits(uniform([3], 0, 1, new Generator(1)))).toEqual(UNIFORM_BITS);
    expect(await bits(normal([5], 0, 1, new Generator(1)))).toEqual(NORMAL_BITS);
  });
  test('every call draws anew, also in another shape of the same size, and a seed repeats it', async () => {
    manualSeed(8);
    const first = [await bits(normal([2, 3], 0, 1)), await bits(normal([6], 0, 1))];
    expect(first[0]).not.toEqual(first[1]);
    expect(manualSeed(8)).toBe(defaultGenerator());
    expect([await bits(normal([6], 0, 1)), await bits(normal([3, 2], 0, 1))]).toEqual(first);
  });
  test('no elements', async () => {
    expect((await uniform([0, 3], 0, 1, new Generator(1)).data()).length).toBe(0);
  });
});

describe('refusals', () => {
  test('a range the wrong way round', () => {
    expect(() => uniform([1], 2, 1)).toThrow('uniform: low must be finite and at most high = 1, got 2.');
  });
  test('a negative deviation', () => {
    expect(() => normal([1], 0, -1)).toThrow('normal: std must be finite and >= 0, got -1.');
  });
  test('seeds and steps', () => {
    expect(() => new Generator(0.5)).toThrow('Generator: seed must be a whole number in 0..9007199254740990, got 0.5.');
    expect(() => {
      new Generator(1).step = -1;
    }).toThrow('Generator: step must be a whole number in 0..4294967295, got -1.');
  });
});
