// Updates and norms on both sides of every number at which they are dispatched another way. Values are small whole numbers and rates
// powers of two, so that SGD is exact.
import { expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import { mul } from '../../src/ops/index.ts';
import { BLOCK, MOST_TABLES } from '../../src/optim/blocks.ts';
import { clipGradNorm, PER_DISPATCH } from '../../src/optim/clip.ts';
import { Adam, SGD } from '../../src/optim/index.ts';
import { LARGEST_MEMBER_BYTES } from '../../src/tensor/arena.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const value = (i: number) => ((i * 5) % 23) - 11;
const slope = (i: number) => ((i * 7) % 17) - 8;

function parameter(size: number): Tensor {
  return tensor(
    Float32Array.from({ length: size }, (_, i) => value(i)),
    { requiresGrad: true },
  );
}

/** Gives each parameter the gradient `slope(i)`. */
function backwards(params: readonly Tensor[]): void {
  for (const p of params) {
    const g = tensor(Float32Array.from({ length: p.size }, (_, i) => slope(i)));
    backward(mul(p, g), tensor(new Float32Array(p.size).fill(1)));
  }
}

const BLOCKS = [BLOCK - 1, BLOCK, BLOCK + 1];
const LARGE = [LARGEST_MEMBER_BYTES / 4, LARGEST_MEMBER_BYTES / 4 + 1];

test.each([
  [1, BLOCKS],
  [2, [...BLOCKS, ...LARGE]],
] as const)('updates of %d parameters of every size', async (together, sizes) => {
  for (const size of sizes) {
    for (const make of [(p: Tensor[]) => new SGD(p, { lr: 0.5 }), (p: Tensor[]) => new Adam(p, { lr: 0.5 })]) {
      const params = Array.from({ length: together }, () => parameter(size));
      const optimizer = make(params);
      step(() => {
        backwards(params);
        optimizer.step();
      });
      const sgd = optimizer instanceof SGD;
      for (const p of params) {
        const got = await p.data();
        // Adam's first step goes by lr·g / (|g| + eps).
        let worst = 0;
        for (let i = 0; i < size; i++)
          worst = Math.max(worst, Math.abs(got[i]! - (value(i) - 0.5 * (sgd ? slope(i) : Math.sign(slope(i))))));
        expect(worst, `${sgd ? 'SGD' : 'Adam'}, ${size} elements`).toBeLessThanOrEqual(sgd ? 0 : 1e-5);
        p.dispose();
      }
      optimizer.dispose();
    }
  }
});

test('one parameter more than a dispatch of the norm takes', async () => {
  for (const count of [PER_DISPATCH - 1, PER_DISPATCH, PER_DISPATCH + 1, 2 * PER_DISPATCH + 1]) {
    const params = Array.from({ length: count }, (_, i) => parameter(BLOCK + i));
    backwards(params);
    const squares = params.map((p) => Array.from({ length: p.size }, (_, i) => slope(i) ** 2).reduce((a, b) => a + b));
    const norm = Math.sqrt(squares.reduce((a, b) => a + b));
    expect(Math.abs((await clipGradNorm(params, norm / 2).item()) - norm)).toBeLessThan(1e-6 * norm);
    for (const p of params) {
      const clipped = await (p.grad as Tensor).data();
      expectClose(
        clipped,
        clipped.map((_, i) => slope(i) / 2),
        1e-5,
        0,
        `a gradient of ${p.size}`,
      );
      p.dispose();
    }
  }
});

test('more sets of parameters than are remembered take part in turn', async () => {
  const params = Array.from({ length: 8 }, (_, i) => parameter(4 + i));
  const optimizer = new SGD(params, { lr: 0.5 });
  const moves = params.map(() => 0);
  step(() => {
    backwards(params);
    optimizer.step();
    optimizer.zeroGrad();
  });
  for (let n = 1; n <= MOST_TABLES + 4; n++) {
    const chosen = params.filter((_, i) => (n >> i) & 1);
    step(() => {
      backwards(chosen);
      optimizer.step();
      optimizer.zeroGrad();
    });
    for (const p of chosen) moves[params.indexOf(p)]!++;
  }
  for (const [k, p] of params.entries())
    expect(await p.data(), `parameter ${k}`).toEqual(
      Float32Array.from({ length: p.size }, (_, i) => value(i) - 0.5 * (1 + moves[k]!) * slope(i)),
    );
});
