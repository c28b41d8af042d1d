// Equality of long arrays to the bit, told in one line where they differ.
import { expect } from 'vitest';
import type { TypedArray } from '../../src/tensor/dtype.ts';

/** Fails with the first element that differs in a list of arrays. */
export function expectSameBits(got: readonly TypedArray[], expected: readonly TypedArray[], what: string): void {
  expect(
    got.map((x) => x.length),
    `lengths of ${what}`,
  ).toEqual(expected.map((x) => x.length));
  for (const [n, x] of expected.entries()) {
    const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
    const own = new Uint32Array(got[n]!.buffer, got[n]!.byteOffset, x.length);
    const at = bits.findIndex((word, i) => word !== own[i]);
    if (at >= 0) expect.fail(`${what}: element ${at} of array ${n} is ${got[n]![at]}, expected ${x[at]}`);
  }
}
