// Tests in which a device decides otherwise than its adapter's class would have it.
import { afterEach, beforeEach } from 'vitest';
import type { Tuning } from '../src/gpu/tuning.ts';
import { getDevice } from '../src/tensor/create.ts';

/** Changes decisions of the default device for the tests beside it. */
export function tuned(changes: Partial<Tuning>): void {
  let before: Tuning;
  beforeEach(() => {
    const device = getDevice();
    before = device.tuning;
    device.tuning = { ...before, ...changes };
  });
  afterEach(() => {
    getDevice().tuning = before;
  });
}
