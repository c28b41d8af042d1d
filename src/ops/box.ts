// Boxes of up to six axes that kernels walk by strides (lib/index.wgsl).
import type { Shape } from '../tensor/shape.ts';

/** Axes that a kernel can walk. Boxes of more, after merging, are copied part by part (copy-strided.ts). */
export const BOX_AXES = 6;

type Axis = 0 | 1 | 2 | 3 | 4 | 5;

/** What a kernel is told of a box: its dimensions n0..n5 and, under a letter each, strides in it, leading axes being 1 long. */
export interface Box<Letter extends string> {
  readonly shape: Shape;
  readonly strides: Readonly<Record<Letter, readonly number[]>>;
  readonly params: Readonly<Record<`n${Axis}` | `${Letter}${Axis}`, number>>;
  readonly overrides: { readonly AXES: number };
}

/** A box and strides in it, with as few axes as it can be told by; undefined where these are too many for a kernel. */
export function boxOf<const Letter extends string>(
  shape: Shape,
  strides: Readonly<Record<Letter, readonly number[]>>,
): Box<Letter> | undefined {
  const letters = Object.entries(strides) as [Letter, readonly number[]][];
  const merged = mergeAxes(
    shape,
    letters.map(([, steps]) => steps),
  );
  const lead = BOX_AXES - merged.shape.length;
  if (lead < 0) return undefined;
  const params: Record<string, number> = {};
  const kept: Record<string, readonly number[]> = {};
  for (const [n, [letter]] of letters.entries()) kept[letter] = merged.strides[n]!;
  for (let axis = 0; axis < BOX_AXES; axis++) {
    params[`n${axis}`] = axis < lead ? 1 : merged.shape[axis - lead]!;
    for (const letter in kept) params[letter + axis] = axis < lead ? 0 : kept[letter]![axis - lead]!;
  }
  return {
    shape: merged.shape,
    strides: kept as Box<Letter>['strides'],
    params: params as Box<Letter>['params'],
    overrides: { AXES: Math.max(1, merged.shape.length) },
  };
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
