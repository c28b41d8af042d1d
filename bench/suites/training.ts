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
const PLAIN: StepVariant = { optimizer: 'dense', form: 'default', recorded: true, tf32: false };
const FIRST_STEPS = 3;

interface Trainee extends Contender {
  peer: Peer;
  name: string;
  counters: StepCounters | undefined;
  losses: number[];
}

export const training: Suite = async (options) => {
  const specs = NAMED_STEPS.flatMap((named) => CELLS.map((cell): StepSpec => ({ ...named, cell }))).filter((spec) =>
    wanted(caseName(spec.name, spec.cell), options, spec.name === 'uk-small' && spec.cell !== 'gru'),
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
-tf32: PyTorch may round to TF32

`;

/** Variants that an engine runs a case in beside the plain one, by the suffix of their name. */
function variants(engine: EngineName, { name, cell, layers }: StepSpec): [suffix: string, variant: StepVariant][] {
  if (engine === 'torch-cuda') return [['-tf32', { ...PLAIN, tf32: true }]];
  // At the full size one cell is enough to show it by.
  if (engine !== 'weft' || (layers > 1 && cell !== 'lstm')) return [];
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
    const kinds: [string, StepVariant][] = [['', PLAIN], ...variants(peer.engine, spec)];
    for (const [suffix, variant] of kinds) {
      const handle = name + suffix;
      const made = await peer.attempt(handle, options.log, async () => {
        await peer.ask({ do: 'train', handle, spec, weights, variant });
        return trainee(peer, handle, spec, options);
      });
      if (made) trainees.push(made);
    }
  }
  const { passed, validated } = validate(spec, parameters, trainees, options);
  const timings = await alternate(passed, {
    rounds: options.quick ? 1 : 9,
    atLeast: options.quick ? 1 : spec.layers > 1 ? 2 : 3,
    limitMs: 30_000,
  });
  for (const { peer, name: handle } of trainees) await peer.close(handle);
  return [...timings]
    .filter(([, samples]) => samples.length > 0)
    .map(([t, samples]) => ({
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
async function trainee(peer: Peer, name: string, spec: StepSpec, { quick, log }: SuiteOptions): Promise<Trainee> {
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
      const done = await peer.attempt(name, log, () => run(count));
      if (!done) return [];
      self.counters = done.counters;
      return done.ms.map((one) => one + done.flushMs / done.ms.length);
    },
  };
  return self;
}

/**
 * Holds the first losses against a float64 forward pass, and those after updates against PyTorch, or weft op by op. Throws where
 * weft's differ; a rival whose differ is left out, loudly.
 */
function validate(
  spec: StepSpec,
  parameters: readonly HostParameter[],
  trainees: readonly Trainee[],
  { log }: SuiteOptions,
): { passed: Trainee[]; validated: string } {
  const told: string[] = [];
  let passed = [...trainees];
  const keep = (fails: (t: Trainee) => string | undefined) => {
    passed = passed.filter((t) => {
      const problem = fails(t);
      if (problem && t.peer.engine.startsWith('weft')) throw new Error(`${t.label}: ${problem}`);
      if (problem) log(`!!! ${t.label} IS LEFT OUT: ${problem}`);
      return !problem;
    });
  };
  if (spec.layers === 1) {
    const batch = zipfBatches(spec).next().value;
    const [want, older] = [{}, { resetBefore: true }].map((form) => referenceLoss(spec, parameters, batch, form));
    keep((t) =>
      differ(t.losses, [t.peer.engine === 'tfjs-webgpu' ? older! : want!], t.name.endsWith('-tf32') ? 0.01 : 1e-4),
    );
    told.push('loss 1 by float64 within 1e-4');
  }
  const judge =
    passed.find((t) => t.peer.engine.startsWith('torch')) ?? passed.find((t) => t.peer.engine === 'weft-op-by-op');
  if (judge) {
    keep((t) => {
      // Keras has one bias where PyTorch has two that are both updated, and TF32 has 10 bits: those only come near.
      const share = t.peer.engine === 'tfjs-webgpu' ? 0.05 : t.name.endsWith('-tf32') ? 0.01 : 1e-4;
      const problem = differ(
        t.losses,
        t.peer.engine === 'tfjs-webgpu' ? [t.losses[0]!, ...judge.losses.slice(1)] : judge.losses,
        share,
      );
      return problem && `${problem} by ${judge.peer.engine}`;
    });
    told.push(`losses 1 to ${FIRST_STEPS} by ${judge.peer.engine} within 1e-4`);
  }
  if (told.length === 0) throw new Error(`${spec.name}: nothing here to check the losses against (PyTorch is missing)`);
  log(`  checked: ${told.join('; ')}`);
  return { passed, validated: told.join('; ') };
}

/** The first of the wanted losses that is further off than a share of itself, in words. */
function differ(losses: readonly number[], want: readonly number[], share: number): string | undefined {
  const at = want.findIndex((w, i) => !(Math.abs(losses[i]! - w) <= share * Math.abs(w)));
  return at < 0
    ? undefined
    : `the loss of step ${at + 1} is ${losses[at]}, and should be ${want[at]} within ${share * 100} %`;
}
