// Reading some rows of a table of which others may be behind.
import type { Tensor } from './tensor.ts';

/** Runs `read`, which reads of `table` the rows `ids` alone: no others need be up to date. */
export function readRows(table: Tensor, ids: Tensor, read: () => void): void {
  const { storage } = table;
  const { settle } = storage;
  if (!settle) {
    read();
    return;
  }
  settle(ids, table);
  storage.settle = undefined;
  try {
    read();
  } finally {
    storage.settle = settle;
  }
}
