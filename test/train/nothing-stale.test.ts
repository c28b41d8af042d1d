// Whole runs in which nothing stale may show: what is freed becomes NaN, workgroups run backwards, every op is submitted alone.
import { expect, test } from 'vitest';
import type { DeviceOptions } from '../../src/gpu/options.ts';
import { trainTagger } from '../../src/ner/index.ts';
import { readStateDict } from '../../src/nn/module.ts';
import { init } from '../../src/tensor/create.ts';
import type { TypedArray } from '../../src/tensor/dtype.ts';
import { expectSameBits } from '../optim/same-bits.ts';
import { tinyConfig, tinyCorpus } from '../tiny-tagger.ts';

/** All parameters after training on a device of its own. */
async function parametersOn(options: DeviceOptions, work: Parameters<typeof tinyConfig>[0], sentences: number) {
  const device = await init(options);
  const losses: number[] = [];
  try {
    const { model } = await trainTagger({
      config: tinyConfig(work),
      corpus: tinyCorpus(sentences),
      callbacks: [{ onEpoch: (event) => void losses.push(event.trainLoss) }],
    });
    const state = await readStateDict(model);
    return { names: [...state.keys()], values: [...state.values()].map(({ data }): TypedArray => data), losses };
  } finally {
    device.destroy();
    await device.lost;
  }
}

const EVERYTHING: DeviceOptions = { debug: { poisonFreed: true, groupsReversed: true, flushEveryOp: true } };

test.each([
  { cell: 'lstm', sentences: 160, steps: 200 },
  { cell: 'gru', sentences: 32, steps: 40 },
  { cell: 'rnn', sentences: 32, steps: 40 },
] as const)('$steps steps of a 2-layer bidirectional $cell tagger: the bits of the normal run', async (run) => {
  const work = { model: { cell: run.cell } };
  const normal = await parametersOn({}, work, run.sentences);
  expect(normal.losses.length * Math.floor(run.sentences / 4)).toBe(run.steps);
  expect(normal.losses.at(-1)!, 'it learns').toBeLessThan(0.8 * normal.losses[0]!);
  for (const [n, data] of normal.values.entries()) expect(data.every(Number.isFinite), normal.names[n]).toBe(true);
  const strict = await parametersOn(EVERYTHING, work, run.sentences);
  expect(strict.losses).toEqual(normal.losses);
  expectSameBits(strict.values, normal.values, normal.names.join(', '));
});
