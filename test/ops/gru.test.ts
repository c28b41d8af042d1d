import { describe, expect, test } from 'vitest';
import { gru } from '../../src/ops/index.ts';
import { tensor, zeros } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { gruCell, recurrent } from '../reference/recurrent.ts';
import { everyForm, shapesOf, weightsOf } from './recurrent-cases.ts';

useDevice();

everyForm((cases) => {
  describe.each(cases)('$name', (c) => {
    test('against the reference', async () => {
      await checkOp(
        (inputs) => {
          const lengths = c.lengths && tensor(Int32Array.from(c.lengths));
          const { output, hN } = gru(inputs[0]!, weightsOf(inputs, 1, c), { h0: inputs[1], batchFirst: true, lengths });
          return [output, hN];
        },
        (inputs) => recurrent(gruCell, inputs[0]!, weightsOf(inputs, 1, c), [inputs[1]!], c.lengths),
        { shapes: [shapesOf(c, 3, 1)], terms: () => c.H + c.I, atol: 3e-6 },
      );
    });
  });
});

describe('refusals', () => {
  const weights = (H: number, I: number) => ({ weightIh: zeros([3 * H, I]), weightHh: zeros([3 * H, H]) });
  test('recurrent weights', () => {
    expect(() => gru(zeros([2, 3, 5]), [{ ...weights(8, 5), weightHh: zeros([25, 8]) }])).toThrow(
      'gru: weightHh must be [3H, H] = [24, 8], got [25, 8].',
    );
  });
  test('a bias without the other', () => {
    expect(() => gru(zeros([2, 3, 5]), [{ ...weights(8, 5), biasIh: zeros([24]) }])).toThrow(
      'gru: biases must be all given or none, got some of them.',
    );
  });
  test('x of two axes', () => {
    expect(() => gru(zeros([3, 5]), [weights(8, 5)])).toThrow('gru: x must be f32 [T, B, I], got f32 [3, 5].');
  });
});
