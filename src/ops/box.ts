// Boxes of up to six axes that kernels walk by strides (lib/index.wgsl).
import { ArgumentError } from '../errors.ts';
import type { Shape } from '../tensor/shape.ts';

const MAX_RANK = 6;

type Axis = 0 | 1 | 2 | 3 | 4 | 5;

/** What a kernel is told of a box: its dimensions n0..n5 and, under a letter each, strides in it, leading axes being 1 long. */
export interface Box<Letter extends string> {
  readonly shape: Shape;
  readonly strides: Readonly<Record<Letter, readonly number[]>>;
  readonly params: Readonly<Record<`n${Axis}` | `${Letter}${Axis}`, number>>;
  readonly overrides: { readonly AXES: number };
}

/** A box and strides in it, with as few axes as it can be told by; `op` is for the error where these are too many. */
export function boxOf<const Letter extends string>(
  op: string,
  shape: Shape,
  strides: Readonly<Record<Letter, readonly number[]>>,
): Box<Letter> {
  const letters = Object.entries(strides) as [Letter, readonly number[]][];
  const merged = mergeAxes(
    shape,
    letters.map(([, steps]) => steps),
  );
  checkRank(op, merged.shape);
  return wholeBox(
    merged.shape,
    Object.fromEntries(letters.map(([letter], n) => [letter, merged.strides[n]!])) as never,
  );
}

/** A box and strides or limits in it, axis by axis; `absent` stands for those of leading axes. */
export function wholeBox<const Letter extends string>(
  shape: Shape,
  strides: Readonly<Record<Letter, readonly number[]>>,
  absent = 0,
): Box<Letter> {
  const lead = MAX_RANK - shape.length;
  const params: Record<string, number> = {};
  for (let axis = 0; axis < MAX_RANK; axis++) {
    params[`n${axis}`] = axis < lead ? 1 : shape[axis - lead]!;
    for (const letter in strides) params[letter + axis] = axis < lead ? absent : strides[letter][axis - lead]!;
  }
  return { shape, strides, params: params as Box<Letter>['params'], overrides: { AXES: Math.max(1, shape.length) } };
}

export function checkRank(op: string, shape: Shape): void {
  if (shape.length > MAX_RANK)
    throw new ArgumentError({
      op,
      argument: 'rank',
      expected: `at most ${MAX_RANK}`,
      actual: String(shape.length),
      remedy: 'Merge axes with reshape first.',
    });
}

/** Leaves out axes of 1 and joins neighbours along which every stride goes on evenly, so that few shapes need many axes. */
function mergeAxes(
  shape: Shape,
  strides: readonly (readonly number[])[],
): { shape: number[]; strides: readonly number[][] } {
  const out = { shape: [] as number[], strides: strides.map((): number[] => []) };
  shape.forEach((n, axis) => {
    if (n === 1) return;
    const last = out.shape.length - 1;
    if (last >= 0 && strides.every((steps, i) => out.strides[i]![last] === steps[axis]! * n)) {
      out.shape[last]! *= n;
      strides.forEach((steps, i) => {
        out.strides[i]![last] = steps[axis]!;
      });
    } else {
      out.shape.push(n);
      strides.forEach((steps, i) => {
        out.strides[i]!.push(steps[axis]!);
      });
    }
  });
  return out;
}
