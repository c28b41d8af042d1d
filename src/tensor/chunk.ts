// Small tensors side by side in one buffer, and their gradients in another, so that one dispatch reaches them all.
import type { Device } from '../gpu/device.ts';
import type { BufferView } from '../gpu/kernel.ts';
import { BYTES_PER_ELEMENT } from './dtype.ts';
import { SharedBuffer, Storage, Tensor } from './tensor.ts';

const ALIGNED = 256; // bytes: where a binding may start
/** Larger tensors are worth a dispatch of their own: their gradients would take longer to copy. */
export const SMALL_BYTES = 1024 * 1024;

/** Where a tensor lies in a chunk. */
export interface Place {
  readonly chunk: Chunk;
  /** First element. */
  readonly start: number;
}

const places = new WeakMap<Storage, Place>();

export class Chunk {
  readonly device: Device;
  readonly #bytes: number;
  readonly #values: SharedBuffer;
  readonly #gradients: SharedBuffer;
  readonly #keeper: Storage;
  /** The storages that live. */
  readonly #members = new Set<Storage>();
  readonly #ends: (() => void)[] = [];

  private constructor(device: Device, bytes: number) {
    this.device = device;
    this.#bytes = bytes;
    this.#values = device.lasting(() => new SharedBuffer(device, bytes, 'chunk'));
    try {
      this.#gradients = device.lasting(() => new SharedBuffer(device, bytes, 'gradients'));
    } catch (error) {
      this.#values.leave();
      throw error;
    }
    this.#keeper = new Storage(undefined, 0, 'gradients');
    this.#gradients.add(this.#keeper);
  }

  /** Whether a tensor may be moved into a chunk: it is small, has its storage to itself, and is in none yet. */
  static takes({ dtype, bytes, size, offset, storage }: Tensor): boolean {
    const alone = offset === 0 && storage.bytes === bytes && storage.home === undefined;
    return dtype === 'f32' && size > 0 && bytes <= SMALL_BYTES && alone;
  }

  /** Where the bytes of a chunk of these tensors would begin, and how many they would be. */
  static layout(tensors: readonly Tensor[]): { starts: number[]; bytes: number } {
    const starts: number[] = [];
    let bytes = 0;
    for (const tensor of tensors) {
      starts.push(bytes / BYTES_PER_ELEMENT);
      bytes += Math.ceil(tensor.bytes / ALIGNED) * ALIGNED;
    }
    return { starts, bytes };
  }

  /** Moves tensors together; they and all views of them stay what they are. Throws OutOfMemoryError with nothing moved. */
  static of(tensors: readonly Tensor[]): Chunk {
    const { starts, bytes } = Chunk.layout(tensors);
    const chunk = new Chunk(tensors[0]!.device, bytes);
    tensors.forEach(({ storage }, i) => {
      storage.moveTo(chunk.#values, starts[i]! * BYTES_PER_ELEMENT);
      storage.onFree = () => chunk.#leave(storage);
      chunk.#members.add(storage);
      places.set(storage, { chunk, start: starts[i]! });
    });
    return chunk;
  }

  #leave(storage: Storage): void {
    this.#members.delete(storage);
    if (this.#members.size > 0) return;
    this.#gradients.leave(this.#keeper);
    for (const work of this.#ends) work();
  }

  /** Has something done when the last of its tensors is freed. */
  onFree(work: () => void): void {
    this.#ends.push(work);
  }

  /** Whether these tensors are its own, all of them and in its order. */
  isOf(tensors: readonly Tensor[]): boolean {
    const { starts, bytes } = Chunk.layout(tensors);
    if (bytes !== this.#bytes || tensors.length !== this.#members.size) return false;
    return tensors.every((tensor, i) => {
      const place = placeOf(tensor);
      return place?.chunk === this && place.start === starts[i];
    });
  }

  get values(): BufferView {
    return { buffer: this.#values.buffer, offset: 0, bytes: this.#bytes };
  }

  get gradients(): BufferView {
    return { buffer: this.#gradients.buffer, offset: 0, bytes: this.#bytes };
  }

  /** Whether the tensor's gradient lies in the place that is its own. */
  holds(gradient: Tensor, start: number): boolean {
    const { home, base, alive } = gradient.storage;
    return alive && home === this.#gradients && base === start * BYTES_PER_ELEMENT && gradient.offset === 0;
  }

  /** Moves a gradient to its place, unless somebody keeps an older one that lies there. */
  take(gradient: Tensor, start: number): void {
    const { storage, offset, bytes } = gradient;
    if (storage.home || offset !== 0 || storage.bytes !== bytes) return;
    const base = start * BYTES_PER_ELEMENT;
    if (this.#gradients.taken(base)) return;
    storage.moveTo(this.#gradients, base);
  }
}

/** Where a tensor lies, if it is in a chunk. */
export function placeOf({ storage, offset }: Tensor): Place | undefined {
  return offset === 0 && storage.home ? places.get(storage) : undefined;
}

/** Brings the gradients of tensors that share a chunk together, by copies; what holds them keeps hold of them. */
export function gatherGradients(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) {
    const place = tensor.grad instanceof Tensor ? placeOf(tensor) : undefined;
    if (place && (tensor.grad as Tensor).size === tensor.size) place.chunk.take(tensor.grad as Tensor, place.start);
  }
}
