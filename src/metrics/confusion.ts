// The confusion matrix, and precision, recall and F1 of every class from it.
import { labelledRows } from './rows.ts';

export interface ClassScore {
  precision: number;
  recall: number;
  f1: number;
  /** Tokens of the class. */
  support: number;
}

export class ConfusionMatrix {
  readonly classes: number;
  /** Tokens of class `row` predicted as `column`, `[K, K]` row by row. */
  readonly counts: Float64Array;

  constructor({ classes }: { classes: number }) {
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
  }

  /** Adds predictions and labels `[B, T]`; positions labelled -100 do not count. */
  update(predictions: ArrayLike<number>, labels: ArrayLike<number>, time: number): void {
    for (const row of labelledRows(predictions, labels, time, this.classes)) this.add(row.gold, row.predicted);
  }

  /** Adds one sentence of class ids already known to be in range. */
  add(gold: readonly number[], predicted: readonly number[]): void {
    for (const [i, label] of gold.entries()) this.counts[label * this.classes + predicted[i]!]!++;
  }

  /** Tokens of class `gold` predicted as `predicted`. */
  at(gold: number, predicted: number): number {
    return this.counts[gold * this.classes + predicted]!;
  }

  /** Precision, recall and F1 of every class; a quotient over nothing is 0. */
  scores(): ClassScore[] {
    return Array.from({ length: this.classes }, (_, k) => {
      let support = 0;
      let found = 0;
      for (let other = 0; other < this.classes; other++) {
        support += this.at(k, other);
        found += this.at(other, k);
      }
      const correct = this.at(k, k);
      const f1 = ratio(2 * correct, support + found);
      return { precision: ratio(correct, found), recall: ratio(correct, support), f1, support };
    });
  }

  /** Mean of the F1 of all classes, those that never came included with 0. */
  get macroF1(): number {
    return this.scores().reduce((sum, score) => sum + score.f1, 0) / this.classes;
  }
}

function ratio(numerator: number, denominator: number): number {
  return denominator === 0 ? 0 : numerator / denominator;
}
