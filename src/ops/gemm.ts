// The matrix product itself: one interface, several kernels named by their method, chosen by adapter and shape. No autograd.
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type GemmMethod, gemmChoice, gemmClass } from './gemm-choice.ts';
import { epilogue, type Gemm, work } from './gemm-product.ts';
import { texel, texelPacked } from './gemm-texel.ts';
import { sumTo } from './reduce.ts';

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
  texel_packed: texelPacked,
  tiled_1: (product, out) => tiled(shaders.matmul_tiled[1], 1, product, out),
  tiled_2: (product, out) => tiled(shaders.matmul_tiled[2], 2, product, out),
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
function tiled(kernel: (typeof shaders.matmul_tiled)[1 | 2], blocks: 1 | 2, product: Gemm, out: Tensor): void {
  const { a, b, m, n, batch, label } = product;
  const { bias, overrides } = epilogue(product);
  const { tileSide: SIDE } = out.device.tuning;
  const tile = 4 * blocks * SIDE;
  out.device.run(kernel, {
    bind: { a: a.tensor.view, b: b.tensor.view, bias, out: out.view },
    params: strides(product),
    overrides: { ...overrides, SIDE, A_ALONG_K: a.colStride === 1, B_ALONG_K: b.rowStride === 1 && b.colStride !== 1 },
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
