// Tables of the blocks that kernels over a chunk work by, made once for each set of members that takes part.
import type { Chunk } from '../tensor/chunk.ts';
import { lasting } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Elements that one workgroup takes. */
export const BLOCK = 4096;
export const MOST_TABLES = 64;

/** A tensor in a chunk. */
export interface Member {
  /** First element in the chunk. */
  readonly start: number;
  /** Elements. */
  readonly size: number;
  /** Where the partial sums of its blocks begin. */
  readonly first: number;
  /** Its parameter's row in the scalars of a step. */
  readonly row: number;
}

const tables = new WeakMap<Chunk, Map<string, Tensor>>();

/** The blocks of members as the kernels read them, `[blocks, 4]`; not the caller's to dispose. */
export function blocksOf(chunk: Chunk, members: readonly Member[]): Tensor {
  let known = tables.get(chunk);
  if (!known) {
    known = new Map();
    tables.set(chunk, known);
  }
  const key = members.map(({ start, first, row }) => `${start} ${first} ${row}`).join();
  const found = known.get(key);
  if (found) {
    known.delete(key); // to the end: the one used last
    known.set(key, found);
    return found;
  }
  const rows: number[] = [];
  for (const { start, size, first, row } of members)
    for (let at = 0; at < size; at += BLOCK)
      rows.push((start + at) / 4, Math.min(BLOCK, size - at), first + at / BLOCK, row);
  const { device } = chunk;
  const table = lasting([rows.length / 4, 4], { dtype: 'u32', device, label: 'blocks' });
  device.write({ ...table.view, bytes: table.bytes }, Uint32Array.from(rows));
  if (known.size >= MOST_TABLES) {
    const [oldest, old] = known.entries().next().value!;
    known.delete(oldest);
    old.dispose();
  }
  known.set(key, table);
  chunk.onFree(() => table.dispose());
  return table;
}
