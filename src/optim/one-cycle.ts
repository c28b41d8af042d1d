// OneCycleLR: the rate up to a maximum and down again over a known number of batches, momentum the other way round.
import { checkNumber, checkWord, refuse } from '../check.ts';
import {
  checkGroupState,
  checkState,
  LRScheduler,
  perGroup,
  type ScheduledOptimizer,
  type SchedulerState,
} from './lr-scheduler.ts';

export interface OneCycleLROptions {
  /** Highest rate, of all groups or one a group. */
  maxLr: number | readonly number[];
  /** Batches in the cycle; or give `epochs` and `stepsPerEpoch`. */
  totalSteps?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** Share of the cycle spent rising, in [0, 1]. Default 0.3. */
  pctStart?: number;
  /** Default 'cos'. */
  annealStrategy?: 'cos' | 'linear';
  /** Whether to cycle `momentum` (or the first of `betas`) of the groups. Default true. */
  cycleMomentum?: boolean;
  /** Momentum at the highest rate, of all groups or one a group. Default 0.85. */
  baseMomentum?: number | readonly number[];
  /** Momentum at both ends, of all groups or one a group. Default 0.95. */
  maxMomentum?: number | readonly number[];
  /** `maxLr` over the first rate. Default 25. */
  divFactor?: number;
  /** The first rate over the last. Default 1e4. */
  finalDivFactor?: number;
  /** Back to the first rate as slowly as up, then down to the last. Default false. */
  threePhase?: boolean;
  /** Batches done before; other than -1, the groups must carry `initialLr`. Default -1: a new run. */
  lastEpoch?: number;
}

interface Resolved {
  maxLr: number[];
  totalSteps: number;
  pctStart: number;
  annealStrategy: 'cos' | 'linear';
  cycleMomentum: boolean;
  baseMomentum: number[];
  maxMomentum: number[];
  divFactor: number;
  finalDivFactor: number;
  threePhase: boolean;
}

type Rate = 'first' | 'max' | 'last';
type Momentum = 'baseMomentum' | 'maxMomentum';

/** A stretch of the cycle up to batch `end` (a fraction where the options make it one), as in PyTorch. */
interface Phase {
  end: number;
  lr: [start: Rate, end: Rate];
  momentum: [start: Momentum, end: Momentum];
}

/** The 1cycle policy (arXiv 1708.07120); `step` after every batch. Not to be chained. PyTorch: `OneCycleLR`. */
export class OneCycleLR extends LRScheduler<Resolved> {
  constructor(optimizer: ScheduledOptimizer, options: OneCycleLROptions) {
    super(optimizer, resolve(optimizer, options), options.lastEpoch);
  }

  override get type(): string {
    return 'OneCycleLR';
  }

  override step(): void {
    const { totalSteps } = this.options;
    // PyTorch's bound: one step more than the cycle has is let through.
    if (this.lastEpoch + 1 > totalSteps) {
      refuse(this.type, 'step', `called at most totalSteps = ${totalSteps} times`, `call ${this.lastEpoch + 1}`);
    }
    super.step();
  }

  override stateDict(): SchedulerState {
    const momenta = this.optimizer.paramGroups.map(({ betas, momentum }) => betas?.[0] ?? momentum ?? 0);
    return { ...super.stateDict(), momenta };
  }

  override loadStateDict(state: SchedulerState): void {
    checkState(this.type, this.stateDict(), state);
    checkGroupState(this.type, this.optimizer, state.momenta!);
    super.loadStateDict(state);
    if (this.options.cycleMomentum) this.writeMomenta(state.momenta as number[]);
  }

  protected check(options: Resolved): void {
    const { type, optimizer } = this;
    checkNumber(type, 'totalSteps', options.totalSteps, { integer: true, min: 1 });
    checkNumber(type, 'pctStart', options.pctStart, { min: 0, max: 1 });
    checkWord(type, 'annealStrategy', options.annealStrategy, ['cos', 'linear']);
    checkNumber(type, 'divFactor', options.divFactor, { above: 0 });
    checkNumber(type, 'finalDivFactor', options.finalDivFactor, { above: 0 });
    for (const key of ['maxLr', 'baseMomentum', 'maxMomentum'] as const) {
      checkGroupState(type, optimizer, options[key]);
      for (const value of options[key])
        checkNumber(type, key, value, { min: 0, ...(key === 'maxLr' ? {} : { max: 1 }) });
    }
    if (options.pctStart * options.totalSteps === 1) {
      const actual = `${options.pctStart} * ${options.totalSteps} = 1`;
      refuse(
        type,
        'pctStart * totalSteps',
        'other than 1: a rise of no length',
        actual,
        'Use pctStart 0 or a larger one.',
      );
    }
    const canCycle = optimizer.paramGroups.every((group) => group.betas !== undefined || group.momentum !== undefined);
    if (options.cycleMomentum && !canCycle) {
      const remedy = 'Pass cycleMomentum: false.';
      refuse(type, 'optimizer', 'one whose groups have momentum or betas', 'groups with neither', remedy);
    }
  }

  protected override prepare(): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      group.initialLr = this.options.maxLr[i]! / this.options.divFactor;
    });
  }

  protected getLr(): number[] {
    const step = this.lastEpoch;
    const phases = phasesOf(this.options);
    const found = phases.findIndex(({ end }) => step <= end);
    const index = found < 0 ? phases.length - 1 : found;
    const phase = phases[index]!;
    const start = index === 0 ? 0 : phases[index - 1]!.end;
    const done = (step - start) / (phase.end - start);
    const anneal = this.options.annealStrategy === 'cos' ? annealCos : annealLinear;
    const { options } = this;
    if (options.cycleMomentum) {
      const [from, to] = phase.momentum;
      this.writeMomenta(options.maxMomentum.map((_, i) => anneal(options[from][i]!, options[to][i]!, done)));
    }
    return this.baseLrs.map((first, i) => {
      const rates = { first, max: options.maxLr[i]!, last: first / options.finalDivFactor };
      return anneal(rates[phase.lr[0]], rates[phase.lr[1]], done);
    });
  }

  private writeMomenta(momenta: readonly number[]): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      if (group.betas === undefined) group.momentum = momenta[i]!;
      else group.betas = [momenta[i]!, group.betas[1]];
    });
  }
}

function resolve(optimizer: ScheduledOptimizer, options: OneCycleLROptions): Resolved {
  const { epochs, stepsPerEpoch, maxLr, baseMomentum = 0.85, maxMomentum = 0.95 } = options;
  let { totalSteps } = options;
  if (totalSteps === undefined) {
    const remedy = 'Or give totalSteps.';
    if (epochs === undefined || stepsPerEpoch === undefined) {
      const given = `epochs ${epochs} and stepsPerEpoch ${stepsPerEpoch}`;
      refuse('OneCycleLR', 'epochs and stepsPerEpoch', 'both given', given, remedy);
    }
    checkNumber('OneCycleLR', 'epochs', epochs, { integer: true, min: 1 });
    checkNumber('OneCycleLR', 'stepsPerEpoch', stepsPerEpoch, { integer: true, min: 1 });
    totalSteps = epochs * stepsPerEpoch;
  }
  return {
    maxLr: perGroup('OneCycleLR', 'maxLr', maxLr, optimizer),
    totalSteps,
    pctStart: options.pctStart ?? 0.3,
    annealStrategy: options.annealStrategy ?? 'cos',
    cycleMomentum: options.cycleMomentum ?? true,
    baseMomentum: perGroup('OneCycleLR', 'baseMomentum', baseMomentum, optimizer),
    maxMomentum: perGroup('OneCycleLR', 'maxMomentum', maxMomentum, optimizer),
    divFactor: options.divFactor ?? 25,
    finalDivFactor: options.finalDivFactor ?? 1e4,
    threePhase: options.threePhase ?? false,
  };
}

function phasesOf({ pctStart, totalSteps, threePhase }: Resolved): Phase[] {
  const rise: Phase = {
    end: pctStart * totalSteps - 1,
    lr: ['first', 'max'],
    momentum: ['maxMomentum', 'baseMomentum'],
  };
  const end = totalSteps - 1;
  if (!threePhase) return [rise, { end, lr: ['max', 'last'], momentum: ['baseMomentum', 'maxMomentum'] }];
  return [
    rise,
    { end: 2 * pctStart * totalSteps - 2, lr: ['max', 'first'], momentum: ['baseMomentum', 'maxMomentum'] },
    { end, lr: ['first', 'last'], momentum: ['maxMomentum', 'maxMomentum'] },
  ];
}

/** From `start` to `end` on half a cosine as `done` goes from 0 to 1. */
function annealCos(start: number, end: number, done: number): number {
  return end + ((start - end) / 2) * (Math.cos(Math.PI * done) + 1);
}

/** From `start` to `end` on a line as `done` goes from 0 to 1. */
function annealLinear(start: number, end: number, done: number): number {
  return (end - start) * done + start;
}
