// Suite `check`: what it costs a step that its loss and its gradients are asked whether they are finite.
import { textTable } from '../../src/node/table.ts';
import { Peer } from '../engines/peer.ts';
import {
  CELLS,
  caseName,
  NAMED_STEPS,
  type StepSpec,
  startingWeights,
  writeArrays,
  zipfBatches,
} from '../named-steps.ts';
import { median, ms, type Result, timing } from '../report.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Suite, type SuiteOptions, wanted } from './suite.ts';
import { PLAIN } from './training.ts';

const NORMS = ['none', 'clipped', 'checked'] as const;

const ABOUT = `One training step as it is, with its gradients clipped, and clipped and checked: a step whose loss or gradients are not finite
changes nothing. Medians in milliseconds of one step, taking turns in one process · to clipped: by the median of the clipped step

`;

export const check: Suite = async (options) => {
  const peer = await Peer.start('weft', {});
  if (!(peer instanceof Peer)) throw new Error(`weft does not run here (${peer.unavailable})`);
  const results: Result[] = [];
  try {
    for (const named of NAMED_STEPS.filter(({ layers }) => layers === 1))
      for (const cell of CELLS) {
        const spec: StepSpec = { ...named, cell };
        if (wanted(caseName(spec.name, cell), options, spec.name === 'uk-small' && cell === 'lstm'))
          results.push(...(await oneStep(spec, peer, options)));
      }
  } finally {
    await peer.stop();
  }
  return { adapter: peer.adapter, results, text: ABOUT + table(results) };
};

async function oneStep(spec: StepSpec, peer: Peer, { log, quick, scratch }: SuiteOptions): Promise<Result[]> {
  const name = caseName(spec.name, spec.cell);
  const weights = writeArrays(scratch, name, startingWeights(spec));
  log(name);
  const contenders: (Contender & { norm: (typeof NORMS)[number] })[] = [];
  for (const norm of NORMS) {
    const handle = `${name}-${norm}`;
    const batches = zipfBatches(spec);
    const run = async (count: number) => {
      const some = Array.from({ length: count }, () => batches.next().value);
      return median((await peer.ask({ do: 'train-run', handle, batches: some })).ms);
    };
    await peer.ask({ do: 'train', handle, spec, weights, variant: { ...PLAIN, norm } });
    await run(3);
    contenders.push({ label: handle, norm, turn: async () => [await run(quick ? 1 : 5)] });
  }
  const timings = await alternate(contenders, { rounds: quick ? 2 : 25, atLeast: quick ? 1 : 9, limitMs: 60_000 });
  for (const norm of NORMS) await peer.close(`${name}-${norm}`);
  const base = median(timings.get(contenders[1]!)!);
  return contenders.map((one) => {
    const figures = timing(timings.get(one)!);
    return { suite: 'check', name, engine: 'weft', ...figures, norm: one.norm, toClipped: figures.medianMs / base };
  });
}

function table(results: readonly Result[]): string {
  const rows = results.map((r) => [
    r.name,
    String(r.norm),
    ms(r.medianMs),
    ms(r.p95Ms),
    Number(r.toClipped).toFixed(3),
    r.samples,
  ]);
  return textTable(rows, { header: ['case', 'norm', 'median ms', 'p95 ms', 'to clipped', 'samples'], align: 'llrrrr' });
}
