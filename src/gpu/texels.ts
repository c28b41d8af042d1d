// What texel kernels need: those kernels, and textures that mirror ranges of buffers. Software adapters alone run them, so a device
// loads this module only where its tuning names their lanes.
import type { Command } from './command.ts';
import type { BufferView } from './kernel.ts';
import * as kernels from './shaders-texel.gen.ts';
import type { PoolTexture } from './texture.ts';
import { TexturePool, type TexturePoolOptions } from './texture-pool.ts';

export interface TexelsOptions extends TexturePoolOptions {
  /** Takes the commands that fill textures. */
  queue: (command: Command) => void;
  /** Told of textures whose content means nothing yet. */
  onStale: (texture: PoolTexture) => void;
}

export class Texels {
  readonly kernels: typeof kernels = kernels;
  readonly pool: TexturePool;
  readonly #options: TexelsOptions;

  constructor(device: GPUDevice, options: TexelsOptions) {
    this.pool = new TexturePool(device, options);
    this.#options = options;
  }

  /** Runs `queue` with textures that mirror `sources` for the kernels it queues; later commands reuse them. */
  mirror<const S extends readonly BufferView[]>(
    sources: S,
    label: string,
    queue: (textures: { [I in keyof S]: PoolTexture }) => void,
  ): void {
    const textures: PoolTexture[] = [];
    try {
      for (const source of sources) {
        const texture = this.pool.allocate(source.bytes, label);
        textures.push(texture);
        this.#options.onStale(texture);
        this.#options.queue({ kind: 'texture', source, texture });
      }
      queue(textures as { [I in keyof S]: PoolTexture });
    } finally {
      for (const texture of textures) this.pool.release(texture);
    }
  }
}
