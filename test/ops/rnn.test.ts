import { describe, expect, test } from 'vitest';
import { RNN } from '../../src/nn/recurrent.ts';
import { rnn } from '../../src/ops/index.ts';
import { tensor, zeros } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { recurrent, rnnCell } from '../reference/recurrent.ts';
import { everyForm, shapesOf, weightsOf } from './recurrent-cases.ts';

useDevice();

const nonlinearities = [
  ['tanh', Math.tanh],
  ['relu', (v: number) => Math.max(v, 0)],
] as const;

everyForm((cases) => {
  describe.each(cases)('$name', (c) => {
    test.each(nonlinearities)('%s', async (nonlinearity, f) => {
      await checkOp(
        (inputs) => {
          const lengths = c.lengths && tensor(Int32Array.from(c.lengths));
          const { output, hN } = rnn(inputs[0]!, weightsOf(inputs, 1, c), {
            h0: inputs[1],
            batchFirst: true,
            lengths,
            nonlinearity,
          });
          return [output, hN];
        },
        (inputs) => recurrent(rnnCell(f), inputs[0]!, weightsOf(inputs, 1, c), [inputs[1]!], c.lengths),
        { shapes: [shapesOf(c, 1, 1)], terms: () => c.H + c.I, atol: 3e-6 },
      );
    });
  });
});

describe('refusals', () => {
  const weights = (H: number, I: number) => ({ weightIh: zeros([1 * H, I]), weightHh: zeros([1 * H, H]) });
  test('recurrent weights', () => {
    expect(() => rnn(zeros([2, 3, 5]), [{ ...weights(8, 5), weightHh: zeros([9, 8]) }])).toThrow(
      'rnn: weightHh must be [1H, H] = [8, 8], got [9, 8].',
    );
  });
  test('a bias without the other', () => {
    expect(() => rnn(zeros([2, 3, 5]), [{ ...weights(8, 5), biasIh: zeros([8]) }])).toThrow(
      'rnn: biases must be all given or none, got some of them.',
    );
  });
  test("another nonlinearity than PyTorch's two", () => {
    const nonlinearity = 'sigmoid' as 'tanh';
    expect(() => rnn(zeros([2, 3, 5]), [weights(8, 5)], { nonlinearity })).toThrow(
      "rnn: nonlinearity must be 'tanh' or 'relu', got 'sigmoid'.",
    );
    expect(() => new RNN(5, 8, { nonlinearity })).toThrow("RNN: nonlinearity must be 'tanh' or 'relu', got 'sigmoid'.");
  });
  test('x of two axes', () => {
    expect(() => rnn(zeros([3, 5]), [weights(8, 5)])).toThrow('rnn: x must be f32 [T, B, I], got f32 [3, 5].');
  });
});
