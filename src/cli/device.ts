// A device for the length of one command.
import type { Device, DeviceOptions } from '../index.ts';
import { init } from '../index.ts';

export async function withDevice<T>(options: DeviceOptions, work: (device: Device) => Promise<T>): Promise<T> {
  const device = await init(options);
  console.error(`adapter  ${device.info.name}`);
  try {
    return await work(device);
  } finally {
    device.destroy();
  }
}
