// For tests: what is freed, and what is new, becomes NaN, so that whoever reads stale memory shows it.
import { type PoolBuffer, poolBuffer } from './buffer-pool.ts';
import type { Command } from './command.ts';
import { type PoolTexture, TEXELS_PER_ROW } from './texture.ts';

/** The NaN that poison is made of: one that no arithmetic makes, so that it can be told from one that was computed. */
export const POISON_WORD = 0x7fc0dead;

export class Poison {
  readonly #gpu: GPUDevice;
  readonly #queue: (command: Command) => void;
  readonly #blocks = new Map<number, Uint8Array<ArrayBuffer>>();
  /** Sources of textures by size; not from the pool, whose counts must be those of a run without poison. */
  readonly #sources = new Map<number, PoolBuffer>();

  constructor(gpu: GPUDevice, queue: (command: Command) => void) {
    this.#gpu = gpu;
    this.#queue = queue;
  }

  buffer(buffer: PoolBuffer): void {
    const { bytes } = buffer;
    this.#queue({ kind: 'write', target: { buffer, offset: 0, bytes }, data: this.#nans(bytes) });
  }

  texture(texture: PoolTexture): void {
    const bytes = texture.rows * TEXELS_PER_ROW * 16; // whole rows, as copies count them
    let source = this.#sources.get(bytes);
    if (!source) {
      const gpu = this.#gpu.createBuffer({ label: 'poison', size: bytes, usage: 0x08 | 0x04 }); // COPY_DST | COPY_SRC
      source = poolBuffer(0, gpu, bytes, 'poison');
      this.#sources.set(bytes, source);
      this.buffer(source);
    }
    this.#queue({ kind: 'texture', source: { buffer: source, offset: 0, bytes }, texture });
  }

  #nans(bytes: number): Uint8Array<ArrayBuffer> {
    let block = this.#blocks.get(bytes);
    if (!block) {
      block = new Uint8Array(new Uint32Array(bytes / 4).fill(POISON_WORD).buffer);
      this.#blocks.set(bytes, block);
    }
    return block;
  }
}
