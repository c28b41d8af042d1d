// Small parameters side by side in one buffer, and their gradients in another, so that one dispatch reaches them all.
import type { BufferView } from '../gpu/kernel.ts';
import { BYTES_PER_ELEMENT } from './dtype.ts';
import { SharedBuffer, type Storage, Tensor } from './tensor.ts';

const ALIGNED = 64; // elements: 256 bytes, where a binding may start
/** Larger tensors are worth a dispatch of their own: their gradients would take longer to copy, and much memory if there are none. */
export const LARGEST_MEMBER_BYTES = 4 * 1024 * 1024;

/** Where a tensor lies in an arena. */
export interface Place {
  readonly arena: Arena;
  /** First element. */
  readonly start: number;
}

const places = new WeakMap<Storage, Place>();

export class Arena {
  readonly values: BufferView;
  readonly gradients: BufferView;
  readonly #gradients: SharedBuffer;

  /** Moves tensors together; they and all views of them stay what they are. Throws OutOfMemoryError with nothing moved. */
  constructor(tensors: readonly Tensor[]) {
    const { device } = tensors[0]!;
    const bytes = tensors.reduce((sum, tensor) => sum + roomOf(tensor), 0);
    const values = new SharedBuffer(device, bytes, { label: 'arena' });
    try {
      this.#gradients = new SharedBuffer(device, bytes, { label: 'gradients', held: true });
    } catch (error) {
      values.letGo();
      throw error;
    }
    this.values = values.view;
    this.gradients = this.#gradients.view;
    let base = 0;
    let living = tensors.length;
    for (const tensor of tensors) {
      const { storage } = tensor;
      storage.moveTo(values, base);
      places.set(storage, { arena: this, start: base / BYTES_PER_ELEMENT });
      storage.onFree(() => {
        living--;
        if (living === 0) this.#gradients.letGo();
      });
      base += roomOf(tensor);
    }
  }

  /** Whether a gradient lies in the place of the tensor that begins at `start`. */
  holds({ storage, offset }: Tensor, start: number): boolean {
    return (
      storage.alive && storage.home === this.#gradients && storage.base === BYTES_PER_ELEMENT * start && offset === 0
    );
  }

  /** Moves a gradient to its place, unless somebody keeps an older one that lies there. */
  take({ storage, offset, bytes }: Tensor, start: number): void {
    const base = BYTES_PER_ELEMENT * start;
    if (isWhole(storage, offset, bytes) && !this.#gradients.has(base)) storage.moveTo(this.#gradients, base);
  }
}

const roomOf = ({ size }: Tensor) => BYTES_PER_ELEMENT * ALIGNED * Math.ceil(size / ALIGNED);

/** Whether a tensor has a buffer to itself. */
function isWhole(storage: Storage, offset: number, bytes: number): boolean {
  return storage.home === undefined && offset === 0 && storage.bytes === bytes && bytes > 0;
}

/** Moves tensors into arenas that a binding holds: small ones that are in none yet, where there are several. */
export function moveTogether(tensors: readonly Tensor[]): void {
  const sets: Tensor[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const { storage, offset, bytes, device } = tensor;
    const need = roomOf(tensor);
    if (!isWhole(storage, offset, bytes) || need > Math.min(LARGEST_MEMBER_BYTES, device.maxBindingBytes)) continue;
    if (need > room) {
      sets.push([]);
      room = device.maxBindingBytes;
    }
    sets.at(-1)!.push(tensor);
    room -= need;
  }
  for (const set of sets) if (set.length > 1) new Arena(set);
}

/** Where a tensor lies, if it is in an arena. */
export function placeOf({ storage, offset }: Tensor): Place | undefined {
  return offset === 0 && storage.home ? places.get(storage) : undefined;
}

/** Brings the gradients of tensors that share an arena together, by copies; what holds them keeps hold of them. */
export function gatherGradients(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) {
    const place = tensor.grad instanceof Tensor && tensor.grad.size === tensor.size ? placeOf(tensor) : undefined;
    place?.arena.take(tensor.grad as Tensor, place.start);
  }
}
