// Rows of labelled predictions as the metrics take them: `[B, T]` arrays of ids, positions with the ignored label left out.
import { refuse } from '../check.ts';

/** Label of positions that count in no metric (PyTorch's `ignore_index`). */
export const IGNORE_INDEX = -100;

/** Class ids of one sentence: what is right (`gold`) and what was predicted. */
export interface Row {
  gold: number[];
  predicted: number[];
}

/**
 * Yields the sentences of predictions and labels `[B, T]`, ignored positions left out and rows of nothing else passed over.
 * Throws an ArgumentError for arrays of different sizes and for a class that is not in 0..classes-1.
 */
export function* labelledRows(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  time: number,
  classes: number,
): Generator<Row> {
  if (!Number.isSafeInteger(time) || time < 1 || labels.length % time !== 0) {
    refuse('metrics', 'time', `a positive divisor of ${labels.length}, the labels`, time);
  }
  if (predictions.length !== labels.length)
    refuse('metrics', 'predictions', `${labels.length} ids, one per label`, predictions.length);
  for (let start = 0; start < labels.length; start += time) {
    const row: Row = { gold: [], predicted: [] };
    for (let i = start; i < start + time; i++) {
      if (labels[i] === IGNORE_INDEX) continue;
      row.gold.push(checked('labels', labels[i]!, classes, i));
      row.predicted.push(checked('predictions', predictions[i]!, classes, i));
    }
    if (row.gold.length > 0) yield row;
  }
}

function checked(argument: string, value: number, classes: number, position: number): number {
  if (Number.isInteger(value) && value >= 0 && value < classes) return value;
  return refuse('metrics', `${argument}[${position}]`, `a class from 0 to ${classes - 1}`, value);
}
