// Tagging sentences with a trained tagger.
import { noGrad } from '../autograd/tape.ts';
import type { Vocabulary } from '../data/index.ts';
import type { Tagger } from '../models/tagger.ts';
import { argmax, reshape } from '../ops/index.ts';
import { tensor } from '../tensor/create.ts';
import { step } from '../tensor/scope.ts';

export interface PredictOptions {
  vocabulary: Vocabulary;
  /** Names of the label ids. */
  labels: readonly string[];
  batchSize?: number;
}

/**
 * The tags of each sentence, given as words; in the order given. Empty sentences give no tags. A sentence has the tags it would
 * have alone: a model that runs over padding (`packed: false`) is given sentences of one length at a time, which need none.
 */
export async function predict(
  model: Tagger,
  sentences: readonly (readonly string[])[],
  { vocabulary, labels, batchSize = 64 }: PredictOptions,
): Promise<string[][]> {
  const out: string[][] = sentences.map(() => []);
  // Of like lengths together: less padding, and where none may be, none.
  const order = sentences
    .map((s, i) => [s.length, i] as const)
    .filter(([n]) => n > 0)
    .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const wasTraining = model.training;
  model.eval();
  for (let at = 0; at < order.length; ) {
    const next = order.slice(at, at + batchSize);
    const members = model.packed ? next : next.filter(([n]) => n === next[0]![0]);
    at += members.length;
    const time = Math.max(...members.map(([n]) => n));
    const ids = new Int32Array(members.length * time).fill(vocabulary.padId);
    members.forEach(([, index], row) => {
      sentences[index]!.forEach((word, t) => {
        ids[row * time + t] = vocabulary.encode(word);
      });
    });
    const tags = await bestTags(
      model,
      ids,
      members.map(([n]) => n),
      time,
    );
    members.forEach(([n, index], row) => {
      out[index] = Array.from(tags.subarray(row * time, row * time + n), (tag) => labels[tag]!);
    });
  }
  model.train(wasTraining);
  return out;
}

async function bestTags(
  model: Tagger,
  ids: Int32Array<ArrayBuffer>,
  lengths: readonly number[],
  time: number,
): Promise<Int32Array> {
  const best = step(() =>
    noGrad(() => {
      const scores = model.forward({
        ids: tensor(ids, { shape: [lengths.length, time] }),
        lengths: tensor(Int32Array.from(lengths)),
      });
      return argmax(reshape(scores, [-1, scores.shape[2]!]), 1);
    }),
  );
  const tags = (await best.data()) as Int32Array;
  best.dispose();
  return tags;
}
