// The order sentences are met in: sequential, shuffled, or in batches of like length; each a pure function of (seed, epoch).
import { refuse } from '../check.ts';
import { DOMAIN, permutation, streamOf } from '../random.ts';

/** Gives the order of an epoch; the loader cuts it into batches from the front. */
export interface Sampler {
  /** Number of sentences. */
  readonly length: number;
  /** The batch size the order was made for, if it was made for one. */
  readonly batchSize?: number;
  /** The sentences of epoch 0, 1, …: a permutation of 0..length-1. */
  order(epoch: number): Int32Array;
}

/** In the order of the data set (torch.utils.data.SequentialSampler). */
export class SequentialSampler implements Sampler {
  readonly length: number;

  constructor({ length }: { length: number }) {
    this.length = length;
  }

  order(): Int32Array {
    return Int32Array.from({ length: this.length }, (_, i) => i);
  }
}

/** In a new random order every epoch (torch.utils.data.RandomSampler), the same for the same seed. */
export class RandomSampler implements Sampler {
  readonly length: number;
  readonly seed: number;

  constructor({ length, seed }: { length: number; seed: number }) {
    this.length = length;
    this.seed = seed;
  }

  order(epoch: number): Int32Array {
    return permutation(this.length, this.seed, streamOf(DOMAIN.shuffle, epoch));
  }
}

export interface BucketSamplerOptions {
  /** Tokens in every sentence `[sentences]`. */
  lengths: ArrayLike<number>;
  batchSize: number;
  seed: number;
  /** Batches sorted together, default 50: more gives less padding, fewer gives more random batches. */
  batchesPerPool?: number;
}

/**
 * Batches of like length in random order, which saves padding: shuffle, sort pools of `batchesPerPool` batches by
 * length, cut into batches, shuffle the batches. A last batch that is not full stays last.
 */
export class BucketSampler implements Sampler {
  readonly length: number;
  readonly batchSize: number;
  readonly seed: number;
  private readonly lengths: ArrayLike<number>;
  private readonly poolSize: number;

  constructor({ lengths, batchSize, seed, batchesPerPool = 50 }: BucketSamplerOptions) {
    this.length = lengths.length;
    this.lengths = lengths;
    this.batchSize = positive('batchSize', batchSize);
    this.poolSize = batchSize * positive('batchesPerPool', batchesPerPool);
    this.seed = seed;
  }

  order(epoch: number): Int32Array {
    const sorted = permutation(this.length, this.seed, streamOf(DOMAIN.shuffle, epoch));
    for (let start = 0; start < this.length; start += this.poolSize) {
      // A typed array's sort with a comparator is stable, so equal lengths keep their shuffled order.
      sorted.subarray(start, start + this.poolSize).sort((a, b) => this.lengths[a]! - this.lengths[b]!);
    }
    const full = Math.floor(this.length / this.batchSize);
    const order = sorted.slice();
    permutation(full, this.seed, streamOf(DOMAIN.batchOrder, epoch)).forEach((from, to) => {
      order.set(sorted.subarray(from * this.batchSize, (from + 1) * this.batchSize), to * this.batchSize);
    });
    return order;
  }
}

function positive(argument: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  refuse('BucketSampler', argument, 'a positive integer', value);
}
