// What tells one optimiser from another.
import type { Kernel } from '../gpu/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Parameters with the options they are updated by; schedules write `lr`. Values set between steps count from the next one. */
export interface ParamGroup {
  params: Tensor[];
  /** Learning rate. */
  lr: number;
  /** Rate before any schedule. */
  initialLr?: number | undefined;
}

/** Options of a group, or of an optimiser for all of its groups. */
export type OptionsOf<Group> = { [K in Exclude<keyof Group, 'params'>]?: Group[K] | undefined };

export interface Rule<Group extends ParamGroup = ParamGroup> {
  /** The class's name, kept through minifiers. */
  readonly type: string;
  /** The update for dense gradients (lib/update_dense), and for rows of any width and of whole vec4s (lib/update_rows). */
  readonly kernels: Readonly<Record<'dense' | 'rows' | 'rows_vec4', Kernel>>;
  /** Every option that there is; one without default must be given. */
  readonly defaults: { readonly [K in Exclude<keyof Group, keyof ParamGroup>]: Group[K] } & {
    readonly lr: number | undefined;
  };
  /** Kinds of state and the kernels' bindings for them; those in `always` are in every saved state. */
  readonly states: Readonly<Record<string, string>>;
  readonly always: readonly string[];
  /** Throws ArgumentError on options out of range. */
  check(group: Group): void;
  /** The kinds of state that these options make use of. */
  uses(group: Group): readonly string[];
  overrides(group: Group): Record<string, boolean>;
  /** The kernels' `Hyper` for step `step`, counted from 1; `fresh` where the state is still zero. */
  scalars(group: Group, step: number, fresh: boolean): number[];
  /** Elements that a gradient of zero leaves as they are: all, those whose state is zero (`resting`), or none. */
  leaves(group: Group): 'all' | 'resting' | 'none';
}
