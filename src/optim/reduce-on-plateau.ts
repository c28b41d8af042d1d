// ReduceLROnPlateau: lowers the rate when a watched metric has stopped improving.
import { checkNumber, checkWord, refuse } from '../check.ts';
import {
  checkGroupState,
  checkState,
  type JsonValue,
  loadGroups,
  perGroup,
  type ScheduledOptimizer,
  type Scheduler,
  type SchedulerState,
  saveGroups,
} from './lr-scheduler.ts';

export interface ReduceLROnPlateauOptions {
  /** Whether the metric is to fall or to rise. Default 'min'. */
  mode?: 'min' | 'max';
  /** What the rate is multiplied by, in [0, 1). Default 0.1. */
  factor?: number;
  /** Epochs without improvement that are let pass. Default 10. */
  patience?: number;
  /** How much better is better. Default 1e-4. */
  threshold?: number;
  /** Whether `threshold` is a share of the best or a difference. Default 'rel'. */
  thresholdMode?: 'rel' | 'abs';
  /** Epochs after a reduction that count nothing. Default 0. */
  cooldown?: number;
  /** Lowest rate, of all groups or one a group. Default 0. */
  minLr?: number | readonly number[];
  /** A change of the rate of at most this is not made. Default 1e-8. */
  eps?: number;
}

interface Resolved {
  mode: 'min' | 'max';
  factor: number;
  patience: number;
  threshold: number;
  thresholdMode: 'rel' | 'abs';
  cooldown: number;
  minLr: number[];
  eps: number;
}

const TYPE = 'ReduceLROnPlateau';

/** Multiplies the rate by `factor` once `metric` has not improved for more than `patience` steps. PyTorch: `ReduceLROnPlateau`. */
export class ReduceLROnPlateau implements Scheduler {
  readonly optimizer: ScheduledOptimizer;
  /** Steps done. */
  lastEpoch = 0;
  /** Best metric so far; the worst there is before the first step. */
  best: number;
  numBadEpochs = 0;
  cooldownCounter = 0;
  private options: Resolved;
  private lastLr: number[];

  constructor(optimizer: ScheduledOptimizer, options: ReduceLROnPlateauOptions = {}) {
    this.optimizer = optimizer;
    this.options = {
      mode: options.mode ?? 'min',
      factor: options.factor ?? 0.1,
      patience: options.patience ?? 10,
      threshold: options.threshold ?? 1e-4,
      thresholdMode: options.thresholdMode ?? 'rel',
      cooldown: options.cooldown ?? 0,
      minLr: perGroup(TYPE, 'minLr', options.minLr ?? 0, optimizer),
      eps: options.eps ?? 1e-8,
    };
    check(optimizer, this.options);
    this.best = this.options.mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    this.lastLr = optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Takes the `metric` of one more epoch; NaN counts as no improvement. Throws ArgumentError without a metric. */
  step(metric?: number): void {
    if (typeof metric !== 'number') refuse(TYPE, 'metric', 'a number at every step', `${metric}`);
    this.lastEpoch++;
    if (this.isBetter(metric)) {
      this.best = metric;
      this.numBadEpochs = 0;
    } else {
      this.numBadEpochs++;
    }
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.options.patience) {
      this.reduce();
      this.cooldownCounter = this.options.cooldown;
      this.numBadEpochs = 0;
    }
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  getLastLr(): number[] {
    return [...this.lastLr];
  }

  stateDict(): SchedulerState {
    const { lastEpoch, numBadEpochs, cooldownCounter } = this;
    return {
      type: TYPE,
      options: structuredClone(this.options) as unknown as JsonValue,
      lastEpoch,
      // As text, since JSON has no infinity; the text of a double reads back as the same double.
      best: `${this.best}`,
      numBadEpochs,
      cooldownCounter,
      lastLr: [...this.lastLr],
      groups: saveGroups(this.optimizer),
    };
  }

  loadStateDict(state: SchedulerState): void {
    checkState(TYPE, this.stateDict(), state);
    const { options, lastEpoch, best, numBadEpochs, cooldownCounter, lastLr, groups } = structuredClone(state);
    checkGroupState(TYPE, this.optimizer, lastLr!);
    checkGroupState(TYPE, this.optimizer, groups!);
    check(this.optimizer, options as unknown as Resolved);
    if (Number.isNaN(Number(best))) refuse(TYPE, 'state.best', 'the text of a number', `"${best}"`);
    this.options = options as unknown as Resolved;
    this.lastEpoch = lastEpoch as number;
    this.best = Number(best);
    this.numBadEpochs = numBadEpochs as number;
    this.cooldownCounter = cooldownCounter as number;
    this.lastLr = lastLr as number[];
    loadGroups(this.optimizer, groups!);
  }

  private isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.options;
    if (mode === 'min') return metric < (thresholdMode === 'rel' ? this.best * (1 - threshold) : this.best - threshold);
    return metric > (thresholdMode === 'rel' ? this.best * (threshold + 1) : this.best + threshold);
  }

  private reduce(): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      const lr = Math.max(group.lr * this.options.factor, this.options.minLr[i]!);
      if (group.lr - lr > this.options.eps) group.lr = lr;
    });
  }
}

function check(optimizer: ScheduledOptimizer, options: Resolved): void {
  checkWord(TYPE, 'mode', options.mode, ['min', 'max']);
  checkWord(TYPE, 'thresholdMode', options.thresholdMode, ['rel', 'abs']);
  checkNumber(TYPE, 'factor', options.factor, { min: 0, below: 1 });
  checkNumber(TYPE, 'patience', options.patience, { integer: true, min: 0 });
  checkNumber(TYPE, 'cooldown', options.cooldown, { integer: true, min: 0 });
  checkNumber(TYPE, 'threshold', options.threshold, { min: 0 });
  checkNumber(TYPE, 'eps', options.eps, { min: 0 });
  checkGroupState(TYPE, optimizer, options.minLr);
  for (const minLr of options.minLr) checkNumber(TYPE, 'minLr', minLr, { min: 0 });
}
