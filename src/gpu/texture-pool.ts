// Textures that mirror a range of a buffer for kernels that only read it. Software adapters load a texel several times faster
// than a vec4 of a storage buffer, whose every load they check lane by lane.
import { refuse } from '../check.ts';
import { OutOfMemoryError } from '../errors.ts';
import type { BufferPool } from './buffer-pool.ts';
import { BYTES_PER_TEXEL, type PoolTexture, TEXELS_PER_ROW } from './texture.ts';

/** Texels there are in a row: a few more, so that strides of powers of two do not fall on the same cache lines. */
const ROW_PITCH = 1028;

export interface TexturePoolOptions {
  /** Counts textures against the byte budget. */
  ledger: Pick<BufferPool, 'claim' | 'disclaim'>;
  /** Told of a failed allocation that only the driver saw. */
  onFailure: (error: OutOfMemoryError) => void;
}

export class TexturePool {
  readonly #device: GPUDevice;
  readonly #options: TexturePoolOptions;
  readonly #free = new Map<number, PoolTexture[]>();
  /** Textures that left the pool but may still be named by commands not yet submitted. */
  #condemned: PoolTexture[] = [];
  #nextId = 1;
  #bytes = 0;
  #liveCount = 0;

  constructor(device: GPUDevice, options: TexturePoolOptions) {
    this.#device = device;
    this.#options = options;
  }

  /** Bytes of all textures, in use or free. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Textures handed out and not yet released. */
  get liveTextures(): number {
    return this.#liveCount;
  }

  allocate(bytes: number, label: string): PoolTexture {
    const needed = Math.ceil(bytes / (BYTES_PER_TEXEL * TEXELS_PER_ROW));
    // Few sizes, so that rows are reused although batches differ: up to an eighth is wasted.
    const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, needed - 1))) - 2);
    const rows = Math.max(1, Math.ceil(needed / step) * step);
    const reused = this.#free.get(rows)?.pop();
    if (reused) {
      this.#liveCount++;
      return reused;
    }
    if (rows > this.#device.limits.maxTextureDimension2D)
      refuse(
        label,
        'operand',
        `at most ${this.#device.limits.maxTextureDimension2D * TEXELS_PER_ROW * BYTES_PER_TEXEL} bytes (the largest texture)`,
        bytes,
      );
    return this.#create(rows, label);
  }

  release(texture: PoolTexture): void {
    this.#liveCount--;
    const list = this.#free.get(texture.rows);
    if (!list) this.#free.set(texture.rows, [texture]);
    // The oldest, whose id is the largest, is handed out first: a step like the last one gets the last one's textures again.
    else list.splice(list.findLastIndex(({ id }) => id < texture.id) + 1, 0, texture);
  }

  /** Lets all free textures go. */
  trim(): void {
    for (const texture of [...this.#free.values()].flat()) {
      this.#bytes -= textureBytes(texture.rows);
      this.#options.ledger.disclaim(textureBytes(texture.rows));
      this.#condemned.push(texture);
    }
    this.#free.clear();
  }

  /** Destroys what was trimmed; call when no command that is not yet submitted can name it. */
  sweep(): void {
    for (const texture of this.#condemned) texture.gpu.destroy();
    this.#condemned = [];
  }

  get hasCondemned(): boolean {
    return this.#condemned.length > 0;
  }

  #create(rows: number, label: string): PoolTexture {
    const bytes = textureBytes(rows);
    const total = this.#options.ledger.claim(bytes, label);
    this.#device.pushErrorScope('out-of-memory');
    const gpu = this.#device.createTexture({
      label,
      size: [ROW_PITCH, rows],
      format: 'rgba32float',
      usage: 0x02 | 0x08, // GPUTextureUsage.COPY_DST | STORAGE_BINDING
    });
    this.#device.popErrorScope().then(
      (error) => {
        if (error)
          this.#options.onFailure(
            new OutOfMemoryError(
              label,
              bytes,
              total,
              undefined,
              `The device said: ${error.message}. Use a smaller batch.`,
            ),
          );
      },
      () => {}, // the device is gone, which its own promise tells
    );
    this.#bytes += bytes;
    this.#liveCount++;
    return { kind: 'texture', id: -this.#nextId++, gpu, view: gpu.createView(), rows };
  }
}

/** Bytes of a texture of so many rows. */
function textureBytes(rows: number): number {
  return rows * ROW_PITCH * BYTES_PER_TEXEL;
}
