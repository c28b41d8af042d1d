// What a configuration asks of the data at hand: each key that cannot work on it is refused by name before anything is trained.
import type { EncodedSentences, LabelSet } from '../data/index.ts';
import { ConfigError } from '../errors.ts';
import type { Corpus } from './build.ts';
import { METRICS, type TaggerConfig } from './config-schema.ts';

/** Throws ConfigError for a metric that is not measured on this data, and for a loss that its labels cannot have. */
export function checkConfig(config: TaggerConfig, corpus: Corpus): void {
  checkMetrics(config, corpus);
  checkLoss(config.loss, corpus.labels);
}

/** The metric that the schedule watches, if it watches one. */
export function watchedMetric({ name, metric }: TaggerConfig['scheduler']): string | undefined {
  return name === 'plateau' ? (metric ?? 'validation.loss') : undefined;
}

function checkMetrics({ training, scheduler }: TaggerConfig, { validation }: Corpus): void {
  const watched = {
    'training.keepBest.metric': training.keepBest.metric,
    'scheduler.metric': watchedMetric(scheduler),
  };
  for (const [key, metric] of Object.entries(watched)) {
    if (metric !== undefined && !METRICS.some((known) => known === metric))
      refuse(key, `must be one of ${METRICS.join(', ')}, got ${metric}`);
    if (metric?.startsWith('validation.') && !validation)
      refuse(key, `is ${metric}, but the data has no validation part: add one, or watch trainLoss (mode min)`);
  }
}

/** Throws ConfigError where rows of a fixed length do not hold every training sentence. */
export function checkPadTo({ data: { padTo } }: TaggerConfig, { longest, name }: EncodedSentences): void {
  if (typeof padTo === 'number' && longest > padTo)
    refuse(
      'data.padTo',
      `must be at least ${longest}, the length of the longest sentence of ${name}, or batch or set, got ${padTo}`,
    );
}

/** Throws ConfigError, naming the key and the labels in the order of their ids, for a loss that the data's labels cannot have. */
function checkLoss({ classWeights, ignoreIndex }: TaggerConfig['loss'], { names }: LabelSet): void {
  const listed = names.map((name, id) => `${id} ${name}`).join(', ');
  if (classWeights && classWeights.length !== names.length)
    refuse(
      'loss.classWeights',
      `must have a weight for each of the ${names.length} labels (${listed}), got ${classWeights.length}`,
    );
  if (ignoreIndex >= names.length)
    refuse('loss.ignoreIndex', `must be the id of a label (${listed}), or negative for none, got ${ignoreIndex}`);
  if (names.every((_, id) => id === ignoreIndex || classWeights?.[id] === 0))
    refuse(
      classWeights ? 'loss.classWeights' : 'loss.ignoreIndex',
      `must leave a label that counts (${listed}), got none`,
    );
}

function refuse(key: string, message: string): never {
  throw new ConfigError('configuration', key, message);
}
