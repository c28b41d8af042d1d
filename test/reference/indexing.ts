// Choosing elements in float64: where, gather, index_select (and so embedding), argmax.
import { broadcastShapes, broadcastStrides } from '../../src/tensor/shape.ts';
import { at, type Nd, nd } from '../nd.ts';

/** `x` with the index `index[n]` for `n` along `axis`. */
export function indexSelect(x: Nd, axis: number, index: readonly number[]): Nd {
  return nd(x.shape.with(axis, index.length), (i) => at(x, ...i.with(axis, index[i[axis]!]!)));
}

export function gather(x: Nd, axis: number, index: Nd): Nd {
  return nd(index.shape, (i) => at(x, ...i.with(axis, at(index, ...i))));
}

export function where(mask: Nd, a: Nd, b: Nd): Nd {
  const shape = broadcastShapes('reference', broadcastShapes('reference', mask.shape, a.shape), b.shape);
  const read = (x: Nd, index: number[]) => {
    const strides = broadcastStrides(x.shape, shape);
    return x.data[index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0)]!;
  };
  return nd(shape, (index) => (read(mask, index) !== 0 ? read(a, index) : read(b, index)));
}

/** Index of the first NaN along `axis`, else of the first value that no other one beats. */
export function argmax(x: Nd, axis: number, beats = (a: number, b: number): boolean => a > b): Nd {
  const wins = (a: number, b: number) => !Number.isNaN(b) && (Number.isNaN(a) || beats(a, b));
  return nd(x.shape.toSpliced(axis, 1), (index) => {
    let best = 0;
    for (let k = 1; k < x.shape[axis]!; k++)
      if (wins(at(x, ...index.toSpliced(axis, 0, k)), at(x, ...index.toSpliced(axis, 0, best)))) best = k;
    return best;
  });
}
