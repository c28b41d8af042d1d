// A profile of whatever a device runs between its start and its end, and the report that comes of it.
import { refuse } from '../check.ts';
import type { Device } from '../gpu/device.ts';
import type { SubmitTimes } from '../gpu/profiler.ts';
import type { Ceilings } from './ceilings.ts';
import { type KernelTotal, Recorder, type RecorderOptions, type RunTotals } from './recorder.ts';
import { type Placement, place } from './roofline.ts';

/** A kernel of the table. */
export interface KernelRow extends KernelTotal, Placement {
  /** Of `totalUs` of all kernels, 0 to 1. */
  share: number;
}

export interface ProfileReport {
  adapter: string;
  ceilings: Ceilings;
  /** Milliseconds from the start to the end. */
  wallMs: number;
  totals: RunTotals;
  /** The longest first. */
  kernels: readonly KernelRow[];
  /** The last submits whole. */
  trace: readonly SubmitTimes[];
}

/** Listens to a device that was made with `profile: true`. One at a time; memory does not grow with the run. */
export class Profile {
  readonly #device: Device;
  readonly #ceilings: Ceilings;
  readonly #recorder: Recorder;
  readonly #start = performance.now();

  /** Throws ArgumentError where the device was made without `profile: true`. */
  constructor(device: Device, ceilings: Ceilings, options: RecorderOptions = {}) {
    const { profiler } = device;
    if (!profiler)
      refuse('Profile', 'device', 'made with profile: true', 'one without', 'await init({ profile: true })');
    this.#device = device;
    this.#ceilings = ceilings;
    this.#recorder = new Recorder(options);
    profiler.onSubmit = (times) => this.#recorder.add(times);
  }

  /** Waits for what the device was given, stops listening, and sums up. */
  async finish(): Promise<ProfileReport> {
    const device = this.#device;
    await device.synchronize();
    await device.profiler!.settle();
    device.profiler!.onSubmit = undefined;
    return reportOf(this.#recorder, {
      adapter: device.info.name,
      ceilings: this.#ceilings,
      wallMs: performance.now() - this.#start,
    });
  }
}

/** The report of what a recorder heard. */
export function reportOf(
  { totals, kernels, trace }: Pick<Recorder, 'totals' | 'kernels' | 'trace'>,
  run: Pick<ProfileReport, 'adapter' | 'ceilings' | 'wallMs'>,
): ProfileReport {
  const allUs = kernels.reduce((sum, { totalUs }) => sum + totalUs, 0);
  const rows = kernels.map((total): KernelRow => {
    const { flops, bytes, totalUs: us, texels } = total;
    const share = allUs > 0 ? us / allUs : 0;
    return { ...total, ...place({ flops, bytes, us, texels }, run.ceilings), share };
  });
  return { ...run, totals, kernels: rows.sort((a, b) => b.totalUs - a.totalUs), trace };
}
