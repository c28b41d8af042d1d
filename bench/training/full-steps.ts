// A few steps of the Ukrainian study at its full size: does it run here, does the loss fall, what do a step and its memory cost.
//   npx tsx -C source bench/training/full-steps.ts [--cell lstm] [--steps 5] [--batch 64] [--time 48]
import { Command } from 'commander';
import { backward, crossEntropy, init, keep, parameterCount, step, tensor } from '../../src/index.ts';
import { TAGGER_SCHEMA } from '../../src/ner/config-schema.ts';
import { flatScores } from '../../src/ner/evaluate.ts';
import { buildModel, buildOptimizer } from '../../src/ner/index.ts';
import { loadConfig } from '../../src/node/index.ts';
import { permutation, uniform } from '../../src/random.ts';

const options = new Command()
  .option('--cell <cell>', 'rnn, gru or lstm', 'lstm')
  .option('--steps <number>', 'training steps', Number, 5)
  .option('--batch <number>', 'rows', Number, 64)
  .option('--time <number>', 'tokens of a row', Number, 48)
  .parse()
  .opts<{ cell: string; steps: number; batch: number; time: number }>();

const device = await init();
const config = await loadConfig(`examples/ner-uk/configs/full-${options.cell}.yaml`, TAGGER_SCHEMA);
const [vocabulary, tags] = [config.model.vocabularySize!, config.model.tags!];
const model = buildModel(config, vocabulary, tags).train();
const optimizer = buildOptimizer(config, model);
console.log(
  `adapter ${device.info.name}; ${options.cell}, ${parameterCount(model).toLocaleString('en-US')} parameters, ${options.batch} x ${options.time} tokens`,
);

const tokens = options.batch * options.time;
const words = permutation(vocabulary - 1, 42, 1);
// One batch again and again, words by Zipf's law: the loss must fall.
const ids = Int32Array.from(
  { length: tokens },
  (_, i) => 1 + words[Math.floor((vocabulary - 1) ** uniform(42, 2, i)) - 1]!,
);
const gold = Int32Array.from({ length: tokens }, (_, i) => Math.floor(uniform(42, 3, i) ** 4 * tags));
const shape = [options.batch, options.time];
const losses: number[] = [];
const times: number[] = [];
for (let n = 0; n < options.steps; n++) {
  const start = performance.now();
  const loss = step(() => {
    const flat = flatScores(model.forward({ ids: tensor(ids, { shape }) }), tensor(gold, { shape }));
    const value = crossEntropy(flat.scores, flat.labels);
    backward(value);
    optimizer.step();
    optimizer.zeroGrad();
    return value;
  });
  losses.push(await keep(loss).item());
  await device.synchronize();
  times.push((performance.now() - start) / 1000);
  loss.dispose();
  console.log(`step ${n + 1}: loss ${losses[n]!.toFixed(4)}, ${times[n]!.toFixed(2)} s`);
}
const { peakBytes, reservedBytes, textureBytes } = device.poolStats;
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
console.log(
  `median ${times.toSorted((a, b) => a - b)[times.length >> 1]!.toFixed(2)} s a step; peak GPU bytes ${peakBytes} (${mib(peakBytes)}), reserved ${mib(reservedBytes + textureBytes)}`,
);
console.log(losses.at(-1)! < losses[0]! ? 'the loss falls' : 'THE LOSS DOES NOT FALL');
process.exitCode = losses.at(-1)! < losses[0]! ? 0 : 1;
device.destroy();
