// Staging buffers: how bytes come back from the device.
import { sizeClass } from './buffer-pool.ts';

export interface StagingBuffer {
  readonly gpu: GPUBuffer;
  readonly bytes: number;
}

const KEPT = 8;

export class Staging {
  readonly #device: GPUDevice;
  readonly #free: StagingBuffer[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  take(bytes: number): StagingBuffer {
    const size = sizeClass(bytes);
    const at = this.#free.findIndex((b) => b.bytes === size);
    if (at >= 0) return this.#free.splice(at, 1)[0]!;
    return { gpu: this.#device.createBuffer({ label: 'readback', size, usage: 0x01 | 0x08 }), bytes: size }; // MAP_READ | COPY_DST
  }

  /** Waits for the copy, takes the bytes and keeps the buffer for the next reader. */
  async map(staging: StagingBuffer, bytes: number): Promise<ArrayBuffer> {
    await staging.gpu.mapAsync(1, 0, Math.max(4, Math.ceil(bytes / 4) * 4)); // GPUMapMode.READ
    const copy = staging.gpu.getMappedRange(0, Math.max(4, Math.ceil(bytes / 4) * 4)).slice(0, bytes);
    staging.gpu.unmap();
    if (this.#free.length < KEPT) this.#free.push(staging);
    else staging.gpu.destroy();
    return copy;
  }
}
