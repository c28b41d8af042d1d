// Rows taken by index, and the transpose: rows summed by index, in a fixed order. What embedding is made of, too.
import { needsGrad, record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import type { BufferView } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { empty } from '../tensor/create.ts';
import { formatShape, normalizeAxis, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { reshape } from './layout.ts';
import { LONGEST_SPAN, planSegments, type Spans, segmentLayout, segmentsOf, WHOLE_ROWS } from './segments.ts';

/** Most indices born on the GPU whose gradient is made: the work grows with the square of their number. */
export const MOST_LINKED = 65_536;

/**
 * `out[…, n, …] = x[…, index[n], …]` along `dim`, for an `index` of one axis (`torch.index_select`). Indices with host
 * values are checked; one born on the GPU that is out of range gives NaN.
 */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  const axis = normalizeAxis('indexSelect', dim, x.rank);
  if (index.rank > 1) refuse('indexSelect', 'index', 'of one axis', formatShape(index.shape));
  if (x.rank === 0) {
    if (index.size !== 1) refuse('indexSelect', 'index', 'one index, x being a scalar', formatShape(index.shape));
    return reshape(indexSelect(reshape(x, [1]), 0, index), []);
  }
  const length = x.shape[axis]!;
  checkIndices('indexSelect', 'index', index, length);
  const out = empty(x.shape.with(axis, index.size), { dtype: x.dtype, device: x.device, label: 'indexSelect' });
  const [outer, inner] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))];
  const rows = out.viewAs([outer, index.size, inner]);
  takeRows('indexSelect', x.viewAs([outer, length, inner]), index, rows);
  if (!needsGrad([x])) return out;
  const add = rowAdder('indexSelect', index, { length, bytes: out.bytes });
  record('indexSelect', [x], [out], ([dOut]) => {
    const dX = empty(x.shape, { device: x.device, label: 'indexSelect' });
    x.device.clear(dX.view);
    add(dOut!.viewAs(rows.shape), dX.viewAs([outer, length, inner]));
    return [dX];
  });
  return out;
}

/** Refuses indices that are no integers, and those with host values that are not in `0..length - 1`. */
export function checkIndices(op: string, argument: string, indices: Tensor, length: number): void {
  if (indices.dtype === 'f32') refuse(op, argument, 'i32 or u32', 'f32', 'Convert it with cast.');
  const { host, shape } = indices;
  if (!host) return;
  indices.device.hostWork(() => {
    for (let at = 0; at < host.length; at++) {
      const value = host[at]!;
      if (value < 0 || value >= length)
        refuse(
          op,
          argument,
          length === 0 ? 'empty (there is nothing to choose from)' : `in 0..${length - 1}`,
          `${value} at ${position(at, shape)}`,
        );
    }
  });
}

/** `[b, t]` of the element `at`. */
function position(at: number, shape: readonly number[]): string {
  const index: number[] = [];
  for (const n of shape.toReversed()) {
    index.unshift(at % n);
    at = Math.floor(at / n);
  }
  return formatShape(index);
}

/** `out[o, n, i] = x[o, index[n], i]` for `x` `[outer, length, inner]`; no autograd. */
export function takeRows(label: string, x: Tensor, index: Tensor, out: Tensor): void {
  const [outer, length, width] = x.shape as [number, number, number];
  const lanes = width % 4 === 0 ? 4 : 1;
  const kernel = lanes === 4 ? shaders.index_select.vec4u : shaders.index_select.u32;
  const inner = width / lanes;
  const run = Math.min(inner, x.device.tuning.copiedRun);
  if (out.size === 0) return;
  for (const target of rowsOf(out))
    for (const source of rowsOf(x))
      x.device.run(kernel, {
        bind: { index: index.view, x: source.views.x, out: target.views.x },
        params: {
          outer,
          count: target.count,
          inner,
          length,
          base_in: source.base,
          count_in: source.count,
          base_out: target.base,
          run,
        },
        grid: Math.ceil((outer * target.count * Math.ceil(inner / run)) / 64),
        label,
        bytes: 4 * target.count * (1 + 2 * outer * width), // of x the chosen rows alone
      });
}

/**
 * What adds rows `d` `[outer, n, inner]` into the rows of a cleared `[outer, length, inner]` that `index` names: a sorted
 * sum where the indices are known to the host, a walk along chains of equal indices where they are not; the same bits.
 * `bytes` is d's size.
 */
export function rowAdder(
  label: string,
  index: Tensor,
  { length, bytes, skip }: { length: number; bytes: number; skip?: number | undefined },
): (d: Tensor, out: Tensor) => void {
  if (index.host) return segmentSummer(label, index, { length, bytes, skip }).sum;
  if (index.size > MOST_LINKED)
    refuse(
      label,
      'the number of indices made on the GPU',
      `at most ${MOST_LINKED} where a gradient is needed`,
      index.size,
      'Make the indices with tensor(Int32Array), so that they keep host values and are sorted on the CPU.',
    );
  return (d, out) => sumLinked(label, index, d, out, skip);
}

/**
 * Sorts indices with host values and uploads the order. `sum` adds rows `d` `[outer, n, inner]` by it: into the rows of a
 * cleared `[outer, length, inner]` that they name or, with `compact`, into `[outer, rows, inner]`, where `rows` `[min(n,
 * length)]` lists the rows that occur, ascending, then -1; what is summed into the places of -1 is zero. `bytes` is d's size.
 */
export function segmentSummer(
  label: string,
  index: Tensor,
  options: { length: number; bytes: number; skip?: number | undefined; compact?: boolean },
): { rows: Tensor; sum: (d: Tensor, out: Tensor) => void } {
  const { length, bytes, skip, compact = false } = options;
  const { device } = index;
  const host = index.host!;
  const most = Math.min(host.length, length);
  const layout = segmentLayout(host.length, most, host.length <= WHOLE_ROWS && bytes <= device.maxBindingBytes);
  const order = empty([layout.size], { device, dtype: 'u32', label });
  const rows = empty([compact ? most : 0], { device, dtype: 'i32', label, host: new Int32Array(compact ? most : 0) });
  const places = Uint32Array.from({ length: most }, (_, r) => r);
  if (layout.size > 0)
    device.write({ ...order.view, bytes: order.bytes }, () => {
      const segments = segmentsOf(host, length, skip);
      rows.host!.fill(-1);
      if (compact) rows.host!.set(segments.rows);
      return planSegments(segments, compact ? places : segments.rows, layout);
    });
  if (rows.size > 0) device.write({ ...rows.view, bytes: rows.bytes }, () => rows.host!.slice());
  const { first, rest, folds } = layout;
  const sum = (d: Tensor, out: Tensor) => {
    sumSpans(label, order, first, d, out, { positionsAt: 0, accumulate: false });
    if (folds.count === 0) return;
    const further = empty([d.shape[0]!, rest.count, d.shape[2]!], { device, label });
    sumSpans(label, order, rest, d, further, { positionsAt: 0, accumulate: false });
    sumSpans(label, order, folds, further, out, { accumulate: true });
    further.dispose();
  };
  return { rows, sum };
}

function sumSpans(
  label: string,
  index: Tensor,
  spans: Spans,
  x: Tensor,
  out: Tensor,
  { positionsAt, accumulate }: { positionsAt?: number; accumulate: boolean },
): void {
  const [outer, , width] = x.shape as [number, number, number];
  const lanes = width % 4 === 0 ? 4 : 1;
  const kernel = lanes === 4 ? shaders.segment_sum.vec4f : shaders.segment_sum.f32;
  const inner = width / lanes;
  if (x.size === 0) return;
  for (const target of rowsOf(out))
    for (const source of rowsOf(x))
      x.device.run(kernel, {
        bind: { index: index.view, x: source.views.x, out: target.views.x },
        params: {
          outer,
          spans: spans.count,
          inner,
          spans_at: spans.at,
          positions_at: positionsAt ?? 0,
          direct: Number(positionsAt === undefined),
          accumulate: Number(accumulate || source.base > 0),
          base_in: source.base,
          count_in: source.count,
          base_out: target.base,
          count_out: target.count,
          run: LONGEST_SPAN,
        },
        grid: Math.ceil((outer * spans.count * inner) / 64),
        label,
      });
}

function sumLinked(label: string, ids: Tensor, d: Tensor, out: Tensor, skip?: number): void {
  const [outer, length, width] = out.shape as [number, number, number];
  if (d.size === 0) return;
  const links = empty([ids.size], { dtype: 'u32', device: ids.device, label });
  ids.device.run(shaders.link_equal, {
    bind: { ids: ids.view, links: links.view },
    params: { count: ids.size, length, skip: skip ?? 0xffffffff },
    grid: Math.ceil(ids.size / 64),
    label,
  });
  const lanes = width % 4 === 0 ? 4 : 1;
  const inner = width / lanes;
  for (const target of rowsOf(out))
    ids.device.run(lanes === 4 ? shaders.linked_sum.vec4f : shaders.linked_sum.f32, {
      bind: { ids: ids.view, links: links.view, x: d.view, out: target.views.x },
      params: {
        outer,
        count: ids.size,
        inner,
        longest: LONGEST_SPAN,
        base_out: target.base,
        count_out: target.count,
      },
      grid: Math.ceil((outer * ids.size * inner) / 64),
      label,
    });
  links.dispose();
}

/** Windows of rows. With several `outer` there are no such cuts, and the tensor is bound whole. */
function rowsOf(x: Tensor): { base: number; count: number; views: { x: BufferView } }[] {
  const [outer, rows] = x.shape as [number, number];
  return outer === 1 && x.size > 0 ? windows(rows, { x }) : [{ base: 0, count: rows, views: { x: x.view } }];
}
