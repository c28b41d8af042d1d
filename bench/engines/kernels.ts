// The kernel families of a checkout as an engine: `kernels.ts <checkout>` times that checkout's cases on its own sources.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { KernelCase } from '../kernels/kernel-case.ts';
import { serve } from './serve.ts';

const checkout = process.argv[2]!;
const load = async <M>(file: string) => (await import(pathToFileURL(join(checkout, file)).href)) as M;
const { init } = await load<typeof import('../../src/index.ts')>('src/index.ts');
const { FLAT_CASES } = await load<typeof import('../kernels/flat-cases.ts')>('bench/kernels/flat-cases.ts');
const { RECURRENT_CASES } = await load<typeof import('../kernels/recurrent-cases.ts')>(
  'bench/kernels/recurrent-cases.ts',
);
const { ROW_CASES } = await load<typeof import('../kernels/row-cases.ts')>('bench/kernels/row-cases.ts');
const cases = new Map<string, KernelCase>([...RECURRENT_CASES, ...ROW_CASES, ...FLAT_CASES].map((c) => [c.name, c]));

await serve(async () => {
  const first = await init();
  const adapter = first.info.name;
  first.destroy();
  return {
    hello: { adapter, version: `kernels of ${checkout}` },
    async kernel({ name }) {
      const one = cases.get(name);
      if (!one) throw new Error(`${checkout} has no case ${name}`);
      // A device for each: nothing of the one before is left in the way.
      const device = await init();
      const made = await one.make(device);
      return {
        async run(count) {
          for (let i = 0; i < count; i++) made.run();
          await device.synchronize();
        },
        close: () => device.destroy(),
      };
    },
  };
});
