// A running weighted mean, such as the loss of an epoch over batches of different sizes.

export class Average {
  private sum = 0;
  private weight = 0;

  /** Adds a value that stands for `weight` items, such as the mean loss of that many tokens. */
  update(value: number, weight = 1): void {
    this.sum += value * weight;
    this.weight += weight;
  }

  /** The items so far. */
  get count(): number {
    return this.weight;
  }

  /** The mean so far; NaN before the first update, as a mean of nothing is no number. */
  get value(): number {
    return this.sum / this.weight;
  }

  reset(): void {
    this.sum = 0;
    this.weight = 0;
  }
}
