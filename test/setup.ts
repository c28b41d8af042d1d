// Runs once before the gpu tests: says which adapter they run on, and fails where there is none.
import { Device } from '../src/gpu/device.ts';

export default async function setup(): Promise<void> {
  // A pool of threads costs more than it brings on the tiny kernels of tests.
  process.env.LP_NUM_THREADS ??= '0';
  const device = await Device.create();
  console.log(
    `gpu tests on ${device.info.name} (${device.info.kind}, subgroups of ${device.info.subgroupSize || 'varying size'})`,
  );
  device.destroy();
  await device.lost;
}
