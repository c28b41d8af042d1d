// Moving elements in float64: every layout op is a shape and, for each of its indices, an index of the source.
import type { Shape } from '../../src/tensor/shape.ts';
import { at, type Nd, nd } from '../nd.ts';

export function moved(x: Nd, shape: Shape, source: (index: number[]) => number[]): Nd {
  return nd(shape, (index) => at(x, ...source(index)));
}

export function permute(x: Nd, dims: readonly number[]): Nd {
  return moved(
    x,
    dims.map((axis) => x.shape[axis]!),
    (index) => x.shape.map((_, axis) => index[dims.indexOf(axis)]!),
  );
}

export function slice(x: Nd, axis: number, start: number, end: number, stride = 1): Nd {
  const shape = x.shape.map((n, i) => (i === axis ? Math.max(0, Math.ceil((end - start) / stride)) : n));
  return moved(x, shape, (index) => index.with(axis, start + stride * index[axis]!));
}

export function concat(parts: readonly Nd[], axis: number): Nd {
  const owner: [Nd, number][] = parts.flatMap((part) =>
    Array.from({ length: part.shape[axis]! }, (_, i): [Nd, number] => [part, i]),
  );
  return nd(parts[0]!.shape.with(axis, owner.length), (index) => {
    const [part, i] = owner[index[axis]!]!;
    return at(part, ...index.with(axis, i));
  });
}

/** `before` and `after` by axis from the front. */
export function pad(x: Nd, before: readonly number[], after: readonly number[]): Nd {
  const shape = x.shape.map((n, axis) => before[axis]! + n + after[axis]!);
  return nd(shape, (index) => {
    const source = index.map((i, axis) => i - before[axis]!);
    return source.every((i, axis) => i >= 0 && i < x.shape[axis]!) ? at(x, ...source) : 0;
  });
}
