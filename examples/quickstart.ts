// The main job (`npm start`): trains a small Ukrainian and English tagger on the sample corpus, or on --data, and shows what it learned.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { init } from 'weftgrad';
import { EntityF1, TAGGER_SCHEMA } from 'weftgrad/data';
import { BEST, type Corpus, corpusOf, encode, evaluate, loadTagger, predict, trainTagger } from 'weftgrad/ner';
import {
  folderStore,
  freeFolder,
  highlight,
  highlightHtml,
  loadConfig,
  openDataset,
  openSafetensorsFile,
  Progress,
  textTable,
  writeAtomic,
  writeCurves,
} from 'weftgrad/node';
import { dictionaryTagger, memoriserTagger } from './corpus/baselines.ts';
import { generateCorpus } from './corpus/generate.ts';

const OWN_SENTENCES = [
  'Учора Марія Коваленко приїхала з Полтави до Львова , щоб виступити на конференції компанії « Вектор » .',
  'The director of Northgate Motors , Thomas Walker , met reporters in Vienna on Friday .',
  'Міністерство освіти і науки оголосило конкурс у Харкові .',
];

const program = new Command('npm start --')
  .description('Train a small tagger and tag a few sentences.')
  .option(
    '--data <path>',
    'a data set of your own: a folder or a file of CoNLL columns, JSONL or JSON (or WEFT_DATA)',
    process.env.WEFT_DATA,
  )
  .option('--config <file>', 'configuration', 'examples/configs/quickstart.yaml')
  .option('--seed <number>', 'seed of weights, order and dropout', Number)
  .option('--epochs <number>', 'epochs to train', Number)
  .option('--adapter <name>', 'part of the name of the adapter to run on')
  .option(
    '--out <folder>',
    'where checkpoint, curves and tagged sentences go; default: runs/quickstart, or where that holds a run runs/quickstart-2, …',
  )
  .option('--overwrite', 'replace the run that the folder holds', false)
  .parse();
const options = program.opts<{
  data?: string;
  config: string;
  seed?: number;
  epochs?: number;
  adapter?: string;
  out?: string;
  overwrite: boolean;
}>();
const out = options.out ?? (options.overwrite ? 'runs/quickstart' : await freeFolder('runs/quickstart'));

const started = performance.now();
const device = await init({ adapter: options.adapter });
try {
  console.log(`adapter  ${device.info.name}`);
  await main();
} finally {
  device.destroy();
}

async function main(): Promise<void> {
  const config = await loadConfig(options.config, TAGGER_SCHEMA);
  if (options.seed !== undefined) config.training.seed = options.seed;
  if (options.epochs !== undefined) config.training.epochs = options.epochs;
  const corpus = await openCorpus();
  const { train, validation, test } = corpus;
  console.log(
    `corpus   ${options.data ?? 'sample corpus'}: ${train.length} training, ${validation?.length ?? 0} validation, ${test?.length ?? 0} test sentences; ${corpus.labels.types.join(' ')}`,
  );
  await mkdir(out, { recursive: true });
  const store = folderStore(out);
  const { overwrite } = options;
  const progress = new Progress({ epochs: config.training.epochs });
  const { history, best } = await trainTagger({ config, corpus, store, overwrite, callbacks: [progress] }).finally(() =>
    progress.close(),
  );
  console.log(`best     epoch ${best!.epoch}: ${config.training.keepBest.metric} ${best!.value.toFixed(4)}`);

  const { model, vocabulary, labels } = await loadTagger(await openSafetensorsFile(join(out, BEST)));
  const names = { vocabulary, labels };
  if (test) {
    const scores = await evaluate(model, encode(test, vocabulary), { labels });
    console.log(
      `\nEntity F1 on the test part, which has names${options.data ? '' : ' and sentence patterns'} that training did not:`,
    );
    const rows: [string, number][] = [['this tagger', scores.entities.micro.f1], ...baselines(corpus)];
    console.log(textTable(rows, { format: (v) => v.toFixed(3) }));
  }
  const shown = (test ?? validation ?? train).sentences.slice(0, 6).map((s) => s.tokens);
  const sentences = options.data ? shown : [...OWN_SENTENCES.map((s) => s.split(' ')), ...shown.slice(0, 3)];
  const tags = await predict(model, sentences, names);
  const tagged = sentences.map((tokens, i) => ({ tokens, tags: tags[i]! }));
  console.log(highlight(tagged, { types: corpus.labels.types }));
  await writeAtomic(
    join(out, 'tagged.html'),
    highlightHtml(tagged, { types: corpus.labels.types, title: 'Tagged by weft' }),
  );
  const pictures = await writeCurves(out, [{ name: 'quickstart', epochs: history }]);
  console.log(`written  ${[BEST, 'tagged.html'].map((f) => join(out, f)).join('  ')}  ${pictures.join('  ')}`);
  console.log(`time     ${((performance.now() - started) / 1000).toFixed(0)} s`);
  model.dispose();
}

async function openCorpus(): Promise<Corpus> {
  if (options.data) {
    const opened = await openDataset(options.data);
    console.log(String(opened.report));
    return opened;
  }
  const { train, valid, test } = generateCorpus();
  return corpusOf({ train, validation: valid, test });
}

/** Two taggers that learn nothing but words: what a model must beat to have learned anything. */
function baselines({ train, test }: Corpus): [string, number][] {
  const score = (tagger: (tokens: string[]) => string[]) => {
    const f1 = new EntityF1();
    for (const { tokens, tags } of test!.sentences) f1.add(tags, tagger(tokens));
    return f1.scores().micro.f1;
  };
  return [
    ['dictionary of training entities', score(dictionaryTagger(train.sentences))],
    ['memory of one word left and right', score(memoriserTagger(train.sentences))],
  ];
}
