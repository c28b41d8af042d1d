// The sample corpus that ships with weft: 2,400 training, 300 validation and 600 test sentences in Ukrainian and English.
import { type Grammar, realise, type Sentence } from './grammar.ts';
import { ENGLISH } from './grammar-en.ts';
import { UKRAINIAN } from './grammar-uk.ts';
import { randomStream } from './random.ts';
import type { Part } from './words.ts';

export type { Sentence, Tag } from './grammar.ts';

export interface CorpusSentence extends Sentence {
  /** Language and number of the template, e.g. `uk-train-12`: no template of `test` occurs in another part. */
  template: string;
}

export interface Corpus {
  train: CorpusSentence[];
  valid: CorpusSentence[];
  test: CorpusSentence[];
}

export const SIZES: Readonly<Record<Part, number>> = { train: 2400, valid: 300, test: 600 };

/** 11 of 20 sentences are Ukrainian, in an order that mixes the languages. */
const isUkrainian = (index: number): boolean => (index * 7) % 20 < 11;

/** Sentence number `index` of a part; `attempt` counts the sentences drawn in vain because they were there already. */
function drawSentence(seed: number, part: Part, index: number, attempt: number): CorpusSentence {
  const partNumber = ['train', 'valid', 'test'].indexOf(part);
  const random = randomStream(seed, (partNumber << 24) | (index << 8) | attempt);
  const grammar: Grammar = isUkrainian(index) ? UKRAINIAN : ENGLISH;
  const templates = part === 'test' ? 'test' : 'train';
  const number = random.below(grammar[templates].length);
  const sentence = realise(grammar, grammar[templates][number]!, part, random);
  return { ...sentence, template: `${grammar.language}-${templates}-${number}` };
}

function generatePart(seed: number, part: Part, seen: Set<string>): CorpusSentence[] {
  const sentences: CorpusSentence[] = [];
  for (let index = 0; index < SIZES[part]; index++) {
    let sentence = drawSentence(seed, part, index, 0);
    for (let attempt = 1; attempt < 256 && seen.has(sentence.tokens.join(' ')); attempt++) {
      sentence = drawSentence(seed, part, index, attempt);
    }
    seen.add(sentence.tokens.join(' '));
    sentences.push(sentence);
  }
  return sentences;
}

/**
 * Generates the corpus: tokens with IOB2 tags of PERS, LOC, ORG and MISC, no sentence twice, the same for the same seed.
 * Names of the three parts are disjoint; `test` uses other templates than `train` and `valid`.
 */
export function generateCorpus(seed = 1): Corpus {
  const seen = new Set<string>();
  const train = generatePart(seed, 'train', seen);
  const valid = generatePart(seed, 'valid', seen);
  return { train, valid, test: generatePart(seed, 'test', seen) };
}
