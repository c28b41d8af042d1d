// Accuracy of a tagger: over all tokens at once, and as the mean of the accuracies of sentences.
import { Average } from './average.ts';
import { labelledRows } from './rows.ts';

export class Accuracy {
  private readonly classes: number;
  private readonly tokens = new Average();
  private readonly sentences = new Average();

  constructor({ classes }: { classes: number }) {
    this.classes = classes;
  }

  /** Adds predictions and labels `[B, T]`; positions labelled -100 do not count. */
  update(predictions: ArrayLike<number>, labels: ArrayLike<number>, time: number): void {
    for (const { gold, predicted } of labelledRows(predictions, labels, time, this.classes)) {
      const correct = gold.filter((label, i) => label === predicted[i]).length;
      this.tokens.update(correct / gold.length, gold.length);
      this.sentences.update(correct / gold.length);
    }
  }

  /** Tokens that count, so far. */
  get count(): number {
    return this.tokens.count;
  }

  /** Correct tokens over all tokens: a long sentence weighs more than a short one. */
  get perToken(): number {
    return this.tokens.value;
  }

  /** Mean of the accuracies of sentences: every sentence weighs the same (the Ukrainian study's accuracy). */
  get perSentence(): number {
    return this.sentences.value;
  }
}
