// Learning rate schedules against forty steps of PyTorch's, exact resume from plain JSON, and refusal of bad options.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../src/errors.ts';
import * as schedules from '../../src/optim/schedule.ts';
import {
  CosineAnnealingLR,
  DelayedLR,
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  ReduceLROnPlateau,
  type ScheduledGroup,
  type ScheduledOptimizer,
  type Scheduler,
  type SchedulerState,
  SequentialLR,
  StepLR,
  WarmupLR,
} from '../../src/optim/schedule.ts';

interface Spec {
  type: keyof typeof schedules;
  options?: Record<string, unknown>;
  scheduler?: Spec;
  schedulers?: Spec[];
}

interface Case {
  name: string;
  optimizer: 'SGD' | 'Adam';
  groups: ScheduledGroup[];
  schedule: Spec;
  metrics?: number[];
  halvedAt?: number;
  lr: number[][];
  momentum?: number[][];
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/schedules.json', import.meta.url), 'utf8'));
const cases: Case[] = fixture.cases;

function optimizerOf({ optimizer, groups }: Case): ScheduledOptimizer {
  const own: Partial<ScheduledGroup> = optimizer === 'Adam' ? { betas: [0.9, 0.999] } : { momentum: 0 };
  return { paramGroups: groups.map((group) => ({ ...own, ...group })) };
}

function build(optimizer: ScheduledOptimizer, spec: Spec): Scheduler {
  const make = schedules[spec.type] as unknown as new (subject: unknown, options: unknown) => Scheduler;
  if (spec.scheduler) return new make(build(optimizer, spec.scheduler), spec.options);
  if (!spec.schedulers) return new make(optimizer, spec.options);
  return new make(optimizer, { ...spec.options, schedulers: spec.schedulers.map((inner) => build(optimizer, inner)) });
}

const ratesOf = (optimizer: ScheduledOptimizer) => optimizer.paramGroups.map(({ lr }) => lr);
const momentaOf = (optimizer: ScheduledOptimizer) => optimizer.paramGroups.map((g) => g.betas?.[0] ?? g.momentum);

function advance(example: Case, optimizer: ScheduledOptimizer, scheduler: Scheduler, index: number): void {
  if (index === example.halvedAt) for (const group of optimizer.paramGroups) group.lr *= 0.5;
  scheduler.step(example.metrics?.[index]);
}

function expectClose(actual: readonly (number | undefined)[], expected: readonly number[], where: string): void {
  expected.forEach((value, group) => {
    const error = Math.abs(actual[group]! - value);
    expect(error, `${where}, group ${group}: ${actual[group]}, PyTorch ${value}`).toBeLessThanOrEqual(
      1e-12 * Math.abs(value) + 1e-19,
    );
  });
}

describe('forty steps equal PyTorch 1.13', () => {
  for (const example of cases) {
    it(example.name, () => {
      const optimizer = optimizerOf(example);
      const scheduler = build(optimizer, example.schedule);
      for (let step = 0; step <= fixture.steps; step++) {
        if (step > 0) advance(example, optimizer, scheduler, step - 1);
        expectClose(ratesOf(optimizer), example.lr[step]!, `step ${step}`);
        expect(scheduler.getLastLr()).toEqual(ratesOf(optimizer));
        if (example.momentum) expectClose(momentaOf(optimizer), example.momentum[step]!, `momentum of step ${step}`);
      }
    });
  }

  it('over every class', () => {
    const types = new Set(JSON.stringify(cases).match(/(?<="type":")\w+/g));
    const classes = Object.keys(schedules).filter((name) => name !== 'LRScheduler');
    expect([...types].sort()).toEqual(classes.sort());
    expect(fixture.steps).toBe(40);
  });

  it('each of which moves, but for those that are to hold', () => {
    const still = cases.filter(({ lr }) => new Set(lr.map(([first]) => first)).size === 1).map(({ name }) => name);
    expect(still).toEqual(['multi_step_none', 'exponential_constant']);
  });
});

describe('a state that went through JSON', () => {
  for (const example of cases) {
    it(`resumes ${example.name} to the bit from any step, even in a fresh optimizer`, () => {
      const optimizer = optimizerOf(example);
      const scheduler = build(optimizer, example.schedule);
      const states: string[] = [];
      const rates: unknown[] = [];
      for (let step = 0; step <= fixture.steps; step++) {
        if (step > 0) advance(example, optimizer, scheduler, step - 1);
        states.push(JSON.stringify(scheduler.stateDict()));
        rates.push([ratesOf(optimizer), momentaOf(optimizer)]);
      }
      for (let from = 0; from < fixture.steps; from += 3) {
        const freshOptimizer = optimizerOf(example);
        const fresh = build(freshOptimizer, example.schedule);
        fresh.loadStateDict(JSON.parse(states[from]!));
        expect(JSON.stringify(fresh.stateDict())).toBe(states[from]);
        for (let step = from; step <= fixture.steps; step++) {
          if (step > from) advance(example, freshOptimizer, fresh, step - 1);
          expect([ratesOf(freshOptimizer), momentaOf(freshOptimizer)]).toEqual(rates[step]);
          expect(fresh.getLastLr()).toEqual(ratesOf(freshOptimizer));
        }
      }
    });
  }

  /** Every path to a field of `state`, lists entered at their first element. */
  function paths(state: unknown, prefix: string[] = []): string[][] {
    if (state === null || typeof state !== 'object') return [];
    const keys = Array.isArray(state) ? Object.keys(state).slice(0, 1) : Object.keys(state);
    return keys.flatMap((key) => {
      const path = [...prefix, key];
      return [...(Array.isArray(state) ? [] : [path]), ...paths((state as Record<string, unknown>)[key], path)];
    });
  }

  it('is refused with any one field missing or null, and then changes nothing', () => {
    let refused = 0;
    for (const example of cases) {
      const optimizer = optimizerOf(example);
      const scheduler = build(optimizer, example.schedule);
      for (let step = 0; step < 20; step++) advance(example, optimizer, scheduler, step);
      const late = JSON.stringify(scheduler.stateDict());
      const target = optimizerOf(example);
      const fresh = build(target, example.schedule);
      const before = JSON.stringify([fresh.stateDict(), target]);
      for (const path of paths(JSON.parse(late))) {
        for (const spoil of ['delete', 'null'] as const) {
          const state = JSON.parse(late);
          const parent = path.slice(0, -1).reduce((node, key) => node[key], state);
          if (spoil === 'delete') delete parent[path.at(-1)!];
          else parent[path.at(-1)!] = null;
          expect(() => fresh.loadStateDict(state), `${example.name}: ${path.join('.')}`).toThrow(ArgumentError);
          expect(JSON.stringify([fresh.stateDict(), target])).toBe(before);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  it('is refused of another class, of other groups, or with options out of range', () => {
    const step = new StepLR({ paramGroups: [{ lr: 1 }] }, { stepSize: 3 });
    const exponential = new ExponentialLR({ paramGroups: [{ lr: 1 }] }, { gamma: 0.5 });
    expect(() => step.loadStateDict(exponential.stateDict())).toThrow(
      'StepLR: state must be of a StepLR, got of a ExponentialLR.',
    );
    const two = new StepLR({ paramGroups: [{ lr: 1 }, { lr: 2 }] }, { stepSize: 3 });
    expect(() => step.loadStateDict(two.stateDict())).toThrow('StepLR: state must be of 1 parameter groups, got 2.');
    const zero = { ...step.stateDict(), options: { stepSize: 0, gamma: 0.1 } };
    expect(() => step.loadStateDict(zero)).toThrow('StepLR: stepSize must be an integer >= 1, got 0.');
    expect(() => step.loadStateDict(null as unknown as SchedulerState)).toThrow(ArgumentError);
  });

  it('brings its options along, as in PyTorch', () => {
    const scheduler = new StepLR({ paramGroups: [{ lr: 1 }] }, { stepSize: 1, gamma: 0.5 });
    scheduler.loadStateDict(new StepLR({ paramGroups: [{ lr: 1 }] }, { stepSize: 2, gamma: 0.25 }).stateDict());
    const rates = [1, 2, 3, 4].map(() => {
      scheduler.step();
      return scheduler.getLastLr()[0];
    });
    expect(rates).toEqual([1, 0.25, 0.25, 0.0625]);
  });

  it('keeps infinite bests', () => {
    const optimizer = { paramGroups: [{ lr: 1 }] };
    const scheduler = new ReduceLROnPlateau(optimizer, { patience: 0 });
    for (const best of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      scheduler.step(best);
      const fresh = new ReduceLROnPlateau({ paramGroups: [{ lr: 1 }] });
      fresh.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())));
      expect(fresh.best).toBe(best);
    }
  });
});

describe('ReduceLROnPlateau', () => {
  it('takes NaN for no improvement', () => {
    const scheduler = new ReduceLROnPlateau({ paramGroups: [{ lr: 1 }] }, { patience: 1 });
    for (const metric of [1, Number.NaN, Number.NaN]) scheduler.step(metric);
    expect(scheduler.getLastLr()).toEqual([0.1]);
    expect(scheduler.best).toBe(1);
  });

  it('wants a metric', () => {
    const scheduler = new ReduceLROnPlateau({ paramGroups: [{ lr: 1 }] });
    expect(() => scheduler.step()).toThrow('ReduceLROnPlateau: metric must be a number at every step, got undefined.');
    expect(scheduler.lastEpoch).toBe(0);
  });
});

describe('bad use', () => {
  const optimizer = () => ({
    paramGroups: [
      { lr: 0.1, momentum: 0.9 },
      { lr: 0.2, momentum: 0.9 },
    ],
  });
  const step = (target: ScheduledOptimizer) => new StepLR(target, { stepSize: 2 });
  const one = { maxLr: 1, totalSteps: 10 };
  const bad: Record<string, () => unknown> = {
    'StepLR: stepSize must be an integer >= 1, got 0.': () => new StepLR(optimizer(), { stepSize: 0 }),
    'StepLR: stepSize must be an integer >= 1, got 1.5.': () => new StepLR(optimizer(), { stepSize: 1.5 }),
    'StepLR: gamma must be a finite number >= 0, got -1.': () => new StepLR(optimizer(), { stepSize: 1, gamma: -1 }),
    'StepLR: gamma must be a finite number >= 0, got NaN.': () =>
      new StepLR(optimizer(), { stepSize: 1, gamma: Number.NaN }),
    'StepLR: optimizer must be an optimizer with parameter groups, got 0.': () => step({ paramGroups: [] }),
    'StepLR: optimizer must be an optimizer with parameter groups, got undefined.': () =>
      step(undefined as unknown as ScheduledOptimizer),
    'StepLR: lastEpoch must be an integer >= -1, got -2.': () =>
      new StepLR(optimizer(), { stepSize: 1, lastEpoch: -2 }),
    'StepLR: paramGroups[0].initialLr must be set when lastEpoch is 3, got undefined.': () =>
      new StepLR(optimizer(), { stepSize: 1, lastEpoch: 3 }),
    'MultiStepLR: milestones must be a list of epochs, got 3.': () =>
      new MultiStepLR(optimizer(), { milestones: 3 as unknown as number[] }),
    'MultiStepLR: milestones must be an integer >= 0, got -1.': () =>
      new MultiStepLR(optimizer(), { milestones: [-1] }),
    'ExponentialLR: gamma must be a finite number >= 0, got undefined.': () =>
      new ExponentialLR(optimizer(), {} as { gamma: number }),
    'LinearLR: startFactor must be a finite number > 0 and <= 1, got 0.': () =>
      new LinearLR(optimizer(), { startFactor: 0 }),
    'LinearLR: endFactor must be a finite number >= 0 and <= 1, got 1.1.': () =>
      new LinearLR(optimizer(), { endFactor: 1.1 }),
    'LinearLR: totalIters must be an integer >= 1, got 0.': () => new LinearLR(optimizer(), { totalIters: 0 }),
    'CosineAnnealingLR: tMax must be an integer >= 1, got 0.': () => new CosineAnnealingLR(optimizer(), { tMax: 0 }),
    'CosineAnnealingLR: etaMin must be a finite number >= 0, got -0.1.': () =>
      new CosineAnnealingLR(optimizer(), { tMax: 5, etaMin: -0.1 }),
    'OneCycleLR: epochs and stepsPerEpoch must be both given, got epochs 3 and stepsPerEpoch undefined. Or give totalSteps.':
      () => new OneCycleLR(optimizer(), { maxLr: 1, epochs: 3 }),
    'OneCycleLR: totalSteps must be an integer >= 1, got 0.': () =>
      new OneCycleLR(optimizer(), { maxLr: 1, totalSteps: 0 }),
    'OneCycleLR: stepsPerEpoch must be an integer >= 1, got -1.': () =>
      new OneCycleLR(optimizer(), { maxLr: 1, epochs: 3, stepsPerEpoch: -1 }),
    'OneCycleLR: maxLr must be a number or 2 of them, one a group, got 3.': () =>
      new OneCycleLR(optimizer(), { maxLr: [1, 2, 3], totalSteps: 10 }),
    'OneCycleLR: pctStart must be a finite number >= 0 and <= 1, got 1.5.': () =>
      new OneCycleLR(optimizer(), { ...one, pctStart: 1.5 }),
    "OneCycleLR: annealStrategy must be 'cos' or 'linear', got 'cosine'.": () =>
      new OneCycleLR(optimizer(), { ...one, annealStrategy: 'cosine' as 'cos' }),
    'OneCycleLR: divFactor must be a finite number > 0, got 0.': () =>
      new OneCycleLR(optimizer(), { ...one, divFactor: 0 }),
    'OneCycleLR: baseMomentum must be a finite number >= 0 and <= 1, got 2.': () =>
      new OneCycleLR(optimizer(), { ...one, baseMomentum: 2 }),
    'OneCycleLR: pctStart * totalSteps must be other than 1: a rise of no length, got 0.1 * 10 = 1.': () =>
      new OneCycleLR(optimizer(), { ...one, pctStart: 0.1 }),
    'OneCycleLR: optimizer must be one whose groups have momentum or betas, got groups with neither. Pass cycleMomentum':
      () => new OneCycleLR({ paramGroups: [{ lr: 1 }] }, one),
    "ReduceLROnPlateau: mode must be 'min' or 'max', got 'up'.": () =>
      new ReduceLROnPlateau(optimizer(), { mode: 'up' as 'min' }),
    "ReduceLROnPlateau: thresholdMode must be 'rel' or 'abs', got 'x'.": () =>
      new ReduceLROnPlateau(optimizer(), { thresholdMode: 'x' as 'rel' }),
    'ReduceLROnPlateau: factor must be a finite number >= 0 and < 1, got 1.': () =>
      new ReduceLROnPlateau(optimizer(), { factor: 1 }),
    'ReduceLROnPlateau: patience must be an integer >= 0, got -1.': () =>
      new ReduceLROnPlateau(optimizer(), { patience: -1 }),
    'ReduceLROnPlateau: cooldown must be an integer >= 0, got 0.5.': () =>
      new ReduceLROnPlateau(optimizer(), { cooldown: 0.5 }),
    'ReduceLROnPlateau: minLr must be a number or 2 of them, one a group, got 1.': () =>
      new ReduceLROnPlateau(optimizer(), { minLr: [0] }),
    'SequentialLR: schedulers must be at least one schedule, got none.': () =>
      new SequentialLR(optimizer(), { schedulers: [], milestones: [] }),
    'SequentialLR: schedulers[0] must be a schedule of the same optimizer, got one of another.': () =>
      new SequentialLR(optimizer(), { schedulers: [step(optimizer())], milestones: [] }),
    'SequentialLR: schedulers[0] must be one that counts epochs by itself, got a ReduceLROnPlateau. WarmupLR': () => {
      const target = optimizer();
      const plateau = new ReduceLROnPlateau(target) as unknown as StepLR;
      return new SequentialLR(target, { schedulers: [plateau], milestones: [] });
    },
    'SequentialLR: milestones must be 1 epochs, one fewer than schedules, got 0.': () => {
      const target = optimizer();
      return new SequentialLR(target, { schedulers: [step(target), step(target)], milestones: [] });
    },
    'SequentialLR: milestones[1] must be an integer > 5, got 5.': () => {
      const target = optimizer();
      return new SequentialLR(target, { schedulers: [step(target), step(target), step(target)], milestones: [5, 5] });
    },
    'WarmupLR: totalIters must be an integer >= 0, got -1.': () => new WarmupLR(step(optimizer()), { totalIters: -1 }),
    'WarmupLR: startFactor must be a finite number >= 0 and <= 1, got 2.': () =>
      new WarmupLR(step(optimizer()), { startFactor: 2 }),
    'WarmupLR: scheduler must be a schedule, got a Object.': () => new WarmupLR(optimizer() as unknown as Scheduler),
    'DelayedLR: startEpoch must be an integer >= 0, got -1.': () =>
      new DelayedLR(step(optimizer()), { startEpoch: -1 }),
    'StepLR: optimizer must be left with 2 parameter groups while scheduled, got 3.': () => {
      const target = optimizer();
      const scheduler = step(target);
      target.paramGroups.push({ lr: 1, momentum: 0 });
      scheduler.step();
    },
    'OneCycleLR: step must be called at most totalSteps = 10 times, got call 11.': () => {
      const scheduler = new OneCycleLR(optimizer(), one);
      for (let i = 0; i < 11; i++) scheduler.step();
    },
  };
  for (const [message, use] of Object.entries(bad)) {
    it(message, () => {
      expect(use).toThrow(ArgumentError);
      expect(use).toThrow(message);
    });
  }

  it('of options leaves the optimizer as it was', () => {
    const target = optimizer();
    expect(() => new OneCycleLR(target, { ...one, pctStart: 2 })).toThrow(ArgumentError);
    expect(target).toEqual(optimizer());
  });

  it('WarmupLR without steps is the schedule itself', () => {
    const [plain, warm] = [optimizer(), optimizer()];
    const schedulers = [step(plain), new WarmupLR(step(warm), { totalIters: 0 })];
    for (let i = 0; i < 6; i++) {
      for (const scheduler of schedulers) scheduler.step();
      expect(ratesOf(warm)).toEqual(ratesOf(plain));
    }
  });
});
