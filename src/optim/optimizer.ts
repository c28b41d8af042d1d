// What all optimisers share: parameter groups, the step over them, and the state that an exact resume needs.
import { checkNumber, describe, refuse } from '../check.ts';
import { gatherGradients } from '../tensor/chunk.ts';
import { assign, lasting } from '../tensor/create.ts';
import type { TypedArray } from '../tensor/dtype.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { FiniteCheck } from './finite-check.ts';
import type { JsonValue } from './lr-scheduler.ts';
import type { Moments } from './moments.ts';
import { readState } from './optimizer-state.ts';
import { type Entry, placeSlots, placeState } from './placement.ts';
import { denseUpdates, rowsUpdate, SPARE, type Target, type Update, type UpdateKernels } from './update.ts';

/** Parameters with the options they are updated by; schedules write `lr`. Values set between steps count from the next one. */
export interface ParamGroup {
  params: Tensor[];
  /** Learning rate. */
  lr: number;
  /** Rate before any schedule. */
  initialLr?: number;
}

type OptionsOf<Group> = Partial<Omit<Group, 'params'>>;
/** A group as it is given. */
export type GroupOf<Group> = { params: Iterable<Tensor> } & OptionsOf<Group>;
/** Parameters alone, or groups of them with options of their own. */
export type ParamsOf<Group> = Iterable<Tensor> | Iterable<GroupOf<Group>>;

/** What tells one optimiser from another. */
export interface Rule<Group extends ParamGroup> {
  /** The class's name, kept through minifiers. */
  readonly type: string;
  readonly kernels: UpdateKernels;
  /** Kinds of state and the kernel's bindings for them; those in `always` are in every saved state. */
  readonly states: Readonly<Record<string, string>>;
  readonly always: readonly string[];
  /** Throws ArgumentError on options out of range. */
  check(group: Group): void;
  /** The kinds of state that these options make use of. */
  uses(group: Group): readonly string[];
  overrides(group: Group): Record<string, boolean>;
  /** The kernel's `Hyper` for step `step`, counted from 1; `fresh` where the state is still zero. */
  scalars(group: Group, step: number, fresh: boolean): number[];
  /** Whether a gradient of zero changes nothing. */
  leavesIdleRows(group: Group): boolean;
  /** Whether a gradient of zero changes nothing where the state is zero. */
  leavesRestingRows(group: Group): boolean;
}

export interface StepOptions {
  /** The step changes nothing where the check's last test, or one before it, was not finite. */
  check?: FiniteCheck | undefined;
}

/** Base of the optimisers, after PyTorch's `Optimizer`. */
export class Optimizer<Group extends ParamGroup = ParamGroup> {
  readonly paramGroups: Group[] = [];
  readonly #rule: Rule<Group>;
  readonly #defaults: Omit<Group, 'params'>;
  readonly #entries: Entry<Group>[] = [];
  #hyper: Tensor | undefined;
  #spare: Tensor | undefined;

  protected constructor(rule: Rule<Group>, params: ParamsOf<Group>, defaults: Omit<Group, 'params'>) {
    this.#rule = rule;
    this.#defaults = defaults;
    if (typeof params?.[Symbol.iterator] !== 'function')
      refuse(rule.type, 'params', 'an iterable of tensors or of groups { params, … }', describe(params));
    const given: (Tensor | GroupOf<Group>)[] = [...params];
    if (given.length === 0) refuse(rule.type, 'params', 'at least one parameter', 'none');
    const groups = given[0] instanceof Tensor ? [{ params: given } as never] : given;
    for (const group of groups) this.addParamGroup(group as never);
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
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const complete = { ...this.#defaults, ...given, params: [...params] } as unknown as Group;
    checkNumber(type, 'lr', complete.lr, { min: 0 });
    this.#rule.check(complete);
    this.#checkParams(complete.params);
    this.paramGroups.push(complete);
    for (const param of complete.params) {
      const index = this.#entries.length;
      const state = { step: 0, moments: undefined, place: 0, live: new Set<string>() };
      const rows = { slots: undefined, stirred: false };
      this.#entries.push({ param, index, group: complete, ...state, ...rows });
    }
  }

  /** Updates every parameter that has a gradient and wants one. Queues dispatches, waits for nothing. */
  step({ check }: StepOptions = {}): void {
    const due = this.#entries.filter(({ param }) => param.grad && param.requiresGrad && param.size > 0);
    const { device } = this.#entries[0]!.param;
    device.guard(() => this.#launched());
    if (due.length === 0) return;
    for (const entry of due) this.#checkGradient(entry);
    placeState(this.#rule, due);
    for (const entry of due) placeSlots(this.#rule, entry);
    this.#spare ??= lasting([SPARE * 64], { device, label: this.type });
    this.#launch(due, this.#hyperFor(due), this.#spare, check);
    device.hostWork(() => {
      const undo = this.#count(due);
      const forget = check?.onRefusal(undo);
      return () => {
        forget?.();
        undo();
      };
    });
  }

  /** Counts a step of parameters. Returns what takes that back. */
  #count(due: readonly Entry<Group>[]): () => void {
    const begun: [live: Set<string>, kind: string][] = [];
    for (const entry of due) {
      entry.step++;
      for (const kind of this.#rule.uses(entry.group)) if (!entry.live.has(kind)) begun.push([entry.live, kind]);
    }
    for (const [live, kind] of begun) live.add(kind);
    return () => {
      for (const [live, kind] of begun) live.delete(kind);
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
    const tensors = new Map<string, Tensor>();
    for (const { index, moments, place, live } of this.#entries)
      for (const kind of live) tensors.set(`state.${index}.${kind}`, moments!.part(kind, place));
    return tensors;
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
    this.#drop();
    const loaded = this.#entries.filter(({ index }) => entries.has(index));
    placeState(this.#rule, loaded);
    for (const entry of loaded) {
      const { step, tensors } = entries.get(entry.index)!;
      entry.step = step;
      for (const [kind, data] of tensors) {
        assign(entry.moments!.part(kind, entry.place), data);
        entry.live.add(kind);
      }
      entry.stirred = true;
    }
  }

  /** Frees the state. The parameters are not the optimiser's and stay. */
  dispose(): void {
    this.#drop();
    this.#hyper?.dispose();
    this.#spare?.dispose();
    this.#hyper = undefined;
    this.#spare = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #drop(): void {
    for (const entry of this.#entries) {
      entry.slots?.dispose();
      entry.slots = undefined;
      entry.stirred = false;
      entry.moments?.dispose();
      entry.moments = undefined;
      entry.step = 0;
      entry.live.clear();
    }
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

  #checkGradient({ param, index }: Entry<Group>): void {
    const { shape } = param.grad!;
    if (!sameShape(shape, param.shape))
      refuse(
        this.type,
        `the gradient of parameter ${index}`,
        `of its shape ${formatShape(param.shape)}`,
        formatShape(shape),
      );
  }

  /** What decides which kernels a step queues, beside the gradients that it is given. */
  #launched(): string {
    const groups = this.paramGroups.map((group) => [
      this.#rule.overrides(group),
      this.#rule.leavesIdleRows(group),
      this.#rule.leavesRestingRows(group),
    ]);
    // A step that makes state clears it too, and is no step to repeat.
    const entries = this.#entries.map(({ param, moments, slots, stirred }) => [
      Number(param.requiresGrad),
      slots ? Number(stirred) : 'none',
      moments?.kinds ?? [],
    ]);
    return JSON.stringify([groups, entries]);
  }

  /** Where the scalars of the coming step go, which are checked. */
  #hyperFor(due: readonly Entry<Group>[]): Tensor {
    const { device } = due[0]!.param;
    const { length } = this.#scalars(due);
    if (this.#hyper?.size !== length) {
      this.#hyper?.dispose();
      this.#hyper = lasting([length], { device, label: this.type });
    }
    return this.#hyper;
  }

  /** What kernels read of a step (lib/step_scalars): a zero, then a row for each parameter, zero where it is not due. */
  #scalars(due: readonly Entry<Group>[]): Float32Array<ArrayBuffer> {
    const rows = due.map(({ group, step, live }) => {
      const fresh = this.#rule.uses(group).some((kind) => !live.has(kind));
      return this.#rule.scalars(group, step + 1, fresh);
    });
    rows.forEach((row, i) => {
      if (row.every(Number.isFinite)) return;
      const at = this.paramGroups.indexOf(due[i]!.group);
      const { params, ...options } = due[i]!.group;
      refuse(this.type, `paramGroups[${at}]`, 'of finite options', JSON.stringify(options, nameNonFinite));
    });
    const width = rows[0]!.length;
    const data = new Float32Array(1 + width * this.#entries.length);
    due.forEach(({ index }, i) => {
      data.set(rows[i]!, 1 + width * index);
    });
    return data;
  }

  /** Queues the step. The scalars are data, not parameters of the dispatches: a recorded step takes new ones. */
  #launch(due: readonly Entry<Group>[], hyper: Tensor, spare: Tensor, check: FiniteCheck | undefined): void {
    const { type, kernels } = this.#rule;
    const dense = new Map<Moments, { update: Update; targets: Target<Tensor>[] }>();
    // What takes memory is done before anything is queued: a step of several parameters either has it all or changes none.
    const launches: (() => void)[] = [];
    gatherGradients(due.map(({ param }) => param));
    for (const { param, group, moments, place, index, slots } of due) {
      const update = { label: type.toLowerCase(), kernels, overrides: this.#rule.overrides(group), hyper, spare };
      const used = this.#rule.uses(group);
      const states = Object.entries(this.#rule.states).map(
        ([kind, binding]) => [binding, used.includes(kind) ? moments!.flat(kind) : undefined] as const,
      );
      const target = { param, states, start: moments!.starts[place]!, row: index };
      const gradient = param.grad!;
      if (gradient instanceof RowSparse)
        launches.push(
          rowsUpdate(
            update,
            { ...target, gradient },
            {
              listedOnly: this.#rule.leavesIdleRows(group),
              slots,
            },
          ),
        );
      else {
        const same = dense.get(moments!) ?? { update, targets: [] };
        same.targets.push({ ...target, gradient });
        dense.set(moments!, same);
      }
    }
    for (const [{ chunk }, { update, targets }] of dense) launches.push(...denseUpdates(update, targets, chunk));
    hyper.device.write({ ...hyper.view, bytes: hyper.bytes }, () => this.#scalars(due));
    if (check) hyper.device.copy(check.refused, { ...hyper.view, bytes: 4 });
    for (const launch of launches) launch();
  }
}

function nameNonFinite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
