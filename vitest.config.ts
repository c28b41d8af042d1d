// Test projects by what they need: `unit` and `sanitizer` run anywhere, `gpu` needs an adapter and fails without one.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The executor's adapter in place of Dawn: what is tested there runs under the sanitizer. */
const executor = { alias: { '#platform': fileURLToPath(new URL('./test/sanitizer/platform.ts', import.meta.url)) } };
const resolve = { alias: { '#platform': fileURLToPath(new URL('./src/platform/node.ts', import.meta.url)) } };

export default defineConfig({
  test: {
    projects: [
      { resolve, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], environment: 'node' } },
      {
        resolve: executor,
        test: {
          name: 'sanitizer',
          include: ['test/sanitizer/**/*.test.ts'],
          environment: 'node',
          pool: 'forks',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        resolve,

        test: {
          name: 'gpu',
          include: ['test/{gpu,ops,nn,optim,models,train,e2e}/**/*.test.ts'],
          environment: 'node',
          pool: 'forks',
          globalSetup: ['test/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
