// Where the state of an optimiser lies: the parameters that one dispatch updates share a flat tensor for each kind of state.
import { empty } from '../tensor/create.ts';
import { keep } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';

const ALIGNED = 64; // elements: 256 bytes, where a binding may start
// Larger ones are worth a dispatch of their own, and one that is never updated would hold memory for nothing.
const PAIRED_BYTES = 4 * 1024 * 1024;

/** The state of one parameter, or of two that are updated in one dispatch. */
export class Moments {
  /** First element of each parameter in the flat tensors. */
  readonly starts: readonly number[];
  readonly #params: readonly Tensor[];
  readonly #size: number;
  readonly #flat = new Map<string, Tensor>();

  constructor(params: readonly Tensor[]) {
    const starts: number[] = [];
    let size = 0;
    for (const { size: own } of params) {
      starts.push(size);
      size += Math.ceil(own / ALIGNED) * ALIGNED;
    }
    this.starts = starts;
    this.#params = params;
    this.#size = size;
  }

  /** The flat tensor of a kind, zero at first; lives until `dispose`. */
  flat(kind: string): Tensor {
    let flat = this.#flat.get(kind);
    if (!flat) {
      flat = keep(empty([this.#size], { device: this.#params[0]!.device, label: kind }));
      flat.device.clear(flat.view);
      this.#flat.set(kind, flat);
    }
    return flat;
  }

  /** Whether several parameters have their state here. */
  get shared(): boolean {
    return this.#params.length > 1;
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
