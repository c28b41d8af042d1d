// The roofline model (Williams, Waterman and Patterson 2009): what a kernel reaches beside what its intensity allows at most.
import type { Ceilings } from './ceilings.ts';

/** Where something stands: sums of operations, bytes and time. */
export interface Work {
  /** Undefined where they are not known. */
  flops: number | undefined;
  bytes: number;
  us: number;
  /** Whether operands are read through textures, whose roof is another one. */
  texels: boolean;
}

export interface Placement {
  /** 10⁹ operations, and 10⁹ bytes, a second. */
  gflops: number | undefined;
  gbps: number;
  /** Operations per byte. */
  intensity: number | undefined;
  /** The lower of the two roofs over this intensity, in GFLOP/s. */
  roofGflops: number | undefined;
  /** Which of the two it is; by bytes alone where the operations are not known. */
  bound: 'compute' | 'memory';
  /** Share reached of the lower roof; over 1 where caches serve what the roof counts as memory. */
  ofRoof: number;
}

/** The slope of the roof: bytes through storage buffers, or through whichever of textures and buffers is faster. */
export function bandwidth({ copyGbps, triadGbps, texelGbps }: Ceilings, texels: boolean): number {
  return Math.max(copyGbps, triadGbps, texels ? (texelGbps ?? 0) : 0);
}

/** Operations per byte where the two roofs meet. */
export function ridge(ceilings: Ceilings, texels: boolean): number {
  return ceilings.gflops / bandwidth(ceilings, texels);
}

/** GFLOP/s that a kernel of some intensity can reach. */
export function roofAt(ceilings: Ceilings, intensity: number, texels: boolean): number {
  return Math.min(ceilings.gflops, intensity * bandwidth(ceilings, texels));
}

export function place({ flops, bytes, us, texels }: Work, ceilings: Ceilings): Placement {
  const rate = (amount: number) => (us > 0 ? amount / us / 1000 : 0);
  const gbps = rate(bytes);
  if (flops === undefined || bytes === 0) {
    const ofRoof = gbps / bandwidth(ceilings, texels);
    const gflops = flops === undefined ? undefined : rate(flops);
    return { gflops, gbps, intensity: undefined, roofGflops: undefined, bound: 'memory', ofRoof };
  }
  const intensity = flops / bytes;
  const roofGflops = roofAt(ceilings, intensity, texels);
  return {
    gflops: rate(flops),
    gbps,
    intensity,
    roofGflops,
    bound: roofGflops < ceilings.gflops ? 'memory' : 'compute',
    ofRoof: rate(flops) / roofGflops,
  };
}
