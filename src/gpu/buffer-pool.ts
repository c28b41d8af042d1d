// GPU buffers by size class, the oldest reused first, counted, capped, and kept under an optional byte budget.
import { refuse } from '../check.ts';
import { OutOfMemoryError } from '../errors.ts';

/** Who names buffers in commands that are queued again and again: a plan. */
export interface Holder {
  /** Gives the buffers up. */
  drop(): void;
}

/** A buffer of the pool. `bytes` is the capacity of its size class, at least what was asked for. */
export interface PoolBuffer {
  readonly id: number;
  readonly gpu: GPUBuffer;
  readonly bytes: number;
  /** What it was last handed out for; an op's name, as a rule. */
  label: string;
  free: boolean;
  /** Whether it is set apart for plans: free, it is handed out to recordings alone, for replays write to it. */
  reserved: boolean;
  /** The plans that name it. */
  readonly plans: Set<Holder>;
  /** The plans that need what it holds: it was live when their recording ended. */
  readonly neededBy: Set<Holder>;
  /** Whether it left the pool for good. */
  gone: boolean;
}

export function poolBuffer(id: number, gpu: GPUBuffer, bytes: number, label: string): PoolBuffer {
  return { id, gpu, bytes, label, free: false, reserved: false, plans: new Set(), neededBy: new Set(), gone: false };
}

export interface PoolOptions {
  /** Bytes that live and free buffers, and what is claimed beside them, may take together; unlimited where undefined. */
  byteBudget?: number | undefined;
  /** Bytes of free buffers to keep for reuse; the oldest leave first. */
  maxFreeBytes?: number | undefined;
  /** Largest buffer the device makes. */
  maxBufferBytes: number;
  /** Told of a refused or failed allocation that only the driver saw. */
  onFailure: (error: OutOfMemoryError) => void;
  /** Asked to give up plans, and claims that nobody uses, before the budget is declared exceeded. */
  onPressure: () => void;
  /** Told of buffers whose content means nothing: new ones, and those given back. */
  onStale: (buffer: PoolBuffer) => void;
}

export interface PoolStats {
  /** Bytes handed out, by capacity. */
  liveBytes: number;
  /** Live and free bytes together: what the device holds for us. */
  reservedBytes: number;
  /** Largest `liveBytes` since the last `resetPeak`. */
  peakBytes: number;
  liveBuffers: number;
  freeBuffers: number;
  /** Buffers ever created; flat in a steady state. */
  created: number;
}

const USAGE = 0x80 | 0x08 | 0x04; // GPUBufferUsage.STORAGE | COPY_DST | COPY_SRC
const SMALLEST = 256;

/** Eight classes to each power of two: at most an eighth is wasted, and lengths that differ a little share a class. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST) return SMALLEST;
  const step = 2 ** Math.max(8, Math.floor(Math.log2(bytes - 1)) - 3);
  return Math.ceil(bytes / step) * step;
}

export class BufferPool {
  readonly #device: GPUDevice;
  readonly #options: PoolOptions;
  /** By size, each list from the youngest to the oldest: a step like the last one gets the last one's buffers again. */
  readonly #free = new Map<number, PoolBuffer[]>();
  /** The same for buffers that plans name. */
  readonly #reservedFree = new Map<number, PoolBuffer[]>();
  /** Bytes of buffers that plans name, live ones included. */
  #planned = 0;
  /** Whether a step is being recorded, which takes plans' buffers first. */
  recording = false;
  readonly #freeOrder = new Set<PoolBuffer>();
  readonly #maxFree: number;
  #live = 0;
  #reserved = 0;
  #claimed = 0;
  #peak = 0;
  #liveCount = 0;
  #created = 0;
  #nextId = 1;
  /** Buffers that left the pool but may still be named by commands not yet submitted. */
  #condemned: PoolBuffer[] = [];

  constructor(device: GPUDevice, options: PoolOptions) {
    this.#device = device;
    this.#options = options;
    this.#maxFree = options.maxFreeBytes ?? Number.POSITIVE_INFINITY;
  }

  get stats(): PoolStats {
    return {
      liveBytes: this.#live,
      reservedBytes: this.#reserved,
      peakBytes: this.#peak,
      liveBuffers: this.#liveCount,
      freeBuffers: this.#freeOrder.size,
      created: this.#created,
    };
  }

  resetPeak(): void {
    this.#peak = this.#live;
  }

  /** A buffer of at least `bytes` bytes, its content unspecified. Throws OutOfMemoryError over the budget. */
  allocate(bytes: number, label: string): PoolBuffer {
    const size = sizeClass(bytes);
    const reused = (this.recording && this.#reservedFree.get(size)?.pop()) || this.#free.get(size)?.pop();
    if (reused) {
      this.#freeOrder.delete(reused);
      reused.free = false;
      reused.label = label;
      this.#count(size, 1);
      return reused;
    }
    if (size > this.#options.maxBufferBytes)
      refuse(
        label,
        'size in bytes',
        `at most ${this.#options.maxBufferBytes} (the largest buffer of this device)`,
        bytes,
        'Use a smaller batch or split the tensor.',
      );
    this.#makeRoom(size, label);
    return this.#create(size, label);
  }

  /** Counts memory that is not the pool's own, textures, against the budget. Throws OutOfMemoryError over it. Returns the bytes in use before. */
  claim(bytes: number, label: string): number {
    this.#makeRoom(bytes, label);
    const total = this.#live + this.#claimed;
    this.#claimed += bytes;
    return total;
  }

  /** Takes a claim back. */
  disclaim(bytes: number): void {
    this.#claimed -= bytes;
  }

  /** Gives a buffer back for reuse by later commands. */
  release(buffer: PoolBuffer): void {
    if (buffer.free) return;
    for (const plan of [...buffer.neededBy]) plan.drop(); // while it is live: dropping moves free buffers about
    buffer.free = true;
    this.#count(buffer.bytes, -1);
    this.#list(buffer);
    const freeBytes = this.#reserved - this.#live;
    if (freeBytes > this.#maxFree) this.#trim(this.#live + this.#maxFree);
    this.#options.onStale(buffer);
  }

  /** Notes that a plan names a buffer: free, it is kept for plans; live, the plan needs what it holds. */
  reserve(buffer: PoolBuffer, plan: Holder): void {
    buffer.plans.add(plan);
    if (!buffer.free) buffer.neededBy.add(plan);
    if (buffer.reserved) return;
    if (buffer.free) this.#unlist(buffer);
    buffer.reserved = true;
    this.#planned += buffer.bytes;
    if (buffer.free) this.#list(buffer);
  }

  /** Notes that a plan is gone; buffers that no other plan names are everybody's again. */
  unreserve(buffer: PoolBuffer, plan: Holder): void {
    buffer.plans.delete(plan);
    buffer.neededBy.delete(plan);
    if (!buffer.reserved || buffer.plans.size > 0) return;
    if (buffer.free) this.#unlist(buffer);
    buffer.reserved = false;
    this.#planned -= buffer.bytes;
    if (buffer.free) this.#list(buffer);
  }

  /** Bytes of buffers that plans name. */
  get plannedBytes(): number {
    return this.#planned;
  }

  #list(buffer: PoolBuffer): void {
    const lists = buffer.reserved ? this.#reservedFree : this.#free;
    let list = lists.get(buffer.bytes);
    if (!list) lists.set(buffer.bytes, (list = []));
    let at = list.length;
    while (at > 0 && list[at - 1]!.id < buffer.id) at--;
    list.splice(at, 0, buffer);
    if (!buffer.reserved) this.#freeOrder.add(buffer);
  }

  #unlist(buffer: PoolBuffer): void {
    const list = (buffer.reserved ? this.#reservedFree : this.#free).get(buffer.bytes)!;
    list.splice(list.indexOf(buffer), 1);
    this.#freeOrder.delete(buffer);
  }

  /** Destroys what was trimmed; call when no command that is not yet submitted can name it. */
  sweep(): void {
    for (const buffer of this.#condemned) buffer.gpu.destroy();
    this.#condemned = [];
  }

  get hasCondemned(): boolean {
    return this.#condemned.length > 0;
  }

  destroy(): void {
    this.sweep();
    for (const buffer of this.#freeOrder) buffer.gpu.destroy();
    this.#freeOrder.clear();
    this.#free.clear();
  }

  #makeRoom(bytes: number, label: string): void {
    const budget = this.#options.byteBudget;
    if (budget === undefined || this.#reserved + this.#claimed + bytes <= budget) return;
    this.#trim(budget - bytes - this.#claimed);
    if (this.#reserved + this.#claimed + bytes > budget) {
      this.#options.onPressure();
      this.#trim(budget - bytes - this.#claimed);
    }
    if (this.#reserved + this.#claimed + bytes > budget)
      throw new OutOfMemoryError(
        label,
        bytes,
        this.#live + this.#claimed,
        budget,
        'Use a smaller batch, a shorter sequence or a larger byteBudget.',
      );
  }

  #count(bytes: number, sign: 1 | -1): void {
    this.#live += sign * bytes;
    this.#liveCount += sign;
    if (this.#live > this.#peak) this.#peak = this.#live;
  }

  #create(size: number, label: string): PoolBuffer {
    const total = this.#live + this.#claimed;
    this.#device.pushErrorScope('out-of-memory');
    const gpu = this.#device.createBuffer({ label, size, usage: USAGE });
    this.#device.popErrorScope().then(
      (error) => {
        if (error)
          this.#options.onFailure(
            new OutOfMemoryError(
              label,
              size,
              total,
              undefined,
              `The device said: ${error.message}. Use a smaller batch.`,
            ),
          );
      },
      () => {}, // the device is gone, which its own promise tells
    );
    this.#reserved += size;
    this.#created++;
    this.#count(size, 1);
    const buffer = poolBuffer(this.#nextId++, gpu, size, label);
    this.#options.onStale(buffer);
    return buffer;
  }

  /** Lets free buffers go, oldest first, until at most `bytes` are reserved. */
  #trim(bytes: number): void {
    for (const buffer of this.#freeOrder) {
      if (this.#reserved <= bytes) break;
      this.#unlist(buffer);
      this.#reserved -= buffer.bytes;
      buffer.gone = true;
      this.#condemned.push(buffer);
    }
  }
}
