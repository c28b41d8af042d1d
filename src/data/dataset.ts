// Tagged sentences as words: what the readers give, and the set of them that training and evaluation name.
import { DataError } from '../errors.ts';
import { LabelSet } from './label-set.ts';

/** Words and one tag for each. */
export interface Sentence {
  tokens: string[];
  tags: string[];
}

/** A set of sentences with the labels they use. */
export class TaggedSentences {
  readonly sentences: readonly Sentence[];
  readonly labels: LabelSet;
  /** What messages call this set, such as its file name. */
  readonly name: string;

  /** Throws a DataError for an empty sentence, for tags that do not pair with tokens, and for a tag outside `labels`. */
  constructor(sentences: readonly Sentence[], labels?: LabelSet, name = 'dataset') {
    this.sentences = sentences;
    this.labels = labels ?? LabelSet.of(sentences.map((sentence) => sentence.tags));
    this.name = name;
    for (const [i, sentence] of sentences.entries()) this.check(sentence, i);
  }

  get length(): number {
    return this.sentences.length;
  }

  /** Sentences, tokens, and entities as IOB2 counts them (one for every `B-`). */
  counts(): { sentences: number; tokens: number; entities: number } {
    let tokens = 0;
    let entities = 0;
    for (const { tags } of this.sentences) {
      tokens += tags.length;
      for (const tag of tags) if (tag.startsWith('B-')) entities++;
    }
    return { sentences: this.length, tokens, entities };
  }

  private check({ tokens, tags }: Sentence, i: number): void {
    if (tokens.length === 0 || tokens.length !== tags.length) {
      const counts = `${tokens.length} tokens and ${tags.length} tags`;
      throw new DataError(this.name, undefined, `sentence ${i}: one tag per token, one token at least, got ${counts}.`);
    }
    const unknown = tags.find((tag) => this.labels.find(tag) === undefined);
    if (unknown === undefined) return;
    const labels = `one of the ${this.labels.size} labels (${this.labels.names.slice(0, 12).join(', ')})`;
    throw new DataError(this.name, undefined, `sentence ${i}: tag ${JSON.stringify(unknown)} is not ${labels}.`);
  }
}
