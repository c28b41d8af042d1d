// The corpora the project is developed on, where they are at hand: counts of sentences, tokens, entities and words.
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  encodeSentences,
  readConll,
  readJsonl,
  readJsonParts,
  readLabelList,
  type Sentence,
  TaggedSentences,
  Vocabulary,
} from '../../src/data/index.ts';

const root = new URL('../../../shared/data/', import.meta.url);
const present = existsSync(root);
if (!present) console.warn(`SKIPPED: corpus counts need the development data, and ${root.pathname} is absent.`);

const bytesOf = (path: string) => {
  const bytes = readFileSync(new URL(path, root));
  return new Uint8Array(path.endsWith('.gz') ? gunzipSync(bytes) : bytes);
};
const countsOf = (sentences: Sentence[]) => Object.values(new TaggedSentences(sentences).counts());

describe.skipIf(!present)('corpora', () => {
  const nerUk = (part: string) => {
    const labels = readLabelList(bytesOf('ner-uk/v1.labels.json'), 'v1.labels.json');
    return readJsonl(bytesOf(`ner-uk/v1.${part}.jsonl.gz`), part, { labels }).sentences;
  };

  test.each([
    ['train', [8711, 145559, 4451]],
    ['validation', [755, 13178, 410]],
    ['test', [4396, 78590, 2580]],
  ])('ner-uk v1 %s', (part, counts) => {
    expect(countsOf(nerUk(part))).toEqual(counts);
  });

  test('ner-uk v1 has 50,204 distinct words, 50,205 with padding', () => {
    const parts = ['train', 'validation', 'test'].map(nerUk);
    const vocabulary = Vocabulary.build(parts, { unk: null });
    expect(vocabulary.size).toBe(50_205);
    const data = new TaggedSentences(parts[2]!);
    const encoded = encodeSentences(data, vocabulary);
    expect(Array.from(encoded.ids.subarray(0, 5), (id) => vocabulary.word(id))).toEqual(
      data.sentences[0]!.tokens.slice(0, 5),
    );
  });

  test.each([
    ['train', [11161, 217887, 14735]],
    ['test', [5087, 103737, 6811]],
  ])('ner-uk v2 %s', (part, counts) => {
    const { sentences } = readConll(bytesOf(`ner-uk/v2.${part}.iob.gz`), part);
    expect(countsOf(sentences)).toEqual(counts);
    expect(new TaggedSentences(sentences).labels.types.length).toBe(13);
  });

  test.each([
    ['wikigold/wikigold.json.gz', 4, { train: [1384, 32533, 2995], valid: [195, 4116, 317], test: [117, 2358, 246] }],
    ['wnut17/wnut17.json.gz', 6, { train: [3394, 62730, 1975], valid: [1009, 15733, 836], test: [1287, 23394, 1079] }],
    ['gum/gum-news-voyage-interview.json.gz', 11, { train: [1709, 32017, 6016], test: [710, 13768, 2590] }],
  ])('%s', (path, types, counts) => {
    const parts = readJsonParts(bytesOf(path), path);
    const found = [...parts].map(([name, { sentences }]) => [name, countsOf(sentences)]);
    expect(Object.fromEntries(found)).toEqual(counts);
    expect(new TaggedSentences([...parts.values()].flatMap(({ sentences }) => sentences)).labels.types.length).toBe(
      types,
    );
  });
});
