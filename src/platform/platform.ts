// What weft needs from the place it runs in: a WebGPU entry point, and a way to let go of it.
export interface Platform {
  readonly name: 'node' | 'browser';
  /** The WebGPU entry point. `adapter` is part of an adapter's name where the platform can choose by it. */
  gpu(options: { adapter?: string | undefined }): Promise<GPU>;
  /** Called when the last device is gone, so that a Node process can end by itself. */
  release(): void;
}
