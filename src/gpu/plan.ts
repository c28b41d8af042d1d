// A recorded step: the commands that it queued, to be queued again with new data, and the buffers that it holds for them.
import { WeftError } from '../errors.ts';
import type { BufferPool, PoolBuffer } from './buffer-pool.ts';
import type { Command, Script, WriteCommand } from './command.ts';

/** Something on the host that a step's commands depended on while it was recorded. */
interface Guard {
  readonly read: () => unknown;
  readonly value: unknown;
}

/** A write whose bytes are made anew by every replay. */
export interface Remade {
  readonly command: WriteCommand;
  readonly make: () => ArrayBufferView<ArrayBuffer>;
}

/** Work on the host; where it changes what the next step goes by, it returns how that is taken back. */
// biome-ignore lint/suspicious/noConfusingVoidType: most work returns nothing
export type HostWork = () => (() => void) | void;

export function bytesOf(data: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Commands as they are recorded, and later replayed. Made by `record`. */
export class Plan {
  commands: Exclude<Command, { kind: 'script' | 'read' }>[] = [];
  /** Buffers that the commands name. */
  readonly #buffers = new Set<PoolBuffer>();
  /** Buffers allocated while recording. */
  readonly #born = new Set<PoolBuffer>();
  readonly #guards: Guard[] = [];
  /** What happens on the host in a replay, in the order of the recording. */
  readonly #work: (Remade | HostWork)[] = [];
  readonly #pool: BufferPool;
  #writes: WriteCommand[] = [];
  #script: Script | undefined;
  #valid = true;
  #spoilt = false;
  /** What made a tensor that the step used up. */
  #consumed: string | undefined;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** False once a buffer that it needs was freed or it was dropped: it must be recorded anew. */
  get valid(): boolean {
    return this.#valid;
  }

  /** Whether the host stands as it stood at the recording: the modes of layers, what wants gradients, kinds of update. */
  get current(): boolean {
    return this.#guards.every(({ read, value }) => Object.is(read(), value));
  }

  add(command: Command): void {
    if (command.kind === 'script') throw new WeftError('compile: a compiled step cannot be run inside another');
    if (command.kind === 'read')
      throw new WeftError(
        'compile: the step reads data back from the device (data() or item()). Return the tensor and read it after the step.',
      );
    this.commands.push(command);
    if (command.kind === 'dispatch') {
      for (const view of command.views) if ('buffer' in view) this.#buffers.add(view.buffer);
      return;
    }
    if (command.kind !== 'write' && command.kind !== 'clear') this.#buffers.add(command.source.buffer);
    if (command.kind !== 'texture') this.#buffers.add(command.target.buffer);
  }

  addGuard(read: () => unknown): void {
    this.#guards.push({ read, value: read() });
  }

  addWork(work: Remade | HostWork): void {
    this.#work.push(work);
  }

  allocated(buffer: PoolBuffer): void {
    this.#born.add(buffer);
  }

  /** Notes a step that frees what it was given: a replay would read freed memory. */
  released(buffer: PoolBuffer): void {
    if (this.#buffers.has(buffer) && !this.#born.has(buffer)) this.#consumed ??= buffer.label;
  }

  /** Memory that the commands name was given up while recording: the plan will be dropped when it is complete. */
  spoil(): void {
    this.#spoilt = true;
  }

  /** Ends the recording: the buffers are the plan's until it is dropped. */
  seal(): void {
    if (this.#consumed !== undefined)
      throw new WeftError(
        `compile: the step uses and frees a tensor made before it (by ${this.#consumed}), which a replay could not use again. Call zeroGrad in the same step as backward, and dispose outside.`,
      );
    for (const buffer of this.#buffers) if (buffer.gone) this.spoil();
    if (this.#spoilt) {
      this.drop();
      return;
    }
    for (const buffer of this.#buffers) this.#pool.reserve(buffer, this);
    this.#writes = this.commands.filter((command) => command.kind === 'write');
    this.#script = { commands: this.commands, buffers: this.#buffers };
  }

  /** The commands as one, until the plan is dropped. */
  get script(): Script | undefined {
    return this.#script;
  }

  /** Gives the buffers up. */
  drop(): void {
    if (!this.#valid) return;
    this.#valid = false;
    for (const buffer of this.#born) this.#pool.unreserve(buffer, this);
    for (const buffer of this.#buffers) this.#pool.unreserve(buffer, this);
    this.commands = [];
    this.#writes = [];
    if (this.#script) this.#script.dropped = true;
    this.#script = undefined;
  }

  /**
   * Does the host's part of another step, and returns what its writes upload, in their order. Where a check throws nothing is queued,
   * and what had been done is taken back.
   */
  renew(): Uint8Array<ArrayBuffer>[] {
    const remade = new Map<Command, Uint8Array<ArrayBuffer>>();
    const undos: (() => void)[] = [];
    try {
      for (const work of this.#work) {
        if (typeof work !== 'function') remade.set(work.command, bytesOf(work.make()));
        else {
          const undo = work();
          if (undo) undos.push(undo);
        }
      }
    } catch (error) {
      for (const undo of undos.reverse()) undo();
      throw error;
    }
    return this.#writes.map((command) => remade.get(command) ?? command.data);
  }

  /** The commands, with other data for the writes. */
  commandsWith(data: readonly Uint8Array<ArrayBuffer>[]): Command[] {
    let writes = 0;
    return this.commands.map((command) => (command.kind === 'write' ? { ...command, data: data[writes++]! } : command));
  }
}

/** Runs `fn` and keeps what it queues as a plan, with the buffers that it used. Where `fn` throws there is no plan. */
export function record<T>(
  device: { readonly pool: BufferPool; recordInto<R>(plan: Plan, fn: () => R): R },
  fn: () => T,
): { plan: Plan; result: T } {
  const plan = new Plan(device.pool);
  return { plan, result: device.recordInto(plan, fn) };
}
