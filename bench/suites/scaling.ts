// Suite `scaling`: how time per token and memory go with the lengths of sequences, rows, units and words.
import { type Device, init } from '../../src/index.ts';
import { Training } from '../engines/weft-training.ts';
import { type LayerShape, layer, layerFlops } from '../kernels/recurrent-cases.ts';
import { type StepSpec, startingWeights, zipfBatches } from '../named-steps.ts';
import { type Column, type Result, resultTable, timing } from '../report.ts';
import { alternate, type Contender, type RoundOptions } from '../rounds.ts';
import { type Suite, type SuiteOptions, wanted } from './suite.ts';
import { judge } from './training-check.ts';

const BASE: LayerShape = { name: 'base', batch: 16, time: 64, input: 200, hidden: 100, directions: 2 };
/** What grows, one thing at a time. */
const SERIES: readonly { letter: string; shapes: readonly LayerShape[] }[] = [
  { letter: 'T', shapes: [16, 32, 64, 128, 256].map((time) => ({ ...BASE, name: `lstm-T${time}`, time })) },
  { letter: 'B', shapes: [1, 4, 16, 64].map((batch) => ({ ...BASE, name: `lstm-B${batch}`, batch })) },
  { letter: 'H', shapes: [32, 64, 128, 256, 512].map((hidden) => ({ ...BASE, name: `lstm-H${hidden}`, hidden })) },
];
const VOCABULARIES = [10_000, 50_000, 100_000, 200_000];

const ABOUT_LSTM = `The op lstm, forward and backward with all gradients, both directions; T 64, B 16, I 200, H 100 where the name does not say otherwise.
median and p95: milliseconds of one call · GFLOP/s: of its products · µs/token: median by B·T · to first: µs/token by that of the
series' first row · kept MiB: memory that the forward pass holds for the backward pass, its output included · to formula: the same, by
what the op's documentation says · GPU MiB: the most in use at one time

`;
const ABOUT_WORDS = `One training step of a tagger (E 100, H 100×2, B 16, T 64) with Adam as the vocabulary grows.
median and p95: milliseconds of one step · to first: by that of the smallest vocabulary · GPU MiB: the most in use at one time

`;

const number = (key: string, title: string, digits: number): Column => ({
  title,
  cell: (r) => (typeof r[key] === 'number' ? (r[key] as number).toFixed(digits) : undefined),
});

export const scaling: Suite = async (options) => {
  const device = await init();
  const results: Result[] = [];
  for (const { shapes } of SERIES) {
    const chosen = shapes.filter(({ name }) => wanted(name, options)).slice(0, options.quick ? 2 : undefined);
    if (chosen.length > 0) results.push(...(await lengths(device, chosen, options)));
  }
  const words = await vocabularies(device, options);
  const adapter = device.info.name;
  device.destroy();
  const relative = number('toFirst', 'to first', 3);
  const lstmTable = resultTable(results, [
    number('usPerToken', 'µs/token', 2),
    relative,
    { title: 'kept MiB', cell: (r) => (Number(r.keptBytes) / 2 ** 20).toFixed(2) },
    number('toFormula', 'to formula', 3),
  ]);
  const wordTable = resultTable(words, [relative]);
  const parts = [results.length > 0 && ABOUT_LSTM + lstmTable, words.length > 0 && ABOUT_WORDS + wordTable];
  const text = parts.filter((part) => part !== false).join('\n');
  return { adapter, results: [...results, ...words], text };
};

const rounds = ({ quick }: SuiteOptions): RoundOptions => ({ rounds: quick ? 2 : 11, atLeast: 2, limitMs: 60_000 });

async function lengths(device: Device, shapes: readonly LayerShape[], options: SuiteOptions): Promise<Result[]> {
  const contenders: (Contender & { shape: LayerShape; validated: string; memory: Memory; dispose(): void })[] = [];
  for (const shape of shapes) {
    options.log(shape.name);
    const made = layer('lstm', shape);
    const validated = await made.validate();
    const memory = memoryOf(device, made);
    const run = async (count: number) => {
      const start = performance.now();
      for (let i = 0; i < count; i++) made.runBoth();
      await device.synchronize();
      return (performance.now() - start) / count;
    };
    await run(1);
    const count = options.quick ? 1 : Math.min(20, Math.max(1, Math.round(100 / (await run(1)))));
    const { dispose } = made;
    contenders.push({ label: shape.name, shape, validated, memory, dispose, turn: async () => [await run(count)] });
  }
  const timings = await alternate(contenders, rounds(options));
  for (const { dispose } of contenders) dispose();
  let first: number | undefined;
  return [...timings].map(([{ shape, validated, memory }, samples]) => {
    const figures = timing(samples);
    const usPerToken = (figures.medianMs * 1000) / (shape.batch * shape.time);
    first ??= usPerToken;
    return {
      suite: 'scaling',
      name: shape.name,
      engine: 'weft',
      ...figures,
      gflops: (3 * layerFlops('lstm', shape)) / figures.medianMs / 1e6,
      usPerToken,
      toFirst: usPerToken / first,
      ...memory,
      toFormula: memory.keptBytes / documentedBytes(shape),
      validated,
    };
  });
}

/** What `lstm` says that a forward pass holds, its output included. */
function documentedBytes({ batch, time, directions: D, hidden: H, input: I }: LayerShape): number {
  const packed = 8 * D * H * (H + 32) + (D > 1 ? 4 * D * H * I : 0);
  return 4 * (7 * batch * time * D * H + packed);
}

interface Memory {
  keptBytes: number;
  gpuBytes: number;
}

/** Bytes by the pool's count: between the two passes, and at the most. */
function memoryOf(device: Device, made: ReturnType<typeof layer>): Memory {
  const before = device.poolStats.liveBytes;
  device.pool.resetPeak();
  let between = 0;
  made.runBoth(() => {
    between = device.poolStats.liveBytes;
  });
  const { peakBytes, textureBytes } = device.poolStats;
  return { keptBytes: between - before, gpuBytes: peakBytes + textureBytes };
}

async function vocabularies(device: Device, options: SuiteOptions): Promise<Result[]> {
  const base = {
    cell: 'lstm',
    embedding: 100,
    hidden: 100,
    layers: 1,
    bidirectional: true,
    batch: 16,
    time: 64,
    tags: 9,
  } as const;
  const specs = VOCABULARIES.map((vocabulary): StepSpec => ({ ...base, vocabulary, name: `tagger-V${vocabulary}` }))
    .filter(({ name }) => wanted(name, options))
    .slice(0, options.quick ? 2 : undefined);
  const contenders: (Contender & { training: Training; gpuBytes: number; validated: string })[] = [];
  for (const spec of specs) {
    options.log(spec.name);
    const batches = zipfBatches(spec);
    const parameters = startingWeights(spec);
    const training = new Training(device, spec, {
      opByOp: false,
      variant: { form: 'default', recorded: true, norm: 'none', tf32: false },
    });
    training.model.loadStateDict(new Map(parameters.map(({ name, shape, data }) => [name, { shape, data }])));
    const next = () => {
      const { ids, tags } = batches.next().value;
      return { ids: Int32Array.from(ids), tags: Int32Array.from(tags) };
    };
    const { losses, counters } = await training.run([next(), next(), next()]);
    const [verdict] = judge(spec, parameters, [{ engine: 'weft', name: spec.name, losses }]);
    if (!verdict!.passed) throw new Error(`${spec.name}: ${verdict!.problem}`);
    contenders.push({
      label: spec.name,
      training,
      gpuBytes: counters!.gpuBytes,
      validated: verdict!.checks.join('; '),
      turn: async () => (await training.run([next(), next()])).ms,
    });
  }
  const timings = await alternate(contenders, rounds(options));
  const results: Result[] = [];
  for (const [{ label, training, gpuBytes, validated }, samples] of timings) {
    training.close();
    const figures = timing(samples);
    const toFirst = figures.medianMs / (results[0]?.medianMs ?? figures.medianMs);
    results.push({ suite: 'scaling', name: label, engine: 'weft', ...figures, toFirst, gpuBytes, validated });
  }
  return results;
}
