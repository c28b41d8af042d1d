// The kernels of an optimiser of others, from what it does to one element.
import type { Kernel } from '../gpu/kernel.ts';
import type { Rule } from '../optim/rule.ts';
import { kernel } from './run.ts';

/**
 * The kernels of a `Rule`, for dense gradients and for rows of a table, from WGSL that has
 *   struct Hyper { … }                       f32 scalars of a step, in the order of the rule's `scalars`
 *   @group(0) @binding(30) var<storage, read_write> NAME: array<Unit>;     each kind of state, from binding 30 on
 *   fn update(value: Unit, gradient: Unit, at: u32, h: Hyper) -> Unit      the new value; `at` is the place in the state
 * `Unit` is f32 or vec4f, so `update` is written for both. A step that is refused (`FiniteCheck`) does not come here.
 */
export function updateKernels(text: string, { name }: { name: string }): Rule['kernels'] {
  const form = (lib: 'dense' | 'rows', unit: 'f32' | 'vec4f'): Kernel =>
    kernel(`alias Unit = ${unit};\n// @use update_${lib}\n${text}`, { name: `${name}_${lib}_${unit}` });
  return { dense: form('dense', 'vec4f'), rows: form('rows', 'f32'), rows_vec4: form('rows', 'vec4f') };
}
