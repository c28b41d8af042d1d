// The loader: batches of a data set in the order of a sampler, from any batch of any epoch.
import { refuse } from '../check.ts';
import { type Batch, type CollateOptions, Collator } from './collate.ts';
import type { EncodedSentences } from './encoded.ts';
import { prefetched } from './prefetch.ts';
import { type Sampler, SequentialSampler } from './sampler.ts';

export interface DataLoaderOptions {
  dataset: EncodedSentences;
  batchSize: number;
  /** Order of the sentences, default sequential. */
  sampler?: Sampler;
  /** Leave out a last batch that is not full, default false. */
  dropLast?: boolean;
  collate?: CollateOptions;
  /** Batches made ahead while the event loop is idle, default 0. */
  prefetch?: number;
}

/** Iterates over batches (torch.utils.data.DataLoader); batch `k` of epoch `e` is a pure function of the options, `e` and `k`. */
export class DataLoader implements Iterable<Batch> {
  readonly dataset: EncodedSentences;
  readonly batchSize: number;
  readonly sampler: Sampler;
  readonly dropLast: boolean;
  private readonly prefetch: number;
  private readonly collator: Collator;

  constructor(options: DataLoaderOptions) {
    const { dataset, batchSize, prefetch = 0 } = options;
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.sampler = options.sampler ?? new SequentialSampler({ length: dataset.length });
    this.dropLast = options.dropLast ?? false;
    this.prefetch = prefetch;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1)
      refuse('DataLoader', 'batchSize', 'a positive integer', batchSize);
    if (!Number.isSafeInteger(prefetch) || prefetch < 0)
      refuse('DataLoader', 'prefetch', 'an integer from 0', prefetch);
    if (this.sampler.length !== dataset.length) {
      refuse(
        'DataLoader',
        'sampler.length',
        `${dataset.length}, the sentences of ${dataset.name}`,
        this.sampler.length,
      );
    }
    if (this.sampler.batchSize !== undefined && this.sampler.batchSize !== batchSize) {
      refuse('DataLoader', 'sampler.batchSize', `${batchSize}, the loader's`, this.sampler.batchSize);
    }
    if (this.length === 0)
      refuse('DataLoader', 'batchSize', `at most ${dataset.length}, the sentences, with dropLast`, batchSize);
    this.collator = new Collator(dataset, options.collate);
  }

  /** Batches in an epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** The batches of an epoch from batch `fromBatch` on, exactly as a pass from its start would give them. */
  iterate(epoch: number, fromBatch = 0): Generator<Batch> {
    if (!Number.isSafeInteger(fromBatch) || fromBatch < 0 || fromBatch > this.length) {
      refuse('DataLoader', 'fromBatch', `an integer from 0 to ${this.length}`, fromBatch);
    }
    const order = this.sampler.order(epoch);
    const make = (batch: number) =>
      this.collator.collate(order.subarray(batch * this.batchSize, (batch + 1) * this.batchSize), epoch);
    return prefetched(make, fromBatch, this.length, this.prefetch);
  }

  /** The batches of epoch 0: for evaluation, where the order of an epoch does not matter. */
  [Symbol.iterator](): Generator<Batch> {
    return this.iterate(0);
  }
}
