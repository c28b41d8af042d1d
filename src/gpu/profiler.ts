// Time of each kernel from timestamp queries: one compute pass per dispatch, read back as soon as the device is done with them.
import type { ClearCommand, CopyCommand, DispatchCommand, ReadCommand, TextureCommand } from './command.ts';
import type { Pipeline } from './pipelines.ts';
import { boundBytes } from './traffic.ts';

/** One dispatch as it ran. */
export interface KernelTime {
  kernel: string;
  /** The op's name. */
  label: string;
  /** Microseconds on the adapter's clock. */
  startUs: number;
  durationUs: number;
  /** Workgroups. */
  grid: readonly [number, number, number];
  /** The kernel's `Params` by name: its shapes. */
  params: Readonly<Record<string, number>>;
  /** Floating-point operations, a multiply-add being two; undefined where the op does not tell. */
  flops: number | undefined;
  /** Bytes read and written: as the op tells them, else all that is bound, of which the kernel may touch a part. */
  bytes: number;
  bytesTold: boolean;
  /** Whether it reads operands through textures. */
  texels: boolean;
  /** Whether it is the first of its pipeline, within which many a driver compiles. */
  first: boolean;
  /** Copies, clears and mirrors into textures queued between the kernel before, in the same submit, and this one. */
  copies: { readonly count: number; readonly bytes: number } | undefined;
}

/** One submit: what the host did for it, and the kernels in it. */
export interface SubmitTimes {
  /** First and last op. */
  label: string;
  /** Milliseconds of `performance.now()`: encoding began, `queue.submit` was called, it returned, the times had come back. */
  encodeMs: number;
  submitMs: number;
  submittedMs: number;
  readMs: number;
  kernels: readonly KernelTime[];
}

/** A moment of the host's: what `SubmitTimes` knows before the device is done. */
export type HostTimes = Pick<SubmitTimes, 'label' | 'encodeMs' | 'submitMs' | 'submittedMs'>;

const CAPACITY = 4096; // the most a WebGPU query set holds
/** Times kept for `collect` where nobody listens: those of the last so many dispatches. */
const KEPT = 65_536;
const FREE_STAGING = 8;

type Facts = Omit<KernelTime, 'startUs' | 'durationUs' | 'first' | 'copies'>;
type Pending = { facts: Facts } & Pick<KernelTime, 'first' | 'copies'>;
type NotADispatch = CopyCommand | ReadCommand | ClearCommand | TextureCommand;

export class Profiler {
  /** Told of every submit once its times are there, in order; then `collect` has nothing. */
  onSubmit: ((times: SubmitTimes) => void) | undefined;
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #free: GPUBuffer[] = [];
  /** Of commands that are queued again and again, as those of a plan. */
  readonly #facts = new WeakMap<DispatchCommand, Facts>();
  readonly #seen = new WeakSet<Pipeline>();
  #pending: Pending[] = [];
  #copies = { count: 0, bytes: 0 };
  /** What the encoder that is being finished wrote. */
  #sealed: { staging: GPUBuffer; kernels: Pending[] } | undefined;
  /** Submits whose times have not come back. */
  #reading: Promise<void> = Promise.resolve();
  #kept: KernelTime[] = [];

  /** For a device with timestamp queries. */
  constructor(device: GPUDevice) {
    this.#device = device;
    this.#queries = device.createQuerySet({ label: 'profiler', type: 'timestamp', count: CAPACITY });
    this.#resolved = device.createBuffer({ label: 'profiler', size: CAPACITY * 8, usage: 0x200 | 0x04 }); // QUERY_RESOLVE | COPY_SRC
  }

  /** Whether the query set has no room for another pass before `resolve`. */
  get full(): boolean {
    return this.#pending.length * 2 + 2 > CAPACITY;
  }

  /** The pass of one dispatch. */
  descriptor(command: DispatchCommand): GPUComputePassDescriptor {
    const at = this.#pending.length * 2;
    let facts = this.#facts.get(command);
    if (!facts) this.#facts.set(command, (facts = factsOf(command)));
    const first = !this.#seen.has(command.pipeline);
    if (first) this.#seen.add(command.pipeline);
    this.#pending.push({ facts, first, copies: at > 0 && this.#copies.count > 0 ? this.#copies : undefined });
    if (this.#copies.count > 0) this.#copies = { count: 0, bytes: 0 };
    return {
      label: command.label,
      timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
    };
  }

  /** Takes note of a command between passes, which no query can time. */
  between(command: NotADispatch): void {
    this.#copies.count++;
    this.#copies.bytes += command.kind === 'clear' ? command.target.bytes : 2 * command.source.bytes;
  }

  /** Called at the end of an encoder: copies the timestamps written in it. */
  resolve(encoder: GPUCommandEncoder): void {
    this.#copies = { count: 0, bytes: 0 };
    if (this.#pending.length === 0) return;
    const bytes = this.#pending.length * 16;
    const staging = this.#staging(bytes);
    encoder.resolveQuerySet(this.#queries, 0, this.#pending.length * 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, staging, 0, bytes);
    this.#sealed = { staging, kernels: this.#pending };
    this.#pending = [];
  }

  /** Called when the encoder was submitted: its times are read as soon as they are there. */
  submitted(host: HostTimes): void {
    const sealed = this.#sealed;
    if (!sealed) return;
    this.#sealed = undefined;
    const { staging, kernels } = sealed;
    const bytes = kernels.length * 16;
    const mapped = staging.mapAsync(1, 0, bytes); // GPUMapMode.READ
    const before = this.#reading;
    this.#reading = mapped.then(
      async () => {
        const stamps = new BigUint64Array(staging.getMappedRange(0, bytes).slice(0));
        staging.unmap();
        if (this.#free.length < FREE_STAGING) this.#free.push(staging);
        else staging.destroy();
        await before;
        this.#tell({ ...host, readMs: performance.now(), kernels: timed(kernels, stamps) });
      },
      () => before, // the device is gone, which its own promise tells
    );
  }

  /** Waits until the times of everything submitted so far are there. */
  async settle(): Promise<void> {
    await this.#reading;
  }

  /** The times of everything submitted since the last call, or of its last 65,536 dispatches and a few more. */
  async collect(): Promise<KernelTime[]> {
    await this.settle();
    const times = this.#kept;
    this.#kept = [];
    return times;
  }

  #tell(times: SubmitTimes): void {
    if (this.onSubmit) {
      this.onSubmit(times);
      return;
    }
    this.#kept.push(...times.kernels);
    if (this.#kept.length > 2 * KEPT) this.#kept = this.#kept.slice(-KEPT);
  }

  /** Few sizes, so that buffers are reused although submits differ. */
  #staging(bytes: number): GPUBuffer {
    const at = this.#free.findIndex(({ size }) => size >= bytes);
    if (at >= 0) return this.#free.splice(at, 1)[0]!;
    const size = Math.max(4096, 2 ** Math.ceil(Math.log2(bytes)));
    return this.#device.createBuffer({ label: 'profiler', size, usage: 0x01 | 0x08 }); // MAP_READ | COPY_DST
  }
}

function timed(kernels: readonly Pending[], stamps: BigUint64Array): KernelTime[] {
  return kernels.map(({ facts, first, copies }, i) => {
    const startUs = Number(stamps[2 * i]!) / 1000;
    return { ...facts, first, copies, startUs, durationUs: Math.max(0, Number(stamps[2 * i + 1]!) / 1000 - startUs) };
  });
}

function factsOf(command: DispatchCommand): Facts {
  const { pipeline, label, grid, flops, bytes } = command;
  return {
    kernel: pipeline.kernel.name,
    label,
    grid,
    params: paramsOf(command),
    flops,
    bytes: bytes ?? boundBytes(pipeline.kernel, command.views),
    bytesTold: bytes !== undefined,
    texels: pipeline.kernel.bindings.some(({ access }) => access === 'texture'),
  };
}

function paramsOf({ pipeline, params }: DispatchCommand): Record<string, number> {
  const floats = new Float32Array(params.buffer, params.byteOffset, params.length);
  const named: Record<string, number> = {};
  let at = 0;
  for (const { name, type } of pipeline.kernel.params) {
    named[name] = type === 'f32' ? floats[at]! : type === 'i32' ? params[at]! | 0 : params[at]!;
    at++;
  }
  return named;
}
