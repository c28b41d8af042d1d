// Suite `step`: what one steady training step costs the host: dispatches, submits, things created, time of encoding.

import { type Device, init } from '../../src/index.ts';
import { Training } from '../engines/weft-training.ts';
import { CELLS, caseName, NAMED_STEPS, type StepSpec, startingWeights, zipfBatches } from '../named-steps.ts';
import type { StepCounters, StepVariant } from '../protocol.ts';
import { medians, type Result, resultTable, timing } from '../report.ts';
import { type Suite, type SuiteOptions, wanted } from './suite.ts';

const ABOUT = `One steady training step of weft, as the host sees it (the figures are medians of single steps).
dispatches: kernels queued · submits: command buffers handed to the driver · buffers, bind groups: made in the step, 0 when all are
reused · encode µs: uploads and writing commands down before the step is handed over · ahead µs: writing down the
step to come while the device works on this one · GPU MiB: the most in use at one time
default, scan, steps: form of the recurrence (the adapter's own, one dispatch in all, one a time step) · eager: not recorded and replayed, but built anew as the program runs · op-by-op: from basic ops instead of recurrent kernels

`;

const REPLAY: StepVariant = { form: 'default', recorded: true, norm: 'none', tf32: false };
const VARIANTS: readonly [suffix: string, variant: StepVariant, opByOp: boolean][] = [
  ['', REPLAY, false],
  ['-scan', { ...REPLAY, form: 'scan' }, false],
  ['-steps', { ...REPLAY, form: 'steps' }, false],
  ['-eager', { ...REPLAY, recorded: false }, false],
  ['', { ...REPLAY, recorded: false }, true],
];

export const step: Suite = async (options) => {
  const device = await init();
  const specs = NAMED_STEPS.flatMap((named) => CELLS.map((cell): StepSpec => ({ ...named, cell }))).filter((spec) =>
    wanted(caseName(spec.name, spec.cell), options, caseName(spec.name, spec.cell) === 'uk-small'),
  );
  const results: Result[] = [];
  for (const spec of specs) {
    if (spec.layers > 1 && spec.cell !== 'lstm' && !options.only) continue;
    options.log(caseName(spec.name, spec.cell));
    results.push(...(await counted(device, spec, options)));
  }
  const adapter = device.info.name;
  device.destroy();
  return { adapter, results, text: ABOUT + resultTable(results) };
};

async function counted(device: Device, spec: StepSpec, { quick }: SuiteOptions): Promise<Result[]> {
  const name = caseName(spec.name, spec.cell);
  const weights = new Map(startingWeights(spec).map(({ name: of, shape, data }) => [of, { shape, data }]));
  const results: Result[] = [];
  let want: number[] | undefined;
  for (const [suffix, variant, opByOp] of VARIANTS) {
    if (spec.layers > 1 && (suffix !== '' || opByOp)) continue;
    const training = new Training(device, spec, { opByOp, variant });
    training.model.loadStateDict(weights);
    const batches = zipfBatches(spec);
    const next = () => {
      const { ids, tags } = batches.next().value;
      return { ids: Int32Array.from(ids), tags: Int32Array.from(tags) };
    };
    const { losses } = await training.run([next(), next(), next()]);
    want ??= losses;
    check(name + suffix, losses, want);
    const [counters, samples]: [StepCounters[], number[]] = [[], []];
    for (let i = 0; i < (quick || spec.layers > 1 ? 3 : 9); i++) {
      const run = await training.run([next()]);
      counters.push(run.counters!);
      samples.push(run.ms[0]!);
    }
    training.close();
    results.push({
      suite: 'step',
      name: name + suffix,
      engine: opByOp ? 'weft-op-by-op' : 'weft',
      ...timing(samples),
      ...medians(counters),
      ...(suffix && { base: name }),
      validated: 'losses of 3 steps by the default form within 1e-4',
    });
  }
  return results;
}

/** Every variant trains alike. */
function check(name: string, losses: readonly number[], want: readonly number[]): void {
  losses.forEach((loss, i) => {
    if (!(Math.abs(loss - want[i]!) <= 1e-4 * Math.abs(want[i]!)))
      throw new Error(`${name}: the loss of step ${i + 1} is ${loss}, and ${want[i]} in the default form`);
  });
}
