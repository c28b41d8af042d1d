// One-hot rows of class ids.
import { refuse } from '../check.ts';
import { arange, refuseInRecording } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { eq } from './arithmetic.ts';
import { cast } from './elementwise.ts';
import { checkIndices } from './index-select.ts';
import { reshape } from './layout.ts';

/**
 * `[…, classes]` i32, 1 at the class of each of `ids` `[…]` and 0 elsewhere (`torch.nn.functional.one_hot`). Without
 * `classes` there are as many as the largest id needs, which takes ids with host values. An id born on the GPU that is out
 * of range gives a row of zeros.
 */
export function oneHot(ids: Tensor, classes?: number): Tensor {
  const count = classes ?? inferClasses(ids);
  if (!Number.isInteger(count) || count < 1) refuse('oneHot', 'classes', 'a whole number >= 1', count);
  checkIndices('oneHot', 'ids', ids, count);
  const all = arange(0, count, 1, { dtype: ids.dtype, device: ids.device });
  return cast(eq(reshape(ids, [...ids.shape, 1]), all), 'i32');
}

function inferClasses(ids: Tensor): number {
  if (!ids.host || ids.size === 0)
    refuse(
      'oneHot',
      'classes',
      'given unless ids has host values to count by',
      `none for ${ids.host ? 'no ids' : `${ids.dtype} ids without host values`}`,
    );
  refuseInRecording(ids.device, 'oneHot', 'without `classes` counts them by the values', 'Pass classes.');
  let largest = 0;
  for (const id of ids.host) largest = Math.max(largest, id);
  return largest + 1;
}
