// Evaluating a tagger on a data set: loss, accuracies, F1s, and the predicted tags themselves.
import { noGrad } from '../autograd/tape.ts';
import { type Batch, DataLoader, type EncodedSentences, IGNORE_INDEX } from '../data/index.ts';
import { Accuracy, EntityF1, type EntityScores, SequenceF1 } from '../metrics/index.ts';
import type { Tagger } from '../models/tagger.ts';
import { argmax, crossEntropy, reshape } from '../ops/index.ts';
import { tensor } from '../tensor/create.ts';
import { step } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A batch on the device: ids and labels `[B, T]`, lengths `[B]`. */
export type DeviceBatch = {
  ids: Tensor;
  labels: Tensor;
  lengths: Tensor;
};

export function toDevice({ ids, labels, lengths, batch, time }: Batch): DeviceBatch {
  return {
    ids: tensor(ids, { shape: [batch, time] }),
    labels: tensor(labels, { shape: [batch, time] }),
    lengths: tensor(lengths, { shape: [batch] }),
  };
}

/** Scores `[B·T, K]` beside labels `[B·T]`, as losses take them. */
export function flatScores(scores: Tensor, labels: Tensor): { scores: Tensor; labels: Tensor } {
  return { scores: reshape(scores, [-1, scores.shape[2]!]), labels: reshape(labels, [-1]) };
}

export interface Evaluation {
  /** Mean cross-entropy over all labelled tokens. */
  loss: number;
  /** Right tags over all tokens, and as the mean over sentences. */
  accuracy: number;
  sentenceAccuracy: number;
  /** The Ukrainian study's F1: macro over classes within a sentence, mean over sentences. */
  sentenceF1: number;
  entities: EntityScores;
  entityF1: EntityF1;
  /** Predicted label ids of every sentence, in the data set's order; empty unless asked for. */
  predictions: Int32Array[];
}

export interface EvaluateOptions {
  /** Names of the label ids. */
  labels: readonly string[];
  batchSize?: number;
  /** Whether to return the predictions. */
  keepPredictions?: boolean;
}

/** Runs the model in eval mode over the whole data set. The model's own mode is put back after. */
export async function evaluate(
  model: Tagger,
  dataset: EncodedSentences,
  { labels, batchSize = 64, keepPredictions = false }: EvaluateOptions,
): Promise<Evaluation> {
  const loader = new DataLoader({ dataset, batchSize: Math.min(batchSize, dataset.length) });
  const entityF1 = new EntityF1({ labels });
  const accuracy = new Accuracy({ classes: labels.length });
  const sentenceF1 = new SequenceF1({ classes: labels.length });
  const predictions: Int32Array[] = [];
  let lossSum = 0;
  let tokens = 0;
  const wasTraining = model.training;
  model.eval();
  for (const batch of loader) {
    const { loss, tags } = await predictBatch(model, batch);
    const counted = batch.labels.reduce((n, label) => n + Number(label !== IGNORE_INDEX), 0);
    lossSum += loss;
    tokens += counted;
    for (const metric of [entityF1, accuracy, sentenceF1]) metric.update(tags, batch.labels, batch.time);
    if (keepPredictions)
      for (const [row, length] of batch.lengths.entries())
        predictions.push(tags.slice(row * batch.time, row * batch.time + length));
  }
  model.train(wasTraining);
  return {
    loss: lossSum / Math.max(1, tokens),
    accuracy: accuracy.perToken,
    sentenceAccuracy: accuracy.perSentence,
    sentenceF1: sentenceF1.value,
    entities: entityF1.scores(),
    entityF1,
    predictions,
  };
}

/** Summed loss and best tags `[B·T]` of one batch; what the caller's mode of the model says about dropout holds. */
async function predictBatch(model: Tagger, batch: Batch): Promise<{ loss: number; tags: Int32Array }> {
  const out = step(() =>
    noGrad(() => {
      const { ids, labels, lengths } = toDevice(batch);
      const flat = flatScores(model.forward({ ids, lengths }), labels);
      return {
        loss: crossEntropy(flat.scores, flat.labels, { reduction: 'sum', ignoreIndex: IGNORE_INDEX }),
        tags: argmax(flat.scores, 1),
      };
    }),
  );
  const [loss, tags] = await Promise.all([out.loss.item(), out.tags.data()]);
  out.loss.dispose();
  out.tags.dispose();
  return { loss, tags: tags as Int32Array };
}
