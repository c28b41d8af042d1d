// Every way a data file can be bad, by name: the error names file and line, and each policy does what it says.
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type ConllOptions, readConll } from '../../src/data/conll.ts';
import type { ReadOptions } from '../../src/data/intake.ts';
import { readJsonParts } from '../../src/data/json-parts.ts';
import { readJsonl, readLabelList } from '../../src/data/jsonl.ts';
import { readLines, readText } from '../../src/data/lines.ts';
import { DataError } from '../../src/errors.ts';

const LABELS = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
const bytes = (text: string) => new TextEncoder().encode(text);
const raw = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...bytes(part)] : part)));
const conll = (text: string | Uint8Array, options?: ConllOptions) =>
  readConll(typeof text === 'string' ? bytes(text) : text, 'a.conll', options);
const jsonl = (text: string | Uint8Array, options?: ReadOptions) =>
  readJsonl(typeof text === 'string' ? bytes(text) : text, 'a.jsonl', { labels: LABELS, ...options });

/** The DataError `read` throws. */
function errorOf(read: () => unknown): DataError {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return error as DataError;
  }
  throw new Error('expected a DataError, got none');
}

describe('readConll reads', () => {
  const expected = [
    { tokens: ['Тарас', 'пише'], tags: ['B-PER', 'O'] },
    { tokens: ['Київ'], tags: ['B-LOC'] },
  ];

  test('spaces between columns, blank lines between sentences, a last line without an end', () => {
    expect(conll('Тарас B-PER\nпише O\n\n\nКиїв  B-LOC').sentences).toEqual(expected);
  });

  test('tabs, and then spaces inside a token', () => {
    expect(conll('Нью Йорк\tB-LOC\n').sentences).toEqual([{ tokens: ['Нью Йорк'], tags: ['B-LOC'] }]);
  });

  test('CRLF line ends', () => {
    expect(conll('Тарас B-PER\r\nпише O\r\n\r\nКиїв B-LOC\r\n').sentences).toEqual(expected);
  });

  test('a byte-order mark', () => {
    expect(conll(raw([0xef, 0xbb, 0xbf], 'Тарас B-PER\nпише O\n\nКиїв B-LOC\n')).sentences).toEqual(expected);
  });

  test('-DOCSTART- lines as boundaries, and chosen columns', () => {
    const text = '-DOCSTART- -X- O O\n\nТарас NN x B-PER\nпише VB x O\n-DOCSTART- -X- O O\nКиїв NN x B-LOC\n';
    expect(conll(text).sentences).toEqual(expected);
    expect(conll(text, { tagColumn: 1, scheme: 'any' }).sentences[0]!.tags).toEqual(['NN', 'VB']);
    expect(conll(text, { tokenColumn: 2 }).sentences[0]!.tokens).toEqual(['x', 'x']);
  });

  test('IOB1, IOBES and BILOU into IOB2', () => {
    const tagsOf = (text: string, scheme: ConllOptions['scheme']) =>
      conll(text, { scheme: scheme! }).sentences[0]!.tags;
    const iob2 = ['B-PER', 'I-PER', 'B-PER', 'O', 'B-LOC'];
    expect(tagsOf('a I-PER\nb I-PER\nc B-PER\nd O\ne I-LOC', 'IOB1')).toEqual(iob2);
    expect(tagsOf('a B-PER\nb E-PER\nc S-PER\nd O\ne S-LOC', 'IOBES')).toEqual(iob2);
    expect(tagsOf('a B-PER\nb L-PER\nc U-PER\nd O\ne U-LOC', 'BILOU')).toEqual(iob2);
  });

  test('a line of one megabyte', () => {
    const token = 'я'.repeat(1 << 19);
    expect(conll(`${token} O\n`).sentences[0]!.tokens[0]).toBe(token);
  });
});

describe('readConll refuses, naming file and line,', () => {
  test.each([
    ['ragged columns, a row too short', 'a x O\nb O\n', 2, /ragged columns: 3 expected, got 2 in "b O"/],
    ['ragged columns, a row too long', 'a O\nb x O\n', 2, /ragged columns: 2 expected, got 3/],
    ['ragged columns, a single column', 'a O\n\nb\n', 3, /got 1 in "b"/],
    ['an unknown label of no scheme', 'a O\nb PER\n', 2, /unknown label "PER": O, B-<type>, I-<type> expected/],
    ['an unknown label of the list', 'a O\nb B-ORG\n', 2, /unknown label "B-ORG": not one of the 5 labels given/],
    ['an illegal transition', 'a O\n\nb O\nc I-PER\n', 4, /illegal IOB2 transition: "I-PER" after "O"/],
    ['an empty token', 'a\tO\n\tO\n', 2, /token 1 is an empty string/],
  ])('%s', (_, text, line, message) => {
    const error = errorOf(() => conll(text, { labels: LABELS }));
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(`a.conll:${line}: `)).toBe(true);
    expect(error).toMatchObject({ file: 'a.conll', line });
  });

  test('an entity left open at the end of an IOBES sentence', () => {
    const error = errorOf(() => conll('a O\nb B-PER\n\nc O\n', { scheme: 'IOBES' }));
    expect(error).toMatchObject({ line: 2 });
    expect(error.message).toMatch(/"end of sentence" after "B-PER"/);
  });

  test('invalid UTF-8, wherever the line stands in the file', () => {
    expect(errorOf(() => conll(raw('a O\nb', [0xff], ' O\n')))).toMatchObject({ line: 2 });
    const long = 'слово O\n'.repeat(100_000);
    const error = errorOf(() => conll(bytes(long).map((byte, i, all) => (i === all.length - 2 ? 0xff : byte))));
    expect(error.message).toMatch(/^a\.conll:100000: bytes are not UTF-8/);
  });

  test.each([
    ['empty', ''],
    ['only a byte-order mark', '\ufeff'],
    ['only blank lines', '\n \r\n\t\n'],
    ['only -DOCSTART-', '-DOCSTART- O\n\n'],
  ])('an empty file: %s', (_, text) => {
    expect(errorOf(() => conll(text)).message).toMatch(/^a\.conll: expected at least one sentence, got none/);
    expect(() => conll(text, { onError: 'repair' })).toThrow(DataError);
  });
});

describe('policies', () => {
  const text = 'a O\nb I-PER\n\nc O\n\nd PER\n\ne\n\nf O\n';

  test('skip drops the sentences at fault and counts them', () => {
    const { sentences, report } = conll(text, { onError: 'skip' });
    expect(sentences.map(({ tokens }) => tokens[0])).toEqual(['c', 'f']);
    expect(report).toMatchObject({ skippedSentences: 3, repairedSentences: 0, sentences: 2, tokens: 2 });
    expect(Object.fromEntries(report.problems)).toEqual({
      'illegal-transition': 1,
      'unknown-label': 1,
      'ragged-columns': 1,
    });
    expect(report.messages[0]).toMatch(/^a\.conll:2: illegal IOB2 transition/);
    expect(String(report)).toBe(
      'a.conll: 2 sentences, 2 tokens; 3 skipped, 0 repaired (illegal-transition 1, unknown-label 1, ragged-columns 1)',
    );
  });

  test('repair mends what has one plain reading', () => {
    const { sentences, report } = conll(text, { onError: 'repair' });
    expect(sentences.map(({ tags }) => tags)).toEqual([['O', 'B-PER'], ['O'], ['O'], ['O'], ['O']]);
    expect(report).toMatchObject({ skippedSentences: 0, repairedSentences: 3 });
  });

  test('repair puts U+FFFD for bytes that are not UTF-8', () => {
    const { sentences } = conll(raw('a', [0xff], ' O\n'), { onError: 'repair' });
    expect(sentences[0]!.tokens).toEqual(['a\ufffd']);
  });

  test('repair drops empty tokens, and a sentence of nothing else', () => {
    const { sentences, report } = conll('a\tO\n\tO\nb\tO\n\n\tO\n', { onError: 'repair' });
    expect(sentences).toEqual([{ tokens: ['a', 'b'], tags: ['O', 'O'] }]);
    expect(report.skippedSentences).toBe(1);
  });

  test('repair reads an entity of unknown type as outside, all of it', () => {
    const options = { onError: 'repair', labels: ['O', 'B-PER', 'I-PER', 'I-ORG'] } as const;
    expect(conll('a B-ORG\nb I-ORG\nc B-PER\nd I-PER\n', options).sentences[0]!.tags).toEqual([
      'O',
      'O',
      'B-PER',
      'I-PER',
    ]);
  });

  test('a file whose sentences are all skipped is refused with the first reason', () => {
    expect(errorOf(() => conll('a PER\n', { onError: 'skip' })).message).toMatch(
      /all 1 sentences were skipped.*a\.conll:1/,
    );
  });

  test('what has no plain reading is skipped under repair too', () => {
    const good = '{"tokens":["a"],"tags":["O"]}';
    const { report } = jsonl(`${good}\n{"tokens":["a","b"],"tags":["O"]}\nnot json\n`, { onError: 'repair' });
    expect(report).toMatchObject({ sentences: 1, skippedSentences: 2 });
  });

  test('an unknown policy or scheme is refused', () => {
    expect(() => conll('a O', { onError: 'ignore' as 'skip' })).toThrow(/onError must be one of error, skip, repair/);
    expect(() => conll('a O', { scheme: 'BIO' as 'IOB2' })).toThrow(/scheme must be one of IOB1/);
  });
});

describe('readJsonl', () => {
  test('reads names and ids, and passes over blank lines', () => {
    const text = '{"tokens":["Тарас","пише"],"ner_tags":[1,0]}\r\n\n{"tokens":["Київ"],"tags":["B-LOC"]}';
    expect(jsonl(text).sentences).toEqual([
      { tokens: ['Тарас', 'пише'], tags: ['B-PER', 'O'] },
      { tokens: ['Київ'], tags: ['B-LOC'] },
    ]);
  });

  const good = '{"tokens":["a"],"tags":["O"]}\n';
  test.each([
    [
      'a label id out of range',
      '{"tokens":["a"],"ner_tags":[5]}',
      /tag 0 must be a label name or an id from 0 to 4, got "5"/,
    ],
    ['a negative label id', '{"tokens":["a"],"ner_tags":[-1]}', /got "-1"/],
    ['a label id that is no integer', '{"tokens":["a"],"ner_tags":[0.5]}', /got "0.5"/],
    ['a label of another kind', '{"tokens":["a"],"tags":[null]}', /got "null"/],
    ['an unknown label', '{"tokens":["a"],"tags":["B-ORG"]}', /unknown label "B-ORG"/],
    ['fewer tags than tokens', '{"tokens":["a","b"],"tags":["O"]}', /got 2 tokens but 1 tags/],
    ['an empty sentence', '{"tokens":[],"tags":[]}', /a sentence needs at least one token/],
    ['an empty token', '{"tokens":[""],"tags":["O"]}', /token 0 is an empty string/],
    ['a line that is not JSON', '{"tokens":["a"],', /not JSON/],
    ['a record without tags', '{"tokens":["a"]}', /got an object with keys "tokens"/],
    ['a record with tokens of another kind', '{"tokens":[1],"tags":["O"]}', /expected \{"tokens": \[strings\]/],
    ['a record that is no object', '[1]', /got an array of 1/],
    ['a record that is null', 'null', /got "null"/],
  ])('refuses %s with file:line', (_, text, message) => {
    const error = errorOf(() => jsonl(`${good}${text}\n`));
    expect(error.message).toMatch(message);
    expect(error.message.startsWith('a.jsonl:2: ')).toBe(true);
  });

  test('refuses invalid UTF-8 with file:line', () => {
    expect(errorOf(() => jsonl(raw(good, '{"tokens":["', [0x80], '"],"tags":["O"]}')))).toMatchObject({ line: 2 });
  });

  test('asks for the label list where ids come without one', () => {
    const error = errorOf(() => readJsonl(bytes('{"tokens":["a"],"ner_tags":[0]}'), 'a.jsonl'));
    expect(error.message).toMatch(/give the label list as `labels`/);
  });

  test('repairs a wrong id as O, and does not take __proto__ for a field', () => {
    expect(jsonl('{"tokens":["a"],"ner_tags":[99]}', { onError: 'repair' }).sentences[0]!.tags).toEqual(['O']);
    expect(() => jsonl('{"__proto__":{"tokens":["a"],"tags":["O"]}}')).toThrow(DataError);
  });
});

describe('readJsonParts', () => {
  const record = '{"tokens":["a"],"tags":["O"]}';
  const read = (text: string, options?: ReadOptions) => readJsonParts(bytes(text), 'a.json', options);

  test('reads every part', () => {
    const parts = read(`{"train":[${record},${record}],"test":[${record}]}`);
    expect([...parts].map(([name, part]) => [name, part.sentences.length])).toEqual([
      ['train', 2],
      ['test', 1],
    ]);
  });

  test('names the line, part and record at fault', () => {
    const text = `{"train": [\n${record},\n{"tokens":["\\"]}"],"tags":["O"]}],\n"test": [${record},\n\n{"tokens":["a"],"tags":["PER"]}]}`;
    expect(errorOf(() => read(text))).toMatchObject({ file: 'a.json', line: 6 });
    const error = errorOf(() => read(text.replace('"tags":["O"]}]', '"tags":[]}]')));
    expect(error).toMatchObject({ line: 3 });
    expect(errorOf(() => read(`{"train":[${record},7]}`)).message).toMatch(/^a\.json:1: "train" record 1: expected/);
  });

  test.each([
    ['an empty file', '', /empty file/],
    ['broken JSON', `{"train":[\n${record}`, /not JSON/],
    ['an array', `[${record}]`, /expected \{"train"/],
    ['no part', '{}', /at least one part/],
    ['an empty part', '{"train":[]}', /expected at least one sentence/],
    ['a part that is no array', '{"train":7}', /"train" must be an array/],
  ])('refuses %s', (_, text, message) => {
    expect(errorOf(() => read(text)).message).toMatch(message);
  });

  test('refuses invalid UTF-8 with its line', () => {
    expect(errorOf(() => readJsonParts(raw('{\n"train":["', [0xff], '"]}'), 'a.json'))).toMatchObject({ line: 2 });
  });
});

describe('readLabelList', () => {
  test('reads names in order and refuses anything else', () => {
    expect(readLabelList(bytes('["O","B-PER"]'), 'l.json')).toEqual(['O', 'B-PER']);
    for (const text of ['', '{}', '[]', '[1]', '["O","O"]', '["O"'])
      expect(() => readLabelList(bytes(text), 'l.json')).toThrow(DataError);
  });
});

describe('readLines', () => {
  test('keeps a mark that is not at the start, a lone carriage return and U+2028 as text', () => {
    const lines = [...readLines(bytes('a\ufeffb\rc\u2028d\r\n\ufeff'))];
    expect(lines.map((line) => line.text)).toEqual(['a\ufeffb\rc\u2028d', '\ufeff']);
  });

  test('numbers lines across blocks', () => {
    const lines = [...readLines(bytes('0123456789abcde\n'.repeat(200_000)))];
    expect(lines.length).toBe(200_000);
    expect(lines.every((line, i) => line.number === i + 1 && line.text === '0123456789abcde')).toBe(true);
  });
});

describe('readText', () => {
  const utf16 = (text: string, mark: string) => new Uint8Array(Buffer.from(mark + text, 'utf16le'));
  const swapped = (bytes: Uint8Array) => bytes.map((_, i) => bytes[i ^ 1]!);

  test('gives the text without its mark, and a U+FFFD that the file itself has', () => {
    expect(readText(bytes('\ufeffКиїв\r\n'), 'a.txt')).toBe('Київ\r\n');
    expect(readText(bytes('a\ufffdb'), 'a.txt')).toBe('a\ufffdb');
    expect(readText(new Uint8Array(0), 'a.txt')).toBe('');
  });

  test.each([
    ['CP1251', Uint8Array.of(0x41, 0x0a, 0x20, 0xca, 0xe8), 2, 'byte 2 of the line is 0xca); convert the file'],
    ['Latin-1 after a line that has U+FFFD', raw('\ufffd', [0xe9]), 1, 'byte 4 of the line is 0xe9); convert the file'],
    ['a sequence cut at the end', raw('ab\n', [0xd0]), 2, 'byte 1 of the line is 0xd0); convert the file'],
    ['the first byte of a U+FFFD alone', Uint8Array.of(0x61, 0xef), 1, 'byte 2 of the line is 0xef); convert the file'],
    ['a bad byte after signs of two to four', raw('é‰👍', [0xbf]), 1, 'byte 10 of the line is 0xbf); convert the file'],
    ['an overlong form', Uint8Array.of(0x61, 0xc0, 0xaf), 1, 'byte 2 of the line is 0xc0); convert the file'],
    ['an encoded surrogate', Uint8Array.of(0xed, 0xa0, 0x80), 1, 'byte 1 of the line is 0xed); convert the file'],
    ['UTF-16 with its mark', utf16('Ann\n', '\ufeff'), 1, 'byte 1 of the line is 0xff); it seems to be UTF-16'],
    ['UTF-16, the other end first', swapped(utf16('Ann\n', '\ufeff')), 1, '0xfe); it seems to be UTF-16'],
    ['UTF-16 without a mark', utf16('Ann lives', ''), 1, 'byte 2 of the line is 0x00); it seems to be UTF-16'],
    ['UTF-16 of Cyrillic without a mark', utf16('Анна в Києві', ''), 1, 'is 0x00); convert the file to UTF-8'],
    [
      'gzip under another name',
      new Uint8Array(gzipSync('Ann')),
      1,
      'it is gzip: unpack it, or give it a name that ends in .gz',
    ],
    ['a zip archive', raw('PK', [3, 4, 20, 0, 8]), 1, 'it is a zip archive'],
  ])('refuses %s with line and byte', (_, content, line, message) => {
    const error = errorOf(() => readText(content, 'a.txt'));
    expect(error).toMatchObject({ file: 'a.txt', line });
    expect(error.message).toContain(`a.txt:${line}: bytes are not UTF-8 (`);
    expect(error.message).toContain(message);
    // The line readers of training say the same, of the line that they come to.
    expect([...readLines(content)].find(({ fault }) => fault !== undefined)).toMatchObject({ number: line });
    if (line === 1) expect(errorOf(() => conll(content)).message).toContain(message);
  });
});
