// What weft needs from the place it runs in: a WebGPU entry point.
export interface Platform {
  readonly name: 'node' | 'browser';
  /** The WebGPU entry point. `adapter` is part of an adapter's name where the platform can choose by it. */
  gpu(options: { adapter?: string | undefined }): Promise<GPU>;
}
