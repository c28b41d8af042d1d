import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LONGEST_SPAN, planSegments, segmentsOf } from '../../src/ops/segments.ts';

test('positions are grouped by id, ids ascending, positions ascending within each', () => {
  const { rows, starts, positions } = segmentsOf(Int32Array.of(7, 0, 7, 3, 0, 7), 10);
  expect([...rows]).toEqual([0, 3, 7]);
  expect([...starts]).toEqual([0, 2, 3, 6]);
  expect([...positions]).toEqual([1, 4, 3, 0, 2, 5]);
});

test('a skipped id is left out, also where it is all there is', () => {
  expect(segmentsOf(Int32Array.of(1, 4, 1), 5, 1)).toEqual({
    rows: Int32Array.of(4),
    starts: Uint32Array.of(0, 1),
    positions: Uint32Array.of(1),
  });
  expect(segmentsOf(Uint32Array.of(2, 2), 5, 2).rows.length).toBe(0);
  expect(segmentsOf(new Int32Array(0), 0).rows.length).toBe(0);
});

test('any ids: every position once, in the segment of its id', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.option(fc.nat(20), { nil: undefined }), (list, skip) => {
      const { rows, starts, positions } = segmentsOf(Int32Array.from(list), 21, skip);
      const expected = [...new Set(list)].filter((id) => id !== skip).sort((a, b) => a - b);
      expect([...rows]).toEqual(expected);
      expected.forEach((id, r) => {
        const places = list.flatMap((value, at) => (value === id ? [at] : []));
        expect([...positions.slice(starts[r], starts[r + 1])]).toEqual(places);
      });
    }),
  );
});

test('long segments are cut into spans, and the spans are folded in order', () => {
  const ids = Int32Array.from([...new Array(2 * LONGEST_SPAN + 1).fill(5), 2, 2]);
  const segments = segmentsOf(ids, 9);
  const plan = planSegments(segments, segments.rows);
  const triples = ({ at, count }: { at: number; count: number }) =>
    Array.from({ length: count }, (_, i) => [...plan.index.slice(at + 3 * i, at + 3 * i + 3)]);
  expect(triples(plan.first)).toEqual([
    [0, 2, 2],
    [2, 2 + LONGEST_SPAN, 5],
  ]);
  expect(triples(plan.rest)).toEqual([
    [2 + LONGEST_SPAN, 2 + 2 * LONGEST_SPAN, 0],
    [2 + 2 * LONGEST_SPAN, 3 + 2 * LONGEST_SPAN, 1],
  ]);
  expect(triples(plan.folds)).toEqual([[0, 2, 5]]);
});
