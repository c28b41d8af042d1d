// Schedules made of schedules: one after another, a linear warm-up before one, a late start of one.
import { checkNumber, describe, refuse } from '../check.ts';
import {
  checkGroupState,
  checkState,
  LRScheduler,
  type ScheduledOptimizer,
  type Scheduler,
  type SchedulerState,
} from './lr-scheduler.ts';

export interface SequentialLROptions {
  /** Schedules of the same optimizer, in order. */
  schedulers: readonly LRScheduler[];
  /** Epochs at which the next one takes over, one fewer than schedules, rising. */
  milestones: readonly number[];
}

/** Runs each schedule up to its milestone, then the next from its epoch 0. PyTorch: `SequentialLR`. */
export class SequentialLR implements Scheduler {
  readonly optimizer: ScheduledOptimizer;
  lastEpoch = 0;
  private readonly schedulers: readonly LRScheduler[];
  private milestones: number[];
  private lastLr: number[];

  constructor(optimizer: ScheduledOptimizer, { schedulers, milestones }: SequentialLROptions) {
    this.optimizer = optimizer;
    this.schedulers = [...(schedulers ?? [])];
    this.milestones = [...(milestones ?? [])];
    this.checkSchedulers();
    this.checkMilestones(this.milestones);
    for (const group of optimizer.paramGroups) group.lr = group.initialLr ?? group.lr;
    for (const scheduler of this.schedulers) scheduler.rewind();
    this.schedulers[0]!.initialStep();
    this.lastLr = this.schedulers[0]!.getLastLr();
  }

  step(): void {
    this.lastEpoch++;
    const index = this.milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    const scheduler = this.schedulers[index]!;
    if (index > 0 && this.milestones[index - 1] === this.lastEpoch) scheduler.restart();
    else scheduler.step();
    this.lastLr = scheduler.getLastLr();
  }

  getLastLr(): number[] {
    return [...this.lastLr];
  }

  stateDict(): SchedulerState {
    const { lastEpoch } = this;
    const schedulers = this.schedulers.map((scheduler) => scheduler.stateDict());
    return { type: 'SequentialLR', lastEpoch, milestones: [...this.milestones], lastLr: [...this.lastLr], schedulers };
  }

  loadStateDict(state: SchedulerState): void {
    const { schedulers: own, ...rest } = this.stateDict();
    checkState('SequentialLR', rest as SchedulerState, state);
    const { schedulers } = state;
    if (!Array.isArray(schedulers) || schedulers.length !== this.schedulers.length) {
      const given = Array.isArray(schedulers) ? schedulers.length : typeof schedulers;
      refuse('SequentialLR', 'state.schedulers', `a list of ${this.schedulers.length} states`, `${given}`);
    }
    checkGroupState('SequentialLR', this.optimizer, state.lastLr!);
    this.checkMilestones(state.milestones as number[]);
    loadAll(this.schedulers, schedulers as SchedulerState[], own as SchedulerState[]);
    this.lastEpoch = state.lastEpoch as number;
    this.milestones = [...(state.milestones as number[])];
    this.lastLr = [...(state.lastLr as number[])];
  }

  private checkSchedulers(): void {
    const { optimizer, schedulers } = this;
    if (schedulers.length === 0) refuse('SequentialLR', 'schedulers', 'at least one schedule', 'none');
    schedulers.forEach((scheduler, i) => {
      if (!(scheduler instanceof LRScheduler)) {
        const remedy = 'WarmupLR and DelayedLR put a start before any schedule, ReduceLROnPlateau too.';
        refuse('SequentialLR', `schedulers[${i}]`, 'one that counts epochs by itself', describe(scheduler), remedy);
      }
      if (scheduler.optimizer !== optimizer) {
        refuse('SequentialLR', `schedulers[${i}]`, 'a schedule of the same optimizer', 'one of another');
      }
    });
  }

  private checkMilestones(milestones: readonly number[]): void {
    const wanted = this.schedulers.length - 1;
    if (milestones.length !== wanted) {
      refuse('SequentialLR', 'milestones', `${wanted} epochs, one fewer than schedules`, `${milestones.length}`);
    }
    milestones.forEach((milestone, i) => {
      checkNumber('SequentialLR', `milestones[${i}]`, milestone, { integer: true, above: milestones[i - 1] ?? 0 });
    });
  }
}

export interface WarmupLROptions {
  /** Steps of the warm-up. Default 5. */
  totalIters?: number;
  /** Factor of the first step, in [0, 1]. Default 1/3. */
  startFactor?: number;
}

/**
 * A linear warm-up before `scheduler`: the rate rises from `startFactor` times its first rate to that rate over `totalIters`
 * steps, then `scheduler` goes on from its epoch 0. Equal to PyTorch's `SequentialLR([LinearLR, scheduler], [totalIters])`.
 */
export class WarmupLR implements Scheduler {
  readonly optimizer: ScheduledOptimizer;
  lastEpoch = 0;
  private readonly scheduler: Scheduler;
  private totalIters: number;
  private startFactor: number;
  /** Rates at the end of the warm-up. */
  private targets: number[];

  constructor(scheduler: Scheduler, { totalIters = 5, startFactor = 1 / 3 }: WarmupLROptions = {}) {
    checkScheduler('WarmupLR', scheduler);
    checkWarmup(totalIters, startFactor);
    this.scheduler = scheduler;
    this.optimizer = scheduler.optimizer;
    this.totalIters = totalIters;
    this.startFactor = startFactor;
    this.targets = scheduler.getLastLr();
    if (totalIters > 0) this.warm();
  }

  step(metric?: number): void {
    this.lastEpoch++;
    if (this.lastEpoch <= this.totalIters) this.warm();
    else this.scheduler.step(metric);
  }

  getLastLr(): number[] {
    return this.lastEpoch < this.totalIters ? this.warmRates() : this.scheduler.getLastLr();
  }

  stateDict(): SchedulerState {
    const { lastEpoch, totalIters, startFactor, targets } = this;
    const scheduler = this.scheduler.stateDict();
    return { type: 'WarmupLR', lastEpoch, totalIters, startFactor, targets: [...targets], scheduler };
  }

  loadStateDict(state: SchedulerState): void {
    checkState('WarmupLR', this.stateDict(), state);
    checkWarmup(state.totalIters as number, state.startFactor as number);
    checkGroupState('WarmupLR', this.optimizer, state.targets!);
    this.scheduler.loadStateDict(state.scheduler as SchedulerState);
    this.lastEpoch = state.lastEpoch as number;
    this.totalIters = state.totalIters as number;
    this.startFactor = state.startFactor as number;
    this.targets = [...(state.targets as number[])];
  }

  private warm(): void {
    const rates = this.warmRates();
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = rates[i]!;
    });
  }

  private warmRates(): number[] {
    const done = this.lastEpoch / this.totalIters;
    // At the end the target itself: the sum of shares may round beside 1.
    return this.targets.map((rate) => (done === 1 ? rate : rate * (this.startFactor + (1 - this.startFactor) * done)));
  }
}

export interface DelayedLROptions {
  /** First epoch, counted from 0, whose step reaches the schedule. */
  startEpoch: number;
}

/** Holds the rate for the first `startEpoch` steps (metrics given then are not looked at), then passes every step on to `scheduler`. */
export class DelayedLR implements Scheduler {
  readonly optimizer: ScheduledOptimizer;
  /** Steps done, the held ones included. */
  lastEpoch = 0;
  private readonly scheduler: Scheduler;
  private startEpoch: number;

  constructor(scheduler: Scheduler, { startEpoch }: DelayedLROptions) {
    checkScheduler('DelayedLR', scheduler);
    checkNumber('DelayedLR', 'startEpoch', startEpoch, { integer: true, min: 0 });
    this.scheduler = scheduler;
    this.optimizer = scheduler.optimizer;
    this.startEpoch = startEpoch;
  }

  step(metric?: number): void {
    if (this.lastEpoch >= this.startEpoch) this.scheduler.step(metric);
    this.lastEpoch++;
  }

  getLastLr(): number[] {
    return this.scheduler.getLastLr();
  }

  stateDict(): SchedulerState {
    const { lastEpoch, startEpoch } = this;
    return { type: 'DelayedLR', lastEpoch, startEpoch, scheduler: this.scheduler.stateDict() };
  }

  loadStateDict(state: SchedulerState): void {
    checkState('DelayedLR', this.stateDict(), state);
    checkNumber('DelayedLR', 'startEpoch', state.startEpoch, { integer: true, min: 0 });
    this.scheduler.loadStateDict(state.scheduler as SchedulerState);
    this.lastEpoch = state.lastEpoch as number;
    this.startEpoch = state.startEpoch as number;
  }
}

function checkWarmup(totalIters: number, startFactor: number): void {
  checkNumber('WarmupLR', 'totalIters', totalIters, { integer: true, min: 0 });
  checkNumber('WarmupLR', 'startFactor', startFactor, { min: 0, max: 1 });
}

function checkScheduler(type: string, scheduler: Scheduler): void {
  if (typeof scheduler?.step !== 'function') refuse(type, 'scheduler', 'a schedule', describe(scheduler));
}

/** Loads every state, or none: where one is refused, those before it get back what they had. */
function loadAll(schedulers: readonly Scheduler[], states: SchedulerState[], before: SchedulerState[]): void {
  try {
    schedulers.forEach((scheduler, i) => {
      scheduler.loadStateDict(states[i]!);
    });
  } catch (error) {
    schedulers.forEach((scheduler, i) => {
      scheduler.loadStateDict(before[i]!);
    });
    throw error;
  }
}
