// The gradient of a table of which few rows were used: the rows, each once, and their values.
import type { Tensor } from './tensor.ts';

export class RowSparse {
  /** Shape of the dense gradient, `[V, E]`. */
  readonly shape: readonly [number, number];
  /** The rows that have a gradient, ascending, each once: `[n]` i32 with host values. */
  readonly rows: Tensor;
  /** Their gradients, `[n, E]`. */
  readonly values: Tensor;

  constructor(shape: readonly [number, number], rows: Tensor, values: Tensor) {
    this.shape = shape;
    this.rows = rows;
    this.values = values;
  }

  dispose(): void {
    this.rows.dispose();
    this.values.dispose();
  }
}
