// Rows of a table by id, with a row-sparse gradient.
import { needsGrad, record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { empty } from '../tensor/create.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { RowSparse } from '../tensor/tensor.ts';
import { checkIndices, rowAdder, segmentSummer, takeRows } from './index-select.ts';
import { densify } from './row-sparse.ts';

export interface EmbeddingOptions {
  /** Row whose gradient is zero, counted from the back where negative. */
  paddingIdx?: number | undefined;
}

/**
 * `out[…, :] = weight[ids[…], :]` for a table `weight` `[V, E]` (`torch.nn.functional.embedding`). The gradient of a
 * leaf is `RowSparse`, summed in an order that follows from the ids alone. Ids with host values are checked; one born on
 * the GPU that is out of range gives NaN and no gradient, and the gradient is dense.
 */
export function embedding(ids: Tensor, weight: Tensor, { paddingIdx }: EmbeddingOptions = {}): Tensor {
  if (weight.rank !== 2 || weight.dtype !== 'f32')
    refuse('embedding', 'weight', 'an f32 table [V, E]', `${weight.dtype} ${formatShape(weight.shape)}`);
  const [rows, width] = weight.shape as [number, number];
  const skip = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
  if (skip !== undefined && !(Number.isInteger(skip) && skip >= 0 && skip < rows))
    refuse('embedding', 'paddingIdx', `a row of the table, ${-rows}..${rows - 1}`, paddingIdx);
  checkIndices('embedding', 'ids', ids, rows);
  const out = empty([...ids.shape, width], { device: weight.device, label: 'embedding' });
  takeRows('embedding', weight.viewAs([1, rows, width]), ids, out.viewAs([1, ids.size, width]));
  if (needsGrad([weight])) {
    const gradient = ids.host ? sparseGradient(ids, weight, skip) : denseGradient(ids, weight, skip);
    record('embedding', [weight], [out], ([dOut]) => [gradient(dOut!.viewAs([1, ids.size, width]))]);
  }
  return out;
}

function sparseGradient(ids: Tensor, weight: Tensor, skip: number | undefined): (d: Tensor) => Tensor | RowSparse {
  const { device } = weight;
  const [length, width] = weight.shape as [number, number];
  // Sorted and uploaded with the batch, not in the middle of the backward pass.
  const { rows, sum } = segmentSummer('embedding', ids, { length, bytes: 4 * ids.size * width, skip, compact: true });
  return (d) => {
    const values = empty([rows.size, width], { device, label: 'embedding' });
    sum(d, values.viewAs([1, rows.size, width]));
    const gradient = new RowSparse([length, width], rows, values);
    // Only leaves take a sparse gradient; ops before this one want it dense.
    return weight.node ? densify(gradient) : gradient;
  };
}

function denseGradient(ids: Tensor, weight: Tensor, skip: number | undefined): (d: Tensor) => Tensor {
  const add = rowAdder('embedding', ids, {
    length: weight.shape[0]!,
    bytes: 4 * ids.size * weight.shape[1]!,
    skip,
  });
  return (d) => {
    const dWeight = empty(weight.shape, { device: weight.device, label: 'embedding' });
    dWeight.device.clear(dWeight.view);
    add(d, dWeight.viewAs([1, ...weight.shape]));
    return dWeight;
  };
}
