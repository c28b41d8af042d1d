// Reductions in float64.
import { type Nd, nd } from '../nd.ts';

export function reduce(
  x: Nd,
  axes: readonly number[],
  keepDim: boolean,
  start: number,
  f: (a: number, b: number) => number,
): Nd {
  const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
  const out = nd(kept, () => start);
  nd(x.shape, (index, at) => {
    let to = 0;
    index.forEach((i, axis) => {
      to = to * kept[axis]! + (kept[axis] === 1 ? 0 : i);
    });
    out.data[to] = f(out.data[to]!, x.data[at]!);
    return 0;
  });
  return { shape: keepDim ? kept : x.shape.filter((_, i) => !axes.includes(i)), data: out.data };
}
