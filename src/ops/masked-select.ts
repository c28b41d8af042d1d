// The elements under a mask, one after the other.
import { refuse } from '../check.ts';
import { refuseInRecording, tensor } from '../tensor/create.ts';
import { broadcastShapes, broadcastStrides } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { indexSelect } from './index-select.ts';
import { reshape } from './layout.ts';
import { broadcastTo } from './reduce.ts';
import { checkMask } from './where.ts';

/**
 * The elements of `x` where `mask` (u32) is not 0, in row-major order, of one axis; both broadcast
 * (`torch.masked_select`). The mask needs host values, which give the size of the result.
 */
export function maskedSelect(x: Tensor, mask: Tensor): Tensor {
  checkMask('maskedSelect', mask);
  if (!mask.host)
    refuse(
      'maskedSelect',
      'mask',
      'made from host values, for they give the size of the result',
      'a mask born on the GPU',
      'Make it with tensor(Uint32Array), or use where or maskedFill, which keep the shape.',
    );
  refuseInRecording(x.device, 'maskedSelect', 'has a size that follows from values', 'Use where or maskedFill.');
  const shape = broadcastShapes('maskedSelect', x.shape, mask.shape);
  const chosen = tensor(chosenPlaces(mask, shape), { device: x.device });
  return indexSelect(reshape(broadcastTo(x, shape), [-1]), 0, chosen);
}

function chosenPlaces(mask: Tensor, shape: readonly number[]): Int32Array<ArrayBuffer> {
  const strides = broadcastStrides(mask.shape, shape);
  const places: number[] = [];
  let place = 0;
  const walk = (axis: number, at: number): void => {
    if (axis === shape.length) {
      if (mask.host![at] !== 0) places.push(place);
      place++;
      return;
    }
    for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, at + i * strides[axis]!);
  };
  walk(0, 0);
  return Int32Array.from(places);
}
