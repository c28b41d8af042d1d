// One training of a tagger from configuration to best checkpoint, resumable at any batch. Files are the caller's.
import { type Batch, Vocabulary } from '../data/index.ts';
import { FormatError } from '../errors.ts';
import type { SafetensorsFile } from '../io/safetensors.ts';
import type { Tagger } from '../models/tagger.ts';
import { takeChoices } from '../ops/tune-gemm.ts';
import type { Scheduler } from '../optim/schedule.ts';
import { getDevice } from '../tensor/create.ts';
import { Generator } from '../tensor/random.ts';
import { wholeOrNothing } from '../tensor/scope.ts';
import {
  type Callback,
  type EpochEvent,
  loadModel,
  type RunParts,
  type RunState,
  restore,
  Trainer,
} from '../train/index.ts';
import {
  buildModel,
  buildOptimizer,
  buildScheduler,
  buildVocabulary,
  type Corpus,
  encode,
  trainLoader,
} from './build.ts';
import { checkConfig, checkPadTo, watchedMetric } from './check-config.ts';
import type { TaggerConfig } from './config-schema.ts';
import { checkSameData, type DataPrint, dataPrint } from './data-print.ts';
import { evaluate } from './evaluate.ts';
import { type BestEpoch, checkPosition, checkSameRun, type Extra, extraOf } from './resume.ts';
import { BEST, LAST, type RunStore, refuseEarlierRun } from './run-store.ts';
import { type LossBatch, TaggingLoss } from './tagging-loss.ts';

export interface SessionOptions {
  config: TaggerConfig;
  corpus: Corpus;
  store?: RunStore | undefined;
  callbacks?: readonly Callback[];
  /**
   * Takes the run up where the store's last checkpoint left it, on the same data; another schedule than the run's starts there.
   * Where there is no checkpoint the run begins.
   */
  resume?: boolean;
  /** Replaces the run that the store holds; without it a store that holds one is refused. */
  overwrite?: boolean;
  /** Asked after every batch; a run that is told to stop writes its checkpoint first. */
  shouldStop?: () => boolean;
  /** Whether to evaluate the test part after each epoch too (for studies; the best epoch is chosen by validation alone). */
  testEveryEpoch?: boolean;
}

export interface SessionResult {
  model: Tagger;
  vocabulary: Vocabulary;
  labels: readonly string[];
  history: readonly EpochEvent[];
  best: BestEpoch | undefined;
  /** False where `shouldStop` ended it. */
  finished: boolean;
}

/**
 * Trains by the configuration. The model returned has the parameters of the last epoch; those of the best are in the store.
 * Throws WeftError where the store holds a run already and it is said neither to `resume` nor to `overwrite`.
 */
export async function trainTagger(options: SessionOptions): Promise<SessionResult> {
  const { config, corpus, store } = options;
  const saved = options.resume ? await store?.open(LAST) : undefined;
  if (store && !saved && !options.overwrite) await refuseEarlierRun(store, options.resume);
  const known = saved && extraOf(saved);
  const labels = corpus.labels.names;
  if (known && known.labels.join() !== labels.join())
    throw new FormatError(
      saved.name,
      `was trained on the labels ${known.labels.join(' ')}, the data has ${labels.join(' ')}`,
    );
  const data = dataPrint(corpus);
  if (saved && known?.data) checkSameData(saved.name, known.data, data, options.testEveryEpoch ?? false);
  checkConfig(config, corpus);
  if (known) {
    // Other kernels round otherwise: a run goes on with those it began with.
    getDevice().choices.clear();
    takeChoices(getDevice(), known.kernels ?? {});
  }
  const vocabulary = known ? Vocabulary.fromJSON(known.vocabulary, saved.name) : buildVocabulary(config, corpus);
  const generator = new Generator(config.training.seed);
  const model = wholeOrNothing(() => buildModel(config, vocabulary.size, labels.length, { generator }));
  try {
    return await runSession(options, { saved, known, data, vocabulary, labels, generator, model });
  } catch (error) {
    model.dispose();
    throw error;
  } finally {
    generator.dispose();
  }
}

/** What a session starts from. */
interface Start {
  saved: SafetensorsFile | undefined;
  known: Extra | undefined;
  data: DataPrint;
  vocabulary: Vocabulary;
  labels: readonly string[];
  generator: Generator;
  model: Tagger;
}

async function runSession(options: SessionOptions, start: Start): Promise<SessionResult> {
  const { config, corpus, store } = options;
  const { saved, known, vocabulary, labels, generator, model } = start;
  const encoded = encode(corpus.train, vocabulary);
  checkPadTo(config, encoded);
  const batches = trainLoader(config, encoded);
  const optimizer = buildOptimizer(config, model);
  const history: EpochEvent[] = known ? known.history.map((e) => ({ ...e, seconds: 0, tokensPerSecond: 0 })) : [];
  let best: BestEpoch | undefined = known?.best ?? undefined;
  const { metric, mode } = config.training.keepBest;
  let trainer: Trainer<Batch, LossBatch>;

  const extra = (): Record<string, unknown> => {
    const kept: Extra = {
      config,
      vocabulary: vocabulary.toJSON(),
      labels,
      data: start.data,
      best: best ?? null,
      history: history.map(({ seconds: _s, tokensPerSecond: _t, ...e }) => e),
      kernels: Object.fromEntries(getDevice().choices),
    };
    return kept as unknown as Record<string, unknown>;
  };
  let stale = saved || !options.overwrite ? [] : [LAST, BEST];
  const write = async (name: string, chunks: readonly Uint8Array[]) => {
    // Once this run has something to show, so that a file of its own never stands beside one of the run it replaces.
    for (const old of stale) await store!.remove(old);
    stale = [];
    await store!.write(name, chunks);
  };
  const keeper: Callback = {
    async onEpoch(event) {
      history.push(event);
      const value = metric === 'trainLoss' ? event.trainLoss : event.metrics[metric]!;
      const better = !best || (mode === 'max' ? value > best.value : value < best.value);
      if (better) best = { epoch: event.epoch, value };
      const chunks = store && (await trainer.checkpoint(extra()));
      // The best one first: a run that ends between the two goes on from before this epoch, and comes to it again.
      if (chunks && better) await write(BEST, chunks);
      if (chunks) await write(LAST, chunks);
    },
  };
  const loss = new TaggingLoss(config.loss);
  const held: { dispose(): void }[] = [optimizer, loss];
  try {
    const begun = await startSchedule(config, { model, optimizer, generator }, batches.length, saved, known);
    trainer = new Trainer({
      model,
      optimizer,
      scheduler: begun.scheduler,
      generator,
      data: batches,
      inputs: (batch) => loss.inputs(batch),
      loss: (batch) => loss.of(model.forward(batch), batch),
      rows: ({ indices }) => indices,
      tokens: (batch) => batch.lengths.reduce((sum, n) => sum + n, 0),
      clipNorm: config.optimizer.clipNorm,
      scheduleEvery: config.scheduler.every,
      scheduleMetric: watchedMetric(config.scheduler),
      logEvery: config.training.logEvery,
      evaluate: () => partMetrics(model, corpus, vocabulary, labels, options.testEveryEpoch ?? false),
      callbacks: [keeper, ...(options.callbacks ?? [])],
    });
    held.push(trainer);
    if (begun.state) {
      checkPosition(saved!.name, begun.state, batches.length);
      trainer.resume(begun.state);
    }
    const finished = await trainer.fit(config.training.epochs, options.shouldStop);
    if (!finished && store) await write(LAST, await trainer.checkpoint(extra()));
    return { model, vocabulary, labels, history, best, finished };
  } finally {
    for (const one of held) one.dispose();
  }
}

/** Puts the parts where the checkpoint left them, if there is one, and makes the schedule: the run's own, or a new one from there. */
async function startSchedule(
  config: TaggerConfig,
  parts: RunParts,
  batchesPerEpoch: number,
  saved: SafetensorsFile | undefined,
  known: Extra | undefined,
): Promise<{ scheduler: Scheduler | undefined; state?: RunState }> {
  const { optimizer } = parts;
  const { epochs } = config.training;
  if (!saved || !known) return { scheduler: buildScheduler(config, optimizer, { epochs, batchesPerEpoch }) };
  if (checkSameRun(saved.name, known.config, config)) {
    const scheduler = buildScheduler(config, optimizer, { epochs, batchesPerEpoch });
    return { scheduler, state: await restore(saved, { ...parts, scheduler }) };
  }
  const rates = optimizer.paramGroups.map(({ params: _, ...group }) => group);
  const state = await restore(saved, parts);
  optimizer.paramGroups.forEach((group, i) => {
    delete group.initialLr;
    Object.assign(group, rates[i]);
  });
  const left = Math.max(1, epochs - state.position.epoch);
  return { scheduler: buildScheduler(config, optimizer, { epochs: left, batchesPerEpoch }), state };
}

/** Metrics of the parts at the end of an epoch: `validation.f1`, `validation.loss`, … and `test.f1`, … where asked for. */
async function partMetrics(
  model: Tagger,
  corpus: Corpus,
  vocabulary: Vocabulary,
  labels: readonly string[],
  withTest: boolean,
): Promise<Record<string, number>> {
  const out: Record<string, number> = {};
  for (const [name, part] of [
    ['validation', corpus.validation],
    ['test', withTest ? corpus.test : undefined],
  ] as const) {
    if (!part) continue;
    const e = await evaluate(model, encode(part, vocabulary), { labels });
    out[`${name}.loss`] = e.loss;
    out[`${name}.f1`] = e.entities.micro.f1;
    out[`${name}.precision`] = e.entities.micro.precision;
    out[`${name}.recall`] = e.entities.micro.recall;
    out[`${name}.accuracy`] = e.accuracy;
    out[`${name}.sentenceAccuracy`] = e.sentenceAccuracy;
    out[`${name}.sentenceF1`] = e.sentenceF1;
  }
  return out;
}

/** A trained tagger out of a checkpoint: model, vocabulary, labels and the configuration it was trained by. */
export async function loadTagger(file: SafetensorsFile): Promise<{
  model: Tagger;
  vocabulary: Vocabulary;
  labels: readonly string[];
  config: TaggerConfig;
  best: BestEpoch | undefined;
  history: Extra['history'];
}> {
  const { config, vocabulary: json, labels, best, history } = extraOf(file);
  const vocabulary = Vocabulary.fromJSON(json, file.name);
  const model = buildModel(config, vocabulary.size, labels.length, { generator: new Generator(config.training.seed) });
  await loadModel(file, model);
  return { model: model.eval(), vocabulary, labels, config, best: best ?? undefined, history };
}
