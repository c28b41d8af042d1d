// Turns a list of commands into one command encoder and one submit, with cached bind groups and a uniform arena.
import type { PoolBuffer } from './buffer-pool.ts';
import type { Command, DispatchCommand, Script, ScriptCommand } from './command.ts';
import type { BufferView } from './kernel.ts';
import type { Profiler } from './profiler.ts';
import { Sheet } from './sheet.ts';
import type { PoolTexture } from './texture.ts';
import { SLOTS_PER_PAGE, UniformArena } from './uniform-arena.ts';

/** A script as its encoder keeps it between replays. */
interface EncodedScript {
  readonly groups: readonly (GPUBindGroup | undefined)[];
  /** What the script's writes write comes here in one piece, each at its place in bytes, and is copied where it belongs. */
  readonly upload:
    | { readonly gpu: GPUBuffer; readonly host: Uint8Array<ArrayBuffer>; readonly places: number[] }
    | undefined;
  /** Places of parameters in the script's own uniform buffer, which is written once; -1 for those that go with the commands. */
  readonly slots: Int32Array;
  readonly dispatches: number;
  /** Made while the device worked on the step before; a command buffer can be submitted once. */
  ahead?: GPUCommandBuffer | undefined;
}

/** Counters since the device was made; a bench takes differences. */
export interface EncoderStats {
  dispatches: number;
  submits: number;
  bindGroupsCreated: number;
  uniformBytes: number;
  /** Milliseconds spent on uploads and on encoding commands before they are submitted, and on handing them to the driver. */
  encodeMs: number;
  submitMs: number;
  /** Milliseconds spent on encoding the next replay of a step while the device works on this one. */
  aheadMs: number;
}

export class Encoder {
  readonly #device: GPUDevice;
  readonly #maxBindingBytes: number;
  readonly #arena: UniformArena;
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #encoded = new WeakMap<Script, EncodedScript>();
  #generation = 0;
  readonly stats: EncoderStats = {
    dispatches: 0,
    submits: 0,
    bindGroupsCreated: 0,
    uniformBytes: 0,
    encodeMs: 0,
    submitMs: 0,
    aheadMs: 0,
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
    let sheet: Sheet | undefined;
    const finished: GPUCommandBuffer[] = [];
    const touched = new Set<PoolBuffer>();
    const scripts: Script[] = [];
    const isTouched = (buffer: PoolBuffer) => touched.has(buffer) || scripts.some(({ buffers }) => buffers.has(buffer));
    const endSheet = () => {
      if (sheet) finished.push(sheet.finish(profiler));
      sheet = undefined;
    };
    const finish = () => {
      endSheet();
      if (finished.length === 0) return;
      const submitMs = performance.now();
      this.#device.queue.submit(finished);
      const submittedMs = performance.now();
      submitting += submittedMs - submitMs;
      if (profiler) {
        profiler.submitted({ label, encodeMs: begun, submitMs, submittedMs });
        begun = submittedMs;
      }
      this.stats.submits++;
      finished.length = 0;
      scripts.length = 0;
      touched.clear();
    };
    for (let n = 0; n < commands.length; n++) {
      const command = commands[n]!;
      if (command.kind === 'write') {
        // A queue write lands before every dispatch not yet submitted: where one of those uses the buffer, submit it first.
        if (isTouched(command.target.buffer)) finish();
        this.#device.queue.writeBuffer(command.target.buffer.gpu, command.target.offset, command.data);
        continue;
      }
      if (command.kind === 'script') {
        // What it uploads would land before the run that waits to be submitted.
        if (scripts.includes(command.script)) finish();
        endSheet();
        finished.push(this.#takeScript(command));
        scripts.push(command.script);
        continue;
      }
      if (command.kind === 'dispatch' && profiler?.full) finish();
      sheet ??= new Sheet(this.#device, label);
      if (command.kind === 'dispatch') {
        if (profiler) sheet.endPass();
        sheet.dispatch(command, this.#bindGroup(command, slots[n]!), slots[n]!, profiler?.descriptor(command));
        this.stats.dispatches++;
        for (const view of command.views) if ('buffer' in view) touched.add(view.buffer);
        continue;
      }
      profiler?.between(command);
      sheet.transfer(command);
      if (command.kind !== 'clear') touched.add(command.source.buffer);
      if (command.kind === 'clear' || command.kind === 'copy') touched.add(command.target.buffer);
    }
    finish();
    this.stats.encodeMs += performance.now() - start - submitting;
    this.stats.submitMs += submitting;
  }

  /** Whether every pipeline of a script is compiled; until then its commands wait one by one. */
  canEncode(script: Script): boolean {
    if (this.#encoded.has(script)) return true;
    return script.commands.every((c) => c.kind !== 'dispatch' || c.pipeline.compiled !== undefined);
  }

  /** Encodes the next run of a script, to have it ready when it is submitted. */
  encodeAhead(script: Script): void {
    if (script.dropped) return;
    const start = performance.now();
    const encoded = this.#prepare(script);
    encoded.ahead ??= this.#encode(script, encoded);
    this.stats.aheadMs += performance.now() - start;
  }

  #takeScript({ script, data }: ScriptCommand): GPUCommandBuffer {
    const encoded = this.#prepare(script);
    const { upload } = encoded;
    if (upload) {
      data.forEach((bytes, n) => {
        upload.host.set(bytes, upload.places[n]);
      });
      this.#device.queue.writeBuffer(upload.gpu, 0, upload.host);
    }
    const taken = encoded.ahead ?? this.#encode(script, encoded);
    encoded.ahead = undefined;
    this.stats.dispatches += encoded.dispatches;
    return taken;
  }

  #encode({ commands }: Script, { groups, slots, upload }: EncodedScript): GPUCommandBuffer {
    const sheet = new Sheet(this.#device, opsOf(commands));
    let writes = 0;
    for (let n = 0; n < commands.length; n++) {
      const command = commands[n]!;
      if (command.kind === 'dispatch') sheet.dispatch(command, groups[n]!, slots[n]!);
      else if (command.kind === 'write') sheet.copy(upload!.gpu, upload!.places[writes++]!, command.target);
      else sheet.transfer(command);
    }
    return sheet.finish();
  }

  #prepare(script: Script): EncodedScript {
    const known = this.#encoded.get(script);
    if (known) return known;
    const arena = new UniformArena(this.#device, script.commands.filter(needsSlot).length);
    const slots = this.#placeParams(script.commands, arena);
    this.stats.uniformBytes += arena.upload();
    const groups = script.commands.map((command, n) => {
      if (command.kind !== 'dispatch') return undefined;
      return slots[n]! < 0 ? this.#bindGroup(command, -1) : this.#newGroup(command, slots[n]!, arena);
    });
    const dispatches = script.commands.filter(({ kind }) => kind === 'dispatch').length;
    const encoded: EncodedScript = { groups, slots, upload: this.#uploadOf(script), dispatches };
    this.#encoded.set(script, encoded);
    return encoded;
  }

  #uploadOf({ commands }: Script): EncodedScript['upload'] {
    let size = 0;
    const places = commands.flatMap((command) => {
      if (command.kind !== 'write') return [];
      size += Math.ceil(command.data.length / 4) * 4;
      return [size - Math.ceil(command.data.length / 4) * 4];
    });
    if (size === 0) return undefined;
    const gpu = this.#device.createBuffer({ label: 'uploads of a script', size, usage: 0x08 | 0x04 }); // COPY_DST | COPY_SRC
    return { gpu, host: new Uint8Array(size), places };
  }

  #placeParams(commands: readonly Command[], arena = this.#arena): Int32Array {
    return Int32Array.from(commands, (command) => (needsSlot(command) ? arena.take(command.params) : -1));
  }

  #bindGroup(command: DispatchCommand, slot: number): GPUBindGroup {
    const { pipeline, views } = command;
    const page = Math.floor(slot / SLOTS_PER_PAGE);
    const last = command.group;
    if (last && last.page === page && last.generation === this.#generation) return last.gpu;
    const ranges = views.map((view) => ('buffer' in view ? rangeOf(view, views, this.#maxBindingBytes) : 0));
    let key = `${pipeline.id}:${page}`;
    views.forEach((view, i) => {
      key += 'buffer' in view ? `|${view.buffer.id},${view.offset},${ranges[i]}` : `|${view.id}`;
    });
    let group = this.#groups.get(key);
    if (!group) {
      group = this.#newGroup(command, slot, this.#arena);
      if (this.#groups.size >= MAX_CACHED_GROUPS) this.forgetBindGroups();
      this.#groups.set(key, group);
    }
    command.group = { gpu: group, page, generation: this.#generation };
    return group;
  }

  #newGroup({ pipeline, views, label }: DispatchCommand, slot: number, arena: UniformArena): GPUBindGroup {
    const entries: GPUBindGroupEntry[] = pipeline.kernel.bindings.map((binding, i) => {
      const view = views[i]!;
      if (!('buffer' in view)) return { binding: binding.index, resource: view.view };
      const size = rangeOf(view, views, this.#maxBindingBytes);
      return { binding: binding.index, resource: { buffer: view.buffer.gpu, offset: view.offset, size } };
    });
    if (slot >= 0)
      entries.push({
        binding: pipeline.kernel.paramsBinding!,
        resource: { buffer: arena.buffer(slot), size: pipeline.uniformBytes },
      });
    this.stats.bindGroupsCreated++;
    return this.#device.createBindGroup({ label, layout: pipeline.layout, entries });
  }
}

/** Whether parameters go through a uniform buffer. */
function needsSlot(command: Command): command is DispatchCommand {
  return command.kind === 'dispatch' && command.params.length > 0 && !command.pipeline.immediate;
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
