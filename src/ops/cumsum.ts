// Running sums along an axis.
import { record } from '../autograd/tape.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { normalizeAxis, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { LONGEST_SUM } from './reduce.ts';

/** `out_k = x_0 + … + x_k` along `dim` (`torch.cumsum`); integers in their own dtype, modulo 2^32. */
export function cumsum(x: Tensor, dim: number): Tensor {
  const axis = normalizeAxis('cumsum', dim, x.rank);
  const sides = [sizeOf(x.shape.slice(0, axis)), x.shape[axis] ?? 1, sizeOf(x.shape.slice(axis + 1))] as const;
  const out = running(x, sides, false);
  record('cumsum', [x], [out], ([dOut]) => [running(dOut!, sides, true)]);
  return out;
}

/**
 * Long axes go by slabs, as sums do: the totals of all slabs first, their running sums, then each slab from the sum before it. The
 * order follows from the shape alone. `reverse`: from the last element to the first.
 */
function running(x: Tensor, sides: readonly [number, number, number], reverse: boolean): Tensor {
  const [outer, length, inner] = sides;
  const { device, dtype } = x;
  const slabSize = length > LONGEST_SUM ? Math.ceil(Math.sqrt(length)) : length;
  const slabs = length === 0 ? 0 : Math.ceil(length / slabSize);
  const run = (out: Tensor, before: Tensor | undefined, total: boolean) => {
    const size = outer * slabs * inner;
    if (size > 0)
      device.run(shaders.cumsum[dtype], {
        bind: { x: x.view, before: (before ?? x).view, out: out.view },
        params: { size, length, inner, slabs, slab_size: slabSize },
        overrides: { REVERSE: reverse, TOTAL: total, CARRY: before !== undefined },
        grid: Math.ceil(size / 64),
        label: 'cumsum',
      });
    return out;
  };
  const out = empty(x.shape, { dtype, device, label: 'cumsum' });
  if (slabs <= 1) return run(out, undefined, false);
  const totals = run(empty([outer, slabs, inner], { dtype, device, label: 'cumsum' }), undefined, true);
  const before = running(totals, [outer, slabs, inner], false);
  run(out, before, false);
  totals.dispose();
  before.dispose();
  return out;
}
