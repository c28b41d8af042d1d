// How the recurrent ops run their time steps: packed weights, then a dispatch per step or one for all of them.
import type { Kernel } from '../gpu/kernel.ts';
import { shaders } from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Layer } from './recurrent.ts';
import { type Launch, launchOf } from './recurrent-form.ts';

/** Kernels by their names, which tell pass, form and cell. */
const KERNELS: Readonly<Record<string, Kernel>> = shaders;

function kernelOf(pass: 'forward' | 'backward', { op }: Layer['kind'], { texel }: Launch): Kernel {
  return KERNELS[texel ? `recurrent_${pass}_texel_${op}_${texel}` : `recurrent_${pass}_${op}`]!;
}

/** The recurrent weights as the kernels read them, and sums of the biases: views of one tensor, which `all` is. */
export interface Packed {
  readonly all: Tensor;
  readonly forward: Tensor;
  readonly backward: Tensor;
  /** `[D, G, H]`: b_ih + b_hh; for a GRU's last gate b_ih alone. */
  readonly bias: Tensor;
  /** `[D, H]`: b_hh of a GRU's last gate. */
  readonly biasM: Tensor;
}

/** One dispatch; zeros stand for biases that are not there. */
export function pack({ kind, geometry, weights }: Layer): Packed {
  const { hidden, directions } = geometry;
  const { gates, op } = kind;
  const panels = directions * Math.ceil(hidden / 8);
  const backwardPanels = directions * Math.ceil(hidden / 32);
  const sizes = [panels * 8 * hidden * gates, backwardPanels * 32 * hidden * gates, directions * hidden * gates];
  // Each part on a multiple of 256 bytes, where it can be bound by itself.
  const starts = [0];
  for (const [i, size] of sizes.entries()) starts.push(Math.ceil((starts[i]! + size) / 64) * 64);
  const [first, second] = [weights[0]!, weights[1] ?? weights[0]!];
  const { device } = first.weightHh;
  const all = empty([starts[3]! + directions * hidden], { device, label: op });
  const bias = (w: typeof first, name: 'biasIh' | 'biasHh') => (w[name] ?? w.weightHh).view;
  device.run(shaders.recurrent_pack, {
    bind: {
      weight: first.weightHh.view,
      weight_reverse: second.weightHh.view,
      bias_ih: bias(first, 'biasIh'),
      bias_hh: bias(first, 'biasHh'),
      bias_ih_reverse: bias(second, 'biasIh'),
      bias_hh_reverse: bias(second, 'biasHh'),
      out: all.view,
    },
    params: {
      hidden,
      gates,
      directions,
      backward_at: starts[1]! / 4,
      bias_at: starts[2]! / 4,
      bias_m_at: starts[3]! / 4,
    },
    overrides: { HAS_BIAS: first.biasIh !== undefined, SPLIT: op === 'gru' },
    grid: panels + backwardPanels + directions,
    label: op,
  });
  return {
    all,
    forward: all.viewAs([sizes[0]!], starts[0]),
    backward: all.viewAs([sizes[1]!], starts[1]),
    bias: all.viewAs([sizes[2]!], starts[2]),
    biasM: all.viewAs([directions, hidden], starts[3]),
  };
}

/** Runs a pass over all steps, or over one step more, which is that of the gradient of the initial state. */
export function runSteps(
  layer: Layer,
  pass: 'forward' | 'backward',
  packed: Packed,
  tensors: Readonly<Record<string, Tensor>>,
  options: { steps: number; overrides?: Readonly<Record<string, boolean>> },
): void {
  const { kind, geometry, x, lengths, ragged } = layer;
  const { device } = x;
  if (geometry.batch * geometry.time === 0) return;
  const launch = launchOf(layer, pass);
  const kernel = kernelOf(pass, kind, launch);
  const views = Object.fromEntries(Object.entries({ ...tensors, lengths }).map(([name, t]) => [name, t.view]));
  const run = (own: object) => {
    const bind = { ...views, ...own } as Record<string, (typeof views)[string]>;
    for (const [first, last] of ranges(launch, options.steps))
      device.run(kernel, {
        bind,
        params: stepParams(layer, first, last),
        overrides: { ...launch.overrides, ...options.overrides, RAGGED: ragged },
        grid: launch.grid,
        label: kind.op,
        ...stepWork(layer, tensors, packed[pass], last - first),
      });
  };
  const r = packed[pass].view;
  if (!launch.texel) run({ r });
  else if (pass === 'forward') device.withTextures([r], kind.op, ([r]) => run({ r }));
  else device.withTextures([r, views.d_out!, views.saved!], kind.op, ([r, d_out, saved]) => run({ r, d_out, saved }));
}

/** First and last step (exclusive) of each dispatch. */
function ranges({ form }: Launch, steps: number): [number, number][] {
  return form === 'scan' ? [[0, steps]] : Array.from({ length: steps }, (_, step) => [step, step + 1]);
}

/** What steps must do, for the profiler: the product with the recurrent weights; of sequences they touch their own steps. */
function stepWork(
  { geometry, kind }: Layer,
  tensors: Readonly<Record<string, Tensor>>,
  weights: Tensor,
  steps: number,
): { flops: number; bytes: number } {
  const { batch, time, hidden, directions } = geometry;
  const state = directions * batch * hidden;
  const floats = Object.entries(tensors).map(
    ([name, { size }]) => (name.endsWith('_inout') ? 2 : 1) * (size > state ? (size * steps) / time : size),
  );
  return {
    flops: 2 * steps * state * kind.gates * hidden,
    bytes: 4 * floats.reduce((sum, n) => sum + n, weights.size),
  };
}

function stepParams({ geometry }: Layer, first: number, last: number) {
  const { batch, time, hidden, units, directions, strideB, strideT } = geometry;
  return { batch, time, hidden, units, directions, stride_b: strideB, stride_t: strideT, first, last };
}
