// Parts of a device that few need, each loaded where options or tuning ask for it: bundlers make chunks of them.
import { WeftError } from '../errors.ts';
import type { Requested } from './adapter.ts';
import type { DeviceOptions } from './options.ts';
import type { Poison } from './poison.ts';
import type { Profiler } from './profiler.ts';
import type { Texels } from './texels.ts';

export interface Parts {
  readonly Profiler: typeof Profiler | undefined;
  readonly Texels: typeof Texels | undefined;
  readonly Poison: typeof Poison | undefined;
}

/** Where it fails the device is gone. Throws WeftError where kernels are to be timed by a device that cannot. */
export async function loadParts({ device, info, tuning }: Requested, options: DeviceOptions): Promise<Parts> {
  try {
    if (options.profile && !device.features.has('timestamp-query'))
      throw new WeftError(
        tuning.kernels === 'portable'
          ? 'profile: portable kernels run without timestamp-query, by which kernels are timed. Run without profiling or choose other kernels.'
          : `profile: adapter "${info.name}" has no timestamp-query, by which kernels are timed. Run without profiling or choose another adapter.`,
      );
    return {
      Profiler: options.profile ? (await import('./profiler.ts')).Profiler : undefined,
      Texels: tuning.texelLanes > 0 ? (await import('./texels.ts')).Texels : undefined,
      Poison: options.debug?.poisonFreed ? (await import('./poison.ts')).Poison : undefined,
    };
  } catch (error) {
    device.destroy();
    throw error;
  }
}
