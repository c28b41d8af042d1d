// The matrix product itself: one interface, several kernels named by their method, chosen by adapter and shape. No autograd.
import { shaders } from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { copyStrided } from './copy-strided.ts';
import { type GemmMethod, gemmChoice, gemmClass } from './gemm-choice.ts';
import { sumTo } from './reduce.ts';

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

/** The result `[batch, m, n]` is a fresh tensor. */
export function gemm(product: Gemm): Tensor {
  const { a, m, n, k, batch, bias, activation = 'none', label } = product;
  const { device } = a.tensor;
  const { method, slabs } = gemmChoice(device, { m, n, k, batch });
  device.onChoice?.(gemmClass(product), sampleOf(product));
  const plain = batch === 1 && !bias && activation === 'none';
  if (plain && slabs > 1 && k > 0 && k % slabs === 0) return bySlabs(product, slabs, method);
  const out = empty([batch, m, n], { device, label });
  if (out.size === 0) return out;
  if (k === 0) device.clear(out.view);
  else METHODS[method](product, out);
  return out;
}

/** What a tuner needs to know of a product; see `GemmSample`. */
function sampleOf({ a, b, m, n, k, batch }: Gemm) {
  return { m, n, k, batch, transposedA: a.rowStride === 1 && k > 1, transposedB: b.rowStride === 1 && n > 1 };
}

const METHODS: Record<GemmMethod, (product: Gemm, out: Tensor) => void> = {
  direct,
  texel,
  tiled_1: (product, out) => tiled(shaders.matmul_tiled_1, 64, product, out),
  tiled_2: (product, out) => tiled(shaders.matmul_tiled_2, 128, product, out),
};

/** A long k cut into slabs of one length, each a member of a batch, and their results added in order: for small results. */
function bySlabs(product: Gemm, slabs: number, method: GemmMethod): Tensor {
  const { a, b, m, n, label } = product;
  const k = product.k / slabs;
  const partial = empty([slabs, m, n], { device: a.tensor.device, label });
  METHODS[method](
    {
      ...product,
      a: { ...a, batchStride: k * a.colStride },
      b: { ...b, batchStride: k * b.rowStride },
      k,
      batch: slabs,
    },
    partial,
  );
  const out = sumTo(partial, [1, m, n]);
  partial.dispose();
  return out;
}

/** Tiles of both operands in workgroup memory, any strides: for GPUs. */
function tiled(
  kernel: typeof shaders.matmul_tiled_1 | typeof shaders.matmul_tiled_2,
  tile: number,
  product: Gemm,
  out: Tensor,
): void {
  const { a, b, m, n, batch, label } = product;
  const { bias, overrides } = epilogue(product);
  out.device.run(kernel, {
    bind: { a: a.tensor.view, b: b.tensor.view, bias, out: out.view },
    params: strides(product),
    overrides: { ...overrides, A_ALONG_K: a.colStride === 1, B_ALONG_K: b.rowStride === 1 && b.colStride !== 1 },
    grid: [Math.ceil(n / tile), Math.ceil(m / tile), batch],
    label,
    ...work(product),
  });
}

function strides({ a, b, m, n, k }: Gemm) {
  return {
    m,
    n,
    k,
    a_batch: a.batchStride,
    a_row: a.rowStride,
    a_k: a.colStride,
    b_batch: b.batchStride,
    b_k: b.rowStride,
    b_col: b.colStride,
  };
}

function epilogue({ a, bias, activation = 'none' }: Gemm) {
  return {
    bias: bias?.view ?? { ...a.tensor.view, bytes: 4 },
    overrides: { ACTIVATION: ACTIVATIONS.indexOf(activation), HAS_BIAS: bias !== undefined },
  };
}

/** What a product must do, for the profiler: a multiply-add is two operations, a matrix that serves the whole batch is read once. */
function work({ a, b, m, n, k, batch, bias }: Gemm) {
  const stack = ({ batchStride }: Matrix) => (batchStride === 0 ? 1 : batch);
  return {
    flops: 2 * batch * m * n * k,
    bytes: 4 * (stack(a) * m * k + stack(b) * k * n + batch * m * n + (bias ? n : 0)),
  };
}

/** Any strides, any adapter. */
function direct(product: Gemm, out: Tensor): void {
  const { a, b, m, n, batch, label } = product;
  const { bias, overrides } = epilogue(product);
  out.device.run(shaders.matmul_direct, {
    bind: { a: a.tensor.view, b: b.tensor.view, bias, out: out.view },
    params: strides(product),
    overrides,
    grid: [Math.ceil(n / 32), Math.ceil(m / 32), batch],
    label,
    ...work(product),
  });
}

/** By how the operands are stored, then by the vec4s of columns that a lane holds. */
const TEXEL_KERNELS = {
  nn: { 1: shaders.matmul_texel_nn_1, 2: shaders.matmul_texel_nn_2 },
  nt: { 1: shaders.matmul_texel_nt_1, 2: shaders.matmul_texel_nt_2 },
  tn: { 1: shaders.matmul_texel_tn_1, 2: shaders.matmul_texel_tn_2 },
};

/** Operands through textures, a handed round the 8 lanes of a subgroup: for software adapters. */
function texel(product: Gemm, out: Tensor): void {
  const { m, n, k, batch, label } = product;
  const { device } = out;
  const a = inVec4s(product.a, m, k, label);
  const b = inVec4s(product.b, k, n, label, a.matrix.rowStride === 1 && k > 1);
  const aTransposed = a.matrix.colStride !== 1;
  const bTransposed = b.matrix.colStride !== 1;
  const { bias, overrides } = epilogue(product);
  const wide = n > 32 ? 2 : 1;
  const kernel = TEXEL_KERNELS[aTransposed ? 'tn' : bTransposed ? 'nt' : 'nn'][wide];
  device.withTextures([a.matrix.tensor.view, b.matrix.tensor.view], label, ([ta, tb]) => {
    device.run(kernel, {
      bind: { a: ta, b: tb, bias, out: out.view },
      params: {
        m,
        n,
        k4: Math.ceil(k / 4),
        a_batch: a.matrix.batchStride / 4,
        a_row: (aTransposed ? a.matrix.colStride : a.matrix.rowStride) / 4,
        b_batch: b.matrix.batchStride / 4,
        b_row: (bTransposed ? b.matrix.colStride : b.matrix.rowStride) / 4,
      },
      overrides,
      grid: [Math.ceil(m / 32), Math.ceil(n / (32 * wide)), batch],
      label,
      ...work(product),
    });
  });
  for (const operand of [a, b]) if (operand.copied) operand.matrix.tensor.dispose();
}

/**
 * The matrix as the texel kernels read it: one axis contiguous, the other's stride and the batch stride multiples of 4, both
 * axes padded with zeros to multiples of 4 where they are not. Copies where it must, or where `byRows` asks for rows.
 */
function inVec4s(
  matrix: Matrix,
  rows: number,
  columns: number,
  label: string,
  byRows = false,
): { matrix: Matrix; copied: boolean } {
  const { tensor, batchStride, rowStride, colStride } = matrix;
  const contiguous = colStride === 1 || (rowStride === 1 && !byRows);
  const long = colStride === 1 ? rowStride : colStride;
  const inner = colStride === 1 ? columns : rows;
  const whole = rows % 4 === 0 && columns % 4 === 0;
  if (contiguous && whole && inner <= long && long % 4 === 0 && batchStride % 4 === 0 && tensor.offset % 4 === 0)
    return { matrix, copied: false };
  const transposed = rowStride === 1 && colStride !== 1 && !byRows;
  const [rows4, columns4] = [Math.ceil(rows / 4) * 4, Math.ceil(columns / 4) * 4];
  const batch =
    batchStride === 0
      ? 1
      : Math.max(
          1,
          Math.floor((tensor.size - 1 - (rows - 1) * rowStride - (columns - 1) * colStride) / batchStride) + 1,
        );
  const copy = empty([batch, rows4, columns4], { device: tensor.device, label });
  if (!whole) tensor.device.clear(copy.view);
  const strides = transposed ? { rowStride: 1, colStride: rows4 } : { rowStride: columns4, colStride: 1 };
  copyStrided(label, {
    shape: [batch, rows, columns],
    source: tensor,
    sourceStrides: [batchStride, rowStride, colStride],
    target: copy,
    targetStrides: [rows4 * columns4, strides.rowStride, strides.colStride],
  });
  return { matrix: { tensor: copy, batchStride: batchStride === 0 ? 0 : rows4 * columns4, ...strides }, copied: true };
}

/** The last two axes of `tensor` as matrices; one that is not batched serves every member of the batch. */
export function matrixOf(tensor: Tensor, transposed: boolean): Matrix {
  const [rows, columns] = [tensor.shape.at(-2)!, tensor.shape.at(-1)!];
  const batchStride = tensor.size > rows * columns ? rows * columns : 0;
  return transposed
    ? { tensor, batchStride, rowStride: 1, colStride: columns }
    : { tensor, batchStride, rowStride: columns, colStride: 1 };
}
