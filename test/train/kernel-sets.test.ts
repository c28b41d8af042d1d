// Training is the same whatever kernels an adapter would choose: fifty steps of a tagger of each cell, with ragged rows.
import { afterEach, expect, test } from 'vitest';
import type { Device } from '../../src/gpu/device.ts';
import type { KernelSet } from '../../src/gpu/tuning.ts';
import {
  Adam,
  backward,
  compile,
  crossEntropy,
  Embedding,
  GRU,
  init,
  Linear,
  LSTM,
  manualSeed,
  RNN,
  type Tensor,
  tensor,
} from '../../src/index.ts';

const CELLS = { LSTM, GRU, RNN };
/** More units than a plain workgroup has invocations, more rows than a texel tile. */
const [B, T, H, K] = [37, 6, 72, 5];
const STEPS = 50;

let device: Device | undefined;
afterEach(() => device?.destroy());

async function losses(cell: keyof typeof CELLS, kernels?: KernelSet): Promise<number[]> {
  device = await init({ kernels });
  if (kernels) expect(device.tuning.kernels).toBe(kernels);
  manualSeed(7);
  const embedding = new Embedding(50, 12);
  const layer = new CELLS[cell](12, H, { bidirectional: true, batchFirst: true });
  const head = new Linear(2 * H, K);
  const optimizer = new Adam(
    [embedding, layer, head].flatMap((module) => module.parameters()),
    { lr: 0.01 },
  );
  const lengths = tensor(Int32Array.from({ length: B }, (_, b) => (5 * b) % (T + 1)));
  const ids = tensor(
    Int32Array.from({ length: B * T }, (_, i) => (7 * i + (i >> 3)) % 50),
    { shape: [B, T] },
  );
  const tags = tensor(Int32Array.from({ length: B * T }, (_, i) => (3 * i) % K));
  const train = compile(({ ids, tags }: { ids: Tensor; tags: Tensor }) => {
    const { output } = layer.forward(embedding.forward(ids), { lengths });
    const loss = crossEntropy(head.forward(output.viewAs([B * T, 2 * H])), tags);
    backward(loss);
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  const found: number[] = [];
  for (let n = 0; n < STEPS; n++) found.push(await train({ ids, tags }).item());
  device.destroy();
  return found;
}

test.each(Object.keys(CELLS) as (keyof typeof CELLS)[])('%s', async (cell) => {
  const own = await losses(cell);
  expect(own.at(-1)!, 'it learns').toBeLessThan(0.97 * own[0]!);
  for (const kernels of ['gpu', 'portable'] as const) {
    const others = await losses(cell, kernels);
    const worst = Math.max(...others.map((loss, n) => Math.abs(loss / own[n]! - 1)));
    expect(worst, `${kernels}: relative difference of a loss`).toBeLessThan(1e-5);
  }
});
