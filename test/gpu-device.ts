// The device of a gpu test file: made before its tests, destroyed after them.
import { afterAll, beforeAll } from 'vitest';
import type { Device, DeviceOptions } from '../src/gpu/device.ts';
import '../src/ops/index.ts';
import { init } from '../src/tensor/create.ts';

/** Registers hooks that make the default device and drop it again; the device is in `current.device` inside tests. */
export function useDevice(options: DeviceOptions = {}): { device: Device } {
  const current = {} as { device: Device };
  beforeAll(async () => {
    current.device = await init(options);
  });
  afterAll(async () => {
    await current.device.synchronize();
    current.device.destroy();
  });
  return current;
}
