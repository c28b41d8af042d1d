// `--profile`: a device whose kernels are timed while a command works, and what is told of them afterwards.
import type { Device, DeviceOptions } from '../index.ts';
import { measureCeilings, Profile, profileText, writeProfile } from '../node/index.ts';
import { withDevice } from './device.ts';

/** Runs `work` on a device, profiled into `folder`; plainly where there is none. */
export async function withProfiledDevice<T>(
  folder: string | undefined,
  options: DeviceOptions,
  work: (device: Device) => Promise<T>,
): Promise<T> {
  if (folder === undefined) return withDevice(options, work);
  const ceilings = await measureCeilings(options);
  return withDevice({ ...options, profile: true }, async (device) => {
    const profile = new Profile(device, ceilings);
    const result = await work(device);
    const report = await profile.finish();
    const written = await writeProfile(folder, report);
    console.log(`\n${profileText(report)}\nprofile: ${written.join(', ')}`);
    return result;
  });
}
