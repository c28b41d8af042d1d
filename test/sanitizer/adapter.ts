// A WebGPU adapter whose device is the executor: the engine runs on it as on any other, so that every test of an op is a run under
// the sanitizer, and its results are held against the same references as the driver's. It has as much of WebGPU as src/gpu asks for.

import { readdirSync } from 'node:fs';
import type { Kernel } from '../../src/gpu/kernel.ts';
import { KERNELS } from '../kernels.ts';
import { type Dispatch, Executable, type TexelView, throwFaults, unwritten } from './execute.ts';
import type { Fault } from './report.ts';
import { type KernelText, kernelText, SHADERS } from './source.ts';

export interface AdapterTraits {
  /** As `GPUAdapterInfo` tells it: software adapters are known by their names. */
  readonly description: string;
  readonly vendor: string;
  /** 0: no subgroups. */
  readonly subgroupSize: number;
  readonly immediates?: boolean;
  readonly limits?: Readonly<Record<string, number>>;
}

/** Runs a dispatch in the device's place; the faults that it returns are thrown where the op was called. */
export type Watcher = (
  executable: Executable,
  overrides: Readonly<Record<string, number>>,
  dispatch: Dispatch,
) => readonly Fault[];

const LIMITS: Readonly<Record<string, number>> = {
  maxBufferSize: 2 ** 31,
  maxStorageBufferBindingSize: 2 ** 30,
  maxComputeWorkgroupStorageSize: 32_768,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupSizeY: 1024,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxTextureDimension2D: 16_384,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
};

const texts = new Map<string, KernelText>();

/** The text of a kernel with the places of its lines, if it is one of shaders/. */
export function textOf(name: string): KernelText | undefined {
  let text = texts.get(name);
  if (!text) {
    const kernel = KERNELS[name];
    if (!kernel) return undefined;
    text = kernelText(name, fileOf(kernel), kernel.source);
    texts.set(name, text);
  }
  return text;
}

const files = readdirSync(SHADERS)
  .filter((name) => name.endsWith('.wgsl'))
  .map((name) => name.slice(0, -'.wgsl'.length))
  .sort((a, b) => b.length - a.length);

/** The file of a kernel, without its ending: the longest name that the kernel's begins with. */
export function fileOf({ name }: Pick<Kernel, 'name'>): string {
  const found = files.find((file) => name === file || name.startsWith(`${file}_`));
  if (found === undefined) throw new Error(`no file of shaders/ makes ${name}`);
  return found;
}

/** What all executor devices share. On the global object: tests load the engine anew for every leg, and this module with it. */
interface Shared {
  traits: AdapterTraits;
  watcher: Watcher | undefined;
  /** Compiled kernels, by name, overrides and code. */
  readonly executables: Map<string, Executable>;
}

const kept = globalThis as { weftExecutor?: Shared };
export const shared: Shared = (kept.weftExecutor ??= {
  traits: { description: 'llvmpipe (executor)', vendor: 'mesa', subgroupSize: 8 },
  watcher: undefined,
  executables: new Map(),
});

function executableOf(name: string, code: string, constants: Readonly<Record<string, number>>): Executable {
  const key = `${name}|${JSON.stringify(constants)}|${code}`;
  let found = shared.executables.get(key);
  if (!found) {
    const known = textOf(name);
    const lines = known && known.code.split('\n').length === code.split('\n').length ? known.lines : [];
    found = new Executable({ name, code, lines }, constants);
    shared.executables.set(key, found);
  }
  return found;
}

class Memory {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly size: number;
  constructor(size: number) {
    this.size = size;
    this.words = unwritten(Math.ceil(size / 4));
    this.bytes = new Uint8Array(this.words.buffer);
  }
  destroy(): void {}
  async mapAsync(): Promise<void> {}
  getMappedRange(offset = 0, size = this.size - offset): ArrayBuffer {
    return this.words.buffer.slice(offset, offset + size);
  }
  unmap(): void {}
}

class Texture implements TexelView {
  readonly width: number;
  readonly height: number;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly floats: Float32Array;
  constructor([width = 1, height = 1]: readonly number[]) {
    this.width = width;
    this.height = height;
    this.words = unwritten(4 * width * height);
    this.floats = new Float32Array(this.words.buffer);
  }
  createView(): Texture {
    return this;
  }
  destroy(): void {}
}

interface Pipeline {
  readonly executable: Executable;
  readonly constants: Readonly<Record<string, number>>;
}

type Resource = Texture | { buffer: Memory; offset?: number; size?: number };
type Group = readonly { binding: number; resource: Resource }[];
type Work = () => void;

class Pass {
  readonly #work: Work[];
  readonly #subgroupSize: number;
  #pipeline: Pipeline | undefined;
  #group: Group = [];
  #offset = 0;
  #immediates = new Uint32Array(0);

  constructor(work: Work[], subgroupSize: number) {
    this.#work = work;
    this.#subgroupSize = subgroupSize;
  }
  setPipeline(pipeline: Pipeline): void {
    this.#pipeline = pipeline;
  }
  setBindGroup(_: number, group: Group, offsets?: Uint32Array, start = 0): void {
    this.#group = group;
    this.#offset = offsets?.[start] ?? 0;
  }
  setImmediates(_: number, data: Uint32Array<ArrayBuffer>): void {
    this.#immediates = data.slice();
  }
  dispatchWorkgroups(x: number, y = 1, z = 1): void {
    const [pipeline, group, offset, immediates] = [this.#pipeline!, this.#group, this.#offset, this.#immediates];
    const { executable, constants } = pipeline;
    this.#work.push(() => {
      const views = new Map<number, Uint32Array | TexelView>();
      let params: Uint32Array = immediates;
      const uniform = executable.compiled.bindings.find((b) => b.kind === 'uniform')?.index;
      for (const { binding, resource } of group) {
        if (resource instanceof Texture) views.set(binding, resource);
        else {
          const start = (resource.offset ?? 0) / 4;
          const words = Math.floor((resource.size ?? resource.buffer.size - (resource.offset ?? 0)) / 4);
          if (binding === uniform)
            params = resource.buffer.words.subarray(start + offset / 4, start + offset / 4 + words);
          else views.set(binding, resource.buffer.words.subarray(start, start + words));
        }
      }
      const dispatch = { views, params, grid: [x, y, z] as const, subgroupSize: this.#subgroupSize || 1 };
      const { watcher } = shared;
      throwFaults(watcher ? watcher(executable, constants, dispatch) : executable.run(dispatch));
    });
  }
  end(): void {}
}

class CommandEncoder {
  readonly #work: Work[] = [];
  readonly #subgroupSize: number;
  constructor(subgroupSize: number) {
    this.#subgroupSize = subgroupSize;
  }
  beginComputePass(): Pass {
    return new Pass(this.#work, this.#subgroupSize);
  }
  clearBuffer(buffer: Memory, offset = 0, size = buffer.size - offset): void {
    this.#work.push(() => buffer.bytes.fill(0, offset, offset + size));
  }
  copyBufferToBuffer(source: Memory, from: number, target: Memory, to: number, size: number): void {
    this.#work.push(() => target.bytes.set(source.bytes.subarray(from, from + size), to));
  }
  copyBufferToTexture(
    { buffer, offset = 0, bytesPerRow = 0 }: { buffer: Memory; offset?: number; bytesPerRow?: number },
    { texture, origin = [0, 0] }: { texture: Texture; origin?: readonly number[] },
    [width = 1, height = 1]: readonly number[],
  ): void {
    this.#work.push(() => {
      for (let row = 0; row < height; row++) {
        const from = (offset + row * bytesPerRow) / 4;
        const to = 4 * ((origin[1]! + row) * texture.width + origin[0]!);
        texture.words.set(buffer.words.subarray(from, from + 4 * width), to);
      }
    });
  }
  finish(): readonly Work[] {
    return this.#work;
  }
}

class ExecutorDevice {
  readonly features: Set<string>;
  readonly limits: Readonly<Record<string, number>>;
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly #traits: AdapterTraits;
  #lose: (info: GPUDeviceLostInfo) => void = () => {};
  onuncapturederror: unknown = null;

  constructor(traits: AdapterTraits, features: Iterable<string>, limits: Readonly<Record<string, number>>) {
    this.#traits = traits;
    this.features = new Set(features);
    this.limits = limits;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
  }
  readonly queue = {
    writeBuffer: (
      buffer: Memory,
      offset: number,
      data: ArrayBufferView<ArrayBuffer> & { readonly BYTES_PER_ELEMENT?: number; readonly length?: number },
      from = 0,
      size = (data.length ?? data.byteLength) - from,
    ): void => {
      const each = data.BYTES_PER_ELEMENT ?? 1;
      buffer.bytes.set(new Uint8Array(data.buffer, data.byteOffset + from * each, size * each), offset);
    },
    submit: (buffers: readonly (readonly Work[])[]): void => {
      for (const work of buffers) for (const one of work) one();
    },
    onSubmittedWorkDone: async (): Promise<void> => {},
  };
  pushErrorScope(): void {}
  async popErrorScope(): Promise<null> {
    return null;
  }
  createBuffer({ size }: { size: number }): Memory {
    return new Memory(size);
  }
  createTexture({ size }: { size: readonly number[] }): Texture {
    return new Texture(size);
  }
  createShaderModule({ code }: { code: string }) {
    return { code, getCompilationInfo: async () => ({ messages: [] }) };
  }
  createBindGroupLayout(): object {
    return {};
  }
  createPipelineLayout(): object {
    return {};
  }
  createBindGroup({ entries }: { entries: Group }): Group {
    return entries;
  }
  createCommandEncoder(): CommandEncoder {
    return new CommandEncoder(this.#traits.subgroupSize);
  }
  async createComputePipelineAsync({
    label,
    compute: { module, constants = {} },
  }: {
    label: string;
    compute: { module: { code: string }; constants?: Record<string, number> };
  }): Promise<Pipeline> {
    return { executable: executableOf(label, module.code, constants), constants };
  }
  destroy(): void {
    this.#lose({ reason: 'destroyed', message: 'destroy() was called' } as GPUDeviceLostInfo);
  }
}

/** The WebGPU entry point of an executor with these traits. */
export function executorGpu(traits: AdapterTraits): GPU {
  const { subgroupSize, description, vendor } = traits;
  const limits = { ...LIMITS, ...traits.limits };
  const adapter = {
    info: {
      description,
      vendor,
      architecture: '',
      device: '',
      subgroupMinSize: subgroupSize,
      subgroupMaxSize: subgroupSize,
      isFallbackAdapter: false,
    },
    features: new Set(subgroupSize > 0 ? ['subgroups'] : []),
    limits,
    requestDevice: async ({ requiredFeatures = [] }: { requiredFeatures?: Iterable<string> } = {}) =>
      new ExecutorDevice(traits, requiredFeatures, limits),
  };
  const gpu = {
    requestAdapter: async () => adapter,
    wgslLanguageFeatures: new Set([
      'readonly_and_readwrite_storage_textures',
      ...(traits.immediates ? ['immediate_address_space'] : []),
    ]),
  };
  return gpu as unknown as GPU;
}
