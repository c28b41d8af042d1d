// What a device is asked to do: commands, in the order in which they are queued.
import type { PoolBuffer } from './buffer-pool.ts';
import type { BufferView } from './kernel.ts';
import type { Pipeline } from './pipelines.ts';
import type { PoolTexture } from './texture.ts';

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
  group?: { readonly gpu: GPUBindGroup; readonly page: number; readonly generation: number };
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

/** Commands that are replayed as they stand. */
export interface Script {
  readonly commands: readonly Exclude<Command, ReadCommand | ScriptCommand>[];
  /** Every buffer that they name. */
  readonly buffers: ReadonlySet<PoolBuffer>;
  /** Will not be replayed any more. */
  dropped?: boolean;
}

/** A script to be submitted once more, with new data for its writes. */
export interface ScriptCommand {
  readonly kind: 'script';
  readonly script: Script;
  /** In the script's order. */
  readonly data: readonly Uint8Array<ArrayBuffer>[];
}

export type Command =
  | DispatchCommand
  | WriteCommand
  | CopyCommand
  | ReadCommand
  | ClearCommand
  | TextureCommand
  | ScriptCommand;
