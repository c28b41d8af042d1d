// Shape arithmetic on plain arrays: sizes, strides, axes, broadcasting. A leaf that anyone may use.
import { refuse } from '../check.ts';

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const n of shape) size *= n;
  return size;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** `axis` counted from the front, from the back where negative. A scalar counts as of one axis, as in PyTorch. */
export function normalizeAxis(op: string, axis: number, rank: number, argument = 'dim'): number {
  const axes = Math.max(rank, 1);
  const at = axis < 0 ? axis + axes : axis;
  if (!Number.isInteger(axis) || at < 0 || at >= axes)
    refuse(op, argument, `an integer in ${-axes}..${axes - 1}`, ...given(axis));
  return at;
}

/** An axis that is none, as `refuse` tells of it: of options in its place with the remedy. */
function given(axis: unknown): [actual: unknown, remedy?: string] {
  if (typeof axis !== 'object' || axis === null) return [axis];
  return ['an object', 'Give it by its place, without a name: sum(x, 1, { keepDim: true }).'];
}

/** Refuses scalars, of which there is nothing to take a part of. */
export function checkHasAxes(op: string, shape: Shape, argument = 'x'): void {
  if (shape.length === 0)
    refuse(op, argument, 'a tensor of at least one axis', 'a scalar', 'Give it an axis with unsqueeze(x, 0).');
}

/** Several axes, sorted and without doubles; all of them where there is none given, as in PyTorch. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  const all = Array.from({ length: rank }, (_, i) => i);
  if (axes === undefined) return all;
  const list = (Array.isArray(axes) ? (axes as readonly number[]) : [axes as number]).map((axis) =>
    normalizeAxis(op, axis, rank),
  );
  const unique = [...new Set(list)].sort((a, b) => a - b);
  if (unique.length !== list.length) refuse(op, 'dim', 'distinct axes', formatShape(list));
  return unique.length === 0 || rank === 0 ? all : unique;
}

/** The shape that `a` and `b` broadcast to, by NumPy's rule. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const m = a[a.length - i] ?? 1;
    const n = b[b.length - i] ?? 1;
    if (m !== n && m !== 1 && n !== 1)
      refuse(
        op,
        'the operands',
        'of shapes that broadcast (equal or 1 on each axis, counted from the back)',
        `${formatShape(a)} and ${formatShape(b)}`,
      );
    out[rank - i] = m === 1 ? n : m;
  }
  return out;
}

/** Strides of `shape` read as the broadcast shape `target`: 0 where an axis is repeated. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : strides[i - lead]!));
}

/** `shape` with one `-1` replaced by what makes it hold `size` elements. */
export function inferShape(op: string, shape: Shape, size: number): number[] {
  const holes = shape.filter((n) => n === -1).length;
  const known = sizeOf(shape.filter((n) => n !== -1));
  const fits = holes === 0 ? known === size : holes === 1 && known > 0 && size % known === 0;
  if (!fits || shape.some((n) => !Number.isInteger(n) || n < -1))
    refuse(op, 'shape', `a shape of ${size} elements (one -1 is inferred)`, formatShape(shape));
  return shape.map((n) => (n === -1 ? size / known : n));
}
