// Turns a list of commands into one command encoder and one submit, with cached bind groups and a uniform arena.
import type { PoolBuffer } from './buffer-pool.ts';
import type { BufferView, Pipeline } from './kernel.ts';
import type { Profiler } from './profiler.ts';
import { encodeTextureCopy, type PoolTexture } from './texture-pool.ts';

export interface DispatchCommand {
  readonly kind: 'dispatch';
  readonly pipeline: Pipeline;
  /** In the order of `pipeline.kernel.bindings`. */
  readonly views: readonly (BufferView | PoolTexture)[];
  /** The kernel's `Params`, packed; empty where it has none. */
  readonly params: Uint32Array<ArrayBuffer>;
  readonly grid: readonly [number, number, number];
  readonly label: string;
  /** What the profiler counts: see `RunOptions`. */
  readonly flops?: number | undefined;
  readonly bytes?: number | undefined;
  /** The bind group it had last time, for commands that are queued again; the encoder's own. */
  group?: { readonly gpu: GPUBindGroup; readonly chunk: number; readonly generation: number };
}

export interface WriteCommand {
  readonly kind: 'write';
  readonly target: BufferView;
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface CopyCommand {
  readonly kind: 'copy';
  readonly source: BufferView;
  readonly target: BufferView;
}

export interface ReadCommand {
  readonly kind: 'read';
  readonly source: BufferView;
  readonly staging: GPUBuffer;
}

export interface ClearCommand {
  readonly kind: 'clear';
  readonly target: BufferView;
}

/** Mirrors a buffer range in a texture. */
export interface TextureCommand {
  readonly kind: 'texture';
  readonly source: BufferView;
  readonly texture: PoolTexture;
}

export type Command = DispatchCommand | WriteCommand | CopyCommand | ReadCommand | ClearCommand | TextureCommand;

/** Counters since the device was made; a bench takes differences. */
export interface EncoderStats {
  dispatches: number;
  submits: number;
  bindGroupsCreated: number;
  uniformBytes: number;
  /** Milliseconds spent on encoding commands, and on handing them to the driver. */
  encodeMs: number;
  submitMs: number;
}

const SLOT = 256; // minUniformBufferOffsetAlignment of every adapter divides it
const SLOTS_PER_CHUNK = 1024;
/** Dynamic offsets of the slots of a chunk. */
const OFFSETS = Uint32Array.from({ length: SLOTS_PER_CHUNK }, (_, slot) => slot * SLOT);

/** Uniform slots at fixed places: the n-th dispatch of a batch with parameters always uses slot n. */
class UniformArena {
  readonly #device: GPUDevice;
  readonly #chunks: { gpu: GPUBuffer; host: Uint32Array<ArrayBuffer> }[] = [];
  used = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  take(params: Uint32Array): number {
    const slot = this.used++;
    const chunk = Math.floor(slot / SLOTS_PER_CHUNK);
    if (chunk === this.#chunks.length)
      this.#chunks.push({
        gpu: this.#device.createBuffer({ label: 'uniform arena', size: SLOT * SLOTS_PER_CHUNK, usage: 0x40 | 0x08 }), // UNIFORM | COPY_DST
        host: new Uint32Array((SLOT / 4) * SLOTS_PER_CHUNK),
      });
    this.#chunks[chunk]!.host.set(params, (slot % SLOTS_PER_CHUNK) * (SLOT / 4));
    return slot;
  }

  buffer(slot: number): GPUBuffer {
    return this.#chunks[Math.floor(slot / SLOTS_PER_CHUNK)]!.gpu;
  }

  /** Uploads the slots taken since the last call; returns the bytes sent. */
  upload(): number {
    let left = this.used;
    for (const chunk of this.#chunks) {
      if (left <= 0) break;
      const slots = Math.min(left, SLOTS_PER_CHUNK);
      this.#device.queue.writeBuffer(chunk.gpu, 0, chunk.host, 0, slots * (SLOT / 4));
      left -= slots;
    }
    const bytes = this.used * SLOT;
    this.used = 0;
    return bytes;
  }
}

export class Encoder {
  readonly #device: GPUDevice;
  readonly #maxBindingBytes: number;
  readonly #arena: UniformArena;
  readonly #groups = new Map<string, GPUBindGroup>();
  #generation = 0;
  readonly stats: EncoderStats = {
    dispatches: 0,
    submits: 0,
    bindGroupsCreated: 0,
    uniformBytes: 0,
    encodeMs: 0,
    submitMs: 0,
  };

  constructor(device: GPUDevice, options: { maxBindingBytes: number }) {
    this.#device = device;
    this.#maxBindingBytes = options.maxBindingBytes;
    this.#arena = new UniformArena(device);
  }

  /** Bind groups name buffers; after buffers were destroyed they must go. */
  forgetBindGroups(): void {
    this.#groups.clear();
    this.#generation++;
  }

  /** Encodes and submits `commands` in order. Every pipeline must have been compiled. */
  submit(commands: readonly Command[], profiler: Profiler | undefined): void {
    const start = performance.now();
    let submitting = 0;
    let begun = start;
    const slots = this.#placeParams(commands);
    const label = opsOf(commands);
    this.stats.uniformBytes += this.#arena.upload();
    let encoder: GPUCommandEncoder | undefined;
    let pass: GPUComputePassEncoder | undefined;
    let touched = new Set<PoolBuffer>();
    let bound: Pipeline | undefined;
    const endPass = () => {
      pass?.end();
      pass = undefined;
      bound = undefined;
    };
    const finish = () => {
      endPass();
      if (!encoder) return;
      profiler?.resolve(encoder);
      const finished = encoder.finish({ label });
      const submitMs = performance.now();
      this.#device.queue.submit([finished]);
      const submittedMs = performance.now();
      submitting += submittedMs - submitMs;
      if (profiler) {
        profiler.submitted({ label, encodeMs: begun, submitMs, submittedMs });
        begun = submittedMs;
      }
      this.stats.submits++;
      encoder = undefined;
      touched = new Set();
    };
    for (let n = 0; n < commands.length; n++) {
      const command = commands[n]!;
      if (command.kind === 'write') {
        // A queue write lands before every dispatch not yet submitted: where one of those uses the buffer, submit it first.
        if (touched.has(command.target.buffer)) finish();
        this.#device.queue.writeBuffer(command.target.buffer.gpu, command.target.offset, command.data);
        continue;
      }
      if (command.kind === 'dispatch' && profiler?.full) finish();
      encoder ??= this.#device.createCommandEncoder({ label });
      if (command.kind === 'dispatch') {
        if (!pass || profiler) {
          endPass();
          pass = encoder.beginComputePass(profiler?.descriptor(command));
        }
        if (bound !== command.pipeline) {
          bound = command.pipeline;
          pass.setPipeline(command.pipeline.compiled!);
        }
        const slot = slots[n]!;
        const group = this.#bindGroup(command, slot);
        if (slot < 0) pass.setBindGroup(0, group);
        else pass.setBindGroup(0, group, OFFSETS, slot % SLOTS_PER_CHUNK, 1);
        if (command.pipeline.immediate) pass.setImmediates(0, command.params);
        pass.dispatchWorkgroups(...command.grid);
        this.stats.dispatches++;
        for (const view of command.views) if ('buffer' in view) touched.add(view.buffer);
        continue;
      }
      endPass();
      profiler?.between(command);
      if (command.kind === 'clear') {
        encoder.clearBuffer(command.target.buffer.gpu, command.target.offset, Math.ceil(command.target.bytes / 4) * 4);
        touched.add(command.target.buffer);
      } else if (command.kind === 'texture') {
        encodeTextureCopy(encoder, command.source, command.texture);
        touched.add(command.source.buffer);
      } else if (command.kind === 'copy') {
        const { source, target } = command;
        encoder.copyBufferToBuffer(source.buffer.gpu, source.offset, target.buffer.gpu, target.offset, target.bytes);
        touched.add(source.buffer).add(target.buffer);
      } else {
        encoder.copyBufferToBuffer(
          command.source.buffer.gpu,
          command.source.offset,
          command.staging,
          0,
          command.source.bytes,
        );
        touched.add(command.source.buffer);
      }
    }
    finish();
    this.stats.encodeMs += performance.now() - start - submitting;
    this.stats.submitMs += submitting;
  }

  #placeParams(commands: readonly Command[]): Int32Array {
    const slots = new Int32Array(commands.length).fill(-1);
    for (let n = 0; n < commands.length; n++) {
      const command = commands[n]!;
      if (command.kind === 'dispatch' && command.params.length > 0 && !command.pipeline.immediate)
        slots[n] = this.#arena.take(command.params);
    }
    return slots;
  }

  #bindGroup(command: DispatchCommand, slot: number): GPUBindGroup {
    const { pipeline, views } = command;
    const chunk = Math.floor(slot / SLOTS_PER_CHUNK);
    const last = command.group;
    if (last && last.chunk === chunk && last.generation === this.#generation) return last.gpu;
    const ranges = views.map((view) => ('buffer' in view ? rangeOf(view, views, this.#maxBindingBytes) : 0));
    let key = `${pipeline.id}:${chunk}`;
    views.forEach((view, i) => {
      key += 'buffer' in view ? `|${view.buffer.id},${view.offset},${ranges[i]}` : `|${view.id}`;
    });
    let group = this.#groups.get(key);
    if (!group) {
      const entries: GPUBindGroupEntry[] = pipeline.kernel.bindings.map((binding, i) => {
        const view = views[i]!;
        return {
          binding: binding.index,
          resource: 'buffer' in view ? { buffer: view.buffer.gpu, offset: view.offset, size: ranges[i]! } : view.view,
        };
      });
      if (slot >= 0)
        entries.push({
          binding: pipeline.kernel.paramsBinding!,
          resource: { buffer: this.#arena.buffer(slot), size: pipeline.uniformBytes },
        });
      group = this.#device.createBindGroup({ label: command.label, layout: pipeline.layout, entries });
      this.stats.bindGroupsCreated++;
      if (this.#groups.size >= MAX_CACHED_GROUPS) this.forgetBindGroups();
      this.#groups.set(key, group);
    }
    command.group = { gpu: group, chunk, generation: this.#generation };
    return group;
  }
}

const MAX_CACHED_GROUPS = 16_384;

/**
 * Bytes to bind for a view. One that has its buffer to itself is bound to the buffer's end, as far as one binding reaches:
 * tensors of many sizes share a size class, and then they share bind groups too.
 */
function rangeOf(view: BufferView, views: readonly (BufferView | PoolTexture)[], maxBindingBytes: number): number {
  for (const other of views) if (other !== view && 'buffer' in other && other.buffer === view.buffer) return view.bytes;
  return Math.max(view.bytes, Math.min(view.buffer.bytes - view.offset, maxBindingBytes));
}

/** First and last op of a batch. A validation error quotes it: often that is all there is to say which ops it concerns. */
function opsOf(commands: readonly Command[]): string {
  const isDispatch = (command: Command) => command.kind === 'dispatch';
  const first = commands.find(isDispatch)?.label ?? 'uploads and copies';
  const last = commands.findLast(isDispatch)?.label ?? first;
  return first === last ? first : `${first} … ${last}`;
}
