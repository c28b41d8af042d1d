// The vocabulary: words of a corpus to ids and back, with a padding id and, if asked for, classes for unknown words.
import { refuse } from '../check.ts';
import { DataError } from '../errors.ts';
import type { Sentence } from './dataset.ts';
import { WORD_SHAPES, wordShape } from './word-shape.ts';

export interface VocabularyOptions {
  /** Words seen fewer times than this are left out, default 1. */
  minCount?: number;
  /** Name of the padding id, 0. */
  pad?: string;
  /** Name of the unknown id, 1; `null` for a vocabulary that must know every word. */
  unk?: string | null;
  /** Fold case before counting and looking up, default false. */
  lowercase?: boolean;
  /** One unknown id (`single`, default), or one for each word shape (`shape`): `<UNK:capitalised>`, `<UNK:digits>`, … */
  unknown?: 'single' | 'shape';
}

/** What `Vocabulary.toJSON` writes: the words in the order of their ids, the special ids being implied by the settings. */
export interface VocabularyJson extends Required<Omit<VocabularyOptions, 'minCount'>> {
  words: string[];
}

/** Ids 0 (padding), 1 … (unknown), then the words sorted by UTF-16 code unit, so that a corpus has one vocabulary. */
export class Vocabulary {
  readonly padId = 0;
  /** Names of the ids before the first word's. A word of the text spelled like one of them still has an id of its own. */
  readonly specials: readonly string[];
  readonly settings: Readonly<Required<Omit<VocabularyOptions, 'minCount'>>>;
  private readonly words: readonly string[];
  private readonly ids: ReadonlyMap<string, number>;

  /** From words in the order of their ids; `Vocabulary.build` counts and sorts them first. */
  constructor(words: readonly string[], options: Omit<VocabularyOptions, 'minCount'> = {}) {
    const { pad = '<PAD>', unk = '<UNK>', lowercase = false, unknown = 'single' } = options;
    this.settings = { pad, unk, lowercase, unknown };
    this.specials = [pad, ...unknownNames(unk, unknown)];
    this.words = words;
    this.ids = new Map(words.map((word, i) => [word, i + this.specials.length]));
    if (this.ids.size !== words.length || words.length === 0) {
      const actual = `${words.length} words of which ${this.ids.size} distinct`;
      refuse('Vocabulary', 'words', 'one or more distinct words', actual);
    }
  }

  /** Collects the words of `parts`: the training part alone, or all parts where the vocabulary must be closed. */
  static build(parts: readonly (readonly Sentence[])[], options: VocabularyOptions = {}): Vocabulary {
    const { minCount = 1, lowercase = false } = options;
    const counts = new Map<string, number>();
    for (const part of parts) {
      for (const { tokens } of part) {
        for (const token of tokens) {
          const word = lowercase ? token.toLowerCase() : token;
          counts.set(word, (counts.get(word) ?? 0) + 1);
        }
      }
    }
    const words = [...counts.keys()].filter((word) => counts.get(word)! >= minCount).sort();
    if (words.length === 0 && counts.size > 0) {
      let most = 0;
      for (const count of counts.values()) most = Math.max(most, count);
      const expected = `at most ${most}, how often the commonest word comes`;
      refuse('Vocabulary.build', 'minCount', expected, minCount);
    }
    return new Vocabulary(words, options);
  }

  /** Number of ids, special ones included: the rows of an embedding table. */
  get size(): number {
    return this.specials.length + this.words.length;
  }

  /** True if there is no unknown id, so that every word must be known. */
  get closed(): boolean {
    return this.specials.length === 1;
  }

  /** The id of a word, its unknown id if it is not known, undefined if there is no unknown id either. */
  find(word: string): number | undefined {
    return this.ids.get(this.settings.lowercase ? word.toLowerCase() : word) ?? this.unknownId(word);
  }

  /** The id a word would have if it were not known: 1, or that of its shape; undefined in a closed vocabulary. */
  unknownId(word: string): number | undefined {
    if (this.closed) return undefined;
    return this.settings.unknown === 'single' ? 1 : 1 + WORD_SHAPES.indexOf(wordShape(word));
  }

  /** The id of a word; throws an ArgumentError for an unknown word of a closed vocabulary. */
  encode(word: string): number {
    const id = this.find(word);
    if (id !== undefined) return id;
    refuse(
      'Vocabulary.encode',
      'word',
      `one of ${this.words.length} words`,
      JSON.stringify(word),
      'Build the vocabulary from all parts, or with an unknown id (`unk`).',
    );
  }

  /** True if the word has an id of its own. */
  has(word: string): boolean {
    return this.ids.has(this.settings.lowercase ? word.toLowerCase() : word);
  }

  /** The name of an id; throws an ArgumentError if there is none. */
  word(id: number): string {
    const name = this.specials[id] ?? this.words[id - this.specials.length];
    if (name !== undefined) return name;
    const expected = `an integer from 0 to ${this.size - 1}`;
    refuse('Vocabulary.word', 'id', expected, id);
  }

  toJSON(): VocabularyJson {
    return { ...this.settings, words: [...this.words] };
  }

  /** Reads what `toJSON` wrote; throws a DataError naming `file` for anything else. */
  static fromJSON(json: unknown, file = 'vocabulary'): Vocabulary {
    if (!isVocabularyJson(json)) {
      const form =
        '{"words": [strings], "pad": string, "unk": string or null, "lowercase": boolean, "unknown": string}';
      throw new DataError(file, undefined, `expected ${form}.`);
    }
    if (json.words.length === 0 || new Set(json.words).size !== json.words.length) {
      throw new DataError(file, undefined, `"words" must be one or more distinct words, got ${json.words.length}.`);
    }
    return new Vocabulary(json.words, json);
  }
}

function unknownNames(unk: string | null, unknown: 'single' | 'shape'): string[] {
  if (unk === null) return [];
  if (unknown === 'single') return [unk];
  const stem = unk.endsWith('>') ? unk.slice(0, -1) : unk;
  return WORD_SHAPES.map((shape) => `${stem}:${shape}${unk.endsWith('>') ? '>' : ''}`);
}

function isVocabularyJson(json: unknown): json is VocabularyJson {
  if (typeof json !== 'object' || json === null) return false;
  const { words, pad, unk, lowercase, unknown } = json as Partial<VocabularyJson>;
  const named = typeof pad === 'string' && (typeof unk === 'string' || unk === null);
  const known = typeof lowercase === 'boolean' && (unknown === 'single' || unknown === 'shape');
  return named && known && Array.isArray(words) && words.every((word) => typeof word === 'string');
}
