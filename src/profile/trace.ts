// The last submits of a profile in Chrome's trace event format, for chrome://tracing and Perfetto: kernels over host.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
import type { KernelTime, SubmitTimes } from '../gpu/profiler.ts';
import type { ProfileReport } from './profile.ts';
import { gapBefore } from './recorder.ts';

/** An event with a beginning and a length (`X`), or a name for a row (`M`). */
export interface TraceEvent {
  name: string;
  ph: 'X' | 'M';
  cat?: string;
  /** Microseconds from the first event. */
  ts: number;
  dur?: number;
  pid: number;
  tid: number;
  args: Record<string, unknown>;
}

export interface ChromeTrace {
  traceEvents: TraceEvent[];
  displayTimeUnit: 'ns';
  otherData: Record<string, string>;
}

const PROCESS = 1;
const KERNELS = 1;
const HOST = 2;

/**
 * One row for the adapter's kernels, one for the host's encoding and submitting. The two clocks are laid over each other so
 * that no kernel begins before its submit, and the one that began soonest begins with it.
 */
export function chromeTrace({ adapter, trace }: Pick<ProfileReport, 'adapter' | 'trace'>): ChromeTrace {
  const offsetUs = clockOffset(trace);
  const events = trace.flatMap((submit) => [...hostEvents(submit), ...kernelEvents(submit, offsetUs)]);
  const first = events.reduce((least, { ts }) => Math.min(least, ts), Number.POSITIVE_INFINITY);
  const name = (tid: number, kind: string, text: string): TraceEvent => ({
    name: kind,
    ph: 'M',
    ts: 0,
    pid: PROCESS,
    tid,
    args: { name: text },
  });
  return {
    traceEvents: [
      name(KERNELS, 'process_name', `weft on ${adapter}`),
      name(KERNELS, 'thread_name', 'GPU kernels'),
      name(HOST, 'thread_name', 'host: encode, submit'),
      ...events.map((event) => from(event, first)).sort((a, b) => a.ts - b.ts),
    ],
    displayTimeUnit: 'ns',
    otherData: { adapter, clocks: 'host and adapter aligned so that no kernel begins before its submit' },
  };
}

/** The event on a clock that begins at `zero`, to the nanosecond. */
function from(event: TraceEvent, zero: number): TraceEvent {
  const rounded = (us: number) => Math.round(us * 1000) / 1000;
  return { ...event, ts: rounded(event.ts - zero), ...(event.dur !== undefined && { dur: rounded(event.dur) }) };
}

/** Microseconds to add to the adapter's clock. */
function clockOffset(trace: readonly SubmitTimes[]): number {
  let offset = Number.NEGATIVE_INFINITY;
  for (const { submitMs, kernels } of trace) {
    const first = kernels[0];
    if (first) offset = Math.max(offset, submitMs * 1000 - first.startUs);
  }
  return offset;
}

function hostEvents({ label, encodeMs, submitMs, submittedMs, kernels }: SubmitTimes): TraceEvent[] {
  const args = { ops: label, dispatches: kernels.length };
  const event = (name: string, fromMs: number, toMs: number): TraceEvent => ({
    name,
    ph: 'X',
    cat: 'host',
    ts: fromMs * 1000,
    dur: (toMs - fromMs) * 1000,
    pid: PROCESS,
    tid: HOST,
    args,
  });
  return [event('encode', encodeMs, submitMs), event('submit', submitMs, submittedMs)];
}

function kernelEvents({ kernels }: SubmitTimes, offsetUs: number): TraceEvent[] {
  return kernels.flatMap((time, i) => {
    const at = { ph: 'X' as const, cat: 'gpu', pid: PROCESS, tid: KERNELS };
    const ts = time.startUs + offsetUs;
    const gap = gapBefore(kernels, i);
    return [
      ...(time.copies ? [{ ...at, name: 'copies', ts: ts - gap, dur: gap, args: { ...time.copies } }] : []),
      { ...at, name: time.kernel, ts, dur: time.durationUs, args: argsOf(time) },
    ];
  });
}

/** What a viewer shows of a kernel that is clicked on. */
function argsOf({ label, grid, params, flops, bytes, durationUs, first }: KernelTime): Record<string, unknown> {
  const perSecond = (amount: number) => (durationUs > 0 ? Number((amount / durationUs / 1000).toPrecision(4)) : 0);
  return {
    op: label,
    workgroups: grid.join(' x '),
    params,
    bytes,
    'GB/s': perSecond(bytes),
    ...(first && { note: 'first of its pipeline, within which many a driver compiles' }),
    ...(flops !== undefined && { flops, 'GFLOP/s': perSecond(flops) }),
  };
}
