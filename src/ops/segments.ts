// Positions grouped by id, on the CPU: a stable counting sort, and the cut into spans that a kernel sums in a fixed order.
import type { TypedArray } from '../tensor/dtype.ts';

/** Positions `starts[r] .. starts[r + 1]` of `positions`, ascending, are those that hold the id `rows[r]`. */
export interface Segments {
  /** The ids that occur, ascending, each once. */
  readonly rows: Int32Array<ArrayBuffer>;
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly positions: Uint32Array<ArrayBuffer>;
}

/** Longest run of positions that one invocation sums; the order of summation follows from this number and the ids alone. */
export const LONGEST_SPAN = 64;

/** Runs of positions (or of partial sums) and the row each is added to: triples `begin, end, target` from `at` on. */
export interface Spans {
  readonly at: number;
  readonly count: number;
}

/** What the kernel reads: positions, then triples. */
export interface SegmentPlan {
  readonly index: Uint32Array<ArrayBuffer>;
  /** The first run of each row. */
  readonly first: Spans;
  /** The further runs of long rows; their targets count from 0. */
  readonly rest: Spans;
  /** For each long row the range of its further runs. */
  readonly folds: Spans;
}

// Counts by id, all zero between calls, so that a call costs time by the number of ids and not by the vocabulary.
let counts = new Uint32Array(0);

/** Groups the positions of `ids` (each below `vocabulary`) by id, leaving out those of `skip`. */
export function segmentsOf(ids: TypedArray, vocabulary: number, skip?: number): Segments {
  if (counts.length < vocabulary) counts = new Uint32Array(vocabulary);
  const found: number[] = [];
  let total = 0;
  for (const id of ids) {
    if (id === skip) continue;
    if (counts[id]!++ === 0) found.push(id);
    total++;
  }
  const rows = Int32Array.from(found).sort();
  const starts = new Uint32Array(rows.length + 1);
  rows.forEach((id, r) => {
    starts[r + 1] = starts[r]! + counts[id]!;
    counts[id] = starts[r]!; // from here on the place of its next position
  });
  const positions = new Uint32Array(total);
  ids.forEach((id, position) => {
    if (id !== skip) positions[counts[id]!++] = position;
  });
  for (const id of rows) counts[id] = 0;
  return { rows, starts, positions };
}

/** Cuts segments into spans of at most LONGEST_SPAN; `targets[r]` is the row of the result that segment `r` is summed into. */
export function planSegments({ starts, positions }: Segments, targets: ArrayLike<number>): SegmentPlan {
  const first: number[] = [];
  const rest: number[] = [];
  const folds: number[] = [];
  for (let r = 0; r + 1 < starts.length; r++) {
    const [begin, end] = [starts[r]!, starts[r + 1]!];
    first.push(begin, Math.min(end, begin + LONGEST_SPAN), targets[r]!);
    const before = rest.length / 3;
    for (let at = begin + LONGEST_SPAN; at < end; at += LONGEST_SPAN)
      rest.push(at, Math.min(end, at + LONGEST_SPAN), rest.length / 3);
    if (rest.length / 3 > before) folds.push(before, rest.length / 3, targets[r]!);
  }
  const index = new Uint32Array(positions.length + first.length + rest.length + folds.length);
  index.set(positions);
  let at = positions.length;
  const place = (spans: number[]): Spans => {
    index.set(spans, at);
    at += spans.length;
    return { at: at - spans.length, count: spans.length / 3 };
  };
  return { index, first: place(first), rest: place(rest), folds: place(folds) };
}
