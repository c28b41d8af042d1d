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

/** Where a plan has what in its index of `size` words: positions, then triples. Follows from the number of ids alone. */
export interface SegmentLayout {
  readonly size: number;
  /** The first run of each row. */
  readonly first: Spans;
  /** The further runs of long rows; their targets count from 0. */
  readonly rest: Spans;
  /** For each long row the range of its further runs. */
  readonly folds: Spans;
}

/** The target of a triple that stands in a place without a run: no row has it. */
export const NO_ROW = 0xffffffff;

/** Ids up to which one invocation sums a row from end to end: no word is so frequent that the others would wait for it. */
export const WHOLE_ROWS = 8192;

/** Room for the segments of `ids` ids in at most `rows` rows; `whole`: rows are not cut into runs. */
export function segmentLayout(ids: number, rows: number, whole = false): SegmentLayout {
  let size = ids;
  const place = (count: number): Spans => {
    size += 3 * count;
    return { at: size - 3 * count, count };
  };
  const further = whole ? [0, 0] : [Math.floor(ids / LONGEST_SPAN), Math.floor(ids / (LONGEST_SPAN + 1))];
  const [first, rest, folds] = [rows, ...further].map(place);
  return { size, first: first!, rest: rest!, folds: folds! };
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

/**
 * Cuts segments into spans of at most LONGEST_SPAN, as the kernel reads them. `targets[r]` is the row of the result that
 * segment `r` is summed into; places without a segment sum nothing into `targets[r]` too, or into NO_ROW past its end.
 */
export function planSegments(
  { starts, positions }: Segments,
  targets: ArrayLike<number>,
  layout: SegmentLayout,
): Uint32Array<ArrayBuffer> {
  const index = new Uint32Array(layout.size);
  index.set(positions);
  const writer = ({ at, count }: Spans) => {
    for (let i = 0; i < count; i++) index[at + 3 * i + 2] = NO_ROW;
    let written = 0;
    const write = (begin: number, end: number, target: number) => index.set([begin, end, target], at + 3 * written++);
    return { write, written: () => written };
  };
  const [first, rest, folds] = [writer(layout.first), writer(layout.rest), writer(layout.folds)];
  for (let r = 0; r + 1 < starts.length; r++) {
    const [begin, end] = [starts[r]!, starts[r + 1]!];
    if (layout.rest.count === 0) {
      first.write(begin, end, targets[r]!);
      continue;
    }
    first.write(begin, Math.min(end, begin + LONGEST_SPAN), targets[r]!);
    const before = rest.written();
    for (let at = begin + LONGEST_SPAN; at < end; at += LONGEST_SPAN)
      rest.write(at, Math.min(end, at + LONGEST_SPAN), rest.written());
    if (rest.written() > before) folds.write(before, rest.written(), targets[r]!);
  }
  for (let r = first.written(); r < Math.min(layout.first.count, targets.length); r++) first.write(0, 0, targets[r]!);
  return index;
}
