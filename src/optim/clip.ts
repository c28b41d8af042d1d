// Limits on gradients, by their common norm or one by one, without a readback.
import type { BufferView } from '../gpu/kernel.ts';
import { shaders } from '../gpu/shaders.gen.ts';
import { empty, full, getDevice } from '../tensor/create.ts';
import { BYTES_PER_ELEMENT } from '../tensor/dtype.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkNumber, refuse } from './lr-scheduler.ts';
import { spareView, stripOf, wholeVec4s } from './update.ts';

export interface ClipGradNormOptions {
  /** 2 for the Euclidean norm, Infinity for the largest magnitude. Default 2. */
  normType?: number;
}

const BLOCK = 4096; // elements summed by one workgroup of norm_squared
const PER_DISPATCH = 7;
const WORKGROUP = 64;

/**
 * Scales all gradients in place by `min(1, maxNorm / (norm + 1e-6))`, `norm` being that of all of them as one vector, and
 * returns the norm `[]`. The order of summation follows from the shapes. A NaN or an infinity among the gradients shows in
 * the norm. PyTorch: `torch.nn.utils.clip_grad_norm_`.
 */
export function clipGradNorm(
  params: Iterable<Tensor>,
  maxNorm: number,
  { normType = 2 }: ClipGradNormOptions = {},
): Tensor {
  checkNumber('clipGradNorm', 'maxNorm', maxNorm, { min: 0 });
  if (normType !== 2 && normType !== Number.POSITIVE_INFINITY)
    refuse('clipGradNorm', 'normType', '2 or Infinity', `${normType}`);
  const { gradients, device } = gradientsOf(params);
  if (gradients.length === 0) return full([], 0, { device });
  const pieces = gradients.flatMap(piecesOf);
  const firsts: number[] = [];
  let count = 0;
  for (const { size } of pieces) {
    firsts.push(count);
    count += Math.ceil(size / BLOCK);
  }
  const overrides = { MAXIMUM: normType !== 2 };
  const partials = empty([count], { device, label: 'clipGradNorm' });
  for (let at = 0; at < pieces.length; at += PER_DISPATCH) {
    const some = pieces.slice(at, at + PER_DISPATCH);
    device.run(shaders.norm_squared, {
      bind: { ...numbered('gradient', (i) => (some[i] ?? some[0]!).view), partials: partials.view },
      params: { ...numbered('size', (i) => some[i]?.size ?? 0), ...numbered('first', (i) => firsts[at + i] ?? 0) },
      overrides,
      grid: some.reduce((sum, { size }) => sum + Math.ceil(size / BLOCK), 0),
      label: 'clipGradNorm',
    });
  }
  const total = empty([], { device, label: 'clipGradNorm' });
  const factor = empty([], { device, label: 'clipGradNorm' });
  device.run(shaders.norm_total, {
    bind: { partials: partials.view, total: total.view, factor: factor.view },
    params: { count, max_norm: maxNorm },
    overrides,
    grid: 1,
    label: 'clipGradNorm',
  });
  clip('clipGradNorm', pieces, factor, false);
  partials.dispose();
  factor.dispose();
  return total;
}

/** Limits every element of the gradients to `-clipValue..clipValue`, in place. PyTorch: `torch.nn.utils.clip_grad_value_`. */
export function clipGradValue(params: Iterable<Tensor>, clipValue: number): void {
  checkNumber('clipGradValue', 'clipValue', clipValue, { min: 0 });
  const { gradients, device } = gradientsOf(params);
  if (gradients.length === 0) return;
  const bound = full([], clipValue, { device });
  clip('clipGradValue', gradients.flatMap(piecesOf), bound, true);
  bound.dispose();
}

interface Piece {
  readonly view: BufferView;
  /** Elements. */
  readonly size: number;
}

/** The values of all gradients, each once. Rows of a row-sparse one are unique, so its values are the gradient's. */
function gradientsOf(params: Iterable<Tensor>) {
  const all = [...params];
  const gradients = all.flatMap(({ grad }) => (grad instanceof RowSparse ? [grad.values] : grad ? [grad] : []));
  return {
    gradients: [...new Set(gradients)].filter(({ size }) => size > 0),
    device: all[0]?.device ?? getDevice(),
  };
}

/** Pieces of at most the binding limit, cut between blocks so that the blocks are the same wherever the cuts are. */
function piecesOf(gradient: Tensor): Piece[] {
  const { view, size, device } = gradient;
  const most = Math.floor(device.maxBindingBytes / BYTES_PER_ELEMENT / BLOCK) * BLOCK;
  const pieces: Piece[] = [];
  for (let at = 0; at < size; at += most) {
    const own = Math.min(most, size - at);
    const offset = view.offset + at * BYTES_PER_ELEMENT;
    pieces.push({ view: wholeVec4s({ ...view, offset, bytes: own * BYTES_PER_ELEMENT }), size: own });
  }
  return pieces;
}

function clip(label: string, pieces: readonly Piece[], bound: Tensor, clamp: boolean): void {
  const { device } = bound;
  const spare = empty([PER_DISPATCH * 64], { device, label });
  for (let at = 0; at < pieces.length; at += PER_DISPATCH) {
    const some = pieces.slice(at, at + PER_DISPATCH);
    const units = some.map(({ size }) => Math.ceil(size / 4));
    const strip = stripOf(device, Math.max(...units));
    device.run(shaders.clip_gradients, {
      bind: { ...numbered('gradient', (i) => some[i]?.view ?? spareView(spare, i)), bound: bound.view },
      params: { ...numbered('size', (i) => some[i]?.size ?? 0), strip },
      overrides: { CLAMP: clamp },
      grid: units.reduce((sum, n) => sum + Math.ceil(n / (WORKGROUP * strip)), 0),
      label,
    });
  }
  spare.dispose();
}

type Seven = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** `name_0` to `name_6`, the bindings or parameters that a kernel repeats. */
function numbered<const Name extends string, Value>(
  name: Name,
  value: (i: number) => Value,
): Record<`${Name}_${Seven}`, Value> {
  const entries = Array.from({ length: PER_DISPATCH }, (_, i) => [`${name}_${i}`, value(i)]);
  return Object.fromEntries(entries) as Record<`${Name}_${Seven}`, Value>;
}
