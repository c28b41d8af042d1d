// A matrix product as kernels see it: operands by strides, what is done to the sums, and what the profiler counts.
import type { Tensor } from '../tensor/tensor.ts';

export const ACTIVATIONS = ['none', 'relu', 'tanh', 'sigmoid', 'gelu'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** A stack of matrices inside a tensor: element `[z, i, j]` lies at `z·batchStride + i·rowStride + j·colStride`. */
export interface Matrix {
  tensor: Tensor;
  batchStride: number;
  rowStride: number;
  colStride: number;
}

/** One product as a kernel sees it: `out[z] = act(a[z] · b[z] + bias)` with `a` `[m, k]` and `b` `[k, n]`. */
export interface Gemm {
  a: Matrix;
  b: Matrix;
  m: number;
  n: number;
  k: number;
  batch: number;
  /** `[n]`. */
  bias?: Tensor | undefined;
  activation?: Activation;
  label: string;
}

/** What every kernel of a product is bound and told for bias and activation. */
export function epilogue({ a, bias, activation = 'none' }: Gemm) {
  return {
    bias: bias?.view ?? { ...a.tensor.view, bytes: 4 },
    overrides: { ACTIVATION: ACTIVATIONS.indexOf(activation), HAS_BIAS: bias !== undefined },
  };
}

/** What a product must do, for the profiler: a multiply-add is two operations, a matrix that serves the whole batch is read once. */
export function work({ a, b, m, n, k, batch, bias }: Gemm) {
  const stack = ({ batchStride }: Matrix) => (batchStride === 0 ? 1 : batch);
  return {
    flops: 2 * batch * m * n * k,
    bytes: 4 * (stack(a) * m * k + stack(b) * k * n + batch * m * n + (bias ? n : 0)),
  };
}

/** The last two axes of `tensor` as matrices; one that is not batched serves every member of the batch. */
export function matrixOf(tensor: Tensor, transposed: boolean): Matrix {
  const [rows, columns] = [tensor.shape.at(-2)!, tensor.shape.at(-1)!];
  const batchStride = tensor.size > rows * columns ? rows * columns : 0;
  return transposed
    ? { tensor, batchStride, rowStride: 1, colStride: columns }
    : { tensor, batchStride, rowStride: columns, colStride: 1 };
}
