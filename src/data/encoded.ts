// A data set as numbers: token and label ids of all sentences end to end in typed arrays, checked once.
import { refuse } from '../check.ts';
import { DataError } from '../errors.ts';
import type { TaggedSentences } from './dataset.ts';
import type { Vocabulary } from './vocab.ts';

/** Label of positions that count in no loss and no metric (PyTorch's `ignore_index`). */
export const IGNORE_INDEX = -100;

export interface EncodedFields {
  /** Token ids `[tokens]`, each from 0 to `vocabularySize - 1`. */
  ids: Int32Array;
  /** Label ids `[tokens]`, each from 0 to `labelCount - 1`, or -100 to be ignored. */
  labels: Int32Array;
  /** First token of every sentence, then the number of tokens: `[sentences + 1]`. */
  offsets: Int32Array;
  vocabularySize: number;
  labelCount: number;
  /** The id each token takes when word dropout hides it `[tokens]`. */
  unknownIds?: Int32Array | undefined;
  name?: string;
}

/** Sentences as ids; its construction is the range check of ids and labels, so that no batch can carry a bad one. */
export class EncodedSentences {
  readonly ids: Int32Array;
  readonly labels: Int32Array;
  readonly offsets: Int32Array;
  readonly unknownIds: Int32Array | undefined;
  readonly vocabularySize: number;
  readonly labelCount: number;
  readonly name: string;
  /** Tokens in the longest sentence. */
  readonly longest: number;

  /** Throws a DataError that names the sentence and the position of an id or label out of range. */
  constructor(fields: EncodedFields) {
    this.ids = fields.ids;
    this.labels = fields.labels;
    this.offsets = fields.offsets;
    this.unknownIds = fields.unknownIds;
    this.vocabularySize = fields.vocabularySize;
    this.labelCount = fields.labelCount;
    this.name = fields.name ?? 'dataset';
    this.longest = this.checkOffsets();
    this.checkRange('id', this.ids, this.vocabularySize);
    this.checkRange('label', this.labels, this.labelCount, IGNORE_INDEX);
    if (this.unknownIds) this.checkRange('unknown id', this.unknownIds, this.vocabularySize);
  }

  get length(): number {
    return this.offsets.length - 1;
  }

  /** Tokens in sentence `i`. */
  lengthOf(i: number): number {
    return this.offsets[i + 1]! - this.offsets[i]!;
  }

  /** Tokens in every sentence `[sentences]`. */
  lengths(): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => this.lengthOf(i));
  }

  private checkOffsets(): number {
    const tokens = this.ids.length;
    if (this.length < 1 || this.offsets[0] !== 0 || this.offsets[this.length] !== tokens) {
      throw new DataError(
        this.name,
        undefined,
        `offsets must run from 0 to ${tokens} tokens over one sentence or more.`,
      );
    }
    let longest = 0;
    for (let i = 0; i < this.length; i++) {
      if (this.lengthOf(i) < 1) throw new DataError(this.name, undefined, `sentence ${i} has no token; drop it.`);
      longest = Math.max(longest, this.lengthOf(i));
    }
    return longest;
  }

  private checkRange(what: string, values: Int32Array, limit: number, allowed?: number): void {
    if (values.length !== this.ids.length) {
      const counts = `${values.length} for ${this.ids.length} tokens`;
      throw new DataError(this.name, undefined, `one ${what} per token expected, got ${counts}.`);
    }
    const wrong = values.findIndex((value) => value !== allowed && (value < 0 || value >= limit));
    if (wrong < 0) return;
    const sentence = this.offsets.findLastIndex((offset) => offset <= wrong);
    const position = wrong - this.offsets[sentence]!;
    const message = `sentence ${sentence}, position ${position}: ${what} must be from 0 to ${limit - 1}, got ${values[wrong]}.`;
    throw new DataError(this.name, undefined, message);
  }
}

/** Looks up every token and tag; throws a DataError that names the sentence for a word a closed vocabulary lacks. */
export function encodeSentences(data: TaggedSentences, vocabulary: Vocabulary): EncodedSentences {
  const tokens = data.counts().tokens;
  if (tokens === 0) {
    refuse('encodeSentences', 'data', 'one sentence or more', 'none');
  }
  const ids = new Int32Array(tokens);
  const labels = new Int32Array(tokens);
  const unknownIds = new Int32Array(tokens);
  const offsets = new Int32Array(data.length + 1);
  let position = 0;
  for (const [i, sentence] of data.sentences.entries()) {
    for (const [t, token] of sentence.tokens.entries()) {
      const id = vocabulary.find(token) ?? refuseUnknown(data, i, token, vocabulary);
      ids[position] = id;
      unknownIds[position] = vocabulary.unknownId(token) ?? id;
      labels[position++] = data.labels.index(sentence.tags[t]!);
    }
    offsets[i + 1] = position;
  }
  return new EncodedSentences({
    ids,
    labels,
    offsets,
    unknownIds: vocabulary.closed ? undefined : unknownIds,
    vocabularySize: vocabulary.size,
    labelCount: data.labels.size,
    name: data.name,
  });
}

function refuseUnknown(data: TaggedSentences, sentence: number, token: string, vocabulary: Vocabulary): never {
  const remedy = 'Build the vocabulary from all parts, or with an unknown id (`unk`).';
  const known = `the ${vocabulary.size} entries of the vocabulary`;
  throw new DataError(
    data.name,
    undefined,
    `sentence ${sentence}: ${JSON.stringify(token)} is not among ${known}. ${remedy}`,
  );
}
