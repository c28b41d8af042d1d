// Order and running sums along an axis, on plain arrays.
import { type Nd, nd } from '../nd.ts';

/** Each line along `axis` as its elements come, mapped; `along` gets the values of a line. */
export function lines({ shape, data }: Nd, axis: number, along: (line: number[]) => number[]): Nd {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const length = shape[axis]!;
  const out = new Float64Array(data.length);
  for (let at = 0; at < data.length; at++) {
    if (Math.floor(at / inner) % length > 0) continue;
    const line = along(Array.from({ length }, (_, i) => data[at + i * inner]!));
    for (const [i, v] of line.entries()) out[at + i * inner] = v;
  }
  return { shape, data: out };
}

/** Places in order: NaN is largest, equal elements keep theirs. */
export function order(line: readonly number[], descending: boolean): number[] {
  const key = (v: number) => (Number.isNaN(v) ? [1, 0] : [0, v]) as [number, number];
  return line
    .map((_, i) => i)
    .sort((a, b) => {
      const [x, y] = [key(line[a]!), key(line[b]!)];
      const sign = Math.sign(x[0] - y[0]) || Math.sign(x[1] - y[1]) || 0;
      return (descending ? -sign : sign) || a - b;
    });
}

export const cumsum = (x: Nd, axis: number): Nd =>
  lines(x, axis, (line) => {
    let sum = 0;
    return line.map((v) => (sum += v));
  });

/** `x` with `src` put, or added, where `index` says; all of the same shape but for `axis`. */
export function scatter(x: Nd, axis: number, index: Nd, src: Nd, add: boolean): Nd {
  const out = nd([...x.shape], () => 0);
  out.data.set(x.data);
  const inner = x.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const [length, count] = [x.shape[axis]!, index.shape[axis]!];
  for (let at = 0; at < index.data.length; at++) {
    const outer = Math.floor(at / (inner * count));
    const target = (outer * length + index.data[at]!) * inner + (at % inner);
    out.data[target] = add ? out.data[target]! + src.data[at]! : src.data[at]!;
  }
  return out;
}
