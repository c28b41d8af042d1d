// The device of a gpu test file. Files that run in one worker share it with its compiled kernels, which are what costs.
import { afterAll, beforeAll } from 'vitest';
import { Device } from '../src/gpu/device.ts';
import type { DeviceOptions } from '../src/gpu/options.ts';
import { init, setDefaultDevice } from '../src/tensor/create.ts';
import { defaultGenerator, manualSeed } from '../src/tensor/random.ts';

/** Bytes that files may leave behind on a device before the next one gets another: tests do not free what they make. */
const LEFT_BEHIND = 2 ** 27;

let shared: Device | undefined;

/**
 * Registers hooks that make a device the default one, in `current.device` inside tests: with options one of its own, which is
 * destroyed afterwards, else the worker's, as a file finds it alone: with its own decisions, no tuned choices, the first seed.
 */
export function useDevice(options?: DeviceOptions): { device: Device } {
  const current = {} as { device: Device };
  beforeAll(async () => {
    if (options) {
      current.device = await init(options);
      return;
    }
    if (shared && shared.poolStats.liveBytes > LEFT_BEHIND) {
      shared.destroy();
      shared = undefined;
    }
    shared ??= await Device.create();
    setDefaultDevice(shared);
    defaultGenerator().dispose(); // what it keeps may be on a device that is gone
    manualSeed(0);
    current.device = shared;
  });
  afterAll(async () => {
    await current.device.synchronize();
    if (options) current.device.destroy();
  });
  return current;
}
