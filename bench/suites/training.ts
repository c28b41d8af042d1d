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
import { type EngineName, medians, type Result, resultTable, timing } from '../report.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Suite, type SuiteOptions, wanted } from './suite.ts';
import { judge } from './training-check.ts';

const ENGINES: readonly EngineName[] = ['weft', 'weft-op-by-op', 'tfjs-webgpu', 'torch-cpu', 'torch-cuda'];
/** Too slow to be waited for at the full size. */
const SMALL_ONLY: readonly EngineName[] = ['weft-op-by-op', 'tfjs-webgpu'];
export const PLAIN: StepVariant = { form: 'default', recorded: true, norm: 'none', tf32: false };
const FIRST_STEPS = 3;

interface Trainee extends Contender {
  peer: Peer;
  name: string;
  counters: StepCounters[];
  losses: number[];
  /** How its first losses were checked. */
  checks: string[];
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
buffers and bind groups made, µs of encoding before the step is handed over, and ahead, of the step to come while the device works:
of one steady step, where the engine counts · GPU MiB: the most in use at one time
-gru, -rnn: with those cells, else LSTM
-scan, -steps: the recurrence in one dispatch, or one a time step, else in the form that this adapter runs by default
-tf32: PyTorch may round to TF32

`;

/** Variants that an engine runs a case in beside the plain one, by the suffix of their name. */
export function variants(
  engine: EngineName,
  { name, cell, layers }: StepSpec,
): [suffix: string, variant: StepVariant][] {
  if (engine === 'torch-cuda') return [['-tf32', { ...PLAIN, tf32: true }]];
  // At the full size one cell is enough to show it by.
  if (engine !== 'weft' || (layers > 1 && cell !== 'lstm')) return [];
  const forms = name === 'bilstm-tagger' && cell === 'lstm' ? (['scan', 'steps'] as const) : [];
  return [...forms.map((form): [string, StepVariant] => [`-${form}`, { ...PLAIN, form }])];
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
  const passed = validate(spec, parameters, trainees, options);
  const timings = await alternate(passed, {
    rounds: options.quick ? 1 : 9,
    atLeast: options.quick ? 1 : spec.layers > 1 ? 2 : 3,
    limitMs: 25_000,
  });
  for (const { peer, name: handle } of trainees) await peer.close(handle);
  return [...timings]
    .filter(([, samples]) => samples.length > 0)
    .map(([t, samples]) => ({
      suite: 'training',
      name: t.name,
      engine: t.peer.engine,
      ...(t.peer.threads && { threads: t.peer.threads }),
      ...timing(samples),
      ...medians(t.counters),
      ...(t.name !== name && { base: name }),
      firstLoss: t.losses[0]!,
      validated: t.checks.join('; '),
    }));
}

/** Takes the first steps, whose losses are checked; a turn is as many steps as fit in half a second. */
async function trainee(peer: Peer, name: string, spec: StepSpec, { quick, log }: SuiteOptions): Promise<Trainee> {
  const batches = zipfBatches(spec);
  const take = (count: number) => Array.from({ length: count }, () => batches.next().value);
  const run = (count: number) => peer.ask({ do: 'train-run', handle: name, batches: take(count) });
  const first = await run(FIRST_STEPS);
  const fitting = Math.min(10, Math.max(1, Math.round(500 / first.ms.at(-1)!)));
  const count = quick ? 1 : fitting;
  const counters: StepCounters[] = [];
  return {
    label: `${peer.engine} ${name}`,
    peer,
    name,
    losses: first.losses,
    counters,
    checks: [],
    async turn() {
      const done = await peer.attempt(name, log, () => run(count));
      if (!done) return [];
      if (done.counters) counters.push(done.counters);
      return done.ms;
    },
  };
}

/** Those whose first losses are right. Throws where weft's are not; a rival whose are not is left out, loudly. */
function validate(
  spec: StepSpec,
  parameters: readonly HostParameter[],
  trainees: readonly Trainee[],
  { log }: SuiteOptions,
): Trainee[] {
  const candidates = trainees.map(({ peer: { engine }, name, losses }) => ({ engine, name, losses }));
  const verdicts = judge(spec, parameters, candidates);
  const passed = trainees.filter((t, i) => {
    const verdict = verdicts[i]!;
    if (verdict.passed) t.checks = verdict.checks;
    else if (t.peer.engine.startsWith('weft')) throw new Error(`${t.label}: ${verdict.problem}`);
    else log(`!!! ${t.label} IS LEFT OUT: ${verdict.problem}`);
    return verdict.passed;
  });
  log(`  checked: ${passed[0]!.checks.join('; ')}`);
  return passed;
}
