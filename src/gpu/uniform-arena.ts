// Parameters of dispatches in uniform buffers, for implementations without immediates.

export const SLOT = 256; // minUniformBufferOffsetAlignment of every adapter divides it
export const SLOTS_PER_PAGE = 1024;

/** Uniform slots at fixed places: the n-th dispatch of a batch with parameters always uses slot n. */
export class UniformArena {
  readonly #device: GPUDevice;
  readonly #pages: { gpu: GPUBuffer; host: Uint32Array<ArrayBuffer> }[] = [];
  readonly #pageSlots: number;
  used = 0;

  /** For `slots` dispatches where there cannot be more. */
  constructor(device: GPUDevice, slots = SLOTS_PER_PAGE) {
    this.#device = device;
    this.#pageSlots = Math.min(slots, SLOTS_PER_PAGE);
  }

  take(params: Uint32Array): number {
    const slot = this.used++;
    const page = Math.floor(slot / SLOTS_PER_PAGE);
    if (page === this.#pages.length)
      this.#pages.push({
        gpu: this.#device.createBuffer({ label: 'uniform arena', size: SLOT * this.#pageSlots, usage: 0x40 | 0x08 }), // UNIFORM | COPY_DST
        host: new Uint32Array((SLOT / 4) * this.#pageSlots),
      });
    this.#pages[page]!.host.set(params, (slot % SLOTS_PER_PAGE) * (SLOT / 4));
    return slot;
  }

  buffer(slot: number): GPUBuffer {
    return this.#pages[Math.floor(slot / SLOTS_PER_PAGE)]!.gpu;
  }

  /** Uploads the slots taken since the last call; returns the bytes sent. */
  upload(): number {
    let left = this.used;
    for (const page of this.#pages) {
      if (left <= 0) break;
      const slots = Math.min(left, SLOTS_PER_PAGE);
      this.#device.queue.writeBuffer(page.gpu, 0, page.host, 0, slots * (SLOT / 4));
      left -= slots;
    }
    const bytes = this.used * SLOT;
    this.used = 0;
    return bytes;
  }
}
