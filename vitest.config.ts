// Test projects by what they need: `unit` and `sanitizer` run anywhere, the others need an adapter and fail without one.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The executor's adapter in place of Dawn: what is tested there runs under the sanitizer. */
const executor = { alias: { '#platform': fileURLToPath(new URL('./test/sanitizer/platform.ts', import.meta.url)) } };
const resolve = { alias: { '#platform': fileURLToPath(new URL('./src/platform/node.ts', import.meta.url)) } };
const patient = {
  environment: 'node' as const,
  pool: 'forks' as const,
  testTimeout: 120_000,
  hookTimeout: 120_000,
};
const gpu = { ...patient, globalSetup: ['test/setup.ts'] };

/**
 * Tests of what an adapter's class decides, on the kernels of another class; `npm run test:kernels` runs all ops, modules, optimisers
 * and models on them. Their files share a device, and with it compiled kernels, with the others that their worker runs
 * (test/gpu-device.ts). `threads`: those of lavapipe, which are off elsewhere.
 */
function kernels(set: 'gpu' | 'portable', threads: string, files: string[]) {
  return {
    resolve,
    test: {
      ...gpu,
      name: `kernels-${set}`,
      include: ['test/models/**/*.test.ts', ...files],
      isolate: false,
      env: { WEFT_KERNELS: set, LP_NUM_THREADS: threads },
    },
  };
}

export default defineConfig({
  test: {
    // All cores: a test file is one thread for most of its time, vitest's own process none.
    maxWorkers: availableParallelism(),
    projects: [
      { resolve, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], environment: 'node' } },
      { resolve: executor, test: { ...patient, name: 'sanitizer', include: ['test/sanitizer/*.test.ts'] } },
      { resolve, test: { ...gpu, name: 'gpu', include: ['test/{gpu,ops,nn,optim,models,train,e2e}/**/*.test.ts'] } },
      kernels('gpu', '2', [
        'test/nn/**/*.test.ts',
        'test/ops/{lstm,gru,rnn,lstm-form}.test.ts',
        'test/optim/row-sparse.test.ts',
      ]),
      // Its recurrent kernels are those of GPUs, at other sizes of workgroups: each compiles for seconds.
      kernels('portable', '0', ['test/ops/lstm-form.test.ts']),
    ],
  },
});
