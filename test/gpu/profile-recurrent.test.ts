// What the profiler is told of recurrent steps, whichever way they are dispatched.
import { expect, test } from 'vitest';
import { LSTM } from '../../src/nn/index.ts';
import * as ops from '../../src/ops/index.ts';
import { Profile } from '../../src/profile/index.ts';
import { init, ones } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';

test.each(['step', 'scan'] as const)('an LSTM by %s: operations and bytes of its time steps', async (form) => {
  const [time, batch, hidden, directions] = [6, 5, 8, 2];
  const device = await init({ profile: true });
  device.tuning = { ...device.tuning, recurrentForm: form };
  const profile = new Profile(device, { gflops: 1, copyGbps: 1, triadGbps: 1, texelGbps: 1 });
  const lstm = new LSTM(4, hidden, { bidirectional: true });
  step(() => ops.sum(lstm.forward(ones([time, batch, 4])).output));
  const { trace } = await profile.finish();
  device.destroy();
  const steps = trace.flatMap(({ kernels }) => kernels.filter(({ kernel }) => kernel.startsWith('recurrent_forward')));
  expect(steps.length).toBe(form === 'step' ? time : 1);
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
  // The product with the recurrent weights: [B, H] · [H, 4H] for every step and direction.
  expect(sum(steps.map(({ flops }) => flops!))).toBe(2 * directions * time * batch * hidden * 4 * hidden);
  // The gates of every step are read and written once, its output and c written; the weights are read in every dispatch.
  const state = directions * batch * hidden;
  const least = 4 * (time * state * (2 * 4 + 2) + steps.length * directions * hidden * 4 * hidden);
  const bytes = sum(steps.map(({ bytes }) => bytes));
  expect(bytes).toBeGreaterThan(least);
  expect(bytes).toBeLessThan(1.6 * least);
  expect(steps.every(({ bytesTold }) => bytesTold)).toBe(true);
});
