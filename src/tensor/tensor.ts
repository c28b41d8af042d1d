// A tensor: a shape, a dtype, a storage and an offset into it. Always contiguous, row-major.
import { refuse } from '../check.ts';
import '../gpu/ambient.ts';
import { WeftError } from '../errors.ts';
import type { PoolBuffer } from '../gpu/buffer-pool.ts';
import type { Device } from '../gpu/device.ts';
import type { BufferView } from '../gpu/kernel.ts';
import { BYTES_PER_ELEMENT, type DType, type TypedArray, viewAs } from './dtype.ts';
import { formatShape, type Shape, sizeOf } from './shape.ts';

/** A buffer that several storages have places in; it goes with the last of them, and later where it is held. */
export class SharedBuffer {
  readonly view: BufferView;
  readonly #device: Device;
  /** The storages by their first byte. */
  readonly #places = new Map<number, Storage>();
  #held: boolean;

  constructor(device: Device, bytes: number, { label, held = false }: { label: string; held?: boolean }) {
    this.#device = device;
    this.#held = held;
    this.view = { buffer: device.lasting(() => device.allocate(bytes, label)), offset: 0, bytes };
  }

  add(storage: Storage): void {
    this.#places.set(storage.base, storage);
  }

  has(base: number): boolean {
    return this.#places.has(base);
  }

  /** Takes a storage out. */
  leave(storage: Storage): void {
    this.#places.delete(storage.base);
    this.#releaseEmpty();
  }

  /** Holds it no longer. */
  letGo(): void {
    this.#held = false;
    this.#releaseEmpty();
  }

  #releaseEmpty(): void {
    if (!this.#held && this.#places.size === 0) this.#device.release(this.view.buffer);
  }
}

/** Bytes on the device that one or more tensors view. Freed once, as a whole. */
export class Storage {
  /** Set by the scopes, which must hear of every birth. */
  static onCreate: (storage: Storage) => void = () => {};

  readonly label: string;
  readonly bytes: number;
  /** Where the bytes lie with others, and their first byte there. */
  home: SharedBuffer | undefined;
  base = 0;
  readonly #device: Device | undefined;
  #buffer: PoolBuffer | undefined;
  #onFree: (() => void) | undefined;

  /** Without a device the storage is a shape's stand-in: it takes no memory and holds nothing (PyTorch's "meta" device). */
  constructor(device: Device | undefined, bytes: number, label: string) {
    this.label = label;
    this.bytes = bytes;
    this.#device = device;
    if (!device) return;
    this.#buffer = device.allocate(bytes, label);
    Storage.onCreate(this);
  }

  get device(): Device {
    if (!this.#device)
      throw new WeftError(`${this.label}: a tensor without data (made for its shape alone) cannot be computed with`);
    return this.#device;
  }

  get alive(): boolean {
    return this.#buffer !== undefined;
  }

  get buffer(): PoolBuffer {
    if (!this.#buffer)
      throw new WeftError(
        `this tensor (made by ${this.label}) was freed: it was born in a step that has ended, or disposed. Return it from the step or keep() it.`,
      );
    return this.#buffer;
  }

  free(): void {
    if (!this.#buffer) return;
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (this.home) this.home.leave(this);
    else this.#device!.release(buffer);
    this.#onFree?.();
  }

  /** Has something done when it is freed. */
  onFree(work: () => void): void {
    const before = this.#onFree;
    this.#onFree = () => {
      before?.();
      work();
    };
  }

  /** Moves the bytes, with all tensors that view them, from a buffer of their own to a place in a larger one; `base` is a multiple of 256. */
  moveTo(home: SharedBuffer, base: number): void {
    const { buffer, bytes, device } = this;
    const target = { buffer: home.view.buffer, offset: base, bytes };
    device.copy({ buffer, offset: 0, bytes }, target);
    device.release(buffer);
    this.#buffer = target.buffer;
    this.home = home;
    this.base = base;
    home.add(this);
  }
}

/** What the tape hangs on a tensor that an op computed. */
export interface GradientNode {
  readonly order: number;
}

export class Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: Storage;
  /** First element in the storage. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  /** Integer tensors made from host values keep them, so that ids and labels can be checked without a readback. */
  readonly host: TypedArray | undefined;
  /** Whether `backward` computes a gradient for this leaf. */
  requiresGrad = false;
  /** Set by the tape on results; a leaf has none. */
  node: GradientNode | undefined;
  /** The gradient of a leaf, accumulated by `backward` until `zeroGrad`. */
  grad: Tensor | RowSparse | undefined;

  constructor(
    storage: Storage,
    shape: Shape,
    dtype: DType,
    options: { offset?: number; host?: TypedArray | undefined } = {},
  ) {
    this.storage = storage;
    this.shape = shape;
    this.dtype = dtype;
    this.offset = options.offset ?? 0;
    this.size = sizeOf(shape);
    this.host = options.host;
  }

  get device(): Device {
    return this.storage.device;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Size in bytes. */
  get bytes(): number {
    return this.size * BYTES_PER_ELEMENT;
  }

  /** The bytes as a kernel binds them; a tensor without elements still binds four. */
  get view(): BufferView {
    return {
      buffer: this.storage.buffer,
      offset: this.storage.base + this.offset * BYTES_PER_ELEMENT,
      bytes: Math.max(this.bytes, BYTES_PER_ELEMENT),
    };
  }

  /** The same elements under another shape; shares the storage. Not seen by autograd: use the op `reshape` for that. */
  viewAs(shape: Shape, offset = this.offset): Tensor {
    return new Tensor(this.storage, shape, this.dtype, { offset, host: undefined });
  }

  /** The elements, read back from the device. Rejects with the first error since the last read. */
  async data(): Promise<TypedArray> {
    if (this.size === 0) return viewAs(this.dtype, new ArrayBuffer(0));
    return viewAs(this.dtype, await this.device.read({ ...this.view, bytes: this.bytes }));
  }

  /** The value of a tensor of one element. */
  async item(): Promise<number> {
    if (this.size !== 1) refuse('item', 'the tensor', 'of one element', `of shape ${formatShape(this.shape)}`);
    return (await this.data())[0]!;
  }

  /** Frees the storage, and with it every view of it. */
  dispose(): void {
    this.storage.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `Tensor(${formatShape(this.shape)}, ${this.dtype}${this.requiresGrad ? ', requiresGrad' : ''})`;
  }
}

/** The gradient of a table of which few rows were used: the rows, each once, and their values. */
export class RowSparse {
  /** Shape of the dense gradient, `[V, E]`. */
  readonly shape: readonly [number, number];
  /**
   * The rows that have a gradient, ascending, each once, then -1 in the places that are left: `[n]` i32. How many places
   * there are follows from shapes, so that a step may be recorded.
   */
  readonly rows: Tensor;
  /** Their gradients, `[n, E]`; zero in the places without a row. */
  readonly values: Tensor;

  constructor(shape: readonly [number, number], rows: Tensor, values: Tensor) {
    this.shape = shape;
    this.rows = rows;
    this.values = values;
  }

  dispose(): void {
    this.rows.dispose();
    this.values.dispose();
  }
}
