// What all learning rate schedules share: the optimiser they see, epochs and rates as PyTorch counts them, plain JSON state.
import { checkNumber, refuse } from '../check.ts';

/** The part of a parameter group that a schedule reads and writes. */
export interface ScheduledGroup {
  lr: number;
  /** Rate before any schedule; set by the first schedule from `lr`. */
  initialLr?: number;
  /** Cycled by OneCycleLR where there are no betas. */
  momentum?: number;
  /** The first one is cycled by OneCycleLR; replaced by a new pair, never changed in place. */
  betas?: readonly [number, number];
}

/** Any optimiser, seen as its parameter groups. */
export interface ScheduledOptimizer {
  readonly paramGroups: readonly ScheduledGroup[];
}

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** State of a schedule as plain JSON, the rates in the optimiser included. */
export interface SchedulerState {
  type: string;
  [key: string]: JsonValue;
}

/** A learning rate schedule: writes `lr` of the optimiser's groups when made and at each `step`. */
export interface Scheduler {
  readonly optimizer: ScheduledOptimizer;
  /** Moves on by one epoch (or batch, where the schedule counts batches); `metric` is what ReduceLROnPlateau watches. */
  step(metric?: number): void;
  /** Rates after the last step, one a group. */
  getLastLr(): number[];
  /** All that `loadStateDict` needs for an exact resume, as plain JSON. */
  stateDict(): SchedulerState;
  /**
   * Takes over a state, options included (they win over the constructor's, as in PyTorch), and writes its rates into the
   * optimiser's groups. Throws ArgumentError on the state of another schedule or with a field missing; nothing is changed then.
   */
  loadStateDict(state: SchedulerState): void;
}

/** Base of the schedules that count epochs, after PyTorch's `_LRScheduler`: epoch 0 is applied when the object is made. */
export abstract class LRScheduler<Options extends object = object> implements Scheduler {
  readonly optimizer: ScheduledOptimizer;
  /** Epochs done; 0 after construction. */
  lastEpoch: number;
  protected options: Options;
  protected baseLrs: number[] = [];
  protected stepCount = 0;
  private lastLr: number[] = [];

  constructor(optimizer: ScheduledOptimizer, options: Options, lastEpoch = -1) {
    this.optimizer = optimizer;
    this.options = options;
    this.lastEpoch = lastEpoch;
    checkNumber(this.type, 'lastEpoch', lastEpoch, { integer: true, min: -1 });
    if (!(optimizer?.paramGroups?.length > 0)) {
      refuse(
        this.type,
        'optimizer',
        'an optimizer with parameter groups',
        `${optimizer?.paramGroups?.length ?? typeof optimizer}`,
      );
    }
    this.check(options);
    if (lastEpoch === -1) this.prepare();
    this.baseLrs = optimizer.paramGroups.map((group, i) => this.initialLrOf(group, i));
    this.initialStep();
  }

  /** The class's name, kept through minifiers. */
  get type(): string {
    return 'LRScheduler';
  }

  /** Throws ArgumentError on options out of range. */
  protected abstract check(options: Options): void;
  /** Rates of epoch `lastEpoch`, from those in the groups where PyTorch's form is recursive. */
  protected abstract getLr(): number[];

  /** Rates of epoch `lastEpoch` from the initial ones; used where a schedule starts in the middle of a SequentialLR. */
  protected closedFormLr(): number[] {
    return this.getLr();
  }

  /** Runs before the initial rates are taken from the groups. */
  protected prepare(): void {}

  step(_metric?: number): void {
    this.checkGroupCount();
    this.stepCount++;
    this.lastEpoch++;
    this.apply(this.getLr());
  }

  getLastLr(): number[] {
    return [...this.lastLr];
  }

  stateDict(): SchedulerState {
    const { type, lastEpoch, stepCount } = this;
    return {
      type,
      options: structuredClone(this.options) as JsonValue,
      lastEpoch,
      stepCount,
      baseLrs: [...this.baseLrs],
      lastLr: [...this.lastLr],
      groups: saveGroups(this.optimizer),
    };
  }

  loadStateDict(state: SchedulerState): void {
    checkState(this.type, this.stateDict(), state);
    const { options, lastEpoch, stepCount, baseLrs, lastLr, groups } = structuredClone(state);
    for (const perGroup of [baseLrs, lastLr]) checkGroupState(this.type, this.optimizer, perGroup!);
    checkGroupState(this.type, this.optimizer, groups!);
    this.check(options as Options);
    this.options = options as Options;
    this.lastEpoch = lastEpoch as number;
    this.stepCount = stepCount as number;
    this.baseLrs = baseLrs as number[];
    this.lastLr = lastLr as number[];
    loadGroups(this.optimizer, groups!);
  }

  /** For SequentialLR: undoes the count of the step made at construction. */
  rewind(): void {
    this.lastEpoch--;
  }

  /** For SequentialLR: the first step, as at construction. */
  initialStep(): void {
    this.stepCount = 0;
    this.step();
  }

  /** For SequentialLR: epoch 0 in closed form, whatever rates another schedule left in the groups. */
  restart(): void {
    this.checkGroupCount();
    this.stepCount++;
    this.lastEpoch = 0;
    this.apply(this.closedFormLr());
  }

  private apply(rates: readonly number[]): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = rates[i]!;
    });
    this.lastLr = [...rates];
  }

  private initialLrOf(group: ScheduledGroup, index: number): number {
    if (this.lastEpoch === -1) group.initialLr ??= group.lr;
    return (
      group.initialLr ??
      refuse(this.type, `paramGroups[${index}].initialLr`, `set when lastEpoch is ${this.lastEpoch}`, 'undefined')
    );
  }

  private checkGroupCount(): void {
    const given = this.optimizer.paramGroups.length;
    if (given === this.baseLrs.length) return;
    refuse(this.type, 'optimizer', `left with ${this.baseLrs.length} parameter groups while scheduled`, `${given}`);
  }
}

/** The rates in the groups, as state. */
export function saveGroups(optimizer: ScheduledOptimizer): JsonValue[] {
  return optimizer.paramGroups.map(
    ({ lr, initialLr }): JsonValue => (initialLr === undefined ? { lr } : { lr, initialLr }),
  );
}

/** Writes rates saved by `saveGroups` back. */
export function loadGroups(optimizer: ScheduledOptimizer, groups: JsonValue): void {
  optimizer.paramGroups.forEach((group, i) => {
    Object.assign(group, (groups as JsonValue[])[i]);
  });
}

/** Throws unless `perGroup`, a list in a state, has an element for each group. */
export function checkGroupState(type: string, optimizer: ScheduledOptimizer, perGroup: JsonValue): void {
  const wanted = optimizer.paramGroups.length;
  const given = (perGroup as JsonValue[]).length;
  if (given !== wanted) refuse(type, 'state', `of ${wanted} parameter groups`, `${given}`);
}

/** Throws unless `state` has every field of `own`, the present state of the schedule, in the same kind. */
export function checkState(type: string, own: SchedulerState, state: SchedulerState): void {
  if (state?.type !== type) refuse(type, 'state', `of a ${type}`, `of a ${state?.type}`);
  compareKinds(type, 'state', own, state);
}

function compareKinds(type: string, path: string, own: JsonValue, given: JsonValue | undefined): void {
  const [wanted, actual] = [kindOf(own), kindOf(given)];
  if (actual !== wanted) refuse(type, path, wanted, actual);
  if (Array.isArray(own)) {
    (given as JsonValue[]).forEach((element, i) => {
      if (own.length > 0) compareKinds(type, `${path}[${i}]`, own[0]!, element);
    });
  } else if (own !== null && typeof own === 'object') {
    for (const key of Object.keys(own)) {
      compareKinds(type, `${path}.${key}`, own[key]!, (given as { [key: string]: JsonValue })[key]);
    }
  }
}

function kindOf(value: JsonValue | undefined): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'number' && !Number.isFinite(value)) return `${value}`;
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** `value` for every group, or the list of one value a group that it already is. */
export function perGroup(
  type: string,
  argument: string,
  value: number | readonly number[],
  optimizer: ScheduledOptimizer,
): number[] {
  const groups = optimizer.paramGroups.length;
  if (typeof value === 'number') return Array(groups).fill(value);
  if (value?.length !== groups)
    refuse(type, argument, `a number or ${groups} of them, one a group`, `${value?.length}`);
  return [...value];
}
