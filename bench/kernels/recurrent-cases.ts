// The recurrent ops at real shapes, forward alone and forward with backward, checked against a layer built op by op.
import { backward, type CellWeights, gru, lstm, noGrad, rnn, step, type Tensor, tensor } from '../../src/index.ts';
import { opByOpLayer } from '../engines/op-by-op.ts';
import { CELLS, type CellName, GATES, noise } from '../named-steps.ts';
import { dropGradients, type KernelCase, type MadeCase, same, takeGradient, values } from './kernel-case.ts';

export interface LayerShape {
  name: string;
  batch: number;
  time: number;
  input: number;
  hidden: number;
  directions: 1 | 2;
}

const SHAPES: readonly LayerShape[] = [
  { name: 'bilstm-tagger', batch: 16, time: 64, input: 200, hidden: 100, directions: 2 },
  { name: 'lstm-tagger', batch: 32, time: 40, input: 50, hidden: 256, directions: 1 },
  { name: 'uk-full', batch: 64, time: 48, input: 512, hidden: 512, directions: 2 },
];
const OPS = { lstm, gru, rnn };

/** One layer with its input and the gradient that comes back to it; `x` `[B, T, I]`. */
export function layer(cell: CellName, shape: LayerShape) {
  const { batch, time, input, hidden, directions } = shape;
  const leaf = (seed: number, bound: number, ...dims: number[]) =>
    tensor(
      noise(
        dims.reduce((a, b) => a * b, 1),
        seed,
        bound,
      ),
      { shape: dims, requiresGrad: true },
    );
  const bound = 1 / Math.sqrt(hidden);
  const rows = GATES[cell] * hidden;
  const x = leaf(1, 1, batch, time, input);
  const weights = Array.from({ length: directions }, (_, d): CellWeights => {
    const seed = 10 + 4 * d;
    return {
      weightIh: leaf(seed, bound, rows, input),
      weightHh: leaf(seed + 1, bound, rows, hidden),
      biasIh: leaf(seed + 2, bound, rows),
      biasHh: leaf(seed + 3, bound, rows),
    };
  });
  const dOut = tensor(noise(batch * time * directions * hidden, 3, 1), { shape: [batch, time, directions * hidden] });
  const leaves = [x, ...weights.flatMap((w) => [w.weightIh, w.weightHh, w.biasIh!, w.biasHh!])];
  const forward = () => OPS[cell](x, weights, { batchFirst: true }).output;
  const both = (make: () => Tensor) => {
    const output = make();
    backward(output, dOut);
    return output;
  };
  return {
    x,
    forward,
    runForward: () => noGrad(() => step(() => void forward())),
    /** `between` is called after the forward pass. */
    runBoth(between = () => {}) {
      step(() => {
        const output = forward();
        between();
        backward(output, dOut);
      });
      dropGradients(leaves);
    },
    /** Throws where the output, and with `trained` gradients, are not those of a layer built op by op. */
    async validate(trained = true): Promise<string> {
      const results = async (make: () => Tensor) => {
        if (!trained) return values(() => ({ output: noGrad(make) }));
        const { output } = await values(() => ({ output: both(make) }));
        const [dX, dWeight] = [takeGradient(x), takeGradient(weights.at(-1)!.weightHh)];
        const got = { output, dX: await dX.data(), dWeightHh: await dWeight.data() };
        for (const one of [dX, dWeight]) one.dispose();
        dropGradients(leaves);
        return got;
      };
      const got: Record<string, ArrayLike<number>> = await results(forward);
      const want: Record<string, ArrayLike<number>> = await results(() => opByOpLayer(cell, x, weights));
      for (const key of Object.keys(want)) same(`${cell} ${shape.name}: ${key}`, got[key]!, want[key]!, 1e-4);
      return 'op by op within 1e-4';
    },
    dispose() {
      for (const one of [...leaves, dOut]) one.dispose();
    },
  };
}

/** Multiply-adds of the two products of a layer, times two; the backward pass has each of them twice. */
export function layerFlops(cell: CellName, { batch, time, input, hidden, directions }: LayerShape): number {
  return 2 * batch * time * directions * GATES[cell] * hidden * (input + hidden);
}

/** Input, weights and output once; with the backward pass also what is kept, and all gradients. */
function layerBytes(cell: CellName, { batch, time, input, hidden, directions }: LayerShape, trained: boolean): number {
  const tokens = batch * time;
  const weights = directions * GATES[cell] * hidden * (input + hidden + 2);
  const forward = tokens * (input + directions * hidden) + weights;
  const kept = tokens * directions * hidden * (GATES[cell] + 1);
  return 4 * (trained ? 2 * forward + 2 * kept + tokens * (input + directions * hidden) : forward);
}

export const RECURRENT_CASES: readonly KernelCase[] = CELLS.flatMap((cell) =>
  SHAPES.flatMap((shape) =>
    [false, true].map(
      (trained): KernelCase => ({
        name: `${cell}-${shape.name}-${trained ? 'forward-backward' : 'forward'}`,
        flops: layerFlops(cell, shape) * (trained ? 3 : 1),
        bytes: layerBytes(cell, shape, trained),
        make(): MadeCase {
          const made = layer(cell, shape);
          return { run: trained ? () => made.runBoth() : made.runForward, validate: () => made.validate(trained) };
        },
      }),
    ),
  ),
);
