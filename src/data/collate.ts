// Sentences to one batch: ids and labels padded to one length, with word dropout if asked for.
import { refuse } from '../check.ts';
import { DOMAIN, type Key, streamKey, streamOf, uniformAt } from '../random.ts';
import { type EncodedSentences, IGNORE_INDEX } from './encoded.ts';

/** One batch as host arrays, rows one after another. */
export interface Batch {
  /** Token ids `[B, T]`, padded with 0. */
  ids: Int32Array<ArrayBuffer>;
  /** Label ids `[B, T]`, padded with -100. */
  labels: Int32Array<ArrayBuffer>;
  /** Tokens in every row before the padding `[B]`. */
  lengths: Int32Array<ArrayBuffer>;
  /** B. */
  batch: number;
  /** T. */
  time: number;
  /** The sentence of every row. */
  indices: number[];
}

export interface CollateOptions {
  /** T: the longest of the batch (default), the longest of the set, or a number. */
  padTo?: 'batch' | 'set' | number;
  /** With a number: cut sentences longer than T (true) or refuse them (default). */
  truncate?: boolean;
  /** Round T up to a multiple of this, default 1: fewer shapes, so fewer plans. */
  multipleOf?: number;
  /** Probability that a token is replaced by its unknown id, default 0; for training only. */
  wordDropout?: number;
  /** Seed of the word dropout, default 0. */
  seed?: number;
}

/** Makes batches of one data set; a batch is a pure function of (options, sentences, epoch). */
export class Collator {
  private readonly dataset: EncodedSentences;
  private readonly padTo: 'batch' | 'set' | number;
  private readonly multipleOf: number;
  private readonly wordDropout: number;
  private readonly seed: number;

  constructor(dataset: EncodedSentences, options: CollateOptions = {}) {
    this.dataset = dataset;
    this.padTo = options.padTo ?? 'batch';
    this.multipleOf = options.multipleOf ?? 1;
    this.wordDropout = options.wordDropout ?? 0;
    this.seed = options.seed ?? 0;
    this.check(options.truncate ?? false);
  }

  /** The batch of these sentences in this epoch: `ids`, `labels` `[B, T]` and `lengths` `[B]`; refuses a sentence that is not there. */
  collate(indices: ArrayLike<number>, epoch: number): Batch {
    const rows = Array.from(indices);
    const stray = rows.find((i) => !(Number.isInteger(i) && i >= 0 && i < this.dataset.length));
    if (stray !== undefined) refuse('collate', 'indices', `sentences from 0 to ${this.dataset.length - 1}`, stray);
    const time = this.timeOf(rows);
    const batch: Batch = {
      ids: new Int32Array(rows.length * time),
      labels: new Int32Array(rows.length * time).fill(IGNORE_INDEX),
      lengths: new Int32Array(rows.length),
      batch: rows.length,
      time,
      indices: rows,
    };
    for (const [row, sentence] of rows.entries()) {
      const start = this.dataset.offsets[sentence]!;
      const length = Math.min(this.dataset.lengthOf(sentence), time);
      batch.lengths[row] = length;
      batch.ids.set(this.dataset.ids.subarray(start, start + length), row * time);
      batch.labels.set(this.dataset.labels.subarray(start, start + length), row * time);
    }
    if (this.wordDropout > 0) this.dropWords(batch, streamKey(this.seed, streamOf(DOMAIN.wordDropout, epoch)));
    return batch;
  }

  private timeOf(rows: readonly number[]): number {
    let longest = typeof this.padTo === 'number' ? this.padTo : this.dataset.longest;
    if (this.padTo === 'batch') longest = rows.reduce((most, i) => Math.max(most, this.dataset.lengthOf(i)), 1);
    return Math.ceil(longest / this.multipleOf) * this.multipleOf;
  }

  /** Keyed by sentence and position, not by row, so that the batch a sentence falls into does not matter. */
  private dropWords(batch: Batch, key: Key): void {
    const { dataset, wordDropout } = this;
    for (const [row, sentence] of batch.indices.entries()) {
      const start = dataset.offsets[sentence]!;
      for (let t = 0; t < batch.lengths[row]!; t++) {
        if (uniformAt(key, sentence, t) < wordDropout)
          batch.ids[row * batch.time + t] = dataset.unknownIds![start + t]!;
      }
    }
  }

  private check(truncate: boolean): void {
    const { padTo, multipleOf, wordDropout, dataset } = this;
    if (typeof padTo === 'string' ? padTo !== 'batch' && padTo !== 'set' : !isPositive(padTo)) {
      refuse('collate', 'padTo', "'batch', 'set' or a positive integer", padTo);
    }
    if (!isPositive(multipleOf)) refuse('collate', 'multipleOf', 'a positive integer', multipleOf);
    if (!(wordDropout >= 0 && wordDropout < 1)) refuse('collate', 'wordDropout', 'from 0 to below 1', wordDropout);
    if (wordDropout > 0 && !dataset.unknownIds) {
      refuse('collate', 'wordDropout', '0 for a vocabulary without an unknown id', wordDropout, 'Build it with `unk`.');
    }
    if (typeof padTo === 'number' && !truncate && dataset.longest > this.timeOf([])) {
      const sentence = dataset.lengths().indexOf(dataset.longest);
      const actual = `${padTo} (sentence ${sentence} of ${dataset.name})`;
      refuse(
        'collate',
        'padTo',
        `at least ${dataset.longest}, the longest sentence`,
        actual,
        'Set `truncate: true` to cut it.',
      );
    }
  }
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
