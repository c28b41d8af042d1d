// The platform of tests that run on the executor; `shared.traits` says what its adapter looks like.
import type { Platform } from '../../src/platform/platform.ts';
import { executorGpu, shared } from './adapter.ts';

export const platform: Platform = {
  name: 'node',
  environment: {},
  otherBackends: [],
  noAdapter: () => 'the executor is always there',
  gpu: async () => executorGpu(shared.traits),
  wait: (work) => work,
};
