// weft inspect <config.yaml>: layers, parameters and memory of a configuration; needs no data and no adapter.
import { Command } from 'commander';
import { TAGGER_SCHEMA } from '../entry/data.ts';
import { ConfigError, parameterCount } from '../index.ts';
import { buildModel, type TaggerConfig } from '../ner/index.ts';
import { loadConfig, textTable } from '../node/index.ts';

interface InspectFlags {
  vocabulary?: number;
  tags?: number;
  time: number;
  set: string[];
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('layers, parameters and memory of a configuration')
    .argument('<config>', 'YAML file')
    .option(
      '--vocabulary <number>',
      'rows of the embedding; default: model.vocabularySize of the configuration',
      Number,
    )
    .option('--tags <number>', 'tags; default: model.tags of the configuration', Number)
    .option('--time <number>', 'tokens of a row, for the memory of a step', Number, 48)
    .option('--set <key=value...>', 'change a key of the configuration', [])
    .action(run);
}

async function run(file: string, flags: InspectFlags): Promise<void> {
  const config = await loadConfig(file, TAGGER_SCHEMA, flags.set);
  const vocabularySize = flags.vocabulary ?? config.model.vocabularySize;
  const tags = flags.tags ?? config.model.tags;
  if (!vocabularySize || !tags)
    throw new ConfigError(
      file,
      vocabularySize ? 'model.tags' : 'model.vocabularySize',
      'is not in the configuration: give --vocabulary and --tags',
    );
  const model = buildModel(config, vocabularySize, tags, { device: 'meta' });
  const rows = model.summary().map((row) => [row.name || '(model)', row.layer, row.parameters]);
  console.log(textTable(rows, { header: ['name', 'layer', 'parameters'], format: thousands }));
  const total = parameterCount(model);
  console.log(`\nparameters  ${thousands(total)}`);
  console.log(textTable(memory(config, total, flags.time), { format: (v) => `${(v / 2 ** 20).toFixed(1)} MiB` }));
}

/** Bytes by what they are for: parameters, their gradients, the optimiser's state, and what a step keeps for the backward pass. */
function memory(config: TaggerConfig, parameters: number, time: number): [string, number][] {
  const { model: m, training, optimizer } = config;
  const directions = m.bidirectional ? 2 : 1;
  const width = directions * m.hidden;
  const perUnit = m.cell === 'rnn' ? 2 : m.cell === 'gru' ? 5 : 6; // gates, output and, for LSTM, cell states
  const tokens = training.batchSize * time;
  const states = { adam: 2, adamw: 2, rmsprop: 1, sgd: optimizer.momentum > 0 ? 1 : 0 }[optimizer.name];
  const activations = tokens * (m.embedding + m.layers * perUnit * width + 3 * width);
  return [
    ['parameters', 4 * parameters],
    ['gradients (the embedding’s are of the batch’s rows only)', 4 * parameters],
    [`${optimizer.name} state`, 4 * states * parameters],
    [`activations of a step, ${training.batchSize} x ${time} tokens`, 4 * activations],
  ];
}

function thousands(value: number): string {
  return value.toLocaleString('en-US');
}
