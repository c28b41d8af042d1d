// Where the largest or smallest value stands.
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { optionsOf } from '../options.ts';
import { empty } from '../tensor/create.ts';
import { formatShape, normalizeAxis, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { reshape } from './layout.ts';
import type { ReduceOptions } from './reduce.ts';

/** Longest row that one invocation searches. */
export const LONGEST_SEARCH = 256;

/** Index of the largest value along `dim`, as i32; of equal ones the lowest (`torch.argmax`). Over all elements without `dim`. */
export function argmax(x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor {
  return argExtremum('argmax', x, dim, options, false);
}

/** Index of the smallest value along `dim`, as i32; of equal ones the lowest (`torch.argmin`). */
export function argmin(x: Tensor, dim?: number, options: ReduceOptions = {}): Tensor {
  return argExtremum('argmin', x, dim, options, true);
}

function argExtremum(
  op: string,
  x: Tensor,
  dim: number | undefined,
  options: ReduceOptions,
  smallest: boolean,
): Tensor {
  const { keepDim } = optionsOf(op, options, { keepDim: false });
  if (dim === undefined) {
    const found = argExtremum(op, reshape(x, [x.size]), 0, {}, smallest);
    return keepDim ? found.viewAs(x.shape.map(() => 1)) : found;
  }
  const axis = normalizeAxis(op, dim, x.rank);
  if (x.rank === 0) return argExtremum(op, reshape(x, [1]), 0, {}, smallest);
  const length = x.shape[axis]!;
  if (length === 0) refuse(op, 'x', 'at least one element along dim', formatShape(x.shape));
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  const found = search(op, x, [outer, length, inner], undefined, smallest);
  return found.viewAs(keepDim ? x.shape.with(axis, 1) : x.shape.toSpliced(axis, 1));
}

/** The winners among `candidates` (or all), first slab by slab where they are many. */
function search(
  label: string,
  x: Tensor,
  [outer, length, inner]: [number, number, number],
  candidates: Tensor | undefined,
  smallest: boolean,
): Tensor {
  const count = candidates ? candidates.shape[1]! : length;
  const slabSize = count > LONGEST_SEARCH ? Math.ceil(Math.sqrt(count)) : count;
  const slabs = Math.ceil(count / slabSize);
  const out = empty([outer, slabs, inner], { dtype: 'i32', device: x.device, label });
  x.device.run(shaders.argmax[x.dtype], {
    bind: { x: x.view, candidates: (candidates ?? x).view, out: out.view },
    params: { outer, length, inner, count, slabs, slab_size: slabSize },
    overrides: { SMALLEST: smallest, PICKED: candidates !== undefined },
    grid: Math.ceil(out.size / 64),
    label,
  });
  if (slabs === 1) return out;
  const best = search(label, x, [outer, length, inner], out, smallest);
  out.dispose();
  return best;
}
