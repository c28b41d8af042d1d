// A WebGPU device as weft uses it: an ordered list of commands, a buffer pool, compiled kernels, and errors that surface.
import type { DeviceLostError } from '../errors.ts';
import { type AdapterInfo, type Requested, requestDevice } from './adapter.ts';
import { BufferPool, type PoolBuffer, type PoolStats } from './buffer-pool.ts';
import type { Command } from './command.ts';
import { dispatchOf, type RunOptions } from './dispatch.ts';
import type { EncoderStats } from './encoder.ts';
import type { Bindings, BufferView, Kernel, Overrides, Params } from './kernel.ts';
import type { DeviceOptions } from './options.ts';
import { loadParts, type Parts } from './parts.ts';
import { PipelineCache } from './pipelines.ts';
import { bytesOf, type HostWork, type Plan } from './plan.ts';
import type { KernelTime, Profiler } from './profiler.ts';
import { CommandQueue } from './queue.ts';
import { Recorder } from './recorder.ts';
import type { Texels } from './texels.ts';
import type { Tuning } from './tuning.ts';

export class Device {
  readonly info: AdapterInfo;
  /** Which kernels run, and how work is cut. Tests and benches may put another in its place; ops ask it when they are called. */
  tuning: Tuning;
  readonly pool: BufferPool;
  /** Largest range one binding may cover, in bytes. */
  readonly maxBindingBytes: number;
  /** Largest number of workgroups in one dimension. */
  readonly maxGrid: number;
  /** Bytes of `var<workgroup>` memory a kernel may use. */
  readonly maxWorkgroupBytes: number;
  readonly maxWorkgroupSize: number;
  /** Where a bound offset must fall, in bytes. */
  readonly bindingAlignment: number;
  /** Where `profile` asked for it. */
  readonly profiler: Profiler | undefined;
  /** Kernels that read texels, and their textures, where the tuning names lanes for them. */
  readonly texels: Texels | undefined;
  /** What a tuner chose, by op and class of shapes; ops go by their own tables where there is nothing. */
  readonly choices = new Map<string, string>();
  /** Told of every class of shapes that an op chooses a kernel for, with what a tuner needs to know. */
  onChoice: ((key: string, sample: object) => void) | undefined;
  readonly #pipelines: PipelineCache;
  readonly #recorder: Recorder;
  readonly #queue: CommandQueue;

  private constructor({ device: gpu, info, tuning, immediateBytes }: Requested, options: DeviceOptions, parts: Parts) {
    const { maxBindingBytes = Number.POSITIVE_INFINITY, maxGrid = Number.POSITIVE_INFINITY, debug = {} } = options;
    const { limits } = gpu;
    this.info = info;
    this.tuning = tuning;
    this.maxBindingBytes = Math.min(limits.maxStorageBufferBindingSize, maxBindingBytes);
    this.maxGrid = Math.min(limits.maxComputeWorkgroupsPerDimension, maxGrid);
    this.maxWorkgroupBytes = limits.maxComputeWorkgroupStorageSize;
    this.maxWorkgroupSize = limits.maxComputeInvocationsPerWorkgroup;
    this.bindingAlignment = limits.minStorageBufferOffsetAlignment;
    this.profiler = parts.Profiler && new parts.Profiler(gpu);
    this.#queue = new CommandQueue(gpu, {
      profiler: this.profiler,
      flushEveryOp: debug.flushEveryOp ?? false,
      // A view is bound to the end of its buffer, as far as a binding reaches: none at all where bindings are exact.
      maxBindingBytes: debug.exactBindings ? 4 : this.maxBindingBytes,
    });
    this.#pipelines = new PipelineCache(gpu, { groupsReversed: debug.groupsReversed ?? false, immediateBytes });
    const { failures, pools } = this.#queue;
    const queue = (command: Command) => this.#add(command);
    const poison = parts.Poison && new parts.Poison(gpu, queue);
    this.pool = new BufferPool(gpu, {
      byteBudget: options.byteBudget,
      maxFreeBytes: options.maxFreeBytes,
      maxBufferBytes: limits.maxBufferSize,
      onFailure: (error) => failures.add(error),
      onPressure: () => {
        this.#recorder.dropAll();
        this.texels?.pool.trim();
      },
      onStale: (buffer) => poison?.buffer(buffer),
    });
    this.#recorder = new Recorder(this.pool);
    this.texels =
      parts.Texels &&
      new parts.Texels(gpu, {
        ledger: this.pool,
        onFailure: (error) => failures.add(error),
        onStale: (texture) => poison?.texture(texture),
        queue,
      });
    pools.push(this.pool, ...(this.texels ? [this.texels.pool] : []));
  }

  /** Finds an adapter and makes a device on it. Throws AdapterError where there is none that fits. */
  static async create(options: DeviceOptions = {}): Promise<Device> {
    const requested = await requestDevice(options);
    return new Device(requested, options, await loadParts(requested, options));
  }

  get poolStats(): PoolStats & { textureBytes: number; liveTextures: number } {
    const { bytes = 0, liveTextures = 0 } = this.texels?.pool ?? {};
    return { ...this.pool.stats, textureBytes: bytes, liveTextures };
  }

  get stats(): Readonly<EncoderStats> & { pipelines: number } {
    return { ...this.#queue.stats, pipelines: this.#pipelines.size };
  }

  /** The storage bytes that stand for a buffer handed out earlier become reusable by later commands. */
  release(buffer: PoolBuffer): void {
    if (this.#queue.failures.lost) return;
    this.recording?.released(buffer);
    this.pool.release(buffer);
  }

  allocate(bytes: number, label: string): PoolBuffer {
    this.#queue.failures.throwIfLost();
    const buffer = this.pool.allocate(Math.max(bytes, 4), label);
    this.recording?.allocated(buffer);
    return buffer;
  }

  /**
   * Runs `make`, whose buffers outlive the step that is being recorded. None of them is one that plans have set apart: their replays
   * would write over what it holds.
   */
  lasting<T>(make: () => T): T {
    return this.#recorder.lasting(make);
  }

  /** Queues one dispatch of a kernel. Bindings, parameters and overrides go by the names in its WGSL. */
  run<B extends Bindings, P extends Params, O extends Overrides>(
    kernel: Kernel<B, P, O>,
    options: RunOptions<NoInfer<B>, NoInfer<P>, NoInfer<O>>,
  ): void {
    this.#queue.failures.throwIfLost();
    const command = dispatchOf(kernel, options, this.#pipelines, this);
    if (command) this.#add(command);
  }

  /** Uploads data, which must not change afterwards. A function makes it: again and again, where a recorded step is replayed. */
  write(target: BufferView, data: ArrayBufferView<ArrayBuffer> | (() => ArrayBufferView<ArrayBuffer>)): void {
    const command = { kind: 'write', target, data: bytesOf(typeof data === 'function' ? data() : data) } as const;
    if (typeof data === 'function') this.recording?.addWork({ command, make: data });
    this.#add(command);
  }

  copy(source: BufferView, target: BufferView): void {
    this.#add({ kind: 'copy', source, target });
  }

  clear(target: BufferView): void {
    this.#add({ kind: 'clear', target });
  }

  /** The plan of the step that is being recorded; what that queues must follow from shapes alone. */
  get recording(): Plan | undefined {
    return this.#recorder.plan;
  }

  /** Work on the host that belongs to a step: done now, and by every replay of the step before it is queued; see `HostWork`. */
  hostWork(work: HostWork): void {
    work();
    this.recording?.addWork(work);
  }

  /** Names something on the host that decides what a step queues; a replay is refused while it differs. Returns its value. */
  guard<T>(read: () => T): T {
    this.recording?.addGuard(read);
    return read();
  }

  /** Runs `fn`, whose commands go into `plan` too: see `record` of plan.ts. */
  recordInto<T>(plan: Plan, fn: () => T): T {
    this.#queue.failures.throwIfLost();
    return this.#recorder.record(plan, fn);
  }

  /** Queues a plan's commands again. */
  replay(plan: Plan): void {
    this.#queue.failures.throwIfLost();
    const { script } = plan;
    const data = plan.renew();
    if (script && this.#queue.takes(script)) this.#add({ kind: 'script', script, data });
    else for (const command of plan.commandsWith(data)) this.#add(command);
  }

  /** Submits what is queued, or has it submitted as soon as its pipelines are compiled. */
  flush(): void {
    this.#queue.flush();
  }

  /** The bytes of a view once everything queued before has run. Rejects with the first error since the last read. */
  async read(source: BufferView): Promise<ArrayBuffer> {
    return this.#queue.read(source, (command) => this.#add(command), this.tuning.longestNapMs);
  }

  /** Resolves when everything queued has run; rejects with the first error since the last read. */
  async synchronize(): Promise<void> {
    await this.#queue.synchronize(this.tuning.longestNapMs);
  }

  /** Kernel times since the last call; needs `profile: true`. */
  async kernelTimes(): Promise<KernelTime[]> {
    await this.synchronize();
    return (await this.profiler?.collect()) ?? [];
  }

  /** Frees everything. Pending reads reject with DeviceLostError; the process may end. An error nobody read is printed. */
  destroy(): void {
    this.#queue.destroy();
  }

  /** Resolves when the device is gone, with the error that every call on it throws from then on. */
  get lost(): Promise<DeviceLostError> {
    return this.#queue.lost;
  }

  #add(command: Command): void {
    this.#queue.failures.throwIfLost();
    this.recording?.add(command);
    this.#queue.add(command);
  }
}
