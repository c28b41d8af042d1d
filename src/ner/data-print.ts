// What data a run was trained on: counts and hashes of its parts, by which a resumed run knows them again.
import type { TaggedSentences } from '../data/index.ts';
import { FormatError } from '../errors.ts';
import { Sha256 } from '../io/sha256.ts';
import type { Corpus } from './build.ts';

/** A part of a data set: how much it has, and SHA-256 of its words and of its tags, in their order. */
export interface PartPrint {
  sentences: number;
  tokens: number;
  words: string;
  tags: string;
}

const PARTS = ['train', 'validation', 'test'] as const;

export type DataPrint = { readonly [Part in (typeof PARTS)[number]]?: PartPrint };

export function dataPrint(corpus: Corpus): DataPrint {
  return Object.fromEntries(
    PARTS.flatMap((part) => {
      const sentences = corpus[part];
      return sentences ? [[part, partPrint(sentences)]] : [];
    }),
  );
}

function partPrint(part: TaggedSentences): PartPrint {
  const encoder = new TextEncoder();
  const [words, tags] = [new Sha256(), new Sha256()];
  let tokens = 0;
  for (const sentence of part.sentences) {
    tokens += sentence.tokens.length;
    // As JSON, so that ["a b"] and ["a", "b"] are not the same.
    words.update(encoder.encode(JSON.stringify(sentence.tokens)));
    tags.update(encoder.encode(JSON.stringify(sentence.tags)));
  }
  return { sentences: part.length, tokens, words: words.hex(), tags: tags.hex() };
}

/**
 * Throws FormatError, naming the part and what differs, where `own` is not the data that `saved` says. The test part counts only
 * for runs that look at it (`withTest`).
 */
export function checkSameData(file: string, saved: DataPrint, own: DataPrint, withTest: boolean): void {
  for (const part of PARTS) {
    if (part === 'test' && !(withTest && saved.test)) continue;
    const difference = differenceOf(saved[part], own[part]);
    if (difference !== undefined)
      throw new FormatError(
        file,
        `is of a run on other data: its ${part} part ${difference}. Resume it on the data it began with, or begin a new run in another folder.`,
      );
  }
}

function differenceOf(was: PartPrint | undefined, is: PartPrint | undefined): string | undefined {
  if (!was && !is) return undefined;
  if (!was || !is) return was ? `had ${counts(was)}, this data has none` : `was missing, this data has ${counts(is!)}`;
  if (was.sentences !== is.sentences || was.tokens !== is.tokens)
    return `had ${counts(was)}, this one has ${counts(is)}`;
  const other = [...(was.words === is.words ? [] : ['words']), ...(was.tags === is.tags ? [] : ['tags'])];
  if (other.length === 0) return undefined;
  return `had as many sentences and tokens as this one, ${counts(is)}, but other ${other.join(' and ')} or another order of them`;
}

function counts({ sentences, tokens }: PartPrint): string {
  return `${sentences} sentences of ${tokens} tokens`;
}
