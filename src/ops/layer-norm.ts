// Layer normalisation, with its gradients by hand.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { empty, full } from '../tensor/create.ts';
import { formatShape, type Shape, sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { sum } from './reduce.ts';
import { rowForm, rowGrid } from './row-kernels.ts';

/**
 * `(x - mean) / sqrt(variance + eps) · weight + bias`, mean and biased variance over the last axes, which `normalizedShape`
 * lists (`torch.nn.functional.layer_norm`). `weight` and `bias` have that shape; each may be left out.
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | Shape,
  weight?: Tensor,
  bias?: Tensor,
  eps = 1e-5,
): Tensor {
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  check(x, shape, weight, bias, eps);
  const { device } = x;
  const width = sizeOf(shape);
  const rows = x.size / width;
  const form = rowForm(width);
  const y = empty(x.shape, { device, label: 'layerNorm' });
  const stats = empty([rows, 2], { device, label: 'layerNorm' });
  for (const { base, count, views } of windows(rows, { x, y })) {
    device.run(shaders.layer_norm[form], {
      bind: { ...views, weight: weight?.view ?? views.x, bias: bias?.view ?? views.x, stats: stats.view },
      params: { rows: count, width, base, eps },
      overrides: { HAS_WEIGHT: weight !== undefined, HAS_BIAS: bias !== undefined },
      grid: rowGrid(form, count),
      label: 'layerNorm',
    });
  }
  const parameters = [weight, bias].filter((t) => t !== undefined);
  record('layerNorm', [x, ...parameters], [y], ([dY], needs) => {
    const dX = needs[0] ? gradientOfX(x, rows, width, stats, dY!, weight) : undefined;
    if (!needs.slice(1).some(Boolean)) return [dX];
    const [dWeight, dBias] = gradientOfParameters(x, rows, width, stats, dY!);
    return [dX, ...(weight ? [dWeight.viewAs(shape)] : []), ...(bias ? [dBias.viewAs(shape)] : [])];
  });
  return y;
}

function gradientOfX(
  x: Tensor,
  rows: number,
  width: number,
  stats: Tensor,
  dY: Tensor,
  weight: Tensor | undefined,
): Tensor {
  const form = rowForm(width);
  const dX = empty(x.shape, { device: x.device, label: 'layerNorm' });
  for (const { base, count, views } of windows(rows, { x, d_y: dY, d_x: dX })) {
    x.device.run(shaders.layer_norm_backward[form], {
      bind: { ...views, weight: weight?.view ?? views.x, stats: stats.view },
      params: { rows: count, width, base },
      overrides: { HAS_WEIGHT: weight !== undefined },
      grid: rowGrid(form, count),
      label: 'layerNorm',
    });
  }
  return dX;
}

/** Rows of a slab of column sums, at least; up to its square there are as many slabs of just so many rows. */
export const LEAST_SLAB = 64;

/** Column sums over the rows, in slabs of a power of two: about as many slabs as rows in each, and a window holds whole ones. */
function gradientOfParameters(
  x: Tensor,
  rows: number,
  width: number,
  stats: Tensor,
  dY: Tensor,
): readonly [Tensor, Tensor] {
  const { device } = x;
  if (rows === 0) return [full([width], 0, { device }), full([width], 0, { device })];
  const slabSize = Math.max(LEAST_SLAB, 2 ** Math.ceil(Math.log2(rows) / 2));
  const slabs = Math.ceil(rows / slabSize);
  const dWeight = empty([slabs, width], { device, label: 'layerNorm' });
  const dBias = empty([slabs, width], { device, label: 'layerNorm' });
  for (const { base, count, views } of windows(rows, { x, d_y: dY }, slabSize)) {
    const slabs = Math.ceil(count / slabSize);
    device.run(shaders.layer_norm_backward_weight, {
      bind: { ...views, stats: stats.view, d_weight: dWeight.view, d_bias: dBias.view },
      params: { rows: count, width, base, first_slab: base / slabSize, slabs, slab_size: slabSize },
      grid: Math.ceil((slabs * width) / 64),
      label: 'layerNorm',
    });
  }
  if (slabs === 1) return [dWeight, dBias];
  const totals = [sum(dWeight, 0), sum(dBias, 0)] as const;
  dWeight.dispose();
  dBias.dispose();
  return totals;
}

function check(x: Tensor, shape: Shape, weight: Tensor | undefined, bias: Tensor | undefined, eps: number): void {
  const op = 'layerNorm';
  if (x.dtype !== 'f32') refuse(op, 'x', 'f32', x.dtype);
  if (shape.length === 0 || sizeOf(shape) === 0 || !sameShape(x.shape.slice(-shape.length), shape))
    refuse(op, 'normalizedShape', `the last axes of x ${formatShape(x.shape)}, none of length 0`, formatShape(shape));
  for (const [argument, t] of Object.entries({ weight, bias }))
    if (t && (t.dtype !== 'f32' || !sameShape(t.shape, shape)))
      refuse(op, argument, `f32 ${formatShape(shape)}`, `${t.dtype} ${formatShape(t.shape)}`);
  if (!(eps >= 0)) refuse(op, 'eps', '>= 0', eps);
}
