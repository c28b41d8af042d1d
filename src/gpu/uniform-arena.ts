// Parameters of dispatches in uniform buffers, for implementations without immediates.

export const SLOT = 256; // minUniformBufferOffsetAlignment of every adapter divides it
export const SLOTS_PER_CHUNK = 1024;

/** Uniform slots at fixed places: the n-th dispatch of a batch with parameters always uses slot n. */
export class UniformArena {
  readonly #device: GPUDevice;
  readonly #chunks: { gpu: GPUBuffer; host: Uint32Array<ArrayBuffer> }[] = [];
  readonly #chunkSlots: number;
  used = 0;

  /** For `slots` dispatches where there cannot be more. */
  constructor(device: GPUDevice, slots = SLOTS_PER_CHUNK) {
    this.#device = device;
    this.#chunkSlots = Math.min(slots, SLOTS_PER_CHUNK);
  }

  take(params: Uint32Array): number {
    const slot = this.used++;
    const chunk = Math.floor(slot / SLOTS_PER_CHUNK);
    if (chunk === this.#chunks.length)
      this.#chunks.push({
        gpu: this.#device.createBuffer({ label: 'uniform arena', size: SLOT * this.#chunkSlots, usage: 0x40 | 0x08 }), // UNIFORM | COPY_DST
        host: new Uint32Array((SLOT / 4) * this.#chunkSlots),
      });
    this.#chunks[chunk]!.host.set(params, (slot % SLOTS_PER_CHUNK) * (SLOT / 4));
    return slot;
  }

  buffer(slot: number): GPUBuffer {
    return this.#chunks[Math.floor(slot / SLOTS_PER_CHUNK)]!.gpu;
  }

  /** Uploads the slots taken since the last call; returns the bytes sent. */
  upload(): number {
    let left = this.used;
    for (const chunk of this.#chunks) {
      if (left <= 0) break;
      const slots = Math.min(left, SLOTS_PER_CHUNK);
      this.#device.queue.writeBuffer(chunk.gpu, 0, chunk.host, 0, slots * (SLOT / 4));
      left -= slots;
    }
    const bytes = this.used * SLOT;
    this.used = 0;
    return bytes;
  }
}
