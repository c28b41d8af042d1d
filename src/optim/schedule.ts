// Learning rate schedules with PyTorch's names, defaults and numbers: the ones that follow a formula of the epoch, and the door to all.
import { checkNumber, refuse } from '../check.ts';
import { LRScheduler, type ScheduledOptimizer } from './lr-scheduler.ts';

export {
  DelayedLR,
  type DelayedLROptions,
  SequentialLR,
  type SequentialLROptions,
  WarmupLR,
  type WarmupLROptions,
} from './compose-schedules.ts';
export {
  LRScheduler,
  type ScheduledGroup,
  type ScheduledOptimizer,
  type Scheduler,
  type SchedulerState,
} from './lr-scheduler.ts';
export { OneCycleLR, type OneCycleLROptions } from './one-cycle.ts';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './reduce-on-plateau.ts';

interface Resumable {
  /** Epochs done before; other than -1, the groups must carry `initialLr`. Default -1: a new run. */
  lastEpoch?: number;
}

export interface StepLROptions extends Resumable {
  /** Period of the decay, in epochs. */
  stepSize: number;
  /** Factor of the decay. Default 0.1. */
  gamma?: number;
}

/** Multiplies the rate by `gamma` every `stepSize` epochs. PyTorch: `StepLR`. */
export class StepLR extends LRScheduler<{ stepSize: number; gamma: number }> {
  constructor(optimizer: ScheduledOptimizer, { stepSize, gamma = 0.1, lastEpoch }: StepLROptions) {
    super(optimizer, { stepSize, gamma }, lastEpoch);
  }

  override get type(): string {
    return 'StepLR';
  }

  protected check({ stepSize, gamma }: { stepSize: number; gamma: number }): void {
    checkNumber(this.type, 'stepSize', stepSize, { integer: true, min: 1 });
    checkNumber(this.type, 'gamma', gamma, { min: 0 });
  }

  protected getLr(): number[] {
    const { stepSize, gamma } = this.options;
    const holds = this.lastEpoch === 0 || this.lastEpoch % stepSize !== 0;
    return this.optimizer.paramGroups.map(({ lr }) => (holds ? lr : lr * gamma));
  }

  protected override closedFormLr(): number[] {
    return this.baseLrs.map((base) => base * this.options.gamma ** Math.floor(this.lastEpoch / this.options.stepSize));
  }
}

export interface MultiStepLROptions extends Resumable {
  /** Epochs at which the rate decays; one given twice decays twice. */
  milestones: readonly number[];
  /** Factor of the decay. Default 0.1. */
  gamma?: number;
}

/** Multiplies the rate by `gamma` at each of the `milestones`. PyTorch: `MultiStepLR`. */
export class MultiStepLR extends LRScheduler<{ milestones: number[]; gamma: number }> {
  constructor(optimizer: ScheduledOptimizer, { milestones, gamma = 0.1, lastEpoch }: MultiStepLROptions) {
    if (!Array.isArray(milestones)) refuse('MultiStepLR', 'milestones', 'a list of epochs', `${milestones}`);
    super(optimizer, { milestones: [...milestones], gamma }, lastEpoch);
  }

  override get type(): string {
    return 'MultiStepLR';
  }

  protected check({ milestones, gamma }: { milestones: number[]; gamma: number }): void {
    for (const milestone of milestones) checkNumber(this.type, 'milestones', milestone, { integer: true, min: 0 });
    checkNumber(this.type, 'gamma', gamma, { min: 0 });
  }

  protected getLr(): number[] {
    const { milestones, gamma } = this.options;
    const times = milestones.filter((milestone) => milestone === this.lastEpoch).length;
    return this.optimizer.paramGroups.map(({ lr }) => (times === 0 ? lr : lr * gamma ** times));
  }

  protected override closedFormLr(): number[] {
    const { milestones, gamma } = this.options;
    const times = milestones.filter((milestone) => milestone <= this.lastEpoch).length;
    return this.baseLrs.map((base) => base * gamma ** times);
  }
}

export interface ExponentialLROptions extends Resumable {
  /** Factor of the decay of every epoch. */
  gamma: number;
}

/** Multiplies the rate by `gamma` every epoch. PyTorch: `ExponentialLR`. */
export class ExponentialLR extends LRScheduler<{ gamma: number }> {
  constructor(optimizer: ScheduledOptimizer, { gamma, lastEpoch }: ExponentialLROptions) {
    super(optimizer, { gamma }, lastEpoch);
  }

  override get type(): string {
    return 'ExponentialLR';
  }

  protected check({ gamma }: { gamma: number }): void {
    checkNumber(this.type, 'gamma', gamma, { min: 0 });
  }

  protected getLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => (this.lastEpoch === 0 ? lr : lr * this.options.gamma));
  }

  protected override closedFormLr(): number[] {
    return this.baseLrs.map((base) => base * this.options.gamma ** this.lastEpoch);
  }
}

export interface LinearLROptions extends Resumable {
  /** Factor of the first epoch, in (0, 1]. Default 1/3. */
  startFactor?: number;
  /** Factor from epoch `totalIters` on, in [0, 1]. Default 1. */
  endFactor?: number;
  /** Epochs from the one factor to the other. Default 5. */
  totalIters?: number;
}

/** Moves the factor of the rate from `startFactor` to `endFactor` on a line over `totalIters` epochs. PyTorch: `LinearLR`. */
export class LinearLR extends LRScheduler<{ startFactor: number; endFactor: number; totalIters: number }> {
  constructor(optimizer: ScheduledOptimizer, options: LinearLROptions = {}) {
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5, lastEpoch } = options;
    super(optimizer, { startFactor, endFactor, totalIters }, lastEpoch);
  }

  override get type(): string {
    return 'LinearLR';
  }

  protected check(options: { startFactor: number; endFactor: number; totalIters: number }): void {
    // 0 would divide by zero in the recursive form; PyTorch refuses it from 2.0 on.
    checkNumber(this.type, 'startFactor', options.startFactor, { above: 0, max: 1 });
    checkNumber(this.type, 'endFactor', options.endFactor, { min: 0, max: 1 });
    checkNumber(this.type, 'totalIters', options.totalIters, { integer: true, min: 1 });
  }

  protected getLr(): number[] {
    const { startFactor, endFactor, totalIters } = this.options;
    const epoch = this.lastEpoch;
    return this.optimizer.paramGroups.map(({ lr }) => {
      if (epoch === 0) return lr * startFactor;
      if (epoch > totalIters) return lr;
      const slope = endFactor - startFactor;
      return lr * (1 + slope / (totalIters * startFactor + (epoch - 1) * slope));
    });
  }

  protected override closedFormLr(): number[] {
    const { startFactor, endFactor, totalIters } = this.options;
    const slope = endFactor - startFactor;
    return this.baseLrs.map(
      (base) => base * (startFactor + (slope * Math.min(totalIters, this.lastEpoch)) / totalIters),
    );
  }
}

export interface CosineAnnealingLROptions extends Resumable {
  /** Epochs from the initial rate down to `etaMin`; after them the rate rises again. */
  tMax: number;
  /** Lowest rate. Default 0. */
  etaMin?: number;
}

/** Half a cosine from the initial rate to `etaMin` over `tMax` epochs (SGDR, arXiv 1608.03983). PyTorch: `CosineAnnealingLR`. */
export class CosineAnnealingLR extends LRScheduler<{ tMax: number; etaMin: number }> {
  constructor(optimizer: ScheduledOptimizer, { tMax, etaMin = 0, lastEpoch }: CosineAnnealingLROptions) {
    super(optimizer, { tMax, etaMin }, lastEpoch);
  }

  override get type(): string {
    return 'CosineAnnealingLR';
  }

  protected check({ tMax, etaMin }: { tMax: number; etaMin: number }): void {
    checkNumber(this.type, 'tMax', tMax, { integer: true, min: 1 });
    checkNumber(this.type, 'etaMin', etaMin, { min: 0 });
  }

  protected getLr(): number[] {
    const { tMax, etaMin } = this.options;
    const epoch = this.lastEpoch;
    if (epoch > 0 && this.stepCount === 1) return this.closedFormLr();
    return this.optimizer.paramGroups.map(({ lr }, i) => {
      if (epoch === 0) return lr;
      // The recursive form divides by zero one epoch after each minimum.
      const base = this.baseLrs[i]!;
      if ((epoch - 1 - tMax) % (2 * tMax) === 0) return lr + ((base - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
      const ratio = (1 + Math.cos((Math.PI * epoch) / tMax)) / (1 + Math.cos((Math.PI * (epoch - 1)) / tMax));
      return ratio * (lr - etaMin) + etaMin;
    });
  }

  protected override closedFormLr(): number[] {
    const { tMax, etaMin } = this.options;
    const height = 1 + Math.cos((Math.PI * this.lastEpoch) / tMax);
    return this.baseLrs.map((base) => etaMin + ((base - etaMin) * height) / 2);
  }
}
