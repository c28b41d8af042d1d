import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LONGEST_SPAN, NO_ROW, planSegments, segmentLayout, segmentsOf } from '../../src/ops/segments.ts';

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
  const layout = segmentLayout(ids.length, 3);
  const index = planSegments(segments, segments.rows, layout);
  expect(index.length).toBe(layout.size);
  expect([...index.subarray(0, ids.length)]).toEqual([...segments.positions]);
  const triples = ({ at, count }: { at: number; count: number }) =>
    Array.from({ length: count }, (_, i) => [...index.slice(at + 3 * i, at + 3 * i + 3)]);
  expect(triples(layout.first)).toEqual([
    [0, 2, 2],
    [2, 2 + LONGEST_SPAN, 5],
    [0, 0, NO_ROW],
  ]);
  expect(triples(layout.rest)).toEqual([
    [2 + LONGEST_SPAN, 2 + 2 * LONGEST_SPAN, 0],
    [2 + 2 * LONGEST_SPAN, 3 + 2 * LONGEST_SPAN, 1],
  ]);
  expect(triples(layout.folds)).toEqual([
    [0, 2, 5],
    [0, 0, NO_ROW],
  ]);
});

test('places without a segment sum nothing into the targets that are left', () => {
  const layout = segmentLayout(3, 3);
  const index = planSegments(segmentsOf(Int32Array.of(4, 4, 4), 9), [0, 1, 2], layout);
  expect([...index]).toEqual([0, 1, 2, 0, 3, 0, 0, 0, 1, 0, 0, 2]);
});

test('every layout has room for the spans of any ids', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 400 }), (list) => {
      const segments = segmentsOf(Int32Array.from(list), 4);
      const layout = segmentLayout(list.length, Math.min(list.length, 4));
      const index = planSegments(segments, segments.rows, layout);
      const seen = new Map<number, number>();
      const spans = ({ at, count }: { at: number; count: number }) =>
        Array.from(
          { length: count },
          (_, i) => [...index.subarray(at + 3 * i, at + 3 * i + 3)] as [number, number, number],
        ).filter(([, , row]) => row !== NO_ROW);
      const rest = spans(layout.rest);
      const add = (row: number, n: number) => seen.set(row, (seen.get(row) ?? 0) + n);
      for (const [begin, end, row] of spans(layout.first)) add(row, end - begin);
      for (const [begin, end, row] of spans(layout.folds))
        for (const [first, last] of rest.slice(begin, end)) add(row, last - first);
      for (const id of new Set(list)) expect(seen.get(id)).toBe(list.filter((other) => other === id).length);
      expect(seen.size).toBe(new Set(list).size);
    }),
  );
});

test('whole rows are not cut', () => {
  const ids = Int32Array.from(new Array(3 * LONGEST_SPAN).fill(4));
  const layout = segmentLayout(ids.length, 2, true);
  expect([layout.rest.count, layout.folds.count]).toEqual([0, 0]);
  const index = planSegments(segmentsOf(ids, 9), [4], layout);
  expect([...index.subarray(layout.first.at)]).toEqual([0, ids.length, 4, 0, 0, NO_ROW]);
});
