// Order along an axis: sort, argsort, topk.
import { checkNumber } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { optionsOf } from '../options.ts';
import { empty } from '../tensor/create.ts';
import { normalizeAxis, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ValuesAndIndices } from './extrema.ts';
import { gather } from './gather.ts';
import { narrow } from './layout.ts';

export interface SortOptions {
  /** Largest first; false by default. */
  descending?: boolean;
  /** Equal elements always keep their order; it is here for PyTorch's sake. */
  stable?: boolean;
}

/** `x` in order along `dim`, and where each element came from. Equal ones keep their order; NaN counts as largest (`torch.sort`). */
export function sort(x: Tensor, dim = -1, options: SortOptions = {}): ValuesAndIndices {
  const { descending } = optionsOf('sort', options, { descending: false, stable: true });
  const indices = orderOf('sort', x, dim, descending);
  return { values: gather(x, dim, indices), indices };
}

/** The places on `dim` in the order of their elements, as i32 (`torch.argsort`). */
export function argsort(x: Tensor, dim = -1, options: SortOptions = {}): Tensor {
  const { descending } = optionsOf('argsort', options, { descending: false, stable: true });
  return orderOf('argsort', x, dim, descending);
}

export interface TopkOptions {
  /** Whether the largest are wanted; true by default. */
  largest?: boolean;
  /** They are always in order; it is here for PyTorch's sake. */
  sorted?: boolean;
}

/** The `k` largest (or smallest) elements along `dim` in order, and their places; NaN counts as largest (`torch.topk`). */
export function topk(x: Tensor, k: number, dim = -1, options: TopkOptions = {}): ValuesAndIndices {
  const { largest } = optionsOf('topk', options, { largest: true, sorted: true });
  const length = x.shape[normalizeAxis('topk', dim, x.rank)] ?? 1;
  checkNumber('topk', 'k', k, { integer: true, min: 0, max: length });
  const order = orderOf('topk', x, dim, largest);
  const indices = x.rank === 0 ? order : narrow(order, dim, 0, k);
  return { values: gather(x, dim, indices), indices };
}

/** Elements that one invocation counts through: runs of so many are sorted first, then merged two by two. */
export const RUN = 32;

function orderOf(op: string, x: Tensor, dim: number, descending: boolean): Tensor {
  const axis = normalizeAxis(op, dim, x.rank);
  const [length, inner] = [x.shape[axis] ?? 1, sizeOf(x.shape.slice(axis + 1))];
  const pass = (order: Tensor | undefined, width: number): Tensor => {
    const out = empty(x.shape, { dtype: 'i32', device: x.device, label: op });
    if (out.size > 0)
      x.device.run(shaders.sort[x.dtype], {
        bind: { x: x.view, order: (order ?? x).view, out: out.view },
        params: { size: x.size, length, inner, width },
        overrides: { MERGES: order !== undefined, DESCENDING: descending },
        grid: Math.ceil(x.size / 64),
        label: op,
      });
    return out;
  };
  let order = pass(undefined, RUN);
  for (let width = RUN; width < length; width *= 2) {
    const merged = pass(order, width);
    order.dispose();
    order = merged;
  }
  return order;
}
