// Plain float64 arrays with a shape: what references are written in.
import { type Shape, sizeOf } from '../tensor/shape.ts';

export interface Nd {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export function nd(shape: Shape, fill: (index: number[], at: number) => number = () => 0): Nd {
  const data = new Float64Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0; at < data.length; at++) {
    data[at] = fill(index, at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

export function at({ shape, data }: Nd, ...index: number[]): number {
  let place = 0;
  for (let axis = 0; axis < index.length; axis++) place = place * shape[axis]! + index[axis]!;
  return data[place]!;
}

/** Seeded uniform numbers in [-1, 1) that are exact in float32. */
export function randomNd(shape: Shape, seed: number): Nd {
  let state = (seed * 2654435761) >>> 0 || 1;
  return nd(shape, () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.fround(state / 2147483648 - 1);
  });
}

export function map(x: Nd, f: (v: number) => number): Nd {
  return { shape: x.shape, data: x.data.map(f) };
}
