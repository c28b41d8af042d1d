// From a configuration to the parts of a run: vocabulary and ids, model, optimiser, schedule.
import { refuse } from '../check.ts';
import {
  BucketSampler,
  DataLoader,
  type EncodedSentences,
  encodeSentences,
  LabelSet,
  type DataLoader as Loader,
  RandomSampler,
  type Sentence,
  TaggedSentences,
  Vocabulary,
} from '../data/index.ts';
import { ConfigError } from '../errors.ts';
import { Tagger } from '../models/tagger.ts';
import type { InitOptions } from '../nn/init.ts';
import { Adam, AdamW, type Optimizer, RMSprop, SGD } from '../optim/index.ts';
import {
  CosineAnnealingLR,
  DelayedLR,
  ExponentialLR,
  LinearLR,
  MultiStepLR,
  OneCycleLR,
  ReduceLROnPlateau,
  type Scheduler,
  StepLR,
  WarmupLR,
} from '../optim/schedule.ts';
import type { TaggerConfig } from './config-schema.ts';

/** Sentences of a corpus by part, and the tags they bear. */
export interface Corpus {
  train: TaggedSentences;
  validation?: TaggedSentences | undefined;
  test?: TaggedSentences | undefined;
  labels: LabelSet;
}

/** A corpus from plain sentences, its labels those of all parts. */
export function corpusOf(parts: { train: Sentence[]; validation?: Sentence[]; test?: Sentence[] }): Corpus {
  const labels = LabelSet.of(
    [parts.train, parts.validation ?? [], parts.test ?? []].flatMap((part) => part.map((s) => s.tags)),
  );
  const tagged = (sentences: Sentence[] | undefined, name: string) =>
    sentences && new TaggedSentences(sentences, labels, name);
  return {
    train: tagged(parts.train, 'train')!,
    validation: tagged(parts.validation, 'validation'),
    test: tagged(parts.test, 'test'),
    labels,
  };
}

export function buildVocabulary({ data }: TaggerConfig, corpus: Corpus): Vocabulary {
  const all = [corpus.train, corpus.validation, corpus.test].filter((part) => part !== undefined);
  const parts = (data.vocabulary === 'all' ? all : [corpus.train]).map((part) => part.sentences);
  const { minCount, lowercase, unknown } = data;
  return Vocabulary.build(parts, { minCount, lowercase, ...(unknown === 'none' ? { unk: null } : { unknown }) });
}

export function buildModel(
  { model }: TaggerConfig,
  vocabularySize: number,
  tags: number,
  init: InitOptions = {},
): Tagger {
  return new Tagger({ ...model, ...init, vocabularySize, tags, paddingIdx: 0 });
}

export function buildOptimizer({ optimizer: o }: TaggerConfig, model: Tagger): Optimizer {
  const { lr, weightDecay, betas, eps, momentum, nesterov } = o;
  const params = model.parameters().filter((p) => p.requiresGrad);
  if (o.name === 'adam') return new Adam(params, { lr, weightDecay, betas, eps });
  if (o.name === 'adamw') return new AdamW(params, { lr, weightDecay, betas, eps });
  if (o.name === 'rmsprop') return new RMSprop(params, { lr, weightDecay, eps, momentum });
  return new SGD(params, { lr, weightDecay, momentum, nesterov });
}

/** Totals that schedules over a whole run need. */
export interface RunLength {
  epochs: number;
  batchesPerEpoch: number;
}

/** The schedule, with its warm-up and its delayed start; undefined where the rate stays as it is. */
export function buildScheduler(
  { scheduler: s }: TaggerConfig,
  optimizer: Optimizer,
  length: RunLength,
): Scheduler | undefined {
  if (s.name === 'none' && s.warmup === 0) return undefined;
  const bare = bareScheduler(s, optimizer, length);
  const warm = s.warmup > 0 ? new WarmupLR(bare, { totalIters: s.warmup }) : bare;
  return s.startEpoch > 0
    ? new DelayedLR(warm, { startEpoch: s.every === 'batch' ? s.startEpoch * length.batchesPerEpoch : s.startEpoch })
    : warm;
}

function bareScheduler(
  s: TaggerConfig['scheduler'],
  optimizer: Optimizer,
  { epochs, batchesPerEpoch }: RunLength,
): Scheduler {
  const perEpoch = s.every === 'batch' ? batchesPerEpoch : 1;
  const steps = Math.max(1, (epochs - s.startEpoch) * perEpoch);
  const given = Object.fromEntries(Object.entries(s).filter(([, value]) => value !== undefined)) as Required<typeof s>;
  switch (s.name) {
    case 'none':
      // The rate as it is, for a warm-up to lead to.
      return new ExponentialLR(optimizer, { gamma: 1 });
    case 'step':
      return new StepLR(optimizer, { ...given, stepSize: s.stepSize ?? 10 * perEpoch });
    case 'multistep':
      return new MultiStepLR(optimizer, { ...given, milestones: [...(s.milestones ?? [])] });
    case 'exponential':
      return new ExponentialLR(optimizer, { gamma: s.gamma ?? 0.95 });
    case 'linear':
      return new LinearLR(optimizer, { ...given, totalIters: s.totalIters ?? steps });
    case 'cosine':
      return new CosineAnnealingLR(optimizer, { ...given, tMax: s.tMax ?? steps });
    case 'onecycle':
      if (steps < 2)
        throw new ConfigError(
          'configuration',
          'scheduler.every',
          `must be batch, or the run longer: a cycle has two steps at least, and ${epochs} epochs with startEpoch ${s.startEpoch} leave it ${steps}`,
        );
      return new OneCycleLR(optimizer, {
        ...given,
        maxLr: s.maxLr ?? 10 * optimizer.paramGroups[0]!.lr,
        totalSteps: steps,
      });
    case 'plateau':
      return new ReduceLROnPlateau(optimizer, given);
    default:
      refuse('buildScheduler', 'scheduler.name', 'a known schedule', s.name);
  }
}

export function encode(part: TaggedSentences, vocabulary: Vocabulary): EncodedSentences {
  return encodeSentences(part, vocabulary);
}

/** Training batches: shuffled by the seed, or in buckets of like lengths. */
export function trainLoader({ data, training }: TaggerConfig, dataset: EncodedSentences): Loader {
  const { batchSize, dropLast, seed, bucket } = training;
  const sampler = bucket
    ? new BucketSampler({ lengths: dataset.lengths(), batchSize, seed })
    : new RandomSampler({ length: dataset.length, seed });
  return new DataLoader({
    dataset,
    batchSize,
    dropLast,
    sampler,
    prefetch: 2,
    collate: { padTo: data.padTo, wordDropout: data.wordDropout, seed },
  });
}
