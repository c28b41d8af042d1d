// How often each label comes, and how much of the batches is padding.
import type { Batch } from './collate.ts';
import type { LabelSet } from './label-set.ts';

export interface LabelStatistics {
  batches: number;
  sentences: number;
  /** Positions that hold a token. */
  tokens: number;
  /** Positions that hold padding. */
  padTokens: number;
  /** Tokens of every label, by name. */
  classCounts: Map<string, number>;
  /** Distinct shapes `[B, T]`: what a plan is keyed by. */
  shapes: number;
}

/** Counts labels and padding over batches, such as those of a `DataLoader`, so that batch size and collation are the real ones. */
export function labelStatistics(batches: Iterable<Batch>, labels: LabelSet): LabelStatistics {
  const counts = new Array<number>(labels.size).fill(0);
  const shapes = new Set<string>();
  const sums = { batches: 0, sentences: 0, tokens: 0, padTokens: 0 };
  for (const batch of batches) {
    const tokens = batch.lengths.reduce((sum, length) => sum + length, 0);
    sums.batches++;
    sums.sentences += batch.batch;
    sums.tokens += tokens;
    sums.padTokens += batch.batch * batch.time - tokens;
    shapes.add(`${batch.batch},${batch.time}`);
    for (const label of batch.labels) if (label >= 0) counts[label]!++;
  }
  const classCounts = new Map(counts.map((count, id) => [labels.name(id), count]));
  return { ...sums, classCounts, shapes: shapes.size };
}
