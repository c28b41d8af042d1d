// The gradient of a table of which few rows were used: the rows, each once, and their values.
import type { Tensor } from './tensor.ts';

export class RowSparse {
  /** Shape of the dense gradient, `[V, E]`. */
  readonly shape: readonly [number, number];
  /**
   * The rows that have a gradient, ascending, each once, then -1 in the places that are left: `[n]` i32. How many places
   * there are follows from shapes, so that a step may be recorded.
   */
  readonly rows: Tensor;
  /** Their gradients, `[n, E]`; zero in the places without a row. */
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
