// Data sets opened by path: every layout of files, the validation part cut from train, and refusals that say what was looked for.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { holdOut, type OpenDatasetOptions, openDataset } from '../../src/node/datasets.ts';
import { writeAtomic } from '../../src/node/files.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'weft-datasets-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let folders = 0;
async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = join(root, `set${folders++}`);
  for (const [name, text] of Object.entries(files)) {
    await writeAtomic(join(folder, name), name.endsWith('.gz') ? gzipSync(text) : text);
  }
  return folder;
}

const conll = (...words: string[]) =>
  words.map((word) => `${word} ${/^\p{Lu}/u.test(word) ? 'B-PER' : 'O'}\n\n`).join('');
const record = (word: string, tag: string | number) => JSON.stringify({ tokens: [word], ner_tags: [tag] });
const wordsOf = (part: { sentences: readonly { tokens: string[] }[] } | undefined) =>
  part?.sentences.map(({ tokens }) => tokens.join(' '));
const refusal = (path: string, options?: OpenDatasetOptions) =>
  openDataset(path, options).then(String, (error: Error) => `${error.name}: ${error.message}`);

describe('layouts', () => {
  const three = { train: ['Anna', 'runs'], validation: ['Boris'], test: ['sits'] };
  const expectThree = async (path: string, options?: OpenDatasetOptions) => {
    const set = await openDataset(path, options);
    const { train, validation, test: last } = set;
    expect({ train: wordsOf(train), validation: wordsOf(validation), test: wordsOf(last) }).toEqual(three);
    expect(set.report.validation).toBe('file');
    return set;
  };

  test.each([
    ['CoNLL .txt', { 'train.txt': conll('Anna', 'runs'), 'valid.txt': conll('Boris'), 'test.txt': conll('sits') }],
    [
      'CoNLL as it was shipped',
      { 'eng.train': conll('Anna', 'runs'), 'eng.testa': conll('Boris'), 'eng.testb': conll('sits') },
    ],
    [
      'CoNLL .iob.gz',
      { 'train.iob.gz': conll('Anna', 'runs'), 'dev.iob.gz': conll('Boris'), 'test.iob.gz': conll('sits') },
    ],
    [
      'JSONL',
      {
        'train.jsonl': `${record('Anna', 'B-PER')}\n${record('runs', 'O')}`,
        'val.jsonl.gz': record('Boris', 'B-PER'),
        'test.jsonl': record('sits', 'O'),
      },
    ],
    [
      'one JSON',
      {
        'all.json.gz': `{"train":[${record('Anna', 'B-PER')},${record('runs', 'O')}],"valid":[${record('Boris', 'B-PER')}],"test":[${record('sits', 'O')}]}`,
      },
    ],
  ])('%s', async (_, files) => {
    const { labels, report } = await expectThree(await folderOf(files as Record<string, string>));
    expect(labels.names).toEqual(['O', 'B-PER', 'I-PER']);
    expect(report.reads.map(({ sentences }) => sentences)).toEqual([2, 1, 1]);
    expect([...report.files.keys()]).toEqual(['train', 'validation', 'test']);
  });

  test('ids with a label list keep its order', async () => {
    const folder = await folderOf({
      'v1.labels.json': '["O", "B-PERS", "I-PERS", "B-LOC", "I-LOC"]',
      'v1.train.jsonl': record('Anna', 1),
      'v1.test.jsonl': record('Київ', 3),
      'v1.small.train.jsonl': record('Olena', 1),
    });
    const set = await openDataset(folder);
    expect(set.labels.names).toEqual(['O', 'B-PERS', 'I-PERS', 'B-LOC', 'I-LOC']);
    expect(set.test?.sentences).toEqual([{ tokens: ['Київ'], tags: ['B-LOC'] }]);
    expect(set.validation).toBeUndefined();
    expect(set.report.others).toEqual([join(folder, 'v1.small')]);
    const small = await openDataset(join(folder, 'v1.small'));
    expect(wordsOf(small.train)).toEqual(['Olena']);
    expect(small.labels.size).toBe(5);
  });

  test('labels of the test part alone are labels too', async () => {
    const folder = await folderOf({ 'train.txt': 'a O\n', 'test.txt': 'Lviv B-LOC\n' });
    expect((await openDataset(folder)).labels.names).toEqual(['O', 'B-LOC', 'I-LOC']);
  });

  test('a file by itself is a training part; columns and scheme reach the reader', async () => {
    const folder = await folderOf({ 'corpus.conll': 'Anna\tNNP\tI-PER\nruns\tVBZ\tO\n' });
    const { train } = await openDataset(join(folder, 'corpus.conll'), { scheme: 'IOB1' });
    expect(train.sentences[0]).toEqual({ tokens: ['Anna', 'runs'], tags: ['B-PER', 'O'] });
    const pos = await openDataset(join(folder, 'corpus.conll'), { tagColumn: 1, scheme: 'any' });
    expect(pos.train.sentences[0]!.tags).toEqual(['NNP', 'VBZ']);
  });
});

describe('validation part cut from train', () => {
  const words = Array.from({ length: 25 }, (_, i) => `w${i}`);
  const tagged = words.map((word) => ({ tokens: [word], tags: ['O'] }));

  test('one sentence of every block of ten, the same ones for the same seed', () => {
    const [kept, held] = holdOut(tagged, 10, 3);
    expect(held.length).toBe(2);
    expect(held.map(({ tokens }) => Math.floor(Number(tokens[0]!.slice(1)) / 10))).toEqual([0, 1]);
    expect([...kept, ...held].map(({ tokens }) => tokens[0]).sort()).toEqual([...words].sort());
    expect(holdOut(tagged, 10, 3)).toEqual([kept, held]);
    const draws = new Set(Array.from({ length: 60 }, (_, seed) => holdOut(tagged, 10, seed)[1][0]!.tokens[0]));
    expect(draws.size).toBe(10);
  });

  test('is made only where the files have none, and said', async () => {
    const folder = await folderOf({ 'train.txt': conll(...words), 'test.txt': conll('Anna') });
    const { train, validation, report } = await openDataset(folder, { seed: 3 });
    expect([train.length, validation?.length]).toEqual([23, 2]);
    expect(String(report)).toContain('no validation part: one sentence of every 10 of train was set aside, 2 in all');
    expect(report.validation).toBe('train');
    const whole = await openDataset(folder, { validationEvery: 0 });
    expect([whole.train.length, whole.validation, whole.report.validation]).toEqual([25, undefined, 'none']);
    expect(await refusal(folder, { validationEvery: 1 })).toBe(
      'ArgumentError: openDataset: validationEvery must be 0, or an integer from 2, got 1.',
    );
  });
});

describe('refusals', () => {
  test('nothing there', async () => {
    const folder = await folderOf({ 'readme.md': '', 'b.csv': '' });
    expect(await refusal(join(folder, 'a/b'))).toBe(
      `DataError: ${join(folder, 'a/b')}: no data set there: neither the path nor its folder exists.`,
    );
    expect(await refusal(folder)).toMatch(
      /no data set there\. Looked for one \.json of .*train.*; found b\.csv, readme\.md\.$/,
    );
    expect(await refusal(join(folder, 'v7'))).toBe(
      `DataError: ${join(folder, 'v7')}: no such file or folder, and ${folder} holds no named set.`,
    );
    expect(await refusal(join(folder, 'b.csv'))).toMatch(
      /b\.csv: unknown kind of data file\. Give the format \(json, jsonl, conll\)/,
    );
  });

  test('parts that are missing, double or of two formats', async () => {
    const lone = await folderOf({ 'valid.txt': conll('a'), 'test.txt': conll('b') });
    expect(await refusal(lone)).toContain('no training part: found test.txt, valid.txt, looked for train');
    const double = await folderOf({ 'train.txt': conll('a'), 'train.txt.gz': conll('b') });
    expect(await refusal(double)).toContain('train.txt and train.txt.gz do not make one data set. Keep one of them');
    const mixed = await folderOf({ 'train.txt': conll('a'), 'test.jsonl': record('b', 'O') });
    expect(await refusal(mixed)).toContain('test.jsonl and train.txt do not make one data set');
    expect(wordsOf((await openDataset(mixed, { format: 'conll' })).train)).toEqual(['a']);
    const two = await folderOf({ 'a.train.txt': conll('a'), 'b.train.txt': conll('b') });
    expect(await refusal(two)).toContain(
      `2 data sets, of which one must be chosen: ${join(two, 'a')}, ${join(two, 'b')}.`,
    );
    expect(await refusal(join(two, 'c'))).toContain('holds sets "a", "b".');
  });

  test('JSON without train or with a stranger', async () => {
    const folder = await folderOf({
      'a.json': `{"test":[${record('a', 'O')}]}`,
      'b.json': `{"trian":[${record('a', 'O')}]}`,
    });
    expect(await refusal(join(folder, 'a.json'))).toContain('no training part: looked for "train", found test.');
    expect(await refusal(join(folder, 'b.json'))).toContain('part "trian" is not expected: the parts are train,');
  });

  test('bad content names file and line, or is skipped and counted', async () => {
    const folder = await folderOf({ 'train.txt': 'a O\n\nb X-Y\n\n', 'test.txt': 'a O\n' });
    expect(await refusal(folder)).toContain(`DataError: ${join(folder, 'train.txt')}:3: unknown label "X-Y"`);
    const { train, report } = await openDataset(folder, { onError: 'skip' });
    expect(train.length).toBe(1);
    expect(String(report)).toContain('train.txt: 1 sentences, 1 tokens; 1 skipped, 0 repaired (unknown-label 1)');
  });
});

const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const present = existsSync(shared);
if (!present) console.warn(`SKIPPED: corpora opened by path need the development data, and ${shared} is absent.`);

test.skipIf(!present).each([
  ['ner-uk', [8711, 755, 4396], 9, 'file'],
  ['ner-uk/v1.hfshape', [10833, 1307, 668], 9, 'file'],
  ['ner-uk/v2', [10045, 1116, 5087], 27, 'train'],
  ['wikigold', [1384, 195, 117], 9, 'file'],
  ['wnut17/wnut17.json.gz', [3394, 1009, 1287], 13, 'file'],
  ['gum', [1539, 170, 710], 23, 'train'],
])('corpus %s', async (path, sentences, labels, validation) => {
  const set = await openDataset(join(shared, path));
  expect([set.train, set.validation, set.test].map((part) => part?.length)).toEqual(sentences);
  expect(set.labels.size).toBe(labels);
  expect(set.report.validation).toBe(validation);
});
