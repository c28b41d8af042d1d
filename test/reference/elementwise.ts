// Elementwise references in float64, with NumPy broadcasting.
import { broadcastShapes, broadcastStrides } from '../../src/tensor/shape.ts';
import { map, type Nd, nd } from '../nd.ts';

export function broadcast(f: (a: number, b: number) => number): (inputs: Nd[]) => Nd {
  return ([a, b]) => {
    const shape = broadcastShapes('reference', a!.shape, b!.shape);
    const [sa, sb] = [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)];
    const dot = (index: number[], strides: number[]) => index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0);
    return nd(shape, (index) => f(a!.data[dot(index, sa)]!, b!.data[dot(index, sb)]!));
  };
}

export function each(f: (v: number) => number): (inputs: Nd[]) => Nd {
  return ([x]) => map(x!, f);
}

export const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

/** erf by its Taylor series, exact to float64 in the range tests use. */
export function erf(v: number): number {
  if (!Number.isFinite(v)) return Math.sign(v);
  let term = v;
  let total = v;
  for (let n = 1; n < 200; n++) {
    term *= (-v * v) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
