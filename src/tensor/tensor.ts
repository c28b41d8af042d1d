// A tensor: a shape, a dtype, a storage and an offset into it. Always contiguous, row-major.
import { refuse } from '../check.ts';
import '../gpu/ambient.ts';
import { WeftError } from '../errors.ts';
import type { PoolBuffer } from '../gpu/buffer-pool.ts';
import type { Device } from '../gpu/device.ts';
import type { BufferView } from '../gpu/kernel.ts';
import { BYTES_PER_ELEMENT, type DType, type TypedArray, viewAs } from './dtype.ts';
import type { RowSparse } from './row-sparse.ts';
import { formatShape, type Shape, sizeOf } from './shape.ts';

/** A buffer that several storages have places in; freed with the last of them. */
export class SharedBuffer {
  readonly device: Device;
  readonly buffer: PoolBuffer;
  readonly #users = new Set<Storage>();

  constructor(device: Device, bytes: number, label: string) {
    this.device = device;
    this.buffer = device.allocate(bytes, label);
  }

  add(user: Storage): void {
    this.#users.add(user);
  }

  /** Whether a storage has its place there. */
  taken(base: number): boolean {
    for (const user of this.#users) if (user.base === base && user.alive) return true;
    return false;
  }

  /** Takes a storage out, or nothing where none was ever put in. Frees the buffer that is left without any. */
  leave(user?: Storage): void {
    if (user) this.#users.delete(user);
    if (this.#users.size === 0) this.device.release(this.buffer);
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
  onFree: (() => void) | undefined;
  readonly #device: Device | undefined;
  #buffer: PoolBuffer | undefined;

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
    this.onFree?.();
  }

  /** Moves the bytes, with all tensors that view them, to a place in a larger buffer; `base` is a multiple of 256. */
  moveTo(home: SharedBuffer, base: number): void {
    const { buffer, bytes } = this;
    if (bytes > 0) home.device.copy({ buffer, offset: this.base, bytes }, { buffer: home.buffer, offset: base, bytes });
    home.add(this);
    if (this.home) this.home.leave(this);
    else home.device.release(buffer);
    this.#buffer = home.buffer;
    this.home = home;
    this.base = base;
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
