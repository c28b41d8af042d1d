// Where the state of an optimiser lies: the parameters that one dispatch updates share a flat tensor for each kind of state.
import { Chunk } from '../tensor/chunk.ts';
import { lasting } from '../tensor/create.ts';
import { BYTES_PER_ELEMENT } from '../tensor/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';

const ALIGNED = 64; // elements: 256 bytes, where a binding may start
// Larger ones are worth a dispatch of their own, and one that is never updated would hold memory for nothing.
export const PAIRED_BYTES = 4 * 1024 * 1024;

/** The state of one parameter, or of those that are updated in one dispatch. */
export class Moments {
  /** First element of each parameter in the flat tensors. */
  readonly starts: readonly number[];
  /** Where the parameters lie together; the state has their places. */
  readonly chunk: Chunk | undefined;
  readonly #params: readonly Tensor[];
  readonly #size: number;
  readonly #flat = new Map<string, Tensor>();

  constructor(params: readonly Tensor[], chunk?: Chunk) {
    const { starts, bytes } = Chunk.layout(params);
    this.starts = starts;
    this.chunk = chunk;
    this.#params = params;
    this.#size = bytes / BYTES_PER_ELEMENT;
  }

  /** The flat tensor of a kind, zero at first; lives until `dispose`. */
  flat(kind: string): Tensor {
    let flat = this.#flat.get(kind);
    if (!flat) {
      flat = lasting([this.#size], { device: this.#params[0]!.device, label: kind });
      flat.device.clear(flat.view);
      this.#flat.set(kind, flat);
    }
    return flat;
  }

  /** The kinds that there are. */
  get kinds(): string[] {
    return [...this.#flat.keys()];
  }

  /** The part of parameter `place`, in its shape. */
  part(kind: string, place: number): Tensor {
    return this.flat(kind).viewAs(this.#params[place]!.shape, this.starts[place]);
  }

  dispose(): void {
    for (const flat of this.#flat.values()) flat.dispose();
    this.#flat.clear();
  }
}

/** Cuts parameters into those that are moved together, and those that stay where they are. */
export function chunked<Owner extends { readonly param: Tensor }>(owners: readonly Owner[]): [Owner[][], Owner[]] {
  const sets: Owner[][] = [];
  const rest: Owner[] = [];
  let room = 0;
  for (const owner of owners) {
    const bytes = Math.ceil(owner.param.bytes / (4 * ALIGNED)) * 4 * ALIGNED;
    const most = owner.param.device.maxBindingBytes;
    if (!Chunk.takes(owner.param) || bytes > most) {
      rest.push(owner);
      continue;
    }
    if (sets.length === 0 || bytes > room) {
      sets.push([]);
      room = most;
    }
    sets.at(-1)!.push(owner);
    room -= bytes;
  }
  // One alone is as well where it is.
  return [sets.filter((set) => set.length > 1), [...rest, ...sets.filter((set) => set.length === 1).flat()]];
}

/** Cuts parameters into those updated together: two small ones, or one large one. */
export function paired<Owner extends { readonly param: Tensor }>(owners: readonly Owner[]): Owner[][] {
  const sets: Owner[][] = [];
  let open: Owner[] | undefined;
  for (const owner of owners) {
    const { bytes, device } = owner.param;
    const small = bytes <= Math.min(PAIRED_BYTES, device.maxBindingBytes / 2 - 4 * ALIGNED);
    if (small && open) {
      open.push(owner);
      open = undefined;
    } else {
      const set = [owner];
      sets.push(set);
      if (small) open = set;
    }
  }
  return sets;
}
