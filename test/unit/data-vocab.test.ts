// Labels, vocabulary and encoding: ids are what they should be, and nothing out of range gets through.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TaggedSentences } from '../../src/data/dataset.ts';
import { EncodedSentences, encodeSentences } from '../../src/data/encoded.ts';
import { LabelSet } from '../../src/data/label-set.ts';
import { illegalTransitions, toIob2 } from '../../src/data/tag-scheme.ts';
import { Vocabulary, type VocabularyOptions } from '../../src/data/vocab.ts';
import { wordShape } from '../../src/data/word-shape.ts';
import { ArgumentError, DataError } from '../../src/errors.ts';

const sentence = (text: string, tags = text.split(' ').map(() => 'O')) => ({ tokens: text.split(' '), tags });

describe('LabelSet', () => {
  test('of a corpus: O, then B- and I- of every type by name, whether or not both occur', () => {
    const labels = LabelSet.of([['O', 'B-PER'], ['I-LOC']]);
    expect(labels.names).toEqual(['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER']);
    expect(labels.types).toEqual(['LOC', 'PER']);
    expect(labels.index('I-PER')).toBe(4);
    expect(labels.name(4)).toBe('I-PER');
    expect(new LabelSet(JSON.parse(JSON.stringify(labels))).names).toEqual(labels.names);
  });

  test('of plain labels: their names in order, and no types', () => {
    const labels = LabelSet.of([['VERB', 'NOUN', 'B-PER']]);
    expect(labels.names).toEqual(['B-PER', 'NOUN', 'VERB']);
    expect(labels.types).toEqual([]);
  });

  test('refuses unknown names, ids out of range, no names and the same name twice', () => {
    const labels = new LabelSet(['O', 'B-PER']);
    expect(labels.find('B-LOC')).toBeUndefined();
    expect(() => labels.index('B-LOC')).toThrow(/one of the 2 labels \(O, B-PER\), got "B-LOC"/);
    expect(() => labels.name(2)).toThrow(/an integer from 0 to 1, got 2/);
    expect(() => new LabelSet([])).toThrow(ArgumentError);
    expect(() => new LabelSet(['O', 'O'])).toThrow(/got 2 of which 1 distinct/);
  });
});

describe('toIob2', () => {
  test('gives legal IOB2 for any tags of IOB or IOBES, and leaves legal IOB2 alone', () => {
    const tag = fc.constantFrom('O', 'B-A', 'I-A', 'E-A', 'S-A', 'B-B', 'I-B', 'E-B', 'L-A', 'U-B');
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 12 }), (tags) => {
        const iob2 = toIob2(tags);
        expect(illegalTransitions(iob2, 'IOB2')).toEqual([]);
        expect(iob2.map((t) => t.slice(1))).toEqual(tags.map((t) => t.slice(1)));
        expect(toIob2(iob2)).toEqual(iob2);
      }),
    );
  });

  test.each([
    ['IOB2', ['O', 'I-A'], [1]],
    ['IOB2', ['B-A', 'I-B', 'I-B'], [1]],
    ['IOB1', ['I-A', 'I-B', 'B-B'], []],
    ['IOBES', ['B-A', 'I-A', 'E-A', 'S-B', 'O'], []],
    ['IOBES', ['B-A', 'O', 'E-A', 'I-A', 'B-A'], [1, 2, 3, 4, 5]],
    ['BILOU', ['U-A', 'B-A', 'L-B'], [2]],
  ] as const)('%s %j is illegal at %j', (scheme, tags, positions) => {
    expect(illegalTransitions(tags, scheme)).toEqual(positions);
  });
});

describe('wordShape', () => {
  test.each([
    ['слово', 'lower'],
    ["п'ять", 'lower'],
    ['Київ', 'capitalised'],
    ['Я', 'capitalised'],
    ['ООН', 'upper'],
    ['iPhone', 'mixed'],
    ['Івано-Франківськ', 'mixed'],
    ['Boeing-747', 'mixed'],
    ['12.5', 'digits'],
    ['—', 'punctuation'],
    ['東京', 'lower'],
    ['é'.normalize('NFD'), 'lower'],
    ['𝐀b', 'lower'],
  ])('%s is %s', (word, shape) => {
    expect(wordShape(word)).toBe(shape);
  });
});

describe('Vocabulary', () => {
  const train = [sentence('b a b c'), sentence('Б a')];

  test('has padding at 0, the unknown at 1, then the words in order', () => {
    const vocabulary = Vocabulary.build([train]);
    expect(Array.from({ length: vocabulary.size }, (_, id) => vocabulary.word(id))).toEqual([
      '<PAD>',
      '<UNK>',
      'a',
      'b',
      'c',
      'Б',
    ]);
    expect(['a', 'c', 'z', '<PAD>'].map((word) => vocabulary.encode(word))).toEqual([2, 4, 1, 1]);
  });

  test('does not depend on the order of sentences or parts', () => {
    const words = fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 6 }), (lists) => {
        const sentences = lists.map((tokens) => ({ tokens, tags: tokens.map(() => 'O') }));
        const parts = [sentences.slice(1).reverse(), sentences.slice(0, 1)];
        expect(Vocabulary.build(parts).toJSON()).toEqual(Vocabulary.build([sentences]).toJSON());
      }),
    );
  });

  test('leaves out rare words with minCount, folds case with lowercase', () => {
    expect(Vocabulary.build([train], { minCount: 2 }).toJSON().words).toEqual(['a', 'b']);
    const folded = Vocabulary.build([[sentence('Ab aB')]], { lowercase: true, minCount: 2 });
    expect(folded.encode('AB')).toBe(2);
    expect(folded.has('AB')).toBe(true);
  });

  test('without an unknown id refuses unknown words', () => {
    const closed = Vocabulary.build([train], { unk: null });
    expect(closed.size).toBe(1 + 4);
    expect(closed.encode('a')).toBe(1);
    expect(closed.find('z')).toBeUndefined();
    expect(() => closed.encode('z')).toThrow(/one of 4 words, got "z"\. Build the vocabulary from all parts/);
  });

  test('tells unknown words apart by shape', () => {
    const vocabulary = Vocabulary.build([train], { unknown: 'shape' });
    const names = ['zz', 'Zz', 'ZZ', 'zZ', '7', '!'].map((word) => vocabulary.word(vocabulary.encode(word)));
    expect(names).toEqual(
      ['lower', 'capitalised', 'upper', 'mixed', 'digits', 'punctuation'].map((shape) => `<UNK:${shape}>`),
    );
    expect(vocabulary.word(vocabulary.encode('b'))).toBe('b');
  });

  test('keeps a word of the text that is spelled like a special id, or like a property of objects', () => {
    const vocabulary = Vocabulary.build([[sentence('<PAD> __proto__ constructor')]]);
    expect(vocabulary.encode('<PAD>')).not.toBe(vocabulary.padId);
    expect(new Set(['<PAD>', '__proto__', 'constructor'].map((word) => vocabulary.encode(word)))).toEqual(
      new Set([2, 3, 4]),
    );
    expect(vocabulary.encode('toString')).toBe(1);
  });

  test('reads back what it wrote', () => {
    const settings: VocabularyOptions[] = [
      {},
      { unk: null },
      { unknown: 'shape', lowercase: true, pad: '0', unk: '?' },
    ];
    for (const options of settings) {
      const vocabulary = Vocabulary.build([train], options);
      const copy = Vocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary)));
      expect(copy.specials).toEqual(vocabulary.specials);
      expect(copy.toJSON()).toEqual(vocabulary.toJSON());
      expect(copy.find('b')).toBe(vocabulary.find('b'));
      expect(copy.find('!')).toBe(vocabulary.find('!'));
    }
  });

  test.each([
    null,
    [],
    {},
    { words: ['a'] },
    { words: [1], pad: 'p', unk: null, lowercase: false, unknown: 'single' },
    { words: ['a', 'a'], pad: 'p', unk: null, lowercase: false, unknown: 'single' },
    { words: ['a'], pad: 'p', unk: null, lowercase: false, unknown: 'other' },
  ])('fromJSON refuses %j', (json) => {
    expect(() => Vocabulary.fromJSON(json, 'v.json')).toThrow(DataError);
    expect(() => Vocabulary.fromJSON(json, 'v.json')).toThrow(/^v\.json: /);
  });

  test('refuses an id out of range', () => {
    const vocabulary = Vocabulary.build([train]);
    for (const id of [-1, 6, 0.5]) expect(() => vocabulary.word(id)).toThrow(/an integer from 0 to 5/);
  });
});

describe('TaggedSentences and EncodedSentences', () => {
  const data = new TaggedSentences([sentence('a b', ['B-X', 'I-X']), sentence('c', ['O'])]);

  test('count and encode', () => {
    expect(data.counts()).toEqual({ sentences: 2, tokens: 3, entities: 1 });
    const encoded = encodeSentences(data, Vocabulary.build([data.sentences.slice(0, 1)]));
    expect([...encoded.ids]).toEqual([2, 3, 1]);
    expect([...encoded.labels]).toEqual([1, 2, 0]);
    expect([...encoded.offsets]).toEqual([0, 2, 3]);
    expect([...encoded.unknownIds!]).toEqual([1, 1, 1]);
    expect(encoded).toMatchObject({ length: 2, longest: 2, vocabularySize: 4, labelCount: 3 });
    expect([...encoded.lengths()]).toEqual([2, 1]);
  });

  test('refuse an empty sentence, tags that do not pair, an unknown label', () => {
    const labels = new LabelSet(['O']);
    const make = (tokens: string[], tags: string[]) => new TaggedSentences([{ tokens, tags }], labels, 'dev');
    expect(() => make([], [])).toThrow(/^dev: sentence 0: one tag per token, one token at least, got 0 tokens/);
    expect(() => make(['a'], ['O', 'O'])).toThrow(/got 1 tokens and 2 tags/);
    expect(() => make(['a'], ['B-X'])).toThrow(/^dev: sentence 0: tag "B-X" is not one of the 1 labels \(O\)/);
  });

  test('refuse a word that a closed vocabulary lacks', () => {
    const closed = Vocabulary.build([data.sentences.slice(0, 1)], { unk: null });
    expect(() => encodeSentences(data, closed)).toThrow(/sentence 1: "c" is not among the 3 entries/);
    expect(() => encodeSentences(new TaggedSentences([], new LabelSet(['O'])), closed)).toThrow(ArgumentError);
  });

  const fields = {
    ids: Int32Array.of(1, 2, 3),
    labels: Int32Array.of(0, -100, 1),
    offsets: Int32Array.of(0, 2, 3),
    vocabularySize: 4,
    labelCount: 2,
    name: 'dev',
  };

  test('take -100 as a label to be ignored', () => {
    expect(new EncodedSentences(fields).length).toBe(2);
  });

  test.each([
    [
      'an id out of range',
      { ids: Int32Array.of(1, 2, 4) },
      /^dev: sentence 1, position 0: id must be from 0 to 3, got 4/,
    ],
    ['a negative id', { ids: Int32Array.of(1, -1, 3) }, /sentence 0, position 1: id must be from 0 to 3, got -1/],
    ['-100 as an id', { ids: Int32Array.of(1, -100, 3) }, /id must be from 0 to 3, got -100/],
    [
      'a label out of range',
      { labels: Int32Array.of(0, 1, 2) },
      /sentence 1, position 0: label must be from 0 to 1, got 2/,
    ],
    ['a label of -1', { labels: Int32Array.of(0, -1, 0) }, /label must be from 0 to 1, got -1/],
    ['fewer labels than ids', { labels: Int32Array.of(0) }, /one label per token expected, got 1 for 3 tokens/],
    ['an empty sentence', { offsets: Int32Array.of(0, 0, 3) }, /sentence 0 has no token/],
    ['offsets that run backwards', { offsets: Int32Array.of(0, 4, 3) }, /sentence 1 has no token/],
    ['offsets that end early', { offsets: Int32Array.of(0, 2) }, /offsets must run from 0 to 3/],
    ['no sentence', { ids: new Int32Array(), labels: new Int32Array(), offsets: Int32Array.of(0) }, /offsets must run/],
    ['an unknown id out of range', { unknownIds: Int32Array.of(1, 1, 9) }, /unknown id must be from 0 to 3, got 9/],
  ])('refuse %s', (_, change, message) => {
    expect(() => new EncodedSentences({ ...fields, ...change })).toThrow(DataError);
    expect(() => new EncodedSentences({ ...fields, ...change })).toThrow(message);
  });
});
