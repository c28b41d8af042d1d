// Entity scores against conlleval.pl and seqeval, to the digit.
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ArgumentError } from '../../src/errors.ts';
import { chunksOf } from '../../src/metrics/chunks.ts';
import { classificationReport, conllevalReport, decimal } from '../../src/metrics/entity-report.ts';
import { type Scheme, strictEntities } from '../../src/metrics/schemes.ts';
import { EntityF1, type Score } from '../../src/metrics/seqeval.ts';

const golden = new URL('../../../shared/data/golden/', import.meta.url);
const present = existsSync(golden);
if (!present) console.warn(`SKIPPED: the seqeval and conlleval cases of ${golden.pathname} are absent.`);

/** The metric after a file of conlleval.pl's input form: the last two columns are gold and predicted. */
function metricOf(text: string): EntityF1 {
  const metric = new EntityF1();
  for (const block of text.split('\n\n')) {
    const rows = block.split('\n').filter((line) => line !== '');
    const column = (at: number) => rows.map((row) => row.split(' ').at(at)!);
    metric.add(column(-2), column(-1));
  }
  return metric;
}

describe('conllevalReport equals the output of conlleval.pl', () => {
  test('for tags that open with I-, change type, overlap, and a percentage half-way between two decimals', () => {
    const read = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');
    expect(conllevalReport(metricOf(read('conlleval-small.txt')))).toBe(read('conlleval-small.out'));
  });

  test.skipIf(!present)('for 961 tokens of chunking: F1 74.35', () => {
    const read = (name: string) => readFileSync(new URL(name, golden), 'utf8');
    expect(conllevalReport(metricOf(read('conlleval.ground_truth.txt')))).toBe(read('conlleval.ground_truth.out'));
  });

  test.skipIf(!present)('for wikigold with noise: F1 65.44', () => {
    const text = gunzipSync(readFileSync(new URL('conlleval.wikigold-noised.txt.gz', golden))).toString();
    const report = readFileSync(new URL('conlleval.wikigold-noised.out', golden), 'utf8');
    expect(conllevalReport(metricOf(text))).toBe(report);
  });

  test('for no tokens at all', () => {
    expect(conllevalReport(new EntityF1())).toBe('processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0.\n');
  });
});

describe.skipIf(!present)('seqeval', () => {
  interface Expected {
    precision: number;
    recall: number;
    f1: number;
    accuracy?: number;
    macro_f1?: number | null;
    weighted_f1?: number | null;
    entities_pred: [string, number, number][][];
    report: Record<
      string,
      { precision: number | null; recall: number | null; 'f1-score': number | null; support: number }
    >;
  }
  interface Case {
    scheme: Scheme;
    gold: string[][];
    pred: string[][];
    default: Expected;
    strict: Expected;
    report_text?: string;
  }
  // Python writes NaN, which is not JSON: the mean over no types, for which this library says 0.
  const text = present
    ? readFileSync(new URL('seqeval-cases.json', golden), 'utf8').replaceAll('NaN', 'null')
    : '{"cases":[]}';
  const cases = (JSON.parse(text) as { cases: Case[] }).cases;

  const close = (actual: number, expected: number | null) => expect(actual).toBeCloseTo(expected ?? 0, 12);
  const runs = cases.flatMap((example, i) => [
    [i, example.scheme, 'default', example] as const,
    [i, example.scheme, 'strict', example] as const,
  ]);

  test('has all 48 cases', () => {
    expect(cases.length).toBe(48);
  });

  test.each(runs)('case %i, %s, %s', (_, scheme, mode, example) => {
    const metric = new EntityF1(mode === 'strict' ? { strict: scheme } : {});
    for (const [i, gold] of example.gold.entries()) metric.add(gold, example.pred[i]!);
    const scores = metric.scores();
    const expected = example[mode];
    // seqeval's default mode names the last token of an entity, its strict mode the one after.
    const entities = example.pred.map((tags) =>
      mode === 'strict'
        ? strictEntities(tags, scheme).map(({ type, start, end }) => [type, start, end])
        : chunksOf(tags).map(({ type, start, end }) => [type, start, end - 1]),
    );
    expect(entities).toEqual(expected.entities_pred);
    close(scores.micro.precision, expected.precision);
    close(scores.micro.recall, expected.recall);
    close(scores.micro.f1, expected.f1);
    if (expected.accuracy !== undefined) close(scores.accuracy, expected.accuracy);
    if (expected.macro_f1 !== undefined) close(scores.macro.f1, expected.macro_f1);
    if (expected.weighted_f1 !== undefined) close(scores.weighted.f1, expected.weighted_f1);

    const averages: Record<string, Score> = {
      'micro avg': scores.micro,
      'macro avg': scores.macro,
      'weighted avg': scores.weighted,
    };
    const rows = Object.entries(expected.report);
    expect(rows.map(([name]) => name)).toEqual([...scores.perType.keys(), ...Object.keys(averages)]);
    for (const [name, row] of rows) {
      const score = averages[name] ?? scores.perType.get(name)!;
      close(score.precision, row.precision);
      close(score.recall, row.recall);
      close(score.f1, row['f1-score']);
      expect(score.support).toBe(row.support);
    }
    if (mode === 'default' && example.report_text) {
      expect(classificationReport(metric, 4)).toBe(example.report_text);
    }
  });
});

describe('chunksOf', () => {
  test.each([
    [['I-PER', 'I-PER'], 'PER 0-2'],
    [['B-PER', 'I-LOC', 'I-LOC'], 'PER 0-1, LOC 1-3'],
    [['B-PER', 'B-PER', 'O', 'I-PER'], 'PER 0-1, PER 1-2, PER 3-4'],
    [['S-PER', 'I-PER', 'E-PER', 'E-PER'], 'PER 0-1, PER 1-3, PER 3-4'],
    [['B-creative-work', 'I-creative-work'], 'creative-work 0-2'],
    [['B', 'I', 'O', 'I'], '_ 0-2, _ 3-4'],
    [['I-PER', 'S-PER'], 'PER 0-1, PER 1-2'],
    [[], ''],
  ])('%j', (tags, entities) => {
    expect(
      chunksOf(tags)
        .map(({ type, start, end }) => `${type} ${start}-${end}`)
        .join(', '),
    ).toBe(entities);
  });
});

describe('strictEntities', () => {
  test('takes only what the scheme spells', () => {
    expect(strictEntities(['I-PER', 'O', 'B-PER', 'I-PER', 'I-LOC'], 'IOB2')).toEqual([
      { type: 'PER', start: 2, end: 4 },
    ]);
    expect(strictEntities(['B-PER', 'I-PER', 'O', 'S-LOC'], 'IOBES')).toEqual([{ type: 'LOC', start: 3, end: 4 }]);
  });

  test('refuses a tag of another scheme', () => {
    expect(() => strictEntities(['S-PER'], 'IOB2')).toThrow(/a tag of IOB2 \(prefixes I, O, B\), got "S-PER"/);
    expect(() => strictEntities([''], 'IOB2')).toThrow(ArgumentError);
  });

  test('agrees with conlleval on every legal sequence of IOB2', () => {
    const run = fc.tuple(fc.constantFrom('A', 'B'), fc.integer({ min: 1, max: 3 }), fc.nat(2));
    fc.assert(
      fc.property(fc.array(run, { maxLength: 6 }), (runs) => {
        const tags = runs.flatMap(([type, length, gap]) => [
          `B-${type}`,
          ...Array<string>(length - 1).fill(`I-${type}`),
          ...Array<string>(gap).fill('O'),
        ]);
        expect(strictEntities(tags, 'IOB2')).toEqual(chunksOf(tags));
        expect(chunksOf(tags).length).toBe(runs.length);
      }),
    );
  });
});

describe('EntityF1', () => {
  const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];

  test('reads class ids [B, T], leaving out what is labelled -100', () => {
    const byIds = new EntityF1({ labels });
    byIds.update([1, 2, 0, 3, 4, 4], [1, 2, -100, 3, -100, -100], 3);
    const byNames = new EntityF1();
    byNames.add(['B-PER', 'I-PER'], ['B-PER', 'I-PER']);
    byNames.add(['B-LOC'], ['B-LOC']);
    expect(byIds.scores()).toEqual(byNames.scores());
    expect(byIds.scores().micro).toEqual({ precision: 1, recall: 1, f1: 1, support: 2 });
    expect(byIds.tokens).toBe(3);
  });

  test.each([
    ['U-PER', ['U-PER', 'U-PER', 'O'], ['U-PER', 'O', 'O']],
    ['L-LOC', ['O', 'O', 'O'], ['B-LOC', 'L-LOC', 'O']],
    ['W-A', ['W-A', 'O'], ['O', 'M-A']],
  ])('says once that %s is not read as its scheme means it, as seqeval says', (tag, gold, predicted) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const metric = new EntityF1();
    metric.add(gold, predicted);
    metric.add(gold, predicted);
    expect(warn.mock.calls).toEqual([
      [
        `EntityF1: "${tag}" is read as "I${tag.slice(1)}", as seqeval does without a scheme, so that entities side by side are one. ` +
          'Give `strict` (BILOU), or convert the tags first (toIob2).',
      ],
    ]);
    warn.mockClear();
    new EntityF1({ strict: 'BILOU' }).add(['U-PER', 'B-A', 'L-A'], ['O', 'U-A', 'U-A']);
    new EntityF1().add(['B-UA', 'I-UA', 'O', 'S-L-1', 'E-M'], ['UH', 'MD', 'LS', 'WP', 'O']);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  test('under its scheme each single token is an entity of its own', () => {
    const strict = new EntityF1({ strict: 'BILOU' });
    strict.add(['U-PER', 'U-PER', 'O'], ['U-PER', 'O', 'O']);
    expect(strict.totals()).toEqual({ gold: 2, predicted: 1, correct: 1 });
  });

  test('does not join entities across sentences', () => {
    const metric = new EntityF1({ labels });
    metric.update([1, 2, 2, 0], [1, 2, 2, 0], 2);
    expect(metric.totals()).toEqual({ gold: 2, predicted: 2, correct: 2 });
  });

  test('gives 0 where nothing is found, and 0 for a correct span of the wrong type', () => {
    const metric = new EntityF1();
    metric.add(['B-PER', 'O'], ['B-LOC', 'O']);
    expect(metric.scores().micro).toEqual({ precision: 0, recall: 0, f1: 0, support: 1 });
    expect(metric.scores().accuracy).toBe(0.5);
    expect(new EntityF1().scores().macro).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 });
  });

  test('refuses predictions of another length, classes out of range, and shapes that do not divide', () => {
    const metric = new EntityF1({ labels });
    expect(() => metric.add(['O'], ['O', 'O'])).toThrow(/predicted must be 1 tags, one per gold tag, got 2/);
    expect(() => metric.update([0, 5], [0, 0], 2)).toThrow(/predictions\[1\] must be a class from 0 to 4, got 5/);
    expect(() => metric.update([0, 0], [0, -1], 2)).toThrow(/labels\[1\] must be a class from 0 to 4, got -1/);
    expect(() => metric.update([0, 0, 0], [0, 0, 0], 2)).toThrow(/time must be a positive divisor of 3/);
    expect(() => metric.update([0], [0, 0], 2)).toThrow(/predictions must be 2 ids, one per label, got 1/);
  });
});

describe('decimal', () => {
  test.each([
    [78.125, 2, '78.12'],
    [15.625, 2, '15.62'],
    [84.375, 2, '84.38'],
    [0.5, 0, '0'],
    [1.5, 0, '2'],
    [2.675, 2, '2.67'],
    [100, 2, '100.00'],
    [0.03125, 4, '0.0312'],
  ])('%d with %i digits is %s, as C prints it', (value, digits, text) => {
    expect(decimal(value, digits)).toBe(text);
  });
});
