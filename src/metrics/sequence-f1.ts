// The Ukrainian study's F1: the macro F1 over all classes of each sentence, averaged over sentences. No entity F1.
import { Average } from './average.ts';
import { type ClassScore, ConfusionMatrix } from './confusion.ts';
import { labelledRows } from './rows.ts';

/**
 * Token F1 per sentence and per class. A class absent from a sentence scores 0 there, so a sentence that is all `O` and
 * predicted so scores 1/K: with nine classes most sentences can reach no more than 0.111. For entities use `EntityF1`.
 */
export class SequenceF1 {
  private readonly classes: number;
  private readonly mean = new Average();
  private readonly corpus: ConfusionMatrix;

  constructor({ classes }: { classes: number }) {
    this.classes = classes;
    this.corpus = new ConfusionMatrix({ classes });
  }

  /** Adds predictions and labels `[B, T]`; positions labelled -100 do not count. */
  update(predictions: ArrayLike<number>, labels: ArrayLike<number>, time: number): void {
    for (const { gold, predicted } of labelledRows(predictions, labels, time, this.classes)) {
      this.mean.update(this.sentenceF1(gold, predicted));
      this.corpus.add(gold, predicted);
    }
  }

  /** Mean over sentences of the macro F1 over all K classes. */
  get value(): number {
    return this.mean.value;
  }

  /** Precision, recall and F1 of every class over all tokens. */
  perClass(): ClassScore[] {
    return this.corpus.scores();
  }

  private sentenceF1(gold: readonly number[], predicted: readonly number[]): number {
    // F1 = 2·correct / (gold + predicted): only the classes met need counting, the rest add 0.
    const correct = new Map<number, number>();
    const met = new Map<number, number>();
    for (const [i, label] of gold.entries()) {
      met.set(label, (met.get(label) ?? 0) + 1);
      met.set(predicted[i]!, (met.get(predicted[i]!) ?? 0) + 1);
      if (label === predicted[i]) correct.set(label, (correct.get(label) ?? 0) + 1);
    }
    let sum = 0;
    for (const [label, count] of correct) sum += (2 * count) / met.get(label)!;
    return sum / this.classes;
  }
}
