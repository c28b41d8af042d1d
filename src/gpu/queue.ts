// What a device is asked to do, in order, and what comes back: results, errors, and at last its loss.
import { platform } from '#platform';
import { DeviceLostError, type WeftError } from '../errors.ts';
import type { Command, Script } from './command.ts';
import { Encoder, type EncoderStats } from './encoder.ts';
import { deviceError, Failures } from './failures.ts';
import type { BufferView } from './kernel.ts';
import type { Profiler } from './profiler.ts';
import { Staging } from './readback.ts';

const MAX_QUEUED = 4096;

export interface QueueOptions {
  readonly profiler: Profiler | undefined;
  /** Whether every dispatch is submitted by itself; for tests. */
  readonly flushEveryOp: boolean;
  /** Bytes that a binding covers at most. */
  readonly maxBindingBytes: number;
}

/** A pool whose memory is destroyed once no command names it. */
interface Pool {
  readonly hasCondemned: boolean;
  sweep(): void;
}

export class CommandQueue {
  readonly failures = new Failures();
  /** Resolves when the device is gone, with the error that every call on it throws from then on. */
  readonly lost: Promise<DeviceLostError>;
  readonly pools: Pool[] = [];
  readonly #gpu: GPUDevice;
  readonly #options: QueueOptions;
  readonly #encoder: Encoder;
  readonly #staging: Staging;
  #commands: Command[] = [];
  /** Batches that wait for pipelines; undefined when everything flushed so far was submitted. */
  #chain: Promise<void> | undefined;
  /** Batches in `#chain` that are not yet submitted. */
  #waiting = 0;

  constructor(gpu: GPUDevice, options: QueueOptions) {
    this.#gpu = gpu;
    this.#options = options;
    this.#encoder = new Encoder(gpu, options);
    this.#staging = new Staging(gpu);
    gpu.onuncapturederror = (event) => {
      event.preventDefault(); // told to whoever reads next, and not to the console
      this.failures.add(deviceError(event.error.message));
    };
    this.lost = gpu.lost.then(({ reason, message }) =>
      this.failures.lose(new DeviceLostError(reason ?? 'unknown', message)),
    );
  }

  get stats(): Readonly<EncoderStats> {
    return this.#encoder.stats;
  }

  /** Whether a script may go as one command: not where dispatches are timed, or submitted, one by one. */
  takes(script: Script): boolean {
    return !this.#options.profiler && !this.#options.flushEveryOp && this.#encoder.canEncode(script);
  }

  add(command: Command): void {
    this.#commands.push(command);
    if (command.kind === 'dispatch' && (this.#options.flushEveryOp || this.#commands.length >= MAX_QUEUED))
      this.flush();
  }

  /** Submits what is queued, or has it submitted as soon as its pipelines are compiled. */
  flush(): void {
    if (this.failures.lost || this.#commands.length === 0) return;
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
        for (const result of compiled) if (result.status === 'rejected') this.failures.add(result.reason as WeftError);
        // What cannot run is left out; uploads beside it must land all the same.
        this.#submit(batch.filter((c) => c.kind !== 'dispatch' || c.pipeline.compiled));
      })
      .catch((error: WeftError) => this.failures.add(error))
      .then(() => {
        if (this.#chain === mine) this.#chain = undefined;
      });
    this.#chain = mine;
  }

  /** The bytes of a view once everything queued before has run. `add` queues the command. */
  read(source: BufferView, add: (command: Command) => void, longestNapMs: number): Promise<ArrayBuffer> {
    const staging = this.#staging.take(source.bytes);
    add({ kind: 'read', source, staging: staging.gpu });
    return this.#finish(() => this.#staging.map(staging, source.bytes), longestNapMs);
  }

  /** Resolves when everything queued has run. */
  async synchronize(longestNapMs: number): Promise<void> {
    await this.#finish(() => this.#gpu.queue.onSubmittedWorkDone(), longestNapMs);
  }

  /** Flushes, waits until all is submitted and then for `work`; rejects with the first error since the last such wait. */
  async #finish<T>(work: () => Promise<T>, longestNapMs: number): Promise<T> {
    const { mark } = this.failures;
    this.flush();
    const all = this.#chain ? this.#chain.then(work) : work();
    const result = await platform.wait(this.failures.unlessLost(all), longestNapMs);
    this.failures.throwSince(mark);
    return result;
  }

  /** Frees everything; an error that nobody read is printed. */
  destroy(): void {
    const unread = this.failures.unreported;
    if (unread && !this.failures.lost) console.error(unread);
    this.failures.lose(new DeviceLostError('destroyed', 'destroy() was called'));
    this.#commands = [];
    this.#gpu.destroy();
  }

  #submit(batch: readonly Command[]): void {
    if (this.failures.lost) return;
    this.#encoder.submit(batch, this.#options.profiler);
    if (this.#commands.length > 0) return;
    const last = batch.findLast((command) => command.kind === 'script')?.script;
    if (last) this.#encoder.encodeAhead(last);
    if (this.#waiting > 0 || !this.pools.some(({ hasCondemned }) => hasCondemned)) return;
    this.#encoder.forgetBindGroups();
    for (const pool of this.pools) pool.sweep();
  }
}
