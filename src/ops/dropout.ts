// Dropout by counter-based random numbers: the mask is a function of (seed, step, call, element) and is never stored.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { WeftError } from '../errors.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { stripOf, wholeVec4s } from '../gpu/strips.ts';
import { empty, full } from '../tensor/create.ts';
import { defaultGenerator, type Generator } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';

/**
 * Each element of `x` becomes 0 with probability `p`, and is scaled by `1 / (1 - p)` otherwise
 * (`torch.nn.functional.dropout` while training). Every call takes one call number of the generator, `p` = 0 too, so that one
 * layer's rate does not change another's mask. The backward pass must run in the generator's same step.
 */
export function dropout(x: Tensor, p: number, generator: Generator = defaultGenerator()): Tensor {
  if (x.dtype !== 'f32') refuse('dropout', 'x', 'f32', x.dtype);
  if (!(p >= 0 && p <= 1)) refuse('dropout', 'p', 'in 0..1', p);
  const call = generator.nextCall(x.device);
  const { seed, step } = generator;
  if (p === 0) return x;
  const y = p === 1 ? full(x.shape, 0, { device: x.device }) : masked(x, p, call, generator);
  record('dropout', [x], [y], ([dY]) => {
    if (p === 1) return [full(x.shape, 0, { device: x.device })];
    if (generator.seed !== seed || generator.step !== step)
      throw new WeftError(
        `dropout: the generator is at step ${generator.step} of seed ${generator.seed}, but the forward pass ran in step ${step} of seed ${seed}; call backward before the next step begins`,
      );
    return [masked(dY!, p, call, generator)];
  });
  return y;
}

function masked(x: Tensor, p: number, call: number, generator: Generator): Tensor {
  const { device } = x;
  const y = empty(x.shape, { device, label: 'dropout' });
  const key = generator.state(device).view;
  // Probabilities within 2⁻³³ of 1 would round up to a threshold that 32 bits do not hold.
  const threshold = Math.min(Math.round(p * 2 ** 32), 2 ** 32 - 1);
  for (const { base, count, views } of windows(x.size, { x, y })) {
    const units = Math.ceil(count / 4);
    const strip = stripOf(device, units);
    device.run(shaders.dropout, {
      bind: { x: wholeVec4s(views.x), y: wholeVec4s(views.y), key },
      params: { size: count, base, call, threshold, scale: 1 / (1 - p), strip },
      grid: Math.ceil(units / (64 * strip)),
      label: 'dropout',
    });
  }
  return y;
}
