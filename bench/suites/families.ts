// Every kernel family of weft at real shapes: checked, then timed in turns, beside what the adapter can do at most.
import { type Device, init } from '../../src/index.ts';
import type { Ceilings } from '../../src/profile/ceilings.ts';
import { FLAT_CASES } from '../kernels/flat-cases.ts';
import type { KernelCase } from '../kernels/kernel-case.ts';
import { RECURRENT_CASES } from '../kernels/recurrent-cases.ts';
import { ROW_CASES } from '../kernels/row-cases.ts';
import { type Result, timing } from '../report.ts';
import { alternate } from '../rounds.ts';
import { type SuiteOptions, wanted } from './suite.ts';

export const CASES = [...RECURRENT_CASES, ...ROW_CASES, ...FLAT_CASES];

export async function familyResults(options: SuiteOptions, ceilings: Ceilings): Promise<Result[]> {
  const cases = CASES.filter(({ name, flops, bytes }) =>
    wanted(name, options, flops <= 1e9 && bytes <= 2e7 && !name.includes('-lstm-tagger')),
  );
  const results: Result[] = [];
  for (const one of cases) {
    options.log(one.name);
    // A device for each: nothing of the one before is left in the way.
    const device = await init();
    try {
      results.push(await oneCase(device, one, ceilings, options));
    } finally {
      device.destroy();
    }
  }
  return results;
}

async function oneCase(device: Device, one: KernelCase, ceilings: Ceilings, { quick }: SuiteOptions): Promise<Result> {
  const made = await one.make(device);
  const validated = await made.validate();
  const run = async (count: number) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) made.run();
    await device.synchronize();
    return (performance.now() - start) / count;
  };
  const once = await run(1); // compiled when it was checked
  const count = quick || once > 60 ? 1 : Math.min(50, Math.max(1, Math.round(60 / (await run(2)))));
  const contender = { label: one.name, turn: async () => [await run(count)] };
  const timings = await alternate([contender], { rounds: quick ? 2 : 9, atLeast: 2, limitMs: 4_000 });
  const figures = timing(timings.get(contender)!);
  const gflops = one.flops / figures.medianMs / 1e6;
  const gbps = one.bytes / figures.medianMs / 1e6;
  return {
    suite: 'kernels',
    name: one.name,
    engine: 'weft',
    ...figures,
    ...(one.flops > 0 && { gflops }),
    gbps,
    ceilingShare: Math.max(gflops / ceilings.gflops, gbps / ceilings.triadGbps),
    validated,
  };
}
