// Limits on gradients, by their common norm or one by one, without a readback.
import { checkNumber, refuse } from '../check.ts';
import type { Device } from '../gpu/device.ts';
import type { Bindings, BufferView, Kernel, Overrides } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { wholeVec4s } from '../gpu/strips.ts';
import { gatherGradients, placeOf } from '../tensor/arena.ts';
import { empty, full, getDevice } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { RowSparse } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { BLOCK, blockTables, type Extent } from './blocks.ts';
import type { FiniteCheck, PartialsOf } from './finite-check.ts';

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
/** Gradients, or arenas of them, that a dispatch binds. */
export const PER_DISPATCH = 6;

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
  const { launches, sums } = launchesOf(gradients);
  const partials = empty([sums], { device, label: 'clipGradNorm' });
  run('clipGradNorm', shaders.norm_squared, launches, { partials: partials.view }, overrides);
  const total = empty([], { device, label: 'clipGradNorm' });
  const limit = typeof maxNorm === 'function' ? empty([], { device, label: 'clipGradNorm' }) : undefined;
  if (limit) device.write(limit.view, () => Float32Array.of(current()));
  const factor = empty([], { device, label: 'clipGradNorm' });
  device.run(shaders.norm_total, {
    bind: { partials: partials.view, total: total.view, factor: factor.view, limit: (limit ?? partials).view },
    params: { count: sums, max_norm: limit ? -1 : fixed },
    overrides,
    grid: 1,
    label: 'clipGradNorm',
  });
  if (maxNorm !== Number.POSITIVE_INFINITY)
    run('clipGradNorm', shaders.clip_gradients, launches, { bound: factor.view }, { CLAMP: false });
  check?.test(
    partials,
    total,
    loss,
    gradients.map(({ parameter, first }) => ({ parameter, first })),
  );
  for (const temporary of [partials, factor, limit]) temporary?.dispose();
  return total;
}

/** Limits every element of the gradients to `-clipValue..clipValue`, in place. PyTorch: `torch.nn.utils.clip_grad_value_`. */
export function clipGradValue(params: Iterable<Tensor>, clipValue: number): void {
  checkNumber('clipGradValue', 'clipValue', clipValue, { min: 0 });
  const { gradients, device } = gradientsOf(params);
  if (gradients.length === 0) return;
  const bound = full([], clipValue, { device });
  run('clipGradValue', shaders.clip_gradients, launchesOf(gradients).launches, { bound: bound.view }, { CLAMP: true });
  bound.dispose();
}

interface Gradient extends PartialsOf {
  readonly values: Tensor;
  readonly param: Tensor;
}

/** What one dispatch takes: `blocks` say which part of which view. */
interface Launch {
  readonly views: readonly BufferView[];
  readonly blocks: Tensor;
}

/** The values of all gradients, each once. Rows of a row-sparse one are unique, so its values are the gradient's. */
function gradientsOf(params: Iterable<Tensor>): { gradients: Gradient[]; device: Device } {
  const all = [...params];
  gatherGradients(all);
  const found = new Map<Tensor, Gradient>();
  let first = 0;
  for (const [parameter, param] of all.entries()) {
    const values = param.grad instanceof RowSparse ? param.grad.values : param.grad;
    if (!values || values.size === 0 || found.has(values)) continue;
    found.set(values, { values, param, parameter, first });
    first += Math.ceil(values.size / BLOCK);
  }
  return { gradients: [...found.values()], device: all[0]?.device ?? getDevice() };
}

/** Dispatches that take all gradients, and how many partial sums those have. The sums' order follows from the sizes alone. */
function launchesOf(gradients: readonly Gradient[]): { launches: Launch[]; sums: number } {
  const sets: { views: BufferView[]; extents: Extent[] }[] = [];
  const add = (view: BufferView, start: number, size: number, first: number) => {
    const set = sets.find(({ views }) => views.includes(view) || views.length < PER_DISPATCH) ?? {
      views: [],
      extents: [],
    };
    if (set.views.length === 0) sets.push(set);
    if (!set.views.includes(view)) set.views.push(view);
    set.extents.push({ start, size, first, mark: set.views.indexOf(view) });
  };
  for (const { values, param, first } of gradients) {
    const place = placeOf(param);
    if (place?.arena.holds(values, place.start)) add(place.arena.gradients, place.start, values.size, first);
    // Cut between blocks, so that the blocks are the same wherever the cuts are.
    else
      for (const { base, count, views } of windows(values.size, { values }, BLOCK))
        add(wholeVec4s(views.values), 0, count, first + base / BLOCK);
  }
  const last = gradients.at(-1);
  if (!last) return { launches: [], sums: 0 };
  const tables = blockTables(
    last.param,
    sets.map(({ extents }) => extents),
  );
  const launches = sets.map(({ views }, i) => ({ views, blocks: tables[i]! }));
  return { launches, sums: last.first + Math.ceil(last.values.size / BLOCK) };
}

/** Runs a kernel over gradients. Where it binds more than there are, spare memory stands for them. */
function run(label: string, kernel: Kernel, launches: readonly Launch[], bind: Bindings, overrides: Overrides): void {
  for (const { views, blocks } of launches) {
    const { device } = blocks;
    const spare = empty([64 * PER_DISPATCH], { device, label });
    const gradients = Array.from({ length: PER_DISPATCH }, (_, i) => [
      `gradient_${i}`,
      views[i] ?? spare.viewAs([64], 64 * i).view,
    ]);
    device.run(kernel, {
      bind: { ...Object.fromEntries(gradients), ...bind, blocks: blocks.view },
      params: { blocks: blocks.shape[0]! },
      overrides,
      grid: blocks.shape[0]!,
      label,
    });
    spare.dispose();
  }
}
