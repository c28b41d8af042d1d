// What an optimiser knows of each parameter, and where the state of those that a step updates lies.
import { Chunk, placeOf } from '../tensor/chunk.ts';
import { lasting } from '../tensor/create.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { chunked, Moments, paired } from './moments.ts';
import type { ParamGroup, Rule } from './optimizer.ts';

/** One parameter of an optimiser. */
export interface Entry<Group> {
  readonly param: Tensor;
  readonly index: number;
  readonly group: Group;
  /** Steps done; one without a gradient does not count. */
  step: number;
  moments: Moments | undefined;
  /** Which of the moments' parameters this is. */
  place: number;
  /** Of a table with row-sparse gradients, see `RowScope`. */
  slots: Tensor | undefined;
  /** Whether rows that never had a gradient may have state too, or change without. */
  stirred: boolean;
  /** Kinds of state that a step has written. */
  readonly live: Set<string>;
}

/**
 * Gives parameters the state that they will need and do not have yet, and moves small ones together. Memory that runs out
 * leaves their values as they were.
 */
export function placeState<Group extends ParamGroup>(rule: Rule<Group>, due: readonly Entry<Group>[]): void {
  const fresh = due.filter(({ moments }) => !moments);
  for (const group of new Set(fresh.map((entry) => entry.group))) {
    const { together, apart } = sets(fresh.filter((entry) => entry.group === group));
    for (const set of together) share(set, new Moments(paramsOf(set), chunkFor(set)));
    for (const set of paired(apart)) share(set, new Moments(paramsOf(set)));
  }
  // Before anything is queued: memory that runs out in the middle would leave half a step.
  for (const { group, moments } of due) for (const kind of rule.uses(group)) moments!.flat(kind);
}

/** The parameters that lie in a chunk or will, and the others. */
function sets<Group>(entries: readonly Entry<Group>[]): { together: Entry<Group>[][]; apart: Entry<Group>[] } {
  const dense = entries.filter(({ param }) => !(param.grad instanceof RowSparse));
  const sparse = entries.filter((entry) => !dense.includes(entry));
  const [first] = dense;
  // They may lie together from another optimiser's time.
  if (first && placeOf(first.param)?.chunk.isOf(paramsOf(dense))) return { together: [dense], apart: sparse };
  // What a recorded step reads must stay where it lies.
  if (!first || first.param.device.recording) return { together: [], apart: [...entries] };
  const [together, rest] = chunked(dense);
  return { together, apart: entries.filter((entry) => rest.includes(entry) || sparse.includes(entry)) };
}

function chunkFor(entries: readonly { readonly param: Tensor }[]): Chunk {
  return placeOf(entries[0]!.param)?.chunk ?? Chunk.of(paramsOf(entries));
}

function paramsOf(entries: readonly { readonly param: Tensor }[]): Tensor[] {
  return entries.map(({ param }) => param);
}

function share<Group>(entries: readonly Entry<Group>[], moments: Moments): void {
  entries.forEach((entry, place) => {
    entry.moments = moments;
    entry.place = place;
  });
}

/** Gives a table the slots that its step needs, and notes in them where the step stirs rows that have no gradient. */
export function placeSlots<Group extends ParamGroup>(rule: Rule<Group>, entry: Entry<Group>): void {
  const { param, group } = entry;
  const sparse = param.grad instanceof RowSparse;
  const idle = sparse && rule.leavesIdleRows(group);
  if (!entry.stirred && !idle && !(sparse && rule.leavesRestingRows(group))) {
    entry.stirred = true;
    if (entry.slots) stir(entry.slots);
  }
  if (!sparse || idle || entry.slots) return;
  entry.slots = lasting([param.shape[0]!], { dtype: 'u32', device: param.device, label: 'slots' });
  if (entry.stirred) stir(entry.slots);
  else param.device.clear(entry.slots.view);
}

/** As if every row had once had a gradient. */
function stir(slots: Tensor): void {
  slots.device.write(slots.view, new Uint32Array(slots.size).fill(1));
}
