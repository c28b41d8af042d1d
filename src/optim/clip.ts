// Limits on gradients, by their common norm or one by one, without a readback.
import { checkNumber, refuse } from '../check.ts';
import type { Device } from '../gpu/device.ts';
import type { BufferView } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { stripOf, wholeVec4s } from '../gpu/strips.ts';
import { type Chunk, gatherGradients, type Place, placeOf } from '../tensor/chunk.ts';
import { empty, full, getDevice } from '../tensor/create.ts';
import { BYTES_PER_ELEMENT } from '../tensor/dtype.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { BLOCK, blocksOf, type Member } from './blocks.ts';
import type { FiniteCheck, PartialsOf } from './finite-check.ts';
import { spareView } from './update.ts';

export interface ClipGradNormOptions {
  /** 2 for the Euclidean norm, Infinity for the largest magnitude. Default 2. */
  normType?: number;
  /** Is told where the norm is not finite: PyTorch's `error_if_nonfinite`, without waiting for the device. */
  check?: FiniteCheck | undefined;
  /** The loss, one element, that `check` tests too. */
  loss?: Tensor | undefined;
}

/** Stands for no limit: shaders are not promised infinities. */
const LARGEST = 3.4e38;
export const PER_DISPATCH = 5; // gradients beside a chunk
const WORKGROUP = 64;

/**
 * Scales all gradients in place by `min(1, maxNorm / (norm + 1e-6))`, `norm` being that of all of them as one vector, and
 * returns the norm `[]`. The order of summation follows from the shapes. A NaN or an infinity among the gradients shows in
 * the norm. A `maxNorm` that changes in a compiled step is given as a function; Infinity leaves the gradients as they are.
 * PyTorch: `torch.nn.utils.clip_grad_norm_`.
 */
export function clipGradNorm(
  params: Iterable<Tensor>,
  maxNorm: number | (() => number),
  { normType = 2, check, loss }: ClipGradNormOptions = {},
): Tensor {
  const current = () => {
    const value = typeof maxNorm === 'function' ? maxNorm() : maxNorm;
    if (value === Number.POSITIVE_INFINITY) return LARGEST;
    checkNumber('clipGradNorm', 'maxNorm', value, { min: 0 });
    return value;
  };
  const fixed = current();
  if (normType !== 2 && normType !== Number.POSITIVE_INFINITY)
    refuse('clipGradNorm', 'normType', '2 or Infinity', `${normType}`);
  const { gradients, device } = gradientsOf(params);
  if (gradients.length === 0 && !check) return full([], 0, { device });
  const overrides = { MAXIMUM: normType !== 2 };
  const { launches, count } = launchesOf(gradients);
  const partials = empty([count], { device, label: 'clipGradNorm' });
  for (const { chunk, members, pieces } of launches) {
    const any = chunk?.gradients ?? pieces[0]!.view;
    const blocks = chunk && blocksOf(chunk, members);
    device.run(shaders.norm_squared, {
      bind: {
        ...numbered('gradient', (i) => pieces[i]?.view ?? any),
        partials: partials.view,
        blocks: blocks?.view ?? any,
        chunk: any,
      },
      params: {
        ...numbered('size', (i) => pieces[i]?.size ?? 0),
        ...numbered('first', (i) => pieces[i]?.first ?? 0),
        chunk_blocks: blocks?.shape[0] ?? 0,
      },
      overrides,
      grid: (blocks?.shape[0] ?? 0) + pieces.reduce((sum, { size }) => sum + Math.ceil(size / BLOCK), 0),
      label: 'clipGradNorm',
    });
  }
  const total = empty([], { device, label: 'clipGradNorm' });
  const limit = typeof maxNorm === 'function' ? empty([], { device, label: 'clipGradNorm' }) : undefined;
  if (limit) device.write(limit.view, () => Float32Array.of(current()));
  const factor = empty([], { device, label: 'clipGradNorm' });
  device.run(shaders.norm_total, {
    bind: { partials: partials.view, total: total.view, factor: factor.view, limit: (limit ?? partials).view },
    params: { count, max_norm: limit ? -1 : fixed },
    overrides,
    grid: 1,
    label: 'clipGradNorm',
  });
  if (maxNorm !== Number.POSITIVE_INFINITY) clip('clipGradNorm', launches, factor, false);
  check?.test(partials, total, loss, partialsOf(gradients));
  for (const temporary of [partials, factor, limit]) temporary?.dispose();
  return total;
}

/** Limits every element of the gradients to `-clipValue..clipValue`, in place. PyTorch: `torch.nn.utils.clip_grad_value_`. */
export function clipGradValue(params: Iterable<Tensor>, clipValue: number): void {
  checkNumber('clipGradValue', 'clipValue', clipValue, { min: 0 });
  const { gradients, device } = gradientsOf(params);
  if (gradients.length === 0) return;
  const bound = full([], clipValue, { device });
  clip('clipGradValue', launchesOf(gradients).launches, bound, true);
  bound.dispose();
}

interface Piece {
  readonly view: BufferView;
  /** Elements. */
  readonly size: number;
  /** Where the partial sums of its blocks begin. */
  readonly first: number;
}

/** What one dispatch is about: gradients in a chunk, and some beside it. */
interface Launch {
  readonly chunk: Chunk | undefined;
  readonly members: Member[];
  readonly pieces: Piece[];
}

interface Gradient {
  readonly values: Tensor;
  /** Which of the parameters it is the gradient of. */
  readonly parameter: number;
  /** Where it lies, if it is in a chunk. */
  readonly place: Place | undefined;
}

/** The values of all gradients, each once. Rows of a row-sparse one are unique, so its values are the gradient's. */
function gradientsOf(params: Iterable<Tensor>): { gradients: Gradient[]; device: Device } {
  const all = [...params];
  gatherGradients(all);
  const found = new Map<Tensor, Gradient>();
  for (const [parameter, param] of all.entries()) {
    const { grad } = param;
    const values = grad instanceof RowSparse ? grad.values : grad;
    if (!values || values.size === 0 || found.has(values)) continue;
    const place = placeOf(param);
    found.set(values, { values, parameter, place: place?.chunk.holds(values, place.start) ? place : undefined });
  }
  return { gradients: [...found.values()], device: all[0]?.device ?? getDevice() };
}

/** Dispatches that take all gradients, and how many partial sums those have. The sums' order follows from the sizes alone. */
function launchesOf(gradients: readonly Gradient[]): { launches: Launch[]; count: number } {
  const chunks = new Map<Chunk, Member[]>();
  const beside: Piece[] = [];
  let count = 0;
  for (const { values, place } of gradients) {
    if (place) {
      const members = chunks.get(place.chunk) ?? [];
      members.push({ start: place.start, size: values.size, first: count, row: 0 });
      chunks.set(place.chunk, members);
    } else beside.push(...piecesOf(values, count));
    count += Math.ceil(values.size / BLOCK);
  }
  const launches: Launch[] = [...chunks].map(([chunk, members]) => ({ chunk, members, pieces: [] }));
  for (let at = 0, n = 0; at < beside.length; at += PER_DISPATCH, n++) {
    const pieces = beside.slice(at, at + PER_DISPATCH);
    if (launches[n]) launches[n]!.pieces.push(...pieces);
    else launches.push({ chunk: undefined, members: [], pieces });
  }
  return { launches, count };
}

function partialsOf(gradients: readonly Gradient[]): PartialsOf[] {
  let first = 0;
  return gradients.map(({ parameter, values }) => {
    const own = { parameter, first };
    first += Math.ceil(values.size / BLOCK);
    return own;
  });
}

/** Pieces of at most the binding limit, cut between blocks so that the blocks are the same wherever the cuts are. */
function piecesOf(gradient: Tensor, first: number): Piece[] {
  const { view, size, device } = gradient;
  const most = Math.floor(device.maxBindingBytes / BYTES_PER_ELEMENT / BLOCK) * BLOCK;
  const pieces: Piece[] = [];
  for (let at = 0; at < size; at += most) {
    const own = Math.min(most, size - at);
    const offset = view.offset + at * BYTES_PER_ELEMENT;
    const part = wholeVec4s({ ...view, offset, bytes: own * BYTES_PER_ELEMENT });
    pieces.push({ view: part, size: own, first: first + at / BLOCK });
  }
  return pieces;
}

function clip(label: string, launches: readonly Launch[], bound: Tensor, clamp: boolean): void {
  const { device } = bound;
  const spare = empty([(PER_DISPATCH + 1) * 64], { device, label });
  for (const { chunk, members, pieces } of launches) {
    const blocks = chunk && blocksOf(chunk, members);
    const units = pieces.map(({ size }) => Math.ceil(size / 4));
    const strip = stripOf(device, Math.max(...units));
    device.run(shaders.clip_gradients, {
      bind: {
        ...numbered('gradient', (i) => pieces[i]?.view ?? spareView(spare, i)),
        bound: bound.view,
        blocks: blocks?.view ?? wholeVec4s(bound.view),
        chunk: chunk?.gradients ?? spareView(spare, PER_DISPATCH),
      },
      params: { ...numbered('size', (i) => pieces[i]?.size ?? 0), strip, chunk_blocks: blocks?.shape[0] ?? 0 },
      overrides: { CLAMP: clamp },
      grid: (blocks?.shape[0] ?? 0) + units.reduce((sum, n) => sum + Math.ceil(n / (WORKGROUP * strip)), 0),
      label,
    });
  }
  spare.dispose();
}

type Five = 0 | 1 | 2 | 3 | 4;

/** `name_0` to `name_4`, the bindings or parameters that a kernel repeats. */
function numbered<const Name extends string, Value>(
  name: Name,
  value: (i: number) => Value,
): Record<`${Name}_${Five}`, Value> {
  const entries = Array.from({ length: PER_DISPATCH }, (_, i) => [`${name}_${i}`, value(i)]);
  return Object.fromEntries(entries) as Record<`${Name}_${Five}`, Value>;
}
