import { describe, expect, test } from 'vitest';
import { lstm } from '../../src/ops/index.ts';
import { tensor, zeros } from '../../src/tensor/create.ts';
import { checkOp } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';
import { lstmCell, recurrent } from '../reference/recurrent.ts';
import { everyForm, shapesOf, weightsOf } from './recurrent-cases.ts';

useDevice();

everyForm((cases) => {
  describe.each(cases)('$name', (c) => {
    test.each([true, false])('batchFirst %s', async (batchFirst) => {
      const shapes = shapesOf(c, 4, 2);
      const swap = (s: readonly number[]) => (batchFirst ? s : [s[1]!, s[0]!, s[2]!]);
      await checkOp(
        (inputs) => {
          const lengths = c.lengths && tensor(Int32Array.from(c.lengths));
          const { output, hN, cN } = lstm(inputs[0]!, weightsOf(inputs, 2, c), {
            h0: inputs[1],
            c0: inputs[2],
            batchFirst,
            lengths,
          });
          return [output, hN, cN];
        },
        (inputs) => {
          const x = batchFirst ? inputs[0]! : exchanged(inputs[0]!);
          const [out, hN, cN] = recurrent(lstmCell, x, weightsOf(inputs, 2, c), [inputs[1]!, inputs[2]!], c.lengths);
          return [batchFirst ? out! : exchanged(out!), hN!, cN!];
        },
        { shapes: [[swap(shapes[0]!), ...shapes.slice(1)]], terms: () => c.H + c.I, atol: 3e-6 },
      );
    });
  });
});

function exchanged({ shape: [a, b, c], data }: { shape: readonly number[]; data: Float64Array }) {
  const out = new Float64Array(data.length);
  for (let i = 0; i < a!; i++)
    for (let j = 0; j < b!; j++) out.set(data.subarray((i * b! + j) * c!, (i * b! + j + 1) * c!), (j * a! + i) * c!);
  return { shape: [b!, a!, c!], data: out };
}

describe('refusals', () => {
  const weights = (H: number, I: number) => ({
    weightIh: zeros([4 * H, I]),
    weightHh: zeros([4 * H, H]),
    biasIh: zeros([4 * H]),
    biasHh: zeros([4 * H]),
  });
  test('recurrent weights', () => {
    expect(() => lstm(zeros([2, 3, 5]), [{ ...weights(128, 5), weightHh: zeros([512, 64]) }])).toThrow(
      'lstm: weightHh must be [4H, H] = [256, 64], got [512, 64].',
    );
  });
  test('input size', () => {
    expect(() => lstm(zeros([2, 3, 5]), [weights(4, 6)])).toThrow(
      'lstm: weightIh must be [4H, I] = [16, 5], got [16, 6].',
    );
  });
  test('lengths over T', () => {
    expect(() =>
      lstm(zeros([2, 3, 5]), [weights(4, 5)], { batchFirst: true, lengths: tensor(Int32Array.of(3, 4)) }),
    ).toThrow('lstm: lengths[1] must be in 0..T = 3, got 4.');
  });
  test('initial state', () => {
    expect(() => lstm(zeros([2, 3, 5]), [weights(4, 5)], { h0: zeros([2, 3, 4]) })).toThrow(
      'lstm: h0 must be [D, B, H] = [1, 3, 4], got [2, 3, 4].',
    );
  });
});
