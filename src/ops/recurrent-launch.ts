// How the recurrent ops run on an adapter: the form of the recurrence and its tiles, packed weights, then a dispatch per step or one
// for the whole sequence.
import type { Kernel } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import type { Tuning } from '../gpu/tuning.ts';
import { empty } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Layer } from './recurrent-layer.ts';

/** `step`: one dispatch a time step. `scan`: one for all of them, a workgroup to each direction and tile of rows. */
export type RecurrentForm = 'scan' | 'step';

export interface FormQuery {
  hidden: number;
  batch: number;
  directions: number;
}

/**
 * The form that was measured faster on adapters of that class, which the limits in `tuning.scan` say (src/gpu/tuning.ts).
 *
 * llvmpipe (Mesa 25.0.7, LLVM 15, 8 lanes; two cores), 2026-11-22, both forms alternating in one process, ms of the whole op forward
 * and backward, median (best) of 5 to 15 runs:
 *
 *                                  step          scan
 *   LSTM H 64×2  B 64 T 20 I 64     43 (41)       44 (39)
 *   LSTM H 100×2 B 16 T 64 I 200   105 (100)     102 (96)
 *   GRU  H 100×2 B 16 T 64 I 200    85 (81)       83 (80)
 *   RNN  H 100×2 B 16 T 64 I 200    35 (32)       31 (30)
 *   LSTM H 112×2 B 32 T 40 I 128   103 (99)      108 (105)
 *   GRU  H 112×2 B 32 T 40 I 128    88 (83)       92 (86)
 *   LSTM H 128×2 B 32 T 40 I 128   117 (114)     123 (121)
 *   LSTM H 256×1 B 32 T 40 I 50    146 (140)     155 (148)
 *   LSTM H 512×2 B 64 T 8  I 512   607 (572)     666 (650)
 *
 * A scan saves a dispatch of 16 µs per step, but is only as many workgroups as it has directions and tiles of 16 or 32 rows; steps
 * are spread over the units too.
 * GPUs: not measured yet. A dispatch costs 24 to 71 µs there, several times what a step of a small layer takes; the weights of a
 * wide one are more than one workgroup should read every step.
 */
export function recurrentForm(
  { scan, recurrentForm }: Tuning,
  { hidden, batch, directions }: FormQuery,
): RecurrentForm {
  return recurrentForm ?? (hidden <= scan.hidden && directions * batch >= scan.rows ? 'scan' : 'step');
}

/** How one pass over the steps is dispatched. */
export interface Launch {
  readonly form: RecurrentForm;
  /** Lanes of the texel kernel and row groups of as many that an invocation holds, `lanes_groups`; undefined for the plain ones. */
  readonly texel: string | undefined;
  readonly grid: readonly [number, number, number];
  readonly overrides: { HANDOVER: number; STATE: number; WORKGROUP_SIZE: number; QUADS?: number };
}

/** The launch of a pass. */
export function launchOf(layer: Layer, pass: 'forward' | 'backward'): Launch {
  const { geometry, cell, x } = layer;
  const { batch, hidden, directions } = geometry;
  const { device } = x;
  const lanes = device.tuning.recurrentLanes;
  const tile = (form: RecurrentForm) => (lanes ? texelTile(layer, pass, form, lanes) : plainTile(layer, pass, form));
  const wanted = recurrentForm(device.tuning, { hidden, batch, directions });
  const scan = tile('scan');
  const form = wanted === 'scan' && scan.invocations <= device.maxWorkgroupSize ? 'scan' : 'step';
  const { invocations, rows, columns, quads } = form === 'scan' ? scan : tile('step');
  const vec4s = (rows * hidden * (pass === 'forward' ? 2 : cell.gates)) / 4;
  // On a CPU a barrier's price grows with what it keeps, and workgroup memory is no faster than any other.
  const local = form === 'scan' && !lanes && device.tuning.localStates && vec4s * 16 <= device.maxWorkgroupBytes;
  return {
    form,
    texel: lanes ? `${lanes}_${rows / lanes}` : undefined,
    grid: [columns, directions, Math.ceil(batch / rows)],
    overrides: {
      HANDOVER: form === 'step' ? 0 : local ? 2 : 1,
      // Few sizes, for each is compiled on its own. The plain forward kernel needs a vec4 for each invocation in any case.
      STATE: local
        ? Math.min(2 ** Math.ceil(Math.log2(Math.max(vec4s, 256))), device.maxWorkgroupBytes / 16)
        : lanes || pass === 'backward'
          ? 1
          : invocations,
      WORKGROUP_SIZE: invocations,
      ...(quads === undefined ? {} : { QUADS: quads }),
    },
  };
}

/** Invocations and rows of a workgroup, workgroups over the units, and what `QUADS` is. */
interface Tile {
  invocations: number;
  rows: number;
  columns: number;
  quads?: number;
}

function texelTile({ geometry }: Layer, pass: 'forward' | 'backward', form: RecurrentForm, lanes: number): Tile {
  const { batch, hidden, directions } = geometry;
  const groups = Math.ceil(hidden / (pass === 'forward' ? lanes : 4 * lanes));
  // A scan's workgroups are all there is to run side by side: two at least, where the batch has the rows.
  const fits = (rows: number) => rows < 2 * batch && (form === 'step' || directions * Math.ceil(batch / rows) > 1);
  // 32 are no faster backward, and take half as long again to compile.
  const rows = (pass === 'forward' ? [32, 16] : [16]).find(fits) ?? Math.max(8, lanes);
  return form === 'scan'
    ? { invocations: lanes * groups, rows, columns: 1 }
    : { invocations: lanes, rows, columns: groups };
}

function plainTile({ geometry }: Layer, pass: 'forward' | 'backward', form: RecurrentForm): Tile {
  const { batch, hidden } = geometry;
  if (pass === 'forward')
    return form === 'scan'
      ? { invocations: Math.ceil(hidden / 32) * 32, rows: 4, columns: 1 }
      : { invocations: 64, rows: 4, columns: Math.ceil(hidden / 64) };
  const quads = form === 'scan' ? hidden / 4 : 16;
  const pairs = form === 'scan' ? Math.max(1, Math.min(Math.floor(128 / quads), Math.ceil(batch / 2))) : 4;
  return { invocations: quads * pairs, rows: 2 * pairs, columns: Math.ceil(hidden / 4 / quads), quads };
}

function kernelOf(pass: 'forward' | 'backward', { cell, x }: Layer, { texel }: Launch): Kernel {
  if (!texel) return cell.kernels[pass];
  const { recurrent_forward_texel, recurrent_backward_texel } = x.device.texels!.kernels;
  const kernels: Readonly<Record<string, Kernel>> = {
    forward: recurrent_forward_texel,
    backward: recurrent_backward_texel,
  }[pass];
  return kernels[`${cell.op}_${texel}`]!;
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
export function pack({ cell, geometry, weights }: Layer): Packed {
  const { hidden, directions } = geometry;
  const { gates, op } = cell;
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
    overrides: { HAS_BIAS: first.biasIh !== undefined, SPLIT: cell.split ?? false },
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

/** Runs `steps` time steps. The backward pass takes T + 1 where the gradient of the initial state is wanted: step T computes it. */
export function runSteps(
  layer: Layer,
  pass: 'forward' | 'backward',
  packed: Packed,
  tensors: Readonly<Record<string, Tensor>>,
  steps: number,
): void {
  const { cell, geometry, x, lengths, ragged } = layer;
  const { device } = x;
  if (geometry.batch * geometry.time === 0) return;
  const launch = launchOf(layer, pass);
  const kernel = kernelOf(pass, layer, launch);
  const views = Object.fromEntries(Object.entries({ ...tensors, lengths }).map(([name, t]) => [name, t.view]));
  const run = (own: object) => {
    const bind = { ...views, ...own } as Record<string, (typeof views)[string]>;
    for (const [first, last] of ranges(launch, steps))
      device.run(kernel, {
        bind,
        params: stepParams(layer, first, last),
        overrides: { ...launch.overrides, ...cell.overrides, RAGGED: ragged },
        grid: launch.grid,
        label: cell.op,
        ...stepWork(layer, tensors, packed[pass], last - first),
      });
  };
  const r = packed[pass].view;
  if (!launch.texel) run({ r });
  else if (pass === 'forward') device.texels!.mirror([r], cell.op, ([r]) => run({ r }));
  else device.texels!.mirror([r, views.d_out!, views.saved!], cell.op, ([r, d_out, saved]) => run({ r, d_out, saved }));
}

/** First and last step (exclusive) of each dispatch. */
function ranges({ form }: Launch, steps: number): [number, number][] {
  return form === 'scan' ? [[0, steps]] : Array.from({ length: steps }, (_, step) => [step, step + 1]);
}

/** What steps must do, for the profiler: the product with the recurrent weights; of sequences they touch their own steps. */
function stepWork(
  { geometry, cell }: Layer,
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
    flops: 2 * steps * state * cell.gates * hidden,
    bytes: 4 * floats.reduce((sum, n) => sum + n, weights.size),
  };
}

function stepParams({ geometry }: Layer, first: number, last: number) {
  const { batch, time, hidden, units, directions, strideB, strideT } = geometry;
  return { batch, time, hidden, units, directions, stride_b: strideB, stride_t: strideT, first, last };
}
