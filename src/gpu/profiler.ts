// Time of each kernel from timestamp queries: one compute pass per dispatch, read back when asked.
import type { DispatchCommand } from './encoder.ts';

export interface KernelTime {
  kernel: string;
  label: string;
  /** Microseconds on the adapter's clock. */
  startUs: number;
  durationUs: number;
}

const CAPACITY = 4096; // the most a WebGPU query set holds

export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #pending: { kernel: string; label: string }[] = [];
  #open: { staging: GPUBuffer; names: { kernel: string; label: string }[] }[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: 'timestamp', count: CAPACITY });
    this.#resolved = device.createBuffer({ size: CAPACITY * 8, usage: 0x200 | 0x04 }); // QUERY_RESOLVE | COPY_SRC
  }

  /** Whether the query set has no room for another pass before `resolve`. */
  get full(): boolean {
    return this.#pending.length * 2 + 2 > CAPACITY;
  }

  descriptor(command: DispatchCommand): GPUComputePassDescriptor {
    const at = this.#pending.length * 2;
    this.#pending.push({ kernel: command.pipeline.kernel.name, label: command.label });
    return {
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
    };
  }

  /** Called at the end of an encoder: copies the timestamps written in it. */
  resolve(encoder: GPUCommandEncoder): void {
    if (this.#pending.length === 0) return;
    const bytes = this.#pending.length * 16;
    const staging = this.#device.createBuffer({ size: bytes, usage: 0x01 | 0x08 }); // MAP_READ | COPY_DST
    encoder.resolveQuerySet(this.#queries, 0, this.#pending.length * 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, staging, 0, bytes);
    this.#open.push({ staging, names: this.#pending.splice(0) });
  }

  /** The times of everything submitted since the last call. */
  async collect(): Promise<KernelTime[]> {
    const times: KernelTime[] = [];
    for (const { staging, names } of this.#open.splice(0)) {
      await staging.mapAsync(1);
      const stamps = new BigUint64Array(staging.getMappedRange());
      names.forEach((name, i) => {
        const start = Number(stamps[2 * i]!) / 1000;
        times.push({ ...name, startUs: start, durationUs: Number(stamps[2 * i + 1]!) / 1000 - start });
      });
      staging.destroy();
    }
    return times;
  }
}
