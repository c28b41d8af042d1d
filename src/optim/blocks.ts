// Tables of blocks: which part of what a kernel binds each of its workgroups takes.
import type { Device } from '../gpu/device.ts';
import { lasting } from '../tensor/create.ts';
import type { Storage, Tensor } from '../tensor/tensor.ts';

/** Elements that one workgroup takes. */
export const BLOCK = 4096;
export const MOST_TABLES = 64;

/** A tensor in a binding. */
export interface Extent {
  /** First element in the binding. */
  readonly start: number;
  /** Elements. */
  readonly size: number;
  /** Where the partial sums of its blocks begin. */
  readonly first?: number;
  /** Its parameter's row in the scalars of a step, or the number of the binding. */
  readonly mark: number;
}

/** The tables of an owner, the one used last at the end. */
const known = new WeakMap<Storage, Map<string, Tensor>>();

/**
 * The blocks of sets of extents as kernels read them, a table `[blocks, 4]` u32 for each set; they go with `owner`, and are not the
 * caller's to dispose.
 */
export function blockTables({ storage, device }: Tensor, sets: readonly (readonly Extent[])[]): Tensor[] {
  const tables = known.get(storage) ?? new Map<string, Tensor>();
  if (!known.has(storage)) storage.onFree(() => tables.forEach((table) => void table.dispose()));
  known.set(storage, tables);
  const found = sets.map((extents) => {
    const key = JSON.stringify(extents);
    const table = tables.get(key) ?? tableOf(extents, device);
    tables.delete(key);
    tables.set(key, table);
    return table;
  });
  for (const [key, table] of tables) {
    if (tables.size <= Math.max(MOST_TABLES, sets.length)) break;
    tables.delete(key);
    table.dispose();
  }
  return found;
}

function tableOf(extents: readonly Extent[], device: Device): Tensor {
  const rows: number[] = [];
  for (const { start, size, first = 0, mark } of extents)
    for (let at = 0; at < size; at += BLOCK)
      rows.push((start + at) / 4, Math.min(BLOCK, size - at), first + at / BLOCK, mark);
  const table = lasting([rows.length / 4, 4], { dtype: 'u32', device, label: 'blocks' });
  device.write({ ...table.view, bytes: table.bytes }, Uint32Array.from(rows));
  return table;
}
