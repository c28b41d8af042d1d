// Suite `training`: one step of each named tagger, with LSTM, GRU and Elman cells, against rivals on the same weights and batches.
import { type Peer, startAll } from '../engines/peer.ts';
import {
  CELLS,
  caseName,
  type HostParameter,
  NAMED_STEPS,
  type StepSpec,
  startingWeights,
  writeArrays,
  zipfBatches,
} from '../named-steps.ts';
import type { StepCounters, StepVariant } from '../protocol.ts';
import { referenceLoss } from '../reference-loss.ts';
import { type EngineName, type Result, resultTable, timing } from '../report.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Suite, type SuiteOptions, wanted } from './suite.ts';

const ENGINES: readonly EngineName[] = ['weft', 'weft-op-by-op', 'tfjs-webgpu', 'torch-cpu', 'torch-cuda'];
/** Too slow to be waited for at the full size. */
const SMALL_ONLY: readonly EngineName[] = ['weft-op-by-op', 'tfjs-webgpu'];
const PLAIN: StepVariant = { optimizer: 'dense', form: 'default', recorded: true };
const FIRST_STEPS = 3;

interface Trainee extends Contender {
  peer: Peer;
  name: string;
  counters: StepCounters | undefined;
  losses: number[];
}

export const training: Suite = async (options) => {
  const specs = NAMED_STEPS.flatMap((named) => CELLS.map((cell): StepSpec => ({ ...named, cell }))).filter(
    (spec) =>
      wanted(caseName(spec.name, spec.cell), options) &&
      !(options.quick && (spec.name !== 'uk-small' || spec.cell === 'gru')),
  );
  const peers = await startAll(ENGINES, options.log);
  const weft = peers.find(({ engine }) => engine === 'weft');
  if (!weft) throw new Error('weft itself does not run here');
  const results: Result[] = [];
  try {
    for (const spec of specs) {
      options.log(caseName(spec.name, spec.cell));
      results.push(...(await oneStep(spec, peers, options)));
    }
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
  return { adapter: weft.adapter, results, text: ABOUT + resultTable(results) };
};

const ABOUT = `One training step: a fresh batch goes in, forward, backward, Adam on every parameter, the loss comes back to the host.
median and p95: milliseconds of one step · against weft: the engine's median by weft's own of that case · dispatches, submits,
buffers and bind groups made, µs of encoding: of one steady step, where the engine counts · GPU MiB: the most in use at one time
-gru, -rnn: with those cells, else LSTM · -lazy: exact-lazy Adam on the embedding, brought up to date inside the timing, else dense
-scan, -steps: the recurrence in one dispatch, or one a time step, else in the form that this adapter runs by default

`;

/** Variants of weft that a case is run in beside the plain one, by the suffix of their name. */
function variants({ name, cell }: StepSpec): [suffix: string, variant: StepVariant][] {
  const forms = name === 'bilstm-tagger' && cell === 'lstm' ? (['scan', 'steps'] as const) : [];
  return [
    ['-lazy', { ...PLAIN, optimizer: 'exact-lazy' }],
    ...forms.map((form): [string, StepVariant] => [`-${form}`, { ...PLAIN, form }]),
  ];
}

async function oneStep(spec: StepSpec, peers: readonly Peer[], options: SuiteOptions): Promise<Result[]> {
  const name = caseName(spec.name, spec.cell);
  const parameters = startingWeights(spec);
  const weights = writeArrays(options.scratch, name, parameters);
  const trainees: Trainee[] = [];
  for (const peer of peers) {
    if (spec.layers > 1 && SMALL_ONLY.includes(peer.engine)) continue;
    const kinds: [string, StepVariant][] = [['', PLAIN], ...(peer.engine === 'weft' ? variants(spec) : [])];
    for (const [suffix, variant] of kinds) {
      const handle = name + suffix;
      try {
        await peer.ask({ do: 'train', handle, spec, weights, variant });
        trainees.push(await trainee(peer, handle, spec, options));
      } catch (error) {
        if (peer.engine === 'weft') throw error;
        options.log(`!!! ${peer.engine} IS LEFT OUT of ${handle}: ${(error as Error).message.split('\n')[0]}`);
      }
    }
  }
  const validated = validate(spec, parameters, trainees, options);
  const timings = await alternate(trainees, {
    rounds: options.quick ? 1 : 9,
    atLeast: options.quick ? 1 : 3,
    limitMs: spec.layers > 1 ? 100_000 : 40_000,
  });
  for (const { peer, name: handle } of trainees) await peer.ask({ do: 'close', handle });
  return [...timings].map(([t, samples]) => ({
    suite: 'training',
    name: t.name,
    engine: t.peer.engine,
    ...timing(samples),
    ...t.counters,
    ...(t.name !== name && { base: name }),
    firstLoss: t.losses[0]!,
    validated,
  }));
}

/** Takes the first steps, whose losses are checked; a turn is as many steps as fit in half a second. */
async function trainee(peer: Peer, name: string, spec: StepSpec, { quick }: SuiteOptions): Promise<Trainee> {
  const batches = zipfBatches(spec);
  const take = (count: number) => Array.from({ length: count }, () => batches.next().value);
  const run = (count: number) => peer.ask({ do: 'train-run', handle: name, batches: take(count) });
  const first = await run(FIRST_STEPS);
  const count = quick ? 1 : Math.min(10, Math.max(1, Math.round(500 / first.ms.at(-1)!)));
  const self: Trainee = {
    label: `${peer.engine} ${name}`,
    peer,
    name,
    losses: first.losses,
    counters: first.counters,
    async turn() {
      const { ms, flushMs, counters } = await run(count);
      self.counters = counters;
      return ms.map((one) => one + flushMs / ms.length);
    },
  };
  return self;
}

/** Holds the first losses against a float64 forward pass, and those after updates against PyTorch, or weft op by op. Throws where they differ. */
function validate(
  spec: StepSpec,
  parameters: readonly HostParameter[],
  trainees: readonly Trainee[],
  { log }: SuiteOptions,
): string {
  const batch = zipfBatches(spec).next().value;
  const judge =
    trainees.find((t) => t.peer.engine.startsWith('torch')) ?? trainees.find((t) => t.peer.engine === 'weft-op-by-op');
  const told: string[] = [];
  const near = (what: string, value: number, want: number, share: number) => {
    if (!(Math.abs(value - want) <= share * Math.abs(want)))
      throw new Error(`${what}: the loss is ${value}, and should be ${want} within ${share * 100} %`);
  };
  if (spec.layers === 1) {
    const want = referenceLoss(spec, parameters, batch);
    for (const t of trainees) {
      const old = t.peer.engine === 'tfjs-webgpu' && spec.cell === 'gru';
      const own = old ? referenceLoss(spec, parameters, batch, { resetBefore: true }) : want;
      near(`${t.label}, step 1`, t.losses[0]!, own, 1e-4);
    }
    told.push('loss 1 by float64 within 1e-4');
  }
  if (judge) {
    for (const t of trainees) {
      if (t === judge) continue;
      // Keras has one bias where PyTorch has two that are both updated: its later losses only come near.
      const share = t.peer.engine === 'tfjs-webgpu' ? 0.05 : 1e-4;
      const from = t.peer.engine === 'tfjs-webgpu' ? 1 : 0;
      t.losses.forEach((loss, i) => {
        if (i >= from) near(`${t.label}, step ${i + 1} against ${judge.peer.engine}`, loss, judge.losses[i]!, share);
      });
    }
    told.push(`losses 1 to ${FIRST_STEPS} by ${judge.peer.engine} within 1e-4`);
  }
  if (told.length === 0) throw new Error(`${spec.name}: nothing here to check the losses against`);
  log(`  checked: ${told.join('; ')}`);
  return told.join('; ');
}
