// Runs dispatches of compiled kernels on host memory, and collects what goes wrong in them.
import { POISON_WORD } from '../../src/gpu/poison.ts';
import {
  type Compiled,
  compileKernel,
  type Handlers,
  type OverrideValues,
  type Program,
  type TexelView,
} from './compile.ts';
import { type Fault, type FaultKind, fault, SanitizerError } from './report.ts';
import type { KernelText } from './source.ts';

export type { OverrideValues, TexelView };

export interface Dispatch {
  /** Words of storage buffers (exactly the bound range) and textures, by binding index. */
  readonly views: ReadonlyMap<number, Uint32Array | TexelView>;
  readonly params: Uint32Array;
  readonly grid: readonly [number, number, number];
  readonly subgroupSize: number;
}

export interface ExecutorOptions {
  /** Ends a dispatch at its first fault. */
  stopAtFirst?: boolean;
}

const LANE_BITS = 11;
const MANY = 2 ** LANE_BITS - 1;
/** Faults kept of one dispatch: the same line tells the same again for every element. */
const KEPT = 20;

/** Ends a dispatch. */
class Stop extends Error {}

/** A kernel with its overrides, ready to be run. */
export class Executable {
  readonly compiled: Compiled;
  readonly #program: Program;
  readonly #shadows = new Map<number, Int32Array>();
  readonly #options: ExecutorOptions;
  /** Rounds of loops that a dispatch may take; more of them are reported as an endless loop. */
  #budget = Number.POSITIVE_INFINITY;
  #faults: Fault[] = [];
  #seen = new Set<string>();
  /** Periods only grow, so that shadows of earlier dispatches are stale by their numbers alone. */
  #period = 1;
  /** The first of the dispatch that runs. */
  #first = 1;

  constructor(text: KernelText, overrides: OverrideValues = {}, options: ExecutorOptions = {}) {
    this.compiled = compileKernel(text, overrides);
    this.#options = options;
    this.#program = this.compiled.make(this.#handlers());
  }

  /** Runs one dispatch and returns the faults it found. */
  run({ views, params, grid, subgroupSize }: Dispatch): readonly Fault[] {
    this.#faults = [];
    this.#seen = new Set();
    if (this.#period > 2 ** 30) {
      this.#period = 1;
      this.#shadows.clear();
    }
    for (const { name, index, kind } of this.compiled.bindings) {
      if (kind === 'uniform') continue;
      const view = views.get(index);
      if (!view) throw new Error(`${this.compiled.text.name}: nothing is bound to ${name}`);
      if (!(view instanceof Uint32Array)) this.#program.bind(index, view);
      else {
        let shadow = this.#shadows.get(index);
        if (!shadow || shadow.length < 5 * view.length)
          this.#shadows.set(index, (shadow = new Int32Array(5 * Math.ceil(view.length * 1.25))));
        this.#program.bind(index, view, shadow);
      }
    }
    this.#program.params(params);
    this.#first = this.#period;
    try {
      this.#period = this.#program.run(grid[0], grid[1], grid[2], subgroupSize, this.#period, this.#budget);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      this.#period += this.#program.periods.length + 1;
    }
    return this.#faults;
  }

  /** Rounds of loops that the last dispatch took. */
  get steps(): number {
    return this.#program.steps;
  }

  /** Limits the rounds of loops that a dispatch may take. */
  set budget(rounds: number) {
    this.#budget = rounds;
  }

  #handlers(): Handlers {
    const { sites, text, workgroupSize } = this.compiled;
    const add = (kind: FaultKind, site: number, memory: string | undefined, make: () => Fault) => {
      const key = `${kind} ${site} ${memory}`;
      if (this.#seen.has(key)) return;
      this.#seen.add(key);
      if (this.#faults.length < KEPT) this.#faults.push(make());
      if (this.#options.stopAtFirst) throw new Stop();
    };
    const line = (site: number) => sites[site]!.line;
    return {
      bounds: (site, memory, index, size, group, lane) =>
        add('bounds', site, memory, () =>
          fault('bounds', text, {
            line: line(site),
            memory,
            index,
            invocation: { group, lane },
            what: `of ${size} elements touched`,
          }),
        ),
      init: (site, memory, index, group, lane) =>
        add('init', site, memory, () =>
          fault('init', text, {
            line: line(site),
            memory,
            index,
            invocation: { group, lane },
            what: 'that nobody wrote read',
          }),
        ),
      race: (site, memory, index, group, lane, what, before, period, laneAndSite) =>
        add('race', site, memory, () => {
          const other = laneAndSite & MANY;
          const otherGroup = this.#program.periods[period - this.#first] ?? group;
          // Where many invocations read, any other than this one is one of them.
          const otherLane = other === MANY ? (lane + 1) % workgroupSize : other;
          return fault('race', text, {
            line: line(site),
            memory,
            index,
            invocation: { group, lane },
            other: { group: otherGroup, lane: otherLane, line: line(laneAndSite >> LANE_BITS) },
            what: `${what} without a barrier after it was ${before}`,
          });
        }),
      sync: (site, group, lane, other, otherSite) =>
        add('sync', site, undefined, () =>
          fault('sync', text, {
            line: line(site),
            invocation: { group, lane },
            ...(otherSite < 0 ? {} : { other: { group, lane: other, line: line(otherSite) } }),
            what:
              otherSite < 0
                ? `reached, but not by invocation ${other}, which has ended,`
                : `reached, but not by invocation ${other}: waited at`,
          }),
        ),
      absent: (site, group, lane, from) =>
        add('sync', site, undefined, () =>
          fault('sync', text, {
            line: line(site),
            invocation: { group, lane },
            what: `lane ${from} of the subgroup, which is not there, asked for`,
          }),
        ),
      steps: (site, group, lane) => {
        add('steps', site, undefined, () =>
          fault('steps', text, { line: line(site), invocation: { group, lane }, what: 'endless loop, stopped' }),
        );
        throw new Stop();
      },
    };
  }
}

/** Memory that nobody has written yet. */
export function unwritten(words: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(words).fill(POISON_WORD);
}

export function throwFaults(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new SanitizerError(faults);
}
