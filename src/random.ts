// Counter-based random numbers (Threefry2x32-20): every draw is a pure function of (seed, stream, index), so order and dropout resume anywhere.
import { refuse } from './check.ts';

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;
const TWO_32 = 2 ** 32;

/** A 64-bit Threefry key as two unsigned 32-bit words. */
export type Key = readonly [number, number];

/** What a stream is for: two uses of one seed never share a stream. */
export const DOMAIN = { shuffle: 1, batchOrder: 2, wordDropout: 3, dropout: 4, initialValue: 5 } as const;

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

// Coefficients of AS 241, PPND16: highest power first, numerator then denominator, by region.
const CENTRE = [
  [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
] as const;
const TAIL = [
  [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
] as const;
const FAR_TAIL = [
  [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
] as const;

/**
 * The number below which a standard normal variable falls with probability `p` in (0, 1), to about 1e-16 (Wichura 1988,
 * algorithm AS 241). Made of +, -, ·, / and square roots alone, which every machine rounds alike: the same bits everywhere.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRE, 0.180625 - q * q);
  const r = Math.sqrt(-logarithm(q < 0 ? p : 1 - p));
  const x = r <= 5 ? ratio(TAIL, r - 1.6) : ratio(FAR_TAIL, r - 5);
  return q < 0 ? -x : x;
}

function ratio([numerator, denominator]: readonly [readonly number[], readonly number[]], r: number): number {
  let above = 0;
  let below = 0;
  for (let i = 0; i < 8; i++) {
    above = above * r + numerator[i]!;
    below = below * r + denominator[i]!;
  }
  return above / below;
}

/** Natural logarithm by the series of atanh; `Math.log` differs between engines in the last bit. */
function logarithm(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let series = 0;
  for (let n = 23; n >= 1; n -= 2) series = series * square + 1 / n;
  return exponent * Math.LN2 + 2 * s * series;
}

function checkCount(op: string, argument: string, value: number, limit = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < 0 || value >= limit) {
    refuse(op, argument, `an integer from 0 to ${limit - 1}`, value);
  }
  return value;
}
