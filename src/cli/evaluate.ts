// weft evaluate <checkpoint>: metrics of a trained tagger on a part of a data set.
import { Command, Option } from 'commander';
import { conllevalReport, TaggedSentences } from '../entry/data.ts';
import { DataError } from '../index.ts';
import { encode, evaluate, loadTagger } from '../ner/index.ts';
import { openDataset, openSafetensorsFile, textTable } from '../node/index.ts';
import { withDevice } from './device.ts';
import { notePadding } from './notes.ts';

interface EvaluateFlags {
  data?: string;
  split: 'train' | 'validation' | 'test';
  adapter?: string;
  json: boolean;
}

export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('score a trained tagger on a part of a data set')
    .argument('<checkpoint>', 'a .safetensors file that weft train wrote')
    .option('--data <path>', 'data set; default: the one it was trained on, or WEFT_DATA', process.env.WEFT_DATA)
    .addOption(new Option('--split <part>', 'which part').choices(['train', 'validation', 'test']).default('test'))
    .option('--adapter <name>', 'part of the adapter’s name')
    .option('--json', 'print one JSON object instead of tables', false)
    .action(run);
}

async function run(file: string, flags: EvaluateFlags): Promise<void> {
  await withDevice({ adapter: flags.adapter }, async () => {
    const { model, vocabulary, labels, config } = await loadTagger(await openSafetensorsFile(file));
    notePadding(config);
    const path = flags.data ?? config.data.path;
    if (!path) throw new DataError(file, undefined, 'was trained on data given by --data; say where it is with --data');
    const corpus = await openDataset(path);
    const part = corpus[flags.split];
    if (!part) throw new DataError(path, undefined, `has no ${flags.split} part`);
    // Labels by the model's own numbers, so that a data set that lists them in another order scores the same.
    const same = new TaggedSentences(part.sentences, labelSetOf(labels, corpus.labels), flags.split);
    const result = await evaluate(model, encode(same, vocabulary), { labels });
    const { micro } = result.entities;
    const rows: [string, number][] = [
      ['loss', result.loss],
      ['accuracy over tokens', result.accuracy],
      ['accuracy, mean over sentences', result.sentenceAccuracy],
      ['F1 over classes, mean over sentences', result.sentenceF1],
      ['entity precision', micro.precision],
      ['entity recall', micro.recall],
      ['entity F1', micro.f1],
    ];
    if (flags.json) console.log(JSON.stringify(Object.fromEntries(rows)));
    else console.log(`${textTable(rows, { format: (v) => v.toFixed(4) })}\n${conllevalReport(result.entityF1)}`);
    model.dispose();
  });
}

function labelSetOf(labels: readonly string[], given: TaggedSentences['labels']): TaggedSentences['labels'] {
  return given.names.join() === labels.join()
    ? given
    : new (given.constructor as new (names: readonly string[]) => TaggedSentences['labels'])(labels);
}
