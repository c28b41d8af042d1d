// The Ukrainian study in one command: RNN, GRU and LSTM, then the LSTM under four schedules; resumable; one table and pictures.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { init, parameterCount } from 'weftgrad';
import { TAGGER_SCHEMA } from 'weftgrad/data';
import { BEST, type Corpus, encode, evaluate, loadTagger, type TaggerConfig, trainTagger } from 'weftgrad/ner';
import {
  folderStore,
  loadConfig,
  markdownTable,
  openDataset,
  openSafetensorsFile,
  Progress,
  type RunHistory,
  textTable,
  writeAtomic,
  writeCurves,
} from 'weftgrad/node';

const program = new Command('study')
  .description('Train RNN, GRU and LSTM, then the LSTM under four schedules, on lang-uk/ner-uk v1.')
  .requiredOption(
    '--data <folder>',
    'ner-uk v1: v1.{train,validation,test}.jsonl.gz and v1.labels.json (or WEFT_DATA)',
    process.env.WEFT_DATA,
  )
  .option('--size <size>', 'full or small', 'small')
  .option('--epochs <number>', 'epochs of each run; default: the configuration’s', Number)
  .option('--out <folder>', 'where runs, table and pictures go', 'runs/ner-uk')
  .option('--adapter <name>', 'part of the adapter’s name')
  .parse();
const options = program.opts<{ data: string; size: string; epochs?: number; out: string; adapter?: string }>();

type Schedule = Partial<TaggerConfig['scheduler']>;

/** The schedules of the notebooks, in shares of the run so that three epochs and thirty both make sense. */
function schedules(epochs: number): [name: string, schedule: Schedule][] {
  const third = Math.max(1, Math.round(epochs / 3));
  return [
    [
      'plateau',
      { name: 'plateau', metric: 'validation.loss', mode: 'min', factor: 0.5, patience: Math.max(0, third - 2) },
    ],
    ['onecycle', { name: 'onecycle', every: 'batch' }],
    ['cosine', { name: 'cosine', startEpoch: Math.floor(third / 2) }],
    ['multistep', { name: 'multistep', milestones: [third, 2 * third], gamma: 0.3, startEpoch: Math.floor(third / 2) }],
  ];
}

interface Run {
  name: string;
  config: TaggerConfig;
}

interface Row {
  run: string;
  parameters: number;
  bestEpoch: number;
  trainLoss: number;
  testLoss: number;
  trainF1: number;
  testF1: number;
  entityF1: number;
}

const HEADER = ['run', 'parameters', 'best epoch', 'train loss', 'test loss', 'train F1*', 'test F1*', 'entity F1'];

function cells(rows: readonly Row[]) {
  return rows.map((r) => [r.run, r.parameters, r.bestEpoch, r.trainLoss, r.testLoss, r.trainF1, r.testF1, r.entityF1]);
}

const folder = join(options.out, options.size);
await mkdir(folder, { recursive: true });
const corpus = await openDataset(options.data);
console.log(String(corpus.report));
const device = await init({ adapter: options.adapter });
console.log(`adapter ${device.info.name}`);
try {
  const rows: Row[] = [];
  const histories: RunHistory[] = [];
  for (const run of await plan()) {
    histories.push({ name: run.name, epochs: await train(run, corpus) });
    rows.push(await score(run, corpus));
    await report(rows, histories);
  }
  console.log(
    `\n${textTable(cells(rows), { header: HEADER })}\nwritten to ${folder}: table.md, curves and one folder a run`,
  );
} finally {
  device.destroy();
}

async function plan(): Promise<Run[]> {
  const load = async (cell: string) => {
    const config = await loadConfig(
      new URL(`configs/${options.size}-${cell}.yaml`, import.meta.url).pathname,
      TAGGER_SCHEMA,
    );
    if (options.epochs !== undefined) config.training.epochs = options.epochs;
    return config;
  };
  const cells = await Promise.all(
    ['rnn', 'gru', 'lstm'].map(async (cell) => ({ name: cell, config: await load(cell) })),
  );
  const lstm = await load('lstm');
  const scheduled = schedules(lstm.training.epochs).map(([name, schedule]) => ({
    name: `lstm-${name}`,
    config: { ...lstm, scheduler: { ...lstm.scheduler, ...schedule } },
  }));
  return [...cells, ...scheduled];
}

/** Trains a run, or takes it up where it was left; a finished one is only read. */
async function train({ name, config }: Run, data: Corpus): Promise<RunHistory['epochs']> {
  const out = join(folder, name);
  await mkdir(out, { recursive: true });
  console.log(`\n${name}`);
  const progress = new Progress({ epochs: config.training.epochs });
  const result = await trainTagger({
    config,
    corpus: data,
    store: folderStore(out),
    callbacks: [progress],
    resume: true,
    testEveryEpoch: true,
  }).finally(() => progress.close());
  result.model.dispose();
  return result.history;
}

/** The best epoch's figures on all of train and test. */
async function score({ name }: Run, data: Corpus): Promise<Row> {
  const { model, vocabulary, labels, best } = await loadTagger(await openSafetensorsFile(join(folder, name, BEST)));
  const [train, test] = [
    await evaluate(model, encode(data.train, vocabulary), { labels }),
    await evaluate(model, encode(data.test!, vocabulary), { labels }),
  ];
  const row = {
    run: name,
    parameters: parameterCount(model),
    bestEpoch: best!.epoch,
    trainLoss: train.loss,
    testLoss: test.loss,
    trainF1: train.sentenceF1,
    testF1: test.sentenceF1,
    entityF1: test.entities.micro.f1,
  };
  model.dispose();
  return row;
}

async function report(rows: readonly Row[], histories: readonly RunHistory[]): Promise<void> {
  const note =
    '\\* mean over sentences of the macro F1 over the nine classes, as in the study; a sentence of `O` alone scores 1/9 at best. Entity F1 is on test.';
  await writeAtomic(join(folder, 'table.md'), `${markdownTable(cells(rows), { header: HEADER })}\n${note}\n`);
  await writeCurves(folder, histories);
}
