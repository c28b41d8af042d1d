// One kernel family at one shape: what it costs by the book, how it is run, how its result is checked.
import { type Device, step, Tensor } from '../../src/index.ts';
import type { RowSparse } from '../../src/tensor/tensor.ts';

export interface KernelCase {
  name: string;
  /** Floating-point operations of one call, a multiply-add being two; 0 where moving bytes is all the work. */
  flops: number;
  /** Bytes that one call must move at least: every operand read once, every result written once. */
  bytes: number;
  make(device: Device): MadeCase | Promise<MadeCase>;
}

export interface MadeCase {
  /** Queues one call. */
  run(): void;
  /** Compares one call's result with one found another way; throws where they differ. Says which way. */
  validate(): Promise<string>;
}

/** Compares numbers: the largest difference by the largest wanted value. */
export function same(what: string, got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} values, wanted ${want.length}`);
  let [off, size, at] = [0, 1e-6, 0];
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs(got[i]! - want[i]!);
    if (!(d <= off)) [off, at] = [d, i]; // NaN too
    size = Math.max(size, Math.abs(want[i]!));
  }
  if (!(off <= tolerance * size))
    throw new Error(`${what}: element ${at} is ${got[at]}, wanted ${want[at]} (largest value ${size})`);
}

/** Runs `fn` in a scope and reads the tensors that it returns. */
export async function values<K extends string>(fn: () => Record<K, Tensor>): Promise<Record<K, Float32Array>> {
  const tensors = step(fn);
  const entries: [string, Float32Array][] = [];
  for (const [name, tensor] of Object.entries<Tensor>(tensors)) {
    entries.push([name, (await tensor.data()) as Float32Array]);
    tensor.dispose();
  }
  return Object.fromEntries(entries) as Record<K, Float32Array>;
}

/** Takes a leaf's gradient away from it. */
export function takeGradient(leaf: Tensor): Tensor {
  const { grad } = leaf;
  if (!(grad instanceof Tensor)) throw new Error('a dense gradient was expected');
  leaf.grad = undefined;
  return grad;
}

/** Frees gradients, as between two steps. */
export function dropGradients(leaves: readonly Tensor[]): void {
  for (const leaf of leaves) {
    (leaf.grad as Tensor | RowSparse | undefined)?.dispose();
    leaf.grad = undefined;
  }
}
