// One dispatch as it is asked for: what it binds, checked before it is queued, its parameters and its grid.
import { refuse } from '../check.ts';
import { DeviceError } from '../errors.ts';
import type { DispatchCommand } from './command.ts';
import { type Bindings, type BufferView, checkNames, type Kernel, type Overrides, type Params } from './kernel.ts';
import type { PipelineCache } from './pipelines.ts';
import type { PoolTexture } from './texture.ts';

export interface RunOptions<B extends Bindings = Bindings, P extends Params = Params, O extends Overrides = Overrides> {
  bind: B;
  params: P;
  overrides?: O;
  /** Workgroups in x, y, z; a one-dimensional grid over the limit is folded into y (kernels take it through lib/grid). */
  grid: number | readonly [number, number, number];
  /** The op's name, for errors and the profiler. */
  label: string;
  /** Floating-point operations, a multiply-add being two, for the profiler. From shapes alone. */
  flops?: number | undefined;
  /** Bytes read and written, for the profiler, where that is not all that is bound. */
  bytes?: number | undefined;
}

/** What a device has of all that a dispatch may want. */
export interface Limits {
  /** Largest range one binding may cover, in bytes. */
  readonly maxBindingBytes: number;
  /** Where a bound range must begin, in bytes. */
  readonly bindingAlignment: number;
  /** Largest number of workgroups in one dimension. */
  readonly maxGrid: number;
}

/** The command of a dispatch; undefined where there are no workgroups. */
export function dispatchOf(
  kernel: Kernel,
  { bind, params, overrides = {}, grid, label, flops, bytes }: RunOptions,
  pipelines: PipelineCache,
  limits: Limits,
): DispatchCommand | undefined {
  const views = viewsOf(kernel, bind, label, limits);
  const groups = gridOf(grid, label, limits);
  if (groups.includes(0)) return undefined;
  const pipeline = pipelines.get(kernel, overrides, label);
  return {
    kind: 'dispatch',
    pipeline,
    views,
    params: packed(kernel, params, label),
    grid: groups,
    label,
    flops,
    bytes,
  };
}

/** What is bound, in the kernel's order. Throws what the driver would refuse later and without the op's name. */
function viewsOf(
  kernel: Kernel,
  bind: Bindings,
  label: string,
  { maxBindingBytes, bindingAlignment }: Limits,
): readonly (BufferView | PoolTexture)[] {
  checkNames(kernel, 'bind', bind, label);
  const views = kernel.bindings.map(({ name }) => bind[name]!);
  views.forEach((view, i) => {
    const { name, access } = kernel.bindings[i]!;
    if (!((access === 'texture' ? 'rows' : 'buffer') in view))
      refuse(
        label,
        `bind.${name}`,
        access === 'texture' ? 'a texture' : 'a range of a buffer',
        access === 'texture' ? 'a range of a buffer' : 'something else',
        access === 'texture' ? 'Let device.texels mirror it.' : 'Bind the view of a tensor.',
      );
    if (!('buffer' in view)) return;
    if (view.bytes > maxBindingBytes)
      refuse(
        label,
        `${name} of kernel ${kernel.name}`,
        `at most ${maxBindingBytes} bytes (the adapter's limit for one binding)`,
        view.bytes,
        'Use a smaller batch or split the tensor by rows.',
      );
    if (view.offset % bindingAlignment !== 0)
      throw new DeviceError(
        `kernel ${kernel.name} binds ${name} at byte ${view.offset}, which is no multiple of ${bindingAlignment}`,
        label,
      );
    views.slice(0, i).forEach((other, j) => {
      if (!('buffer' in other) || other.buffer !== view.buffer) return;
      const writes = [access, kernel.bindings[j]!.access].filter((way) => way === 'read_write').length;
      const apart = view.offset + view.bytes <= other.offset || other.offset + other.bytes <= view.offset;
      if (writes === 1 || (writes === 2 && !apart))
        throw new DeviceError(
          `kernel ${kernel.name} binds ${kernel.bindings[j]!.name} and ${name} to one buffer and writes to it`,
          label,
        );
    });
  });
  return views;
}

/** Workgroups in x, y and z; those of one dimension that are over the limit are folded into y. */
function gridOf(
  grid: number | readonly [number, number, number],
  label: string,
  { maxGrid }: Limits,
): readonly [number, number, number] {
  const rows = typeof grid === 'number' ? Math.max(1, Math.ceil(grid / maxGrid)) : 1;
  const groups = typeof grid === 'number' ? ([Math.ceil(grid / rows), rows, 1] as const) : grid;
  if (Math.max(...groups) > maxGrid)
    throw new DeviceError(
      `a grid of ${groups.join(' x ')} workgroups is over the limit of ${maxGrid} per dimension`,
      label,
    );
  return groups;
}

/** Parameters as they lie in WGSL. */
function packed(kernel: Kernel, params: Params, op: string): Uint32Array<ArrayBuffer> {
  checkNames(kernel, 'params', params, op);
  const words = new Uint32Array(kernel.params.length);
  const floats = new Float32Array(words.buffer);
  kernel.params.forEach(({ name, type }, i) => {
    if (type === 'f32') floats[i] = params[name]!;
    else words[i] = params[name]!; // i32 keeps its bits
  });
  return words;
}
