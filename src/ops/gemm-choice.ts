// Which kernel computes a matrix product: by the adapter's class and the class of the shape, or as it was tuned.
import type { Device } from '../gpu/device.ts';

/** How a product is computed; the kernels are `matmul_<method>*`. */
export const GEMM_METHODS = ['direct', 'texel', 'texel_packed', 'tiled_1', 'tiled_2'] as const;
export type GemmMethod = (typeof GEMM_METHODS)[number];

/** `slabs` > 1: k is cut into so many equal parts where it can be, computed side by side and added in order. */
export interface GemmChoice {
  readonly method: GemmMethod;
  readonly slabs: number;
}

export interface GemmShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
}

/** Shapes of one class share a choice: sizes up to the next power of two, those over 4,096 together. */
export function gemmClass({ m, n, k, batch }: GemmShape): string {
  const power = (size: number) => Math.min(4096, 2 ** Math.ceil(Math.log2(size)));
  return `gemm ${batch > 1 ? `${power(batch)} x ` : ''}${power(m)}x${power(n)}x${power(k)}`;
}

/** The choice for a shape: the device's tuned one if there is one for its class, else by the table. */
export function gemmChoice(device: Device, shape: GemmShape): GemmChoice {
  const tuned = device.choices.get(gemmClass(shape));
  return tuned === undefined ? tableChoice(device, shape) : parseChoice(tuned);
}

/** `method` or `method/slabs`, as choices are written down. */
export function formatChoice({ method, slabs }: GemmChoice): string {
  return slabs > 1 ? `${method}/${slabs}` : method;
}

export function parseChoice(text: string): GemmChoice {
  const [method, slabs = '1'] = text.split('/');
  return { method: method as GemmMethod, slabs: Number(slabs) };
}

/** Whether a device can run a method. */
export function canRun({ tuning }: Device, method: GemmMethod): boolean {
  return !method.startsWith('texel') || tuning.texelLanes > 0;
}

/**
 * Sums and results from which packing the operands pays. llvmpipe (Mesa 25.0.7, 2026-11-22), m x k x n, best time packed by best
 * as stored:
 *
 *   tn   4096x3072x1024 0.58   2048x3072x512 0.78    1024x2048x512 0.77    1024x1024x1024 0.87   1024x1280x256 0.99
 *   nn   3072x4096x1024 0.73   2048x2048x512 0.84    1024x1024x1024 1.06   1280x1024x256 1.10
 *   nt   3072x1024x4096 0.95   1024x1024x1024 0.93   3072x512x4096 1.01    1024x200x800 1.05
 */
const PACKED_FROM = { k: 2048, results: 2 ** 19 };
/** Multiply-adds from which copying the operands into textures pays. */
const TEXEL_FROM = 4096;
/** With fewer rows, or less to sum, the plain kernel is as fast and needs no copies of operands. */
const THIN = 16;
/** Workgroups that keep a GPU busy; a result of fewer tiles is cut along k. */
const BUSY = 64;
/** Least k of a slab. */
const SLAB = 128;

/**
 * Software adapters: texels where they can, else the plain kernel; one thread a core needs no slabs. GPUs: tiles in
 * workgroup memory from 32 rows and columns on, the large ones where enough of them remain, slabs where too few do.
 */
function tableChoice(device: Device, { m, n, k, batch }: GemmShape): GemmChoice {
  if (!device.tuning.tiles) {
    const byTexels = canRun(device, 'texel') && m * n * k >= TEXEL_FROM && Math.min(m, k) >= THIN;
    // An operand is bound whole to be packed.
    const pack =
      k >= PACKED_FROM.k && m * n >= PACKED_FROM.results && 8 * batch * k * Math.max(m, n) <= device.maxBindingBytes;
    return { method: byTexels ? (pack ? 'texel_packed' : 'texel') : 'direct', slabs: 1 };
  }
  if (Math.min(m, n) < 32 || k < 16) return { method: 'direct', slabs: slabsFor(m, n, k, batch, 32) };
  const tile = 4 * device.tuning.tileSide;
  const wide = Math.ceil(m / (2 * tile)) * Math.ceil(n / (2 * tile)) * batch >= BUSY;
  return wide ? { method: 'tiled_2', slabs: 1 } : { method: 'tiled_1', slabs: slabsFor(m, n, k, batch, tile) };
}

/** A power of two that divides k, so that about BUSY workgroups come together. */
function slabsFor(m: number, n: number, k: number, batch: number, tile: number): number {
  const groups = Math.ceil(m / tile) * Math.ceil(n / tile) * batch;
  let slabs = 1;
  while (2 * slabs * groups <= 2 * BUSY && k % (2 * slabs) === 0 && k / (2 * slabs) >= SLAB) slabs *= 2;
  return slabs;
}
