// What weft needs from the place it runs in: a WebGPU entry point.
export interface Platform {
  readonly name: 'node' | 'browser';
  /** Switches for a whole process, where there are such: what its caller says beats them. */
  readonly environment: { readonly WEFT_KERNELS?: string | undefined };
  /** The WebGPU entry point. `adapter` is part of an adapter's name, `backend` a driver interface, where the platform can choose by them. */
  gpu(options: { adapter?: string | undefined; backend?: string | undefined }): Promise<GPU>;
  /** Backends to ask by name where the platform's own choice has no adapter. */
  readonly otherBackends: readonly string[];
  /** What to tell a person where no adapter is found, and what to do about it. */
  noAdapter(): string;
  /**
   * Waits for work of a device. In Node, whose event loop would otherwise ask Dawn without a pause, the thread sleeps between
   * two questions, up to `longestNapMs`: on a software adapter the processor is the device.
   */
  wait<T>(work: Promise<T>, longestNapMs: number): Promise<T>;
}
