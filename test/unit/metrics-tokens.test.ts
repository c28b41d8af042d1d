// Token metrics against sums done by hand, ignored positions and the study's all-O score among them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArgumentError } from '../../src/errors.ts';
import { Accuracy } from '../../src/metrics/accuracy.ts';
import { Average } from '../../src/metrics/average.ts';
import { ConfusionMatrix } from '../../src/metrics/confusion.ts';
import { SequenceF1 } from '../../src/metrics/sequence-f1.ts';

const IGNORED = -100;

describe('Average', () => {
  test('weighs values by their items, and starts anew after reset', () => {
    const average = new Average();
    expect(average.value).toBeNaN();
    average.update(1, 3);
    average.update(5);
    expect(average.value).toBe(2);
    expect(average.count).toBe(4);
    average.reset();
    expect(average.count).toBe(0);
    expect(average.value).toBeNaN();
  });
});

describe('Accuracy', () => {
  test('per token and per sentence differ where sentences differ in length', () => {
    const accuracy = new Accuracy({ classes: 3 });
    // One sentence of four tokens, three right; one of a single token, wrong; one of padding alone.
    accuracy.update(
      [0, 1, 2, 0, 1, 1, 1, 1, 2, 2, 2, 2],
      [0, 1, 2, 1, 0, IGNORED, IGNORED, IGNORED, ...Array(4).fill(IGNORED)],
      4,
    );
    expect(accuracy.count).toBe(5);
    expect(accuracy.perToken).toBeCloseTo(3 / 5, 15);
    expect(accuracy.perSentence).toBeCloseTo((3 / 4 + 0) / 2, 15);
  });

  test('adds up over batches', () => {
    const [whole, parts] = [new Accuracy({ classes: 2 }), new Accuracy({ classes: 2 })];
    whole.update([0, 1, 1, 1], [0, 0, 1, IGNORED], 2);
    parts.update([0, 1], [0, 0], 2);
    parts.update([1, 1], [1, IGNORED], 2);
    expect([parts.perToken, parts.perSentence]).toEqual([whole.perToken, whole.perSentence]);
  });

  test('refuses a class out of range, a prediction of an ignored position excepted', () => {
    const accuracy = new Accuracy({ classes: 2 });
    expect(() => accuracy.update([2], [0], 1)).toThrow(ArgumentError);
    expect(() => accuracy.update([0.5], [0], 1)).toThrow(ArgumentError);
    expect(() => accuracy.update([9, 0], [IGNORED, 0], 2)).not.toThrow();
  });
});

describe('ConfusionMatrix', () => {
  test('counts gold by row, predicted by column, and scores classes from them', () => {
    const matrix = new ConfusionMatrix({ classes: 3 });
    matrix.update([0, 1, 1, 0], [0, 0, 1, IGNORED], 4);
    expect([...matrix.counts]).toEqual([1, 1, 0, 0, 1, 0, 0, 0, 0]);
    expect(matrix.scores()).toEqual([
      { precision: 1, recall: 0.5, f1: 2 / 3, support: 2 },
      { precision: 0.5, recall: 1, f1: 2 / 3, support: 1 },
      { precision: 0, recall: 0, f1: 0, support: 0 },
    ]);
    expect(matrix.macroF1).toBeCloseTo(4 / 9, 15);
  });
});

describe('SequenceF1', () => {
  test('an all-O sentence predicted all-O scores one ninth of nine classes', () => {
    const f1 = new SequenceF1({ classes: 9 });
    f1.update([0, 0, 0, 0], [0, 0, 0, IGNORED], 4);
    expect(f1.value).toBeCloseTo(1 / 9, 15);
  });

  test('is the mean over sentences, not the score of the corpus', () => {
    const f1 = new SequenceF1({ classes: 9 });
    // Three classes all right: 3/9. All-O with one token taken for class 1: F1 of O is 2·2/(3+2) = 0.8, so 0.8/9.
    f1.update([0, 1, 2, 0, 0, 1], [0, 1, 2, 0, 0, 0], 3);
    expect(f1.value).toBeCloseTo((3 / 9 + 0.8 / 9) / 2, 15);
    expect(f1.perClass()[0]).toEqual({ precision: 1, recall: 3 / 4, f1: 6 / 7, support: 4 });
    expect(f1.perClass()[1]).toEqual({ precision: 0.5, recall: 1, f1: 2 / 3, support: 1 });
  });

  test('of one sentence is the macro F1 of its confusion matrix', () => {
    const pair = fc.tuple(fc.nat(4), fc.nat(4));
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 20 }), (pairs) => {
        const [predicted, gold] = [pairs.map(([p]) => p), pairs.map(([, g]) => g)];
        const [f1, matrix] = [new SequenceF1({ classes: 5 }), new ConfusionMatrix({ classes: 5 })];
        f1.update(predicted, gold, gold.length);
        matrix.update(predicted, gold, gold.length);
        expect(f1.value).toBeCloseTo(matrix.macroF1, 12);
      }),
    );
  });
});
