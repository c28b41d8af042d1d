// softmax and log softmax in float64.
import { sizeOf } from '../../src/tensor/shape.ts';
import type { Nd } from '../nd.ts';

export function softmax(x: Nd, dim: number, log = false): Nd {
  const axis = dim < 0 ? dim + x.shape.length : dim;
  const inner = sizeOf(x.shape.slice(axis + 1));
  const length = x.shape[axis]!;
  const data = new Float64Array(x.data.length);
  for (let row = 0; row < data.length / Math.max(length, 1); row++) {
    const first = Math.floor(row / inner) * length * inner + (row % inner);
    const at = (k: number) => first + k * inner;
    let m = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < length; k++) m = Math.max(m, x.data[at(k)]!);
    let sum = 0;
    for (let k = 0; k < length; k++) sum += Math.exp(x.data[at(k)]! - m);
    for (let k = 0; k < length; k++) {
      const value = x.data[at(k)]! - m - Math.log(sum);
      data[at(k)] = log ? value : Math.exp(value);
    }
  }
  return { shape: x.shape, data };
}
