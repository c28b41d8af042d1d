// The engine in every WebGPU runtime that is here, beside the same work in Node; and what browsers without WebGPU say.
import { expect, test } from 'vitest';
import { LOSSES_WITHIN, OPS_WITHIN, RUNTIMES, runAll, WITHOUT_WEBGPU } from '../runtimes/runtimes.ts';
import { STEPS } from '../runtimes/work.ts';

test('three taggers train and ops compute in every runtime as they do in Node', { timeout: 1_500_000 }, async () => {
  const rows = await runAll(RUNTIMES, { atOnce: 2 });
  for (const { runtime, install, done, losses, worst } of rows) {
    if (install) console.warn(`SKIPPED: ${runtime} is not here; to have it tested: ${install}`);
    else if (done) console.info(`${runtime}: ${done.adapter}, losses within ${losses}, ops within ${worst!.error}`);
  }
  expect(rows.flatMap(({ runtime, problem }) => (problem ? [`${runtime}: ${problem}`] : []))).toEqual([]);
  const ran = rows.filter(({ done }) => done);
  expect(ran.length).toBeGreaterThanOrEqual(2); // Node, with its own kernels and with portable ones
  for (const { runtime, done, losses, worst } of ran) {
    expect(losses, runtime).toBeLessThanOrEqual(LOSSES_WITHIN);
    expect(worst!.error, runtime).toBeLessThanOrEqual(OPS_WITHIN);
    expect(done!.replayed, runtime).toBe(3 * (STEPS - 2));
  }
});

test('a browser without WebGPU, or without an adapter, says so at once, with its own switch', async () => {
  for (const { name, install, find, run, switch: way } of WITHOUT_WEBGPU) {
    const program = find();
    if (!program) {
      console.warn(`SKIPPED: ${name} is not here; to have it tested: ${install}`);
      continue;
    }
    const said = await run(program);
    if (!('refused' in said)) throw new Error(`${name} found ${said.adapter}`);
    console.info(`${name}, after ${said.afterMs.toFixed(0)} ms: ${said.refused}`);
    expect(said.refused, name).toMatch(/^AdapterError: .*WebGPU/);
    expect(said.refused, name).toContain(way);
    expect(said.refused, name).not.toMatch(/Dawn|setup\.sh/);
    expect(said.afterMs, name).toBeLessThan(1000);
  }
});
