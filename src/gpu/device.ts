// A WebGPU device as weft uses it: an ordered list of commands, a buffer pool, compiled kernels, and errors that surface.
import { platform } from '#platform';
import { DeviceError, DeviceLostError, WeftError } from '../errors.ts';
import { type AdapterChoice, type AdapterInfo, type Requested, requestDevice } from './adapter.ts';
import { BufferPool, type PoolBuffer, type PoolStats } from './buffer-pool.ts';
import { viewsOf } from './check-views.ts';
import { type Command, Encoder, type EncoderStats } from './encoder.ts';
import { deviceError, Failures } from './failures.ts';
import { type Bindings, type BufferView, type Kernel, type Overrides, type Params, packParams } from './kernel.ts';
import { type Pipeline, PipelineCache } from './pipelines.ts';
import { bytesOf, type HostWork, Plan } from './plan.ts';
import { Poison } from './poison.ts';
import { type KernelTime, noTimestamps, Profiler } from './profiler.ts';
import { Staging } from './readback.ts';
import { type PoolTexture, TexturePool } from './texture-pool.ts';
import type { Tuning } from './tuning.ts';

export interface DeviceOptions extends AdapterChoice {
  /** Bytes of GPU memory that tensors may take together; unlimited where undefined. */
  byteBudget?: number | undefined;
  /** Bytes of free buffers kept for reuse. */
  maxFreeBytes?: number | undefined;
  /** Lower bound on the adapter's own storage binding limit, in bytes (for tests of splitting). */
  maxBindingBytes?: number | undefined;
  /** Lower bound on the adapter's own limit of workgroups per dimension (for tests of folding). */
  maxGrid?: number | undefined;
  /** Time every kernel with timestamp queries. */
  profile?: boolean | undefined;
  /**
   * Switches that make faults visible; for tests. `poisonFreed` fills memory with NaN when it is made and when it is freed;
   * `exactBindings` binds no byte past a view.
   */
  debug?:
    | { poisonFreed?: boolean; groupsReversed?: boolean; flushEveryOp?: boolean; exactBindings?: boolean }
    | undefined;
}

export interface RunOptions<B extends Bindings = Bindings, P extends Params = Params, O extends Overrides = Overrides> {
  bind: B;
  params: P;
  overrides?: O;
  /** Workgroups in x, y, z; a one-dimensional grid over the limit is folded into y (kernels take it through lib/grid). */
  grid: number | readonly [number, number, number];
  /** The op's name, for errors and the profiler. */
  label: string;
  /** Floating-point operations, a multiply-add being two, for the profiler. From shapes alone. */
  flops?: number | undefined;
  /** Bytes read and written, for the profiler, where that is not all that is bound. */
  bytes?: number | undefined;
}

const MAX_QUEUED = 4096;

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
  readonly profiler: Profiler | undefined;
  /** What a tuner chose, by op and class of shapes; ops go by their own tables where there is nothing. */
  readonly choices = new Map<string, string>();
  /** Told of every class of shapes that an op chooses a kernel for, with what a tuner needs to know. */
  onChoice: ((key: string, sample: object) => void) | undefined;
  readonly #gpu: GPUDevice;
  readonly #pipelines: PipelineCache;
  readonly #encoder: Encoder;
  readonly #staging: Staging;
  readonly #textures: TexturePool;
  readonly #debug: NonNullable<DeviceOptions['debug']>;
  readonly #poison: Poison | undefined;
  readonly #failures = new Failures();
  readonly #lost: Promise<DeviceLostError>;
  #commands: Command[] = [];
  #recording: Plan | undefined;
  readonly #plans = new Set<Plan>();
  /** Batches that wait for pipelines; undefined when everything flushed so far was submitted. */
  #chain: Promise<void> | undefined;
  /** Batches in `#chain` that are not yet submitted. */
  #waiting = 0;

  private constructor({ device: gpu, info, tuning, immediateBytes }: Requested, options: DeviceOptions) {
    this.#gpu = gpu;
    this.info = info;
    this.tuning = tuning;
    this.#debug = options.debug ?? {};
    this.#poison = this.#debug.poisonFreed ? new Poison(gpu, (command) => this.#queue(command)) : undefined;
    this.maxBindingBytes = Math.min(
      gpu.limits.maxStorageBufferBindingSize,
      options.maxBindingBytes ?? Number.POSITIVE_INFINITY,
    );
    this.maxGrid = Math.min(gpu.limits.maxComputeWorkgroupsPerDimension, options.maxGrid ?? Number.POSITIVE_INFINITY);
    this.maxWorkgroupBytes = gpu.limits.maxComputeWorkgroupStorageSize;
    this.maxWorkgroupSize = gpu.limits.maxComputeInvocationsPerWorkgroup;
    this.bindingAlignment = gpu.limits.minStorageBufferOffsetAlignment;
    this.pool = new BufferPool(gpu, {
      byteBudget: options.byteBudget,
      maxFreeBytes: options.maxFreeBytes,
      maxBufferBytes: gpu.limits.maxBufferSize,
      onFailure: (error) => this.#failures.add(error),
      onPressure: () => {
        for (const plan of this.#plans) plan.drop();
        this.#plans.clear();
        this.#recording?.spoil();
        this.#textures.trim();
      },
    });
    this.#textures = new TexturePool(gpu, { ledger: this.pool, onFailure: (error) => this.#failures.add(error) });
    this.#pipelines = new PipelineCache(gpu, { groupsReversed: this.#debug.groupsReversed ?? false, immediateBytes });
    // A view is bound to the end of its buffer, as far as a binding reaches: none at all where bindings are exact.
    this.#encoder = new Encoder(gpu, { maxBindingBytes: this.#debug.exactBindings ? 4 : this.maxBindingBytes });
    this.#staging = new Staging(gpu);
    if (options.profile && !gpu.features.has('timestamp-query')) {
      gpu.destroy();
      throw noTimestamps(info.name, tuning.kernels);
    }
    this.profiler = options.profile ? new Profiler(gpu) : undefined;
    gpu.onuncapturederror = (event) => {
      event.preventDefault(); // told to whoever reads next, and not to the console
      this.#failures.add(deviceError(event.error.message));
    };
    this.#lost = gpu.lost.then((reason) => {
      this.#failures.lose(new DeviceLostError(reason.reason ?? 'unknown', reason.message));
      return this.#failures.lost!;
    });
  }

  /** Finds an adapter and makes a device on it. Throws AdapterError where there is none that fits. */
  static async create(options: DeviceOptions = {}): Promise<Device> {
    return new Device(await requestDevice(options), options);
  }

  get poolStats(): PoolStats & { textureBytes: number; liveTextures: number } {
    const { bytes, liveTextures } = this.#textures;
    return { ...this.pool.stats, textureBytes: bytes, liveTextures };
  }

  get stats(): Readonly<EncoderStats> & { pipelines: number } {
    return { ...this.#encoder.stats, pipelines: this.#pipelines.size };
  }

  /** The storage bytes that stand for a buffer handed out earlier become reusable by later commands. */
  release(buffer: PoolBuffer): void {
    if (this.#failures.lost) return;
    this.#recording?.released(buffer);
    this.pool.release(buffer);
    this.#poison?.buffer(buffer);
  }

  allocate(bytes: number, label: string): PoolBuffer {
    this.#assertAlive();
    const { created } = this.pool;
    const buffer = this.pool.allocate(Math.max(bytes, 4), label);
    this.#recording?.allocated(buffer);
    if (this.pool.created > created) this.#poison?.buffer(buffer);
    return buffer;
  }

  /**
   * Runs `make`, whose buffers outlive the step that is being recorded. None of them is one that plans have set apart: their replays
   * would write over what it holds.
   */
  lasting<T>(make: () => T): T {
    const { recording } = this.pool;
    this.pool.recording = false;
    try {
      return make();
    } finally {
      this.pool.recording = recording;
    }
  }

  /** Queues one dispatch of a kernel. Bindings, parameters and overrides go by the names in its WGSL. */
  run<B extends Bindings, P extends Params, O extends Overrides>(
    kernel: Kernel<B, P, O>,
    options: RunOptions<NoInfer<B>, NoInfer<P>, NoInfer<O>>,
  ): void {
    this.#assertAlive();
    const views = viewsOf(kernel, options.bind, options.label, this);
    const grid = typeof options.grid === 'number' ? this.#fold(options.grid) : options.grid;
    if (grid[0] === 0 || grid[1] === 0 || grid[2] === 0) return;
    for (const n of grid)
      if (n > this.maxGrid)
        throw new DeviceError(
          `a grid of ${grid.join(' x ')} workgroups is over the limit of ${this.maxGrid} per dimension`,
          options.label,
        );
    this.#queue({
      kind: 'dispatch',
      pipeline: this.#pipelines.get(kernel, options.overrides ?? {}, options.label),
      views,
      params: packParams(kernel, options.params, options.label),
      grid,
      label: options.label,
      flops: options.flops,
      bytes: options.bytes,
    });
  }

  #queue(command: Command): void {
    this.#recording?.add(command);
    this.#commands.push(command);
    const dispatched = command.kind === 'dispatch' && (this.#debug.flushEveryOp || this.#commands.length >= MAX_QUEUED);
    if (dispatched) this.flush();
  }

  /** The compiled (or compiling) form of a kernel; asking early lets it compile while other work is prepared. */
  pipeline<O extends Overrides>(kernel: Kernel<Bindings, Params, O>, overrides?: NoInfer<O>): Pipeline {
    return this.#pipelines.get(kernel, overrides ?? {}, 'pipeline');
  }

  /** Runs `queue` with textures that mirror `sources` for the kernels it queues; later commands reuse them. */
  withTextures<const S extends readonly BufferView[]>(
    sources: S,
    label: string,
    queue: (textures: { [I in keyof S]: PoolTexture }) => void,
  ): void {
    const textures: PoolTexture[] = [];
    try {
      for (const source of sources) textures.push(this.#textureOf(source, label));
      queue(textures as { [I in keyof S]: PoolTexture });
    } finally {
      for (const texture of textures) this.#textures.release(texture);
    }
  }

  #textureOf(source: BufferView, label: string): PoolTexture {
    this.#assertAlive();
    const texture = this.#textures.allocate(source.bytes, label);
    this.#poison?.texture(texture);
    this.#queue({ kind: 'texture', source, texture });
    return texture;
  }

  /** Uploads data, which must not change afterwards. A function makes it: again and again, where a recorded step is replayed. */
  write(target: BufferView, data: ArrayBufferView<ArrayBuffer> | (() => ArrayBufferView<ArrayBuffer>)): void {
    this.#assertAlive();
    const command = { kind: 'write', target, data: bytesOf(typeof data === 'function' ? data() : data) } as const;
    if (typeof data === 'function') this.#recording?.addWork({ command, make: data });
    this.#queue(command);
  }

  copy(source: BufferView, target: BufferView): void {
    this.#assertAlive();
    this.#queue({ kind: 'copy', source, target });
  }

  clear(target: BufferView): void {
    this.#assertAlive();
    this.#queue({ kind: 'clear', target });
  }

  /** The plan of the step that is being recorded; what that queues must follow from shapes alone. */
  get recording(): Plan | undefined {
    return this.#recording;
  }

  /** Work on the host that belongs to a step: done now, and by every replay of the step before it is queued; see `HostWork`. */
  hostWork(work: HostWork): void {
    work();
    this.#recording?.addWork(work);
  }

  /** Names something on the host that decides what a step queues; a replay is refused while it differs. Returns its value. */
  guard<T>(read: () => T): T {
    this.#recording?.addGuard(read);
    return read();
  }

  /** Runs `fn` and keeps what it queues as a plan, with the buffers that it used. Where `fn` throws there is no plan. */
  record<T>(fn: () => T): { plan: Plan; result: T } {
    this.#assertAlive();
    if (this.#recording) throw new WeftError('compile: a compiled step cannot be recorded inside another');
    const plan = new Plan(this.pool);
    this.#recording = plan;
    this.pool.recording = true;
    try {
      const result = fn();
      plan.seal();
      for (const old of this.#plans) if (!old.valid) this.#plans.delete(old);
      if (plan.valid) this.#plans.add(plan);
      return { plan, result };
    } catch (error) {
      plan.drop();
      throw error;
    } finally {
      this.#recording = undefined;
      this.pool.recording = false;
    }
  }

  /** Queues a plan's commands again. */
  replay(plan: Plan): void {
    this.#assertAlive();
    const { script } = plan;
    const data = plan.renew();
    if (script && !this.profiler && !this.#debug.flushEveryOp && this.#encoder.canEncode(script))
      this.#queue({ kind: 'script', script, data });
    else for (const command of plan.commandsWith(data)) this.#queue(command);
  }

  /** Submits what is queued, or has it submitted as soon as its pipelines are compiled. */
  flush(): void {
    if (this.#failures.lost || this.#commands.length === 0) return;
    const batch = this.#commands;
    this.#commands = [];
    const waiting = batch.flatMap((c) => (c.kind === 'dispatch' && !c.pipeline.compiled ? [c.pipeline.ready] : []));
    if (!this.#chain && waiting.length === 0) {
      this.#submit(batch);
      return;
    }
    this.#waiting++;
    const before = this.#chain ?? Promise.resolve();
    const mine: Promise<void> = before
      .then(() => Promise.allSettled(waiting))
      .then((compiled) => {
        this.#waiting--;
        for (const result of compiled) if (result.status === 'rejected') this.#failures.add(result.reason as WeftError);
        // What cannot run is left out; uploads beside it must land all the same.
        this.#submit(batch.filter((c) => c.kind !== 'dispatch' || c.pipeline.compiled));
      })
      .catch((error: WeftError) => this.#failures.add(error))
      .then(() => {
        if (this.#chain === mine) this.#chain = undefined;
      });
    this.#chain = mine;
  }

  /** The bytes of a view once everything queued before has run. Rejects with the first error since the last read. */
  async read(source: BufferView): Promise<ArrayBuffer> {
    this.#assertAlive();
    const mark = this.#failures.mark;
    const staging = this.#staging.take(source.bytes);
    this.#queue({ kind: 'read', source, staging: staging.gpu });
    this.flush();
    const bytes = await this.#settled(() => this.#staging.map(staging, source.bytes));
    this.#failures.throwSince(mark);
    return bytes;
  }

  /** Resolves when everything queued has run; rejects with the first error since the last read. */
  async synchronize(): Promise<void> {
    this.#assertAlive();
    const mark = this.#failures.mark;
    this.flush();
    await this.#settled(() => this.#gpu.queue.onSubmittedWorkDone());
    this.#failures.throwSince(mark);
  }

  /** Waits until everything flushed is submitted, and then for `work`. */
  #settled<T>(work: () => Promise<T>): Promise<T> {
    const chain = this.#chain;
    const all = chain ? chain.then(work) : work();
    return platform.wait(this.#failures.unlessLost(all), this.tuning.longestNapMs);
  }

  /** Kernel times since the last call; needs `profile: true`. */
  async kernelTimes(): Promise<KernelTime[]> {
    await this.synchronize();
    return (await this.profiler?.collect()) ?? [];
  }

  /** Frees everything. Pending reads reject with DeviceLostError; the process may end. An error nobody read is printed. */
  destroy(): void {
    const unread = this.#failures.unreported;
    if (unread && !this.#failures.lost) console.error(unread);
    this.#failures.lose(new DeviceLostError('destroyed', 'destroy() was called'));
    this.#commands = [];
    this.#gpu.destroy();
  }

  /** Resolves when the device is gone, with the error that every call on it throws from then on. */
  get lost(): Promise<DeviceLostError> {
    return this.#lost;
  }

  #submit(batch: readonly Command[]): void {
    if (this.#failures.lost) return;
    this.#encoder.submit(batch, this.profiler);
    const last = batch.findLast((command) => command.kind === 'script')?.script;
    if (last && this.#commands.length === 0) this.#encoder.encodeAhead(last);
    const condemned = this.pool.hasCondemned || this.#textures.hasCondemned;
    if (condemned && this.#commands.length === 0 && this.#waiting === 0) {
      this.#encoder.forgetBindGroups();
      this.pool.sweep();
      this.#textures.sweep();
    }
  }

  #fold(groups: number): [number, number, number] {
    if (groups <= this.maxGrid) return [groups, 1, 1];
    const y = Math.ceil(groups / this.maxGrid);
    return [Math.ceil(groups / y), y, 1];
  }

  #assertAlive(): void {
    if (this.#failures.lost) throw this.#failures.lost;
  }
}
