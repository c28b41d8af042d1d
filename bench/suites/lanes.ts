// Suite `lanes`: a tagger's step on Mesa's software adapter at 4, 8 and 16 lanes, taking turns: browsers on one have other widths.
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

const LANES = [8, 4, 16];
/** Losses of the first steps by other lanes, beside those by 8. */
const WITHIN = 1e-6;

const ABOUT = `One training step of bilstm-tagger with each cell, by Mesa's software adapter compiling for vectors of so many lanes
(LP_NATIVE_VECTOR_WIDTH). Medians in milliseconds of one step · to 8: by the median at 8 lanes

`;

export const lanes: Suite = async (options) => {
  const peers: Peer[] = [];
  const results: Result[] = [];
  try {
    for (const count of LANES) {
      // Compiled kernels of one width are no good to another: the engine keeps them apart where no folder is chosen for all.
      const env = { LP_NATIVE_VECTOR_WIDTH: `${32 * count}`, MESA_SHADER_CACHE_DIR: undefined };
      const peer = await Peer.start('weft', { env });
      if (!(peer instanceof Peer)) throw new Error(`weft does not run here (${peer.unavailable})`);
      if (!/llvmpipe/.test(peer.adapter))
        throw new Error(`bench lanes: needs Mesa's llvmpipe, and this is ${peer.adapter}`);
      peers.push(peer);
    }
    for (const cell of CELLS) {
      const spec: StepSpec = { ...NAMED_STEPS[0]!, cell };
      if (wanted(caseName(spec.name, cell), options, cell === 'lstm'))
        results.push(...(await oneStep(spec, peers, options)));
    }
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
  return { adapter: peers[0]!.adapter, results, text: ABOUT + table(results) };
};

async function oneStep(
  spec: StepSpec,
  peers: readonly Peer[],
  { log, quick, scratch }: SuiteOptions,
): Promise<Result[]> {
  const name = caseName(spec.name, spec.cell);
  const weights = writeArrays(scratch, name, startingWeights(spec));
  const first: number[][] = [];
  const contenders: (Contender & { lanes: number; peer: Peer })[] = [];
  for (const [i, peer] of peers.entries()) {
    log(`${name} at ${LANES[i]} lanes`);
    const batches = zipfBatches(spec);
    const run = (count: number) => {
      const some = Array.from({ length: count }, () => batches.next().value);
      return peer.ask({ do: 'train-run', handle: name, batches: some });
    };
    await peer.ask({ do: 'train', handle: name, spec, weights, variant: PLAIN });
    first.push((await run(3)).losses);
    first[i]!.forEach((loss, n) => {
      if (!(Math.abs(loss - first[0]![n]!) <= WITHIN * loss))
        throw new Error(
          `${name} at ${LANES[i]} lanes: the loss of step ${n + 1} is ${loss}, and ${first[0]![n]} at ${LANES[0]}`,
        );
    });
    contenders.push({ label: name, lanes: LANES[i]!, peer, turn: async () => [median((await run(quick ? 1 : 4)).ms)] });
  }
  const timings = await alternate(contenders, { rounds: quick ? 2 : 9, atLeast: quick ? 1 : 5, limitMs: 40_000 });
  for (const peer of peers) await peer.close(name);
  const base = median(timings.get(contenders[0]!)!);
  return contenders.map((one) => {
    const figures = timing(timings.get(one)!);
    const validated = `losses 1 to 3 by 8 lanes within ${WITHIN}`;
    return {
      suite: 'lanes',
      name,
      engine: 'weft',
      ...figures,
      lanes: one.lanes,
      to8: figures.medianMs / base,
      validated,
    };
  });
}

function table(results: readonly Result[]): string {
  const rows = results.map((r) => [r.name, Number(r.lanes), ms(r.medianMs), ms(r.p95Ms), Number(r.to8).toFixed(2)]);
  return textTable(rows, { header: ['case', 'lanes', 'median ms', 'p95 ms', 'to 8'], align: 'lrrrr' });
}
