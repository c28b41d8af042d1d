// What an optimiser knows of its parameters, and where their state lies: in the places of their arena, or alone.
import { type Arena, moveTogether, placeOf } from '../tensor/arena.ts';
import { lasting } from '../tensor/create.ts';
import { BYTES_PER_ELEMENT } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { RowSparse } from '../tensor/tensor.ts';
import type { ParamGroup, Rule } from './rule.ts';

/** The state of parameters that are updated together. */
export interface Home {
  /** Where the parameters lie, if that is an arena. */
  readonly arena: Arena | undefined;
  /** Elements of a flat tensor: those of the arena, or of the parameter. */
  readonly size: number;
  /** A flat tensor for each kind of state that there is. */
  readonly flats: Map<string, Tensor>;
}

/** One parameter of an optimiser. */
export interface Entry {
  readonly param: Tensor;
  readonly index: number;
  readonly group: ParamGroup;
  readonly home: Home;
  /** First element in the flat tensors. */
  readonly start: number;
  /** Steps done; one without a gradient does not count. */
  step: number;
  /** Kinds of state that a step has written. */
  readonly live: Set<string>;
  /** Of a table with row-sparse gradients: where each row was last listed (lib/update_rows). */
  slots: Tensor | undefined;
  /** Whether rows that never had a gradient may have state too, or change without. */
  stirred: boolean;
}

/**
 * Entries for the parameters of a group, which come after those that are `known`. Small parameters are moved together. Memory that
 * runs out leaves their values as they were.
 */
export function entriesOf(group: ParamGroup, known: readonly Entry[]): Entry[] {
  const { params } = group;
  // What a recorded step reads must stay where it lies.
  if (!params[0]!.device.recording) moveTogether(params.filter(({ requiresGrad }) => requiresGrad));
  const homes = new Map<Arena, Home>();
  const taken = new Set(known.map(({ param }) => param.storage));
  return params.map((param, i) => {
    const place = taken.has(param.storage) ? undefined : placeOf(param);
    taken.add(param.storage);
    const arena = place?.arena;
    const size = arena ? arena.values.bytes / BYTES_PER_ELEMENT : param.size;
    const home = (arena && homes.get(arena)) ?? { arena, size, flats: new Map() };
    if (arena) homes.set(arena, home);
    const own = { param, index: known.length + i, group, home, start: place?.start ?? 0 };
    return { ...own, step: 0, live: new Set(), slots: undefined, stirred: false };
  });
}

/** The flat tensor of a kind, zero at first; lives until `forget`. */
export function flatOf({ home, param: { device } }: Entry, kind: string): Tensor {
  let flat = home.flats.get(kind);
  if (!flat) {
    flat = lasting([home.size], { device, label: kind });
    device.clear(flat.view);
    home.flats.set(kind, flat);
  }
  return flat;
}

/** The state of a kind in the parameter's shape. */
export function stateOf(entry: Entry, kind: string): Tensor {
  return flatOf(entry, kind).viewAs(entry.param.shape, entry.start);
}

/** Takes the memory that a parameter's step needs. */
export function prepare(rule: Rule, entry: Entry): void {
  const { param, group } = entry;
  for (const kind of rule.uses(group)) flatOf(entry, kind);
  const sparse = param.grad instanceof RowSparse;
  entry.stirred ||= !sparse || rule.leaves(group) === 'none';
  if (!sparse || rule.leaves(group) === 'all' || entry.slots) return;
  entry.slots = lasting([param.shape[0]!], { dtype: 'u32', device: param.device, label: 'slots' });
  param.device.clear(entry.slots.view);
}

/** Frees the state of a parameter, and of those that share it. */
export function forget(entry: Entry): void {
  for (const flat of entry.home.flats.values()) flat.dispose();
  entry.home.flats.clear();
  entry.slots?.dispose();
  entry.slots = undefined;
  entry.stirred = false;
  entry.step = 0;
  entry.live.clear();
}
