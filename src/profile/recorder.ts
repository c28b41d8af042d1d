// What a profiled run did, in memory that does not grow with its length: sums per kernel, and the last submits whole.
import type { KernelTime, SubmitTimes } from '../gpu/profiler.ts';

/** All dispatches of one kernel by one op. */
export interface KernelTotal {
  kernel: string;
  label: string;
  /** Whether it reads operands through textures. */
  texels: boolean;
  dispatches: number;
  /**
   * Those of them in the sums below: without the first of each pipeline, within which drivers compile, unless there are no
   * others.
   */
  timed: number;
  /** Microseconds of the longest first dispatch of a pipeline; undefined where all came before the profile began. */
  firstUs: number | undefined;
  /** Microseconds. */
  totalUs: number;
  longestUs: number;
  /** Undefined where the op does not tell them. */
  flops: number | undefined;
  /** An upper bound where an op does not tell them: all that its kernels bind. */
  bytes: number;
  bytesTold: boolean;
}

/** Sums over a run. */
export interface RunTotals {
  submits: number;
  dispatches: number;
  /** Microseconds of all kernels together. */
  kernelUs: number;
  /** Of that, first dispatches of pipelines that the sums of their kernels leave out. */
  firsts: { count: number; totalUs: number };
  /** Copies, clears and mirrors into textures between kernels: their time is that between one kernel's end and the next one's start. */
  copies: { count: number; bytes: number; totalUs: number };
  /** Host milliseconds in encoding and in `queue.submit`. */
  encodeMs: number;
  submitMs: number;
}

export interface RecorderOptions {
  /** Submits kept whole for the trace, 100 by default: a training step is one. */
  traceSubmits?: number;
  /** Dispatches kept whole for the trace, 50,000 by default; the submits of the oldest leave first. */
  traceDispatches?: number;
}

/** Sums of one kernel: its pipelines' first dispatches, and the rest. */
interface Sums {
  first: KernelTotal | undefined;
  rest: KernelTotal | undefined;
}

export class Recorder {
  readonly #totals: Omit<RunTotals, 'firsts'> = {
    submits: 0,
    dispatches: 0,
    kernelUs: 0,
    copies: { count: 0, bytes: 0, totalUs: 0 },
    encodeMs: 0,
    submitMs: 0,
  };
  readonly #kernels = new Map<string, Sums>();
  readonly #traceSubmits: number;
  readonly #traceDispatches: number;
  #trace: SubmitTimes[] = [];
  #traced = 0;

  constructor({ traceSubmits = 100, traceDispatches = 50_000 }: RecorderOptions = {}) {
    this.#traceSubmits = traceSubmits;
    this.#traceDispatches = traceDispatches;
  }

  /** Sums per kernel and op, in the order of their first dispatch. */
  get kernels(): readonly KernelTotal[] {
    return [...this.#kernels.values()].map(({ first, rest }) => {
      const sums = (rest ?? first)!;
      return { ...sums, dispatches: (first?.timed ?? 0) + (rest?.timed ?? 0), firstUs: first?.longestUs };
    });
  }

  get totals(): RunTotals {
    const firsts = { count: 0, totalUs: 0 };
    for (const { first, rest } of this.#kernels.values()) {
      if (!first || !rest) continue;
      firsts.count += first.timed;
      firsts.totalUs += first.totalUs;
    }
    return { ...this.#totals, firsts };
  }

  /** The last submits. */
  get trace(): readonly SubmitTimes[] {
    return this.#trace;
  }

  add(submit: SubmitTimes): void {
    const totals = this.#totals;
    totals.submits++;
    totals.encodeMs += submit.submitMs - submit.encodeMs;
    totals.submitMs += submit.submittedMs - submit.submitMs;
    submit.kernels.forEach((time, i) => {
      totals.dispatches++;
      totals.kernelUs += time.durationUs;
      if (time.copies) {
        totals.copies.count += time.copies.count;
        totals.copies.bytes += time.copies.bytes;
        totals.copies.totalUs += gapBefore(submit.kernels, i);
      }
      this.#count(time);
    });
    this.#keep(submit);
  }

  #count(time: KernelTime): void {
    const key = `${time.label}\n${time.kernel}`;
    let sums = this.#kernels.get(key);
    if (!sums) this.#kernels.set(key, (sums = { first: undefined, rest: undefined }));
    const which = time.first ? 'first' : 'rest';
    if (sums[which]) add(sums[which], time);
    else sums[which] = totalOf(time);
  }

  #keep(submit: SubmitTimes): void {
    this.#trace.push(submit);
    this.#traced += submit.kernels.length;
    while (this.#trace.length > this.#traceSubmits || (this.#traced > this.#traceDispatches && this.#trace.length > 1))
      this.#traced -= this.#trace.shift()!.kernels.length;
  }
}

/** Microseconds between a kernel's start and the end of the one before it in the same submit. */
export function gapBefore(kernels: readonly KernelTime[], index: number): number {
  const before = kernels[index - 1];
  return before ? Math.max(0, kernels[index]!.startUs - before.startUs - before.durationUs) : 0;
}

function totalOf({ kernel, label, texels, durationUs, flops, bytes, bytesTold }: KernelTime): KernelTotal {
  const times = { dispatches: 1, timed: 1, firstUs: undefined, totalUs: durationUs, longestUs: durationUs };
  return { kernel, label, texels, ...times, flops, bytes, bytesTold };
}

function add(total: KernelTotal, { durationUs, flops, bytes, bytesTold }: KernelTime): void {
  total.timed++;
  total.totalUs += durationUs;
  total.longestUs = Math.max(total.longestUs, durationUs);
  total.flops = total.flops === undefined || flops === undefined ? undefined : total.flops + flops;
  total.bytes += bytes;
  total.bytesTold &&= bytesTold;
}
