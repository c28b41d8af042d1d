// Losses in float64, straight from their formulas.
import type { CrossEntropyOptions, Reduction } from '../../src/ops/index.ts';
import type { Nd } from '../nd.ts';
import { softmax } from './softmax.ts';

type ReferenceOptions = Omit<CrossEntropyOptions, 'weight'> & { weight?: ArrayLike<number> | undefined };

/** Of logits `[…, K]`; `target` is class indices, or probabilities where it has the size of the logits. */
export function crossEntropy(logits: Nd, target: ArrayLike<number>, options: ReferenceOptions = {}): Nd {
  return classLoss(softmax(logits, -1, true), target, options);
}

/** Of log-probabilities `[…, K]`. */
export function classLoss(logs: Nd, target: ArrayLike<number>, options: ReferenceOptions = {}): Nd {
  const { weight, ignoreIndex = -100, reduction = 'mean', labelSmoothing = 0 } = options;
  const classes = logs.shape.at(-1)!;
  const rows = logs.data.length / classes;
  const given = target.length === logs.data.length && classes > 1;
  const losses = new Float64Array(rows);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    if (!given && target[row] === ignoreIndex) continue;
    total += given ? 1 : (weight?.[target[row]!] ?? 1);
    for (let c = 0; c < classes; c++) {
      const q = given ? target[row * classes + c]! : Number(target[row] === c);
      const a = (weight?.[c] ?? 1) * ((1 - labelSmoothing) * q + labelSmoothing / classes);
      if (a !== 0) losses[row]! -= a * logs.data[row * classes + c]!;
    }
  }
  return reduced({ shape: logs.shape.slice(0, -1), data: losses }, reduction, total);
}

export function reduced(losses: Nd, reduction: Reduction = 'mean', total = losses.data.length): Nd {
  if (reduction === 'none') return losses;
  const sum = losses.data.reduce((a, b) => a + b, 0);
  return { shape: [], data: Float64Array.of(reduction === 'mean' ? sum / total : sum) };
}

const softplus = (v: number) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

export function bceWithLogits(
  x: Nd,
  y: Nd,
  weight: Nd | undefined,
  posWeight: Nd | undefined,
  reduction: Reduction,
): Nd {
  const width = x.shape.at(-1)!;
  const losses = x.data.map((v, i) => {
    const p = posWeight?.data[i % width] ?? 1;
    return (weight?.data[i] ?? 1) * (p * y.data[i]! * softplus(-v) + (1 - y.data[i]!) * softplus(v));
  });
  return reduced({ shape: x.shape, data: losses }, reduction);
}

export function mseLoss(x: Nd, y: Nd, reduction: Reduction): Nd {
  const squares = x.data.map((v, i) => (v - y.data[i]!) ** 2);
  return reduced({ shape: x.shape, data: squares }, reduction);
}
