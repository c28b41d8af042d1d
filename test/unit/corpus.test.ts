// The sample corpus: the same bytes for the same seed, parts that share no name and no template, and no way to score by memory.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { dictionaryTagger, memoriserTagger, type Tagger } from '../../examples/corpus/baselines.ts';
import { type Corpus, type CorpusSentence, generateCorpus, SIZES } from '../../examples/corpus/generate.ts';
import { EntityF1 } from '../../src/metrics/index.ts';

const PARTS = ['train', 'valid', 'test'] as const;
const TYPES = ['PERS', 'LOC', 'ORG', 'MISC'];
const corpus = generateCorpus();
const everything = PARTS.flatMap((part) => corpus[part]);

/** Entities of a sentence as `type` and the words they are written with. */
function entitiesOf({ tokens, tags }: CorpusSentence): { type: string; words: string[] }[] {
  const entities: { type: string; words: string[] }[] = [];
  tags.forEach((tag, i) => {
    if (tag.startsWith('B-')) entities.push({ type: tag.slice(2), words: [tokens[i]!] });
    else if (tag.startsWith('I-')) entities.at(-1)!.words.push(tokens[i]!);
  });
  return entities;
}

const entityStrings = (sentences: readonly CorpusSentence[]) =>
  new Set(sentences.flatMap(entitiesOf).map(({ words }) => words.join(' ').toLowerCase()));

function common<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): T[] {
  return [...a].filter((item) => b.has(item));
}

function score(tagger: Tagger, sentences: readonly CorpusSentence[]): number {
  const f1 = new EntityF1();
  for (const { tokens, tags } of sentences) f1.add(tags, tagger(tokens));
  return f1.scores().micro.f1;
}

function hash(value: Corpus): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

describe('the sample corpus is fixed', () => {
  test('the same seed gives the same bytes, and these bytes', () => {
    expect(generateCorpus()).toEqual(corpus);
    expect(hash(corpus)).toBe('3a0e97790b28af0d');
  });

  test('another seed gives other sentences of the same sizes', () => {
    const other = generateCorpus(2);
    expect(hash(other)).not.toBe(hash(corpus));
    for (const part of PARTS) expect(other[part]).toHaveLength(SIZES[part]);
  });
});

describe('the sample corpus is large and mixed enough to learn from', () => {
  test('2,400 + 300 + 600 sentences, none twice, 9 to 17 tokens on average', () => {
    expect(PARTS.map((part) => corpus[part].length)).toEqual([2400, 300, 600]);
    expect(new Set(everything.map(({ tokens }) => tokens.join(' '))).size).toBe(3300);
    for (const part of PARTS) {
      const mean = corpus[part].reduce((sum, { tokens }) => sum + tokens.length, 0) / corpus[part].length;
      expect(mean).toBeGreaterThan(9);
      expect(mean).toBeLessThan(17);
    }
  });

  test('55 % Ukrainian in every part, told by the letters', () => {
    for (const part of PARTS) {
      const ukrainian = corpus[part].filter(({ tokens }) => /[а-яіїєґ]{2}/i.test(tokens.join(' '))).length;
      expect(ukrainian).toBe(corpus[part].length * 0.55);
    }
  });

  test.each(TYPES)('%s: at least 200 entities in train, some of one word and some of several', (type) => {
    const found = corpus.train.flatMap(entitiesOf).filter((entity) => entity.type === type);
    expect(found.length).toBeGreaterThanOrEqual(200);
    expect(found.some(({ words }) => words.length === 1)).toBe(true);
    expect(found.some(({ words }) => words.length > 1)).toBe(true);
  });

  test('has sentences without an entity, entities at the start, lower-case words within, and capitals outside entities', () => {
    for (const part of PARTS) {
      const plain = corpus[part].filter(({ tags }) => tags.every((tag) => tag === 'O')).length / corpus[part].length;
      expect(plain).toBeGreaterThan(0.05);
      expect(plain).toBeLessThan(0.2);
      expect(corpus[part].some(({ tags }) => tags[0] !== 'O')).toBe(true);
      expect(corpus[part].flatMap(entitiesOf).some(({ words }) => /^\p{Ll}/u.test(words.at(-1)!))).toBe(true);
      const capitals = corpus[part].flatMap(({ tokens, tags }) =>
        tokens.filter((token, i) => i > 0 && tags[i] === 'O' && /^\p{Lu}/u.test(token)),
      );
      expect(new Set(capitals).size).toBeGreaterThan(10);
    }
  });
});

describe('every sentence is well formed', () => {
  test('tags are IOB2 of the four types, one for each token', () => {
    const wrong = everything.filter(
      ({ tokens, tags }) =>
        tags.length !== tokens.length ||
        tags.some((tag, i) => {
          if (!/^(O|[BI]-(PERS|LOC|ORG|MISC))$/.test(tag)) return true;
          return tag.startsWith('I-') && ![`B-${tag.slice(2)}`, tag].includes(tags[i - 1]!);
        }),
    );
    expect(wrong).toEqual([]);
  });

  test('nothing of the notation is left, and punctuation stands where it should', () => {
    const wrong = everything.filter(({ tokens }) => {
      const text = tokens.join(' ');
      if (tokens.some((token) => /[\s<>{}()[\]|~+*/#]|^$/.test(token))) return true;
      return /, [,.;]|^[,.;]/.test(text) || !/^[^\p{L}\p{N}]*[\p{Lu}\p{N}]/u.test(text) || !/[.?!]$/.test(text);
    });
    expect(wrong).toEqual([]);
  });

  test('Ukrainian prepositions fit their neighbours', () => {
    const text = everything.map(({ tokens }) => tokens.join(' ')).join('\n');
    expect(text).not.toMatch(/(^|\s)у [аеєиіїоуюя]/im); // в Одесі, not у Одесі
    expect(text).not.toMatch(/(^|\s)в [вф]/im); // у Вінниці, not в Вінниці
    expect(text).not.toMatch(/(^|\s)з [сзшщ]/im); // із Сум, not з Сум
    expect(text).toMatch(/\sзі С[^аеиіоуюя]/); // зі Словаччини
    expect(text).toMatch(/\sв [АЕИОУ]/);
    expect(text).toMatch(/^У [БГДЖКМНПРСТХЧШ]/m);
  });
});

describe('the test part is about other names in other sentences', () => {
  const known = [...corpus.train, ...corpus.valid];

  test('it shares no template with train and valid', () => {
    const templates = (sentences: readonly CorpusSentence[]) => new Set(sentences.map(({ template }) => template));
    expect(common(templates(known), templates(corpus.test))).toEqual([]);
    expect(templates(corpus.test).size).toBeGreaterThan(60);
  });

  test('no two parts share an entity, in any case form', () => {
    expect(common(entityStrings(known), entityStrings(corpus.test))).toEqual([]);
    expect(common(entityStrings(corpus.train), entityStrings(corpus.valid))).toEqual([]);
  });

  test('most entity words with a capital were never seen in training', () => {
    const seen = new Set(corpus.train.flatMap(({ tokens }) => tokens));
    const capitals = corpus.test
      .flatMap(entitiesOf)
      .flatMap(({ words }) => words)
      .filter((word) => /^\p{Lu}/u.test(word));
    expect(capitals.filter((word) => !seen.has(word)).length / capitals.length).toBeGreaterThan(0.7);
  });
});

describe('memory does not pass', () => {
  test.each([
    ['dictionary', dictionaryTagger],
    ['memoriser', memoriserTagger],
  ] as const)('%s: at most 0.50 entity F1 on test, and it does know its training part', (_, make) => {
    const tagger = make(corpus.train);
    expect(score(tagger, corpus.train)).toBeGreaterThan(0.8);
    expect(score(tagger, corpus.test)).toBeLessThanOrEqual(0.5);
  });

  test('the dictionary takes the longest match and the most frequent type', () => {
    const tagger = dictionaryTagger([
      { tokens: ['New', 'York', 'and', 'York'], tags: ['B-LOC', 'I-LOC', 'O', 'B-LOC'] },
      { tokens: ['York', 'York', 'won'], tags: ['B-ORG', 'B-ORG', 'O'] },
    ]);
    expect(tagger(['in', 'New', 'York', 'or', 'York'])).toEqual(['O', 'B-LOC', 'I-LOC', 'O', 'B-ORG']);
  });

  test('the memoriser sees the neighbours alone', () => {
    const tagger = memoriserTagger([{ tokens: ['in', 'Paris', '.'], tags: ['O', 'B-LOC', 'O'] }]);
    expect(tagger(['in', 'soup', '.'])).toEqual(['O', 'B-LOC', 'O']);
    expect(tagger(['to', 'Paris', '.'])).toEqual(['O', 'O', 'O']);
  });
});
