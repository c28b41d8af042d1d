// The method of matrix products for software adapters: operands through textures, which they load faster than buffers.
import { wholeVec4s } from '../gpu/strips.ts';
import type { TexelLanes } from '../gpu/tuning.ts';
import { empty } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { copyStrided } from './copy-strided.ts';
import { epilogue, type Gemm, type Matrix, work } from './gemm-product.ts';

/** Rows of a, or columns of b, that a workgroup takes together. */
const TILE = 32;

/** An operand for the kernels: rows in tiles, and how far apart members of the batch, tiles and rows are, in vec4s. */
interface Operand {
  readonly tensor: Tensor;
  readonly batch: number;
  readonly tile: number;
  readonly row: number;
}

/** Operands as they are stored. */
export function texel(product: Gemm, out: Tensor): void {
  const { m, n, k, label } = product;
  const a = inVec4s(product.a, m, k, label);
  const aTransposed = a.matrix.colStride !== 1;
  const b = inVec4s(product.b, k, n, label, aTransposed);
  const form = aTransposed ? 'tn' : b.matrix.colStride === 1 ? 'nn' : 'nt';
  launch(form, product, out, asStored(a.matrix), asStored(b.matrix), 1);
  for (const operand of [a, b]) if (operand.copied) operand.matrix.tensor.dispose();
}

/** Both operands packed first, so that what a workgroup reads lies in two streams, not in a line of its own for every row or every k. */
export function texelPacked(product: Gemm, out: Tensor): void {
  const { m, n, k, label } = product;
  const a = inVec4s(product.a, m, k, label);
  const b = inVec4s(product.b, k, n, label);
  const { tensor, batchStride, rowStride, colStride } = b.matrix;
  const columns = { tensor, batchStride, rowStride: colStride, colStride: rowStride };
  const [packedA, packedB] = [packed(a.matrix, m, product), packed(columns, n, product)];
  launch('nt', product, out, packedA, packedB, TILE);
  for (const one of [packedA, packedB]) one.tensor.dispose();
  for (const operand of [a, b]) if (operand.copied) operand.matrix.tensor.dispose();
}

/** `next`: vec4s from one four k of a row to the next, where both operands lie along k. */
function launch(form: 'nn' | 'nt' | 'tn', product: Gemm, out: Tensor, a: Operand, b: Operand, next: number): void {
  const { m, n, k, batch, label } = product;
  const { device } = out;
  const { bias, overrides } = epilogue(product);
  const lanes = device.tuning.texelLanes as TexelLanes; // canRun
  const texels = device.texels!;
  const wide = n > 4 * lanes ? 2 : 1;
  const params = { m, n, k4: Math.ceil(k / 4), a_batch: a.batch, a_row: a.row, b_batch: b.batch, b_row: b.row };
  const { kernels } = texels;
  texels.mirror([a.tensor.view, b.tensor.view], label, ([ta, tb]) => {
    const options = {
      bind: { a: ta, b: tb, bias, out: out.view },
      overrides,
      grid: [Math.ceil(m / TILE), Math.ceil(n / (4 * lanes * wide)), batch] as const,
      label,
      ...work(product),
    };
    if (form === 'nt')
      device.run(kernels.matmul_texel_nt[`${wide}_${lanes}`], {
        ...options,
        params: { ...params, a_tile: a.tile, b_tile: b.tile, next },
      });
    else
      device.run((form === 'nn' ? kernels.matmul_texel_nn : kernels.matmul_texel_tn)[`${wide}_${lanes}`], {
        ...options,
        params,
      });
  });
}

function asStored({ tensor, batchStride, rowStride, colStride }: Matrix): Operand {
  const row = (colStride === 1 ? rowStride : colStride) / 4;
  return { tensor, batch: batchStride / 4, tile: TILE * row, row };
}

/** The rows of a matrix in tiles, each one stream along k (matmul_texel_pack.wgsl). */
function packed(
  { tensor, batchStride, rowStride, colStride }: Matrix,
  rows: number,
  { k, batch, label }: Gemm,
): Operand {
  const { device, view } = tensor;
  const k4 = Math.ceil(k / 4);
  const tiles = Math.ceil(rows / TILE);
  const count = batchStride === 0 ? 1 : batch;
  const out = empty([count, tiles, k4, TILE, 4], { device, label });
  const ahead = view.offset % device.bindingAlignment;
  const x = wholeVec4s({ ...view, offset: view.offset - ahead, bytes: view.bytes + ahead });
  device.run(device.texels!.kernels.matmul_texel_pack, {
    bind: { x, out: out.view },
    params: {
      rows,
      k4,
      batch: count,
      x_base: ahead / 16,
      x_batch: batchStride / 4,
      x_row: (colStride === 1 ? rowStride : colStride) / 4,
    },
    overrides: { TURNED: colStride !== 1 },
    grid: Math.ceil(rows / 64) * Math.ceil(k4 / 4) * count,
    label,
    bytes: 32 * count * rows * k4,
  });
  const tile = TILE * k4;
  return { tensor: out, batch: batchStride === 0 ? 0 : tiles * tile, tile, row: 1 };
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
