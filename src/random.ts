// Counter-based random numbers (Threefry2x32-20): every draw is a pure function of (seed, stream, index), so order and dropout resume anywhere.
import { ArgumentError } from './errors.ts';

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;
const TWO_32 = 2 ** 32;

/** A 64-bit Threefry key as two unsigned 32-bit words. */
export type Key = readonly [number, number];

/** What a stream is for: two uses of one seed never share a stream. */
export const DOMAIN = { shuffle: 1, batchOrder: 2, wordDropout: 3 } as const;

/** Threefry2x32 with 20 rounds: two unsigned words from a key and a counter (Salmon et al., SC'11; Random123). */
export function threefry2x32(key0: number, key1: number, c0: number, c1: number): [number, number] {
  const keys = [key0, key1, PARITY ^ key0 ^ key1];
  let x0 = (c0 + key0) | 0;
  let x1 = (c1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round & 7]!;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    if ((round & 3) === 3) {
      const injection = (round >> 2) + 1;
      x0 = (x0 + keys[injection % 3]!) | 0;
      x1 = (x1 + keys[(injection + 1) % 3]! + injection) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** Number of the stream of one epoch (or other unsigned 32-bit index) in a domain. */
export function streamOf(domain: number, epoch: number): number {
  return domain * TWO_32 + checkCount('streamOf', 'epoch', epoch, TWO_32);
}

/** The key of a stream; `threefry2x32(...streamKey(seed, stream), i, j)` draws from it. */
export function streamKey(seed: number, stream: number): Key {
  checkCount('random', 'seed', seed);
  checkCount('random', 'stream', stream);
  return threefry2x32(seed >>> 0, Math.floor(seed / TWO_32), stream >>> 0, Math.floor(stream / TWO_32));
}

/** Draw (`i`, `j`) of a stream whose key is at hand: a float64 in [0, 1) with 53 random bits. */
export function uniformAt(key: Key, i: number, j = 0): number {
  const [high, low] = threefry2x32(key[0], key[1], i, j);
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
}

/** Draw `i` of a stream: a float64 in [0, 1). */
export function uniform(seed: number, stream: number, i: number): number {
  return uniformAt(streamKey(seed, stream), i >>> 0, Math.floor(i / TWO_32));
}

/** A uniformly random order of 0..n-1 (Fisher-Yates), the same for the same (n, seed, stream). */
export function permutation(n: number, seed: number, stream: number): Int32Array {
  checkCount('permutation', 'n', n, 2 ** 31);
  const key = streamKey(seed, stream);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniformAt(key, i) * (i + 1));
    const swapped = order[i]!;
    order[i] = order[j]!;
    order[j] = swapped;
  }
  return order;
}

function checkCount(op: string, argument: string, value: number, limit = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < 0 || value >= limit) {
    throw new ArgumentError({ op, argument, expected: `an integer from 0 to ${limit - 1}`, actual: String(value) });
  }
  return value;
}
