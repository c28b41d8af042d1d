// What all optimisers share: parameter groups, the step over them, and the state that an exact resume needs.
import { checkNumber, describe, refuse } from '../check.ts';
import { optionsOf } from '../options.ts';
import { assign, lasting } from '../tensor/create.ts';
import type { TypedArray } from '../tensor/dtype.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { FiniteCheck } from './finite-check.ts';
import type { JsonValue } from './lr-scheduler.ts';
import { readState } from './optimizer-state.ts';
import type { OptionsOf, ParamGroup, Rule } from './rule.ts';
import { type Entry, entriesOf, forget, prepare, stateOf } from './state.ts';
import { updatesOf } from './update.ts';

/** A group as it is given. */
export type GroupOf<Group> = { params: Iterable<Tensor> } & OptionsOf<Group>;
/** Parameters alone, or groups of them with options of their own. */
export type ParamsOf<Group> = Iterable<Tensor> | Iterable<GroupOf<Group>>;

export interface StepOptions {
  /** The step changes nothing where the check's last test, or one before it, was not finite. */
  check?: FiniteCheck | undefined;
}

/** Base of the optimisers, after PyTorch's `Optimizer`. */
export class Optimizer<Group extends ParamGroup = ParamGroup> {
  readonly paramGroups: Group[] = [];
  readonly #rule: Rule;
  readonly #defaults: OptionsOf<ParamGroup>;
  readonly #entries: Entry[] = [];
  #hyper: Tensor | undefined;
  #spare: Tensor | undefined;

  protected constructor(rule: Rule<Group>, params: ParamsOf<Group>, options: OptionsOf<Group>) {
    this.#rule = rule as Rule;
    this.#defaults = optionsOf(rule.type, options, { initialLr: undefined, ...rule.defaults } as never);
    if (typeof params?.[Symbol.iterator] !== 'function')
      refuse(rule.type, 'params', 'an iterable of tensors or of groups { params, … }', describe(params));
    const given = [...params];
    if (given.length === 0) refuse(rule.type, 'params', 'at least one parameter', 'none');
    if (given[0] instanceof Tensor) this.addParamGroup({ params: given } as never);
    else for (const group of given) this.addParamGroup(group as GroupOf<Group>);
  }

  /** The class's name. */
  get type(): string {
    return this.#rule.type;
  }

  /** Adds parameters that are updated from the next step on; options left out are the optimiser's. */
  addParamGroup(group: GroupOf<Group>): void {
    const { type } = this.#rule;
    if (typeof group?.params?.[Symbol.iterator] !== 'function')
      refuse(type, `params[${this.paramGroups.length}]`, 'a group { params, … }', describe(group));
    const { params, ...options } = group;
    const complete: ParamGroup = { ...optionsOf(type, options, this.#defaults as never), params: [...params] };
    checkNumber(type, 'lr', complete.lr, { min: 0 });
    this.#rule.check(complete);
    this.#checkParams(complete.params);
    this.#entries.push(...entriesOf(complete, this.#entries));
    this.paramGroups.push(complete as Group);
  }

  /** Updates every parameter that has a gradient and wants one. Queues dispatches, waits for nothing. */
  step({ check }: StepOptions = {}): void {
    const due = this.#entries.filter(({ param }) => param.grad && param.requiresGrad && param.size > 0);
    const { device } = this.#entries[0]!.param;
    device.guard(() => this.#launched());
    if (due.length === 0) return;
    for (const entry of due) this.#checkGradient(entry);
    // The scalars are data, not parameters of the dispatches: a recorded step takes new ones.
    const scalars = () => this.#scalars(due);
    const { length } = scalars();
    for (const entry of due) prepare(this.#rule, entry);
    if (this.#hyper?.size !== length) {
      this.#hyper?.dispose();
      this.#hyper = lasting([length], { device, label: this.type });
    }
    const hyper = this.#hyper;
    this.#spare ??= lasting([64 * Object.keys(this.#rule.states).length], { device, label: this.type });
    const updates = updatesOf({ rule: this.#rule, hyper, spare: this.#spare }, due);
    device.write({ ...hyper.view, bytes: hyper.bytes }, scalars);
    if (check) device.copy(check.refused, { ...hyper.view, bytes: 4 });
    for (const update of updates) update();
    device.hostWork(() => {
      const undo = this.#count(due);
      const unlist = check?.onRefusal(undo);
      return () => {
        unlist?.();
        undo();
      };
    });
  }

  /** Counts a step of parameters. Returns what takes that back. */
  #count(due: readonly Entry[]): () => void {
    const begun = due.flatMap(({ live, group }) => {
      const kinds = this.#rule.uses(group).filter((kind) => !live.has(kind));
      return kinds.map((kind) => ({ live, kind }));
    });
    for (const entry of due) entry.step++;
    for (const { live, kind } of begun) live.add(kind);
    return () => {
      for (const { live, kind } of begun) live.delete(kind);
      for (const entry of due) entry.step--;
    };
  }

  /** Frees the gradients of all parameters. */
  zeroGrad(): void {
    for (const { param } of this.#entries) {
      param.grad?.dispose();
      param.grad = undefined;
    }
  }

  /** The state tensors by name, `state.<parameter>.<kind>`; they are the optimiser's own, to be read and not kept. */
  stateTensors(): Map<string, Tensor> {
    const all = this.#entries.flatMap((entry) =>
      [...entry.live].map((kind) => [`state.${entry.index}.${kind}`, stateOf(entry, kind)] as const),
    );
    return new Map(all);
  }

  /** The rest of the state as plain JSON: options of the groups, steps done, and the kinds of state each parameter has. */
  stateJson(): JsonValue {
    const numbers = new Map(this.#entries.map(({ param, index }) => [param, index]));
    const paramGroups = this.paramGroups.map(({ params, ...options }) => ({
      ...(structuredClone(options) as { [key: string]: JsonValue }),
      params: params.map((param) => numbers.get(param)!),
    }));
    const used = this.#entries.filter(({ step }) => step > 0);
    const state = used.map(({ index, step, live, param }) => [
      String(index),
      { step, shape: [...param.shape], tensors: [...live] },
    ]);
    return { type: this.type, paramGroups, state: Object.fromEntries(state) };
  }

  /**
   * Takes over what `stateJson` gave, with the tensors that `get` finds by the names of `stateTensors`. Options of the groups
   * win over the constructor's, as in PyTorch. Throws ArgumentError on the state of another optimiser, other groups, shapes or
   * sizes; nothing is changed then.
   */
  loadState(state: unknown, get: (name: string) => TypedArray): void {
    const { groups, entries } = readState(this.#rule, this.paramGroups, state, get);
    this.paramGroups.forEach((group, i) => {
      Object.assign(group, groups[i]);
    });
    this.#entries.forEach(forget);
    for (const [index, { step, tensors }] of entries) {
      const entry = this.#entries[index]!;
      entry.step = step;
      entry.stirred = true;
      for (const [kind, data] of tensors) {
        assign(stateOf(entry, kind), data);
        entry.live.add(kind);
      }
    }
  }

  /** Frees the state. The parameters are not the optimiser's and stay. */
  dispose(): void {
    this.#entries.forEach(forget);
    this.#hyper?.dispose();
    this.#spare?.dispose();
    this.#hyper = undefined;
    this.#spare = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkParams(params: readonly Tensor[]): void {
    const { type } = this.#rule;
    if (params.length === 0) refuse(type, 'params', 'at least one parameter', 'none');
    const seen = new Set(this.#entries.map(({ param }) => param));
    params.forEach((param, i) => {
      const name = `params[${i}]`;
      if (!(param instanceof Tensor)) refuse(type, name, 'a tensor', describe(param));
      if (param.dtype !== 'f32') refuse(type, name, 'f32', param.dtype);
      if (param.node) refuse(type, name, 'a leaf', 'the result of an op', 'Pass the tensor it was computed from.');
      if (seen.has(param)) refuse(type, name, 'in one group and there once', `${param} again`);
      if (param.device !== (this.#entries[0]?.param ?? params[0]!).device)
        refuse(type, name, 'on the device of the other parameters', 'one on another');
      seen.add(param);
    });
  }

  #checkGradient({ param, index }: Entry): void {
    const { shape } = param.grad!;
    if (sameShape(shape, param.shape)) return;
    const name = `the gradient of parameter ${index}`;
    refuse(this.type, name, `of its shape ${formatShape(param.shape)}`, formatShape(shape));
  }

  /** What decides which kernels a step queues, beside the gradients that it is given. */
  #launched(): string {
    const groups = this.paramGroups.map((group) => [this.#rule.overrides(group), this.#rule.leaves(group)]);
    // A step that begins with state clears it too, and is no step to repeat.
    const entries = this.#entries.map(({ param, slots, stirred, live }) => [
      Number(param.requiresGrad),
      slots ? Number(stirred) : 'none',
      [...live],
    ]);
    return JSON.stringify([groups, entries]);
  }

  /** What kernels read of a step (lib/step_scalars): a zero, then a row for each parameter, zero where it is not due. */
  #scalars(due: readonly Entry[]): Float32Array<ArrayBuffer> {
    const rows = due.map(({ group, step, live }) => {
      const fresh = this.#rule.uses(group).some((kind) => !live.has(kind));
      return this.#rule.scalars(group, step + 1, fresh);
    });
    const width = rows[0]!.length;
    const data = new Float32Array(1 + width * this.#entries.length);
    due.forEach(({ index, group }, i) => {
      if (!rows[i]!.every(Number.isFinite)) {
        const { params, ...options } = group;
        const name = `paramGroups[${this.paramGroups.indexOf(group as Group)}]`;
        refuse(this.type, name, 'of finite options', JSON.stringify(options, nameNonFinite));
      }
      data.set(rows[i]!, 1 + width * index);
    });
    return data;
  }
}

function nameNonFinite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
