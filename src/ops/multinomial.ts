// Drawing indices by weight.

import { detach } from '../autograd/tape.ts';
import { checkNumber, refuse } from '../check.ts';
import { optionsOf } from '../options.ts';
import { defaultGenerator, type Generator, uniform } from '../tensor/random.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { argmax } from './argmax.ts';
import { add, div } from './arithmetic.ts';
import { log, neg } from './elementwise.ts';
import { unsqueeze } from './layout.ts';
import { topk } from './sort.ts';

export interface MultinomialOptions {
  /** Whether an index may come several times; false by default. */
  replacement?: boolean;
  /** Source of the random numbers; the default generator (`manualSeed`) otherwise. */
  generator?: Generator | undefined;
}

/**
 * `numSamples` indices of each row of `weights` `[K]` or `[N, K]`, f32 and >= 0, each with its share of the row's sum as
 * probability: `[numSamples]` or `[N, numSamples]` i32 (`torch.multinomial`). Without replacement at least so many weights must be above
 * 0, and later ones are drawn from what is left. An index is the largest of weight / e, e being exponential random numbers.
 */
export function multinomial(weights: Tensor, numSamples: number, options: MultinomialOptions = {}): Tensor {
  const op = 'multinomial';
  const { replacement, generator } = optionsOf(op, options, { replacement: false, generator: defaultGenerator() });
  const count = weights.shape.at(-1) ?? 0;
  if (weights.dtype !== 'f32' || weights.rank < 1 || weights.rank > 2 || count === 0)
    refuse(op, 'weights', 'f32 [K] or [N, K]', `${weights.dtype}${formatShape(weights.shape)}`);
  checkNumber(op, 'numSamples', numSamples, { integer: true, min: 1 });
  if (!replacement && numSamples > count)
    refuse(op, 'numSamples', `an integer >= 1 and <= ${count}`, numSamples, 'With replacement there may be more.');
  const given = replacement ? unsqueeze(detach(weights), -2) : detach(weights);
  const shape = replacement ? given.shape.with(-2, numSamples) : given.shape;
  // Of 24 bits, a little above each: e is neither 0 nor infinite.
  const e = neg(log(add(uniform(shape, 0, 1, generator, weights.device), 2 ** -26)));
  return replacement ? argmax(div(given, e), -1) : topk(div(given, e), numSamples).indices;
}
