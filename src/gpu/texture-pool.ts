// Textures that mirror a range of a buffer for kernels that only read it. Software adapters load a texel several times faster
// than a vec4 of a storage buffer, whose every load they check lane by lane.
import { ArgumentError } from '../errors.ts';
import type { BufferView } from './kernel.ts';

/** Texels in a row of a linear texture; kernels address texel `i` at `(i % 2048, i / 2048)`. */
export const TEXELS_PER_ROW = 2048;
const BYTES_PER_TEXEL = 16;

/** A texture of `rgba32float` texels, as many rows of 2048 as it takes. */
export interface PoolTexture {
  readonly kind: 'texture';
  readonly id: number;
  readonly gpu: GPUTexture;
  readonly view: GPUTextureView;
  readonly rows: number;
}

export class TexturePool {
  readonly #device: GPUDevice;
  readonly #free = new Map<number, PoolTexture[]>();
  #nextId = 1;
  #bytes = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes of all textures, in use or free. */
  get bytes(): number {
    return this.#bytes;
  }

  allocate(bytes: number, label: string): PoolTexture {
    const needed = Math.ceil(bytes / (BYTES_PER_TEXEL * TEXELS_PER_ROW));
    // Few sizes, so that rows are reused although batches differ: up to an eighth is wasted.
    const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, needed - 1))) - 2);
    const rows = Math.max(1, Math.ceil(needed / step) * step);
    const reused = this.#free.get(rows)?.pop();
    if (reused) return reused;
    if (rows > this.#device.limits.maxTextureDimension2D)
      throw new ArgumentError({
        op: label,
        argument: 'operand',
        expected: `at most ${this.#device.limits.maxTextureDimension2D * TEXELS_PER_ROW * BYTES_PER_TEXEL} bytes (the largest texture)`,
        actual: String(bytes),
      });
    const gpu = this.#device.createTexture({
      label,
      size: [TEXELS_PER_ROW, rows],
      format: 'rgba32float',
      usage: 0x02 | 0x08, // GPUTextureUsage.COPY_DST | STORAGE_BINDING
    });
    this.#bytes += rows * TEXELS_PER_ROW * BYTES_PER_TEXEL;
    return { kind: 'texture', id: -this.#nextId++, gpu, view: gpu.createView(), rows };
  }

  release(texture: PoolTexture): void {
    const list = this.#free.get(texture.rows);
    if (list) list.push(texture);
    else this.#free.set(texture.rows, [texture]);
  }
}

/** Copies a buffer range into a linear texture: whole rows at once, then what is left of the last one. */
export function encodeTextureCopy(encoder: GPUCommandEncoder, source: BufferView, texture: PoolTexture): void {
  const texels = Math.ceil(source.bytes / BYTES_PER_TEXEL);
  const whole = Math.floor(texels / TEXELS_PER_ROW);
  const rest = texels % TEXELS_PER_ROW;
  const bytesPerRow = TEXELS_PER_ROW * BYTES_PER_TEXEL;
  const copy = (row: number, width: number, height: number) =>
    encoder.copyBufferToTexture(
      { buffer: source.buffer.gpu, offset: source.offset + row * bytesPerRow, bytesPerRow },
      { texture: texture.gpu, origin: [0, row] },
      [width, height],
    );
  if (whole > 0) copy(0, TEXELS_PER_ROW, whole);
  if (rest > 0) copy(whole, rest, 1);
}
