// Kernels of others: WGSL made a kernel, and a kernel run on tensors.
import { refuse } from '../check.ts';
import { type Bindings, type Kernel, kernel as kernelOf, type Overrides, type Params } from '../gpu/kernel.ts';
import * as libs from '../gpu/shader-libs.gen.ts';
import { wholeVec4s } from '../gpu/strips.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * A kernel from WGSL: one `@compute` function, storage buffers in `@group(0)`, sizes in `struct Params` of u32, i32 and f32 bound as
 * `var<uniform> params`, constants as `override`. `// @use NAME` puts in a text of `shaders/lib`: `grid` folds long grids, `random`
 * is Threefry, `activation` has sigmoid and its like. The text is read when the kernel is first run; what does not compile is told
 * with the lines around it by the next read. `name` is for errors and the profiler; the name of the function by default.
 */
export function kernel(text: string, { name }: { name?: string } = {}): Kernel {
  return kernelOf(text, { name, libs });
}

export interface RunOptions {
  /** Tensors by the names of the kernel's bindings. All are of one device. */
  bind: Readonly<Record<string, Tensor>>;
  /** Numbers by the names of the fields of `Params`. */
  params?: Params;
  /** Values of the kernel's overrides; those left out keep their defaults. */
  overrides?: Overrides;
  /** Workgroups in x, y, z. One number may be over the adapter's limit where the kernel takes its place from `lib/grid`. */
  grid: number | readonly [number, number, number];
  /** The op's name, for errors and the profiler. */
  label: string;
}

/**
 * Queues one dispatch of a kernel on tensors. What is queued must follow from shapes alone, for a compiled step runs it again. A buffer
 * of `vec4`s is bound up to its last whole one: up to three elements past a tensor's end, which are nobody's.
 * Throws ArgumentError where a binding, parameter or override is missing or unknown, or a tensor is over the adapter's binding limit.
 */
export function run(target: Kernel, { bind, params = {}, overrides = {}, grid, label }: RunOptions): void {
  const entries = Object.entries(bind);
  const device = entries[0]?.[1].device;
  if (!device) refuse(label, 'bind', 'at least one tensor', 'none');
  for (const [name, tensor] of entries)
    if (tensor.device !== device) refuse(label, `bind.${name}`, 'a tensor of the same device as the others', 'another');
  const isVec4 = (name: string) => target.bindings.find((b) => b.name === name)?.type.includes('vec4');
  const views = entries.map(([name, { view }]) => [name, isVec4(name) ? wholeVec4s(view) : view] as const);
  device.run(target, { bind: Object.fromEntries(views) as Bindings, params, overrides, grid, label });
}
