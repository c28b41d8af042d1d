// weft train <config.yaml>: trains a tagger, resumable, with checkpoints and curves.
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { TAGGER_SCHEMA } from '../entry/data.ts';
import { ConfigError } from '../index.ts';
import { LAST, refuseEarlierRun, trainTagger } from '../ner/index.ts';
import { folderStore, loadConfig, openDataset, Progress, writeCurves } from '../node/index.ts';
import { notePadding, noteSchedule } from './notes.ts';
import { withProfiledDevice } from './profile.ts';
import { tune } from './tune.ts';

interface TrainFlags {
  data?: string;
  out?: string;
  resume: boolean;
  overwrite: boolean;
  adapter?: string;
  test: boolean;
  profile?: string | true;
  tune: boolean;
  set: string[];
}

export function trainCommand(): Command {
  return new Command('train')
    .description('train a tagger as a configuration says')
    .argument('<config>', 'YAML file')
    .option('--data <path>', 'data set; default: data.path of the configuration, or WEFT_DATA', process.env.WEFT_DATA)
    .option('--out <folder>', 'where checkpoints and curves go; default: training.out of the configuration')
    .option('--set <key=value...>', 'change a key of the configuration, e.g. --set training.epochs=3', [])
    .option('--resume', 'go on from the last checkpoint of the folder', false)
    .addOption(new Option('--overwrite', 'replace the run that the folder holds').default(false).conflicts('resume'))
    .option('--test', 'evaluate the test part after every epoch too', false)
    .option(
      '--profile [folder]',
      'time every kernel beside what the adapter can do; table, roofline and trace go to the folder, default <out>/profile',
    )
    .addOption(
      new Option(
        '--tune',
        'choose the kernels of matrix products by timing them first; what was found is kept for this adapter and version of weft (a resumed run keeps those it began with)',
      )
        .default(false)
        .conflicts('resume'),
    )
    .option('--adapter <name>', 'part of the adapter’s name')
    .action(run);
}

async function run(file: string, flags: TrainFlags): Promise<void> {
  const config = await loadConfig(file, TAGGER_SCHEMA, flags.set);
  const out = flags.out ?? config.training.out;
  const store = folderStore(out);
  const isKept = !flags.overwrite && !(flags.resume && (await store.open(LAST)));
  if (isKept) await refuseEarlierRun(store, flags.resume);
  if (isKept && flags.resume) console.error(`nothing to resume in ${out}: a new run begins there`);
  const path = flags.data ?? config.data.path;
  if (!path) throw new ConfigError(file, 'data.path', 'is missing and there is no --data: say where the data set is');
  const corpus = await openDataset(path, config.data.format ? { format: config.data.format } : {});
  console.error(String(corpus.report));
  notePadding(config);
  noteSchedule(config);
  let stop = false;
  const onSignal = () => {
    console.error('stopping after this batch; --resume goes on from here');
    stop = true;
  };
  process.once('SIGINT', onSignal);
  const profile = flags.profile === true ? join(out, 'profile') : flags.profile;
  await withProfiledDevice(profile, { adapter: flags.adapter }, async (device) => {
    if (flags.tune) await tune(device, config, corpus);
    const progress = new Progress({ epochs: config.training.epochs });
    let trained = 0;
    const counter = { onBatch: () => void trained++ };
    const result = await trainTagger({
      config,
      corpus,
      store,
      callbacks: [progress, counter],
      resume: flags.resume,
      overwrite: flags.overwrite,
      shouldStop: () => stop,
      testEveryEpoch: flags.test,
    }).finally(() => progress.close());
    const pictures = await writeCurves(out, [{ name: out, epochs: result.history }]);
    if (trained === 0 && result.finished)
      console.error(`nothing was trained: all ${config.training.epochs} epochs of this run were done before`);
    if (result.best)
      console.log(
        `best epoch ${result.best.epoch}: ${config.training.keepBest.metric} ${result.best.value.toFixed(4)}`,
      );
    console.log(
      `written to ${out}: ${result.finished ? 'best and last checkpoint' : 'last checkpoint (stopped; --resume goes on)'}${pictures.length ? ', curves' : ''}`,
    );
    result.model.dispose();
  });
  process.removeListener('SIGINT', onSignal);
}
