// Readers on random bytes: nothing but DataError comes out, and time grows in step with size. WEFT_FUZZ_RUNS sets the runs.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConll } from '../../src/data/conll.ts';
import type { ReadOptions } from '../../src/data/intake.ts';
import { readJsonParts } from '../../src/data/json-parts.ts';
import { readJsonl, readLabelList } from '../../src/data/jsonl.ts';
import { DataError } from '../../src/errors.ts';

const RUNS = Number(process.env.WEFT_FUZZ_RUNS ?? 3000);
const encoder = new TextEncoder();

// Pieces that readers care about, so that random files get past the first check.
const PIECES = [
  ...['\n', '\n\n', '\r\n', '\t', ' ', 'a', 'Київ', 'O', ' O\n', ' B-PER\n', ' I-PER\n', ' S-LOC\n', ' E-LOC\n'],
  ...['-DOCSTART-', '\ufeff', '\u2028', '\0', '[', ']', '{', '}', ',', '"', '\\', '"tokens":', '"tags":', '"train":'],
  ...['{"tokens":["a"],"ner_tags":[1]}', '{"tokens":["a"],"tags":["O"]}', '"ner_tags":[', '1e999', '-1', 'null'],
  ...['"__proto__":', '"\\ud800"', '[[[[[[', '{"train":[', ']}'],
].map((text) => encoder.encode(text));

const file = fc
  .array(fc.oneof({ arbitrary: fc.constantFrom(...PIECES), weight: 4 }, fc.uint8Array({ maxLength: 6 })), {
    maxLength: 24,
  })
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));
const options: fc.Arbitrary<ReadOptions> = fc.record({
  onError: fc.constantFrom('error' as const, 'skip' as const, 'repair' as const),
  scheme: fc.constantFrom('IOB1' as const, 'IOB2' as const, 'IOBES' as const, 'BILOU' as const, 'any' as const),
  labels: fc.constantFrom(undefined, ['O', 'B-PER', 'I-PER'], ['x']) as fc.Arbitrary<string[]>,
});

/** Runs a reader; true if it gave sentences that hold together, false if it threw a DataError with the file's name. */
function survives(read: () => { sentences: { tokens: string[]; tags: string[] }[] }[]): boolean {
  try {
    for (const { sentences } of read()) {
      for (const { tokens, tags } of sentences) {
        expect(tokens.length).toBe(tags.length);
        expect(tokens.length).toBeGreaterThan(0);
        expect(tokens).not.toContain('');
      }
    }
    return true;
  } catch (error) {
    if (!(error instanceof DataError) || !error.message.startsWith('f')) throw error;
    return false;
  }
}

test(`readers throw nothing but DataError (${RUNS} files)`, { timeout: 600_000 }, () => {
  let taken = 0;
  fc.assert(
    fc.property(file, options, (bytes, settings) => {
      const runs = [
        survives(() => [readConll(bytes, 'f', settings)]),
        survives(() => [readJsonl(bytes, 'f', settings)]),
        survives(() => [...readJsonParts(bytes, 'f', settings).values()]),
        survives(() => readLabelList(bytes, 'f').map(() => ({ sentences: [] }))),
      ];
      taken += runs.filter(Boolean).length;
    }),
    { numRuns: RUNS },
  );
  // The generator is worth something only if it also makes files that are read.
  expect(taken).toBeGreaterThan(RUNS / 20);
});

describe('time is linear in size', () => {
  const repeat = (text: string, size: number) =>
    encoder.encode(text.repeat(Math.ceil(size / text.length)).slice(0, size));
  const record = '{"tokens":["a","b"],"tags":["O","O"]}';
  const invalid = (size: number) => new Uint8Array(size).fill(0xff).map((byte, i) => (i % 200 === 0 ? 0x0a : byte));
  const repair = { onError: 'repair' } as const;
  test.each<[string, (size: number) => unknown]>([
    ['CoNLL', (size) => readConll(repeat('слово O\n\n', size), 'f', repair)],
    ['CoNLL, one line of spaces', (size) => readConll(repeat(' ', size), 'f', repair)],
    ['CoNLL, one sentence', (size) => readConll(repeat('a B-X\nb I-X\n', size), 'f', repair)],
    ['CoNLL, one line of tabs', (size) => readConll(repeat('a\t', size), 'f', repair)],
    ['CoNLL, no line UTF-8', (size) => readConll(invalid(size), 'f', repair)],
    ['JSON lines', (size) => readJsonl(repeat(`${record}\n`, size), 'f', repair)],
    ['JSON lines, open brackets', (size) => readJsonl(repeat('[', size), 'f', repair)],
    [
      'JSON parts',
      (size) => readJsonParts(encoder.encode(`{"train":[${`${record},\n`.repeat(size / 40)}${record}]}`), 'f'),
    ],
    [
      'JSON parts, one long string',
      (size) => readJsonParts(encoder.encode(`{"t":["${'\\"'.repeat(size / 2)}"]}`), 'f'),
    ],
  ])('%s', (_, read) => {
    const time = (size: number) => {
      let best = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 3; run++) {
        const start = performance.now();
        try {
          read(size);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
        best = Math.min(best, performance.now() - start);
      }
      return best;
    };
    time(100_000);
    // Sixteen times the size: 16 for linear, 256 for quadratic; the constant keeps tiny times out of the quotient.
    const small = time(25_000);
    expect(time(400_000)).toBeLessThan(64 * (small + 1));
  });
});
