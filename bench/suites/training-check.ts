// Whether an engine trains right: its first losses against a float64 forward pass, the next against PyTorch or weft op by op.
import { type HostParameter, type StepSpec, zipfBatches } from '../named-steps.ts';
import { referenceLoss } from '../reference-loss.ts';
import type { EngineName } from '../report.ts';

/** An engine's losses of the first steps. */
export interface Candidate {
  readonly engine: EngineName;
  readonly name: string;
  readonly losses: readonly number[];
}

/** What was checked of a candidate, or what is wrong with it. */
export type Verdict = { passed: true; checks: string[] } | { passed: false; problem: string };

/** Verdicts in the order of the candidates. Throws where there is nothing to hold them against. */
export function judge(
  spec: StepSpec,
  parameters: readonly HostParameter[],
  candidates: readonly Candidate[],
): Verdict[] {
  const first = spec.layers === 1 ? firstLosses(spec, parameters) : undefined;
  const verdicts = candidates.map((c): Verdict => {
    if (!first) return { passed: true, checks: [] };
    return verdict(c, [first(c.engine)], 0, tf32(c) ? 0.01 : 1e-4, 'float64', []);
  });
  const sound = candidates.filter((_, i) => verdicts[i]!.passed);
  const standard =
    sound.find((c) => c.engine.startsWith('torch') && !tf32(c)) ?? sound.find((c) => c.engine === 'weft-op-by-op');
  if (!first && !standard)
    throw new Error(`${spec.name}: nothing here to check the losses against (PyTorch is missing)`);
  if (!standard) return verdicts;
  return candidates.map((c, i) => {
    const before = verdicts[i]!;
    if (!before.passed || c === standard) return before;
    // Keras has one bias where PyTorch has two that are both updated, and TF32 has 10 bits: those only come near.
    const tfjs = c.engine === 'tfjs-webgpu';
    const share = tfjs ? 0.05 : tf32(c) ? 0.01 : 1e-4;
    return verdict(c, standard.losses, tfjs ? 1 : 0, share, standard.engine, before.checks);
  });
}

const tf32 = ({ name }: Candidate) => name.endsWith('-tf32');

/** The loss of the first step that each engine must have: the GRU of tfjs is of the older form. */
function firstLosses(spec: StepSpec, parameters: readonly HostParameter[]): (engine: EngineName) => number {
  const batch = zipfBatches(spec).next().value;
  const want = referenceLoss(spec, parameters, batch);
  const older = spec.cell === 'gru' ? referenceLoss(spec, parameters, batch, { resetBefore: true }) : want;
  return (engine) => (engine === 'tfjs-webgpu' ? older : want);
}

function verdict(
  { losses }: Candidate,
  want: readonly number[],
  start: number,
  share: number,
  by: string,
  checks: readonly string[],
): Verdict {
  const within = share < 0.001 ? share.toExponential() : `${share * 100} %`;
  for (let i = start; i < want.length; i++)
    if (!(Math.abs(losses[i]! - want[i]!) <= share * Math.abs(want[i]!)))
      return {
        passed: false,
        problem: `the loss of step ${i + 1} is ${losses[i]}, and ${want[i]} by ${by}: not within ${within}`,
      };
  const steps = want.length === start + 1 ? `loss ${start + 1}` : `losses ${start + 1} to ${want.length}`;
  return { passed: true, checks: [...checks, `${steps} by ${by} within ${within}`] };
}
