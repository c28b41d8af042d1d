// A kernel as the generated shader module describes it, and the cache of its compiled pipelines.
import { AdapterError, DeviceError } from '../errors.ts';
import type { PoolBuffer } from './buffer-pool.ts';
import type { PoolTexture } from './texture-pool.ts';
import { expand, type ShaderSource } from './wgsl.ts';

export interface Kernel {
  readonly name: string;
  readonly source: ShaderSource;
  readonly bindings: readonly {
    readonly name: string;
    readonly index: number;
    readonly access: string;
    readonly type: string;
  }[];
  readonly paramsBinding?: number;
  readonly params: readonly { readonly name: string; readonly type: string }[];
  readonly overrides: readonly { readonly name: string; readonly type: string; readonly default: string }[];
  readonly features: readonly string[];
}

/** The WGSL of a kernel. */
export function codeOf({ name, source }: Kernel): string {
  return expand(source, name);
}

/** A byte range of a buffer, as a kernel sees it. */
export interface BufferView {
  readonly buffer: PoolBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** A value for every binding of kernel `K` but its parameters, by the names its WGSL gives them. */
export type Bindings<K extends Kernel> = {
  readonly [B in K['bindings'][number] as B['name']]: B['access'] extends 'texture' ? PoolTexture : BufferView;
};
/** A value for every field of the kernel's `Params`. */
export type Params<K extends Kernel> = { readonly [P in K['params'][number] as P['name']]: number };
/** Values for some of the kernel's overrides; the rest keep their defaults. */
export type Overrides<K extends Kernel> = {
  readonly [O in K['overrides'][number] as O['name']]?: number | boolean;
};

/** A compiled (or compiling) kernel with one set of override values. */
export interface Pipeline {
  readonly id: number;
  readonly kernel: Kernel;
  readonly layout: GPUBindGroupLayout;
  /** `undefined` until the driver has compiled it; `ready` resolves then. */
  compiled: GPUComputePipeline | undefined;
  readonly ready: Promise<void>;
  readonly uniformBytes: number;
  /** Whether the parameters are immediates of the command rather than a uniform buffer. */
  readonly immediate: boolean;
}

/** Compiles kernels asynchronously, each once per set of override values. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #reversed: boolean;
  readonly #immediateBytes: number;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #layouts = new Map<string, { layout: GPUBindGroupLayout; pipelineLayout: GPUPipelineLayout }>();
  readonly #modules = new Map<string, GPUShaderModule>();

  constructor(device: GPUDevice, options: { groupsReversed: boolean; immediateBytes: number }) {
    this.#device = device;
    this.#reversed = options.groupsReversed;
    this.#immediateBytes = options.immediateBytes;
  }

  get size(): number {
    return this.#pipelines.size;
  }

  get(kernel: Kernel, overrides: Readonly<Record<string, number | boolean | undefined>>): Pipeline {
    let key = kernel.name;
    for (const { name } of kernel.overrides) {
      const value = overrides[name];
      if (value !== undefined) key += `|${name}=${Number(value)}`;
    }
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#compile(kernel, overrides);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  #compile(kernel: Kernel, overrides: Readonly<Record<string, number | boolean | undefined>>): Pipeline {
    for (const feature of kernel.features) {
      const needed = feature === 'f16' ? 'shader-f16' : feature;
      if (!this.#device.features.has(needed))
        throw new AdapterError(
          `kernel ${kernel.name} needs the WebGPU feature "${needed}", which this device was made without`,
        );
    }
    const immediate = kernel.params.length > 0 && kernel.params.length * 4 <= this.#immediateBytes;
    const { layout, pipelineLayout } = this.#layout(kernel, immediate);
    const constants: Record<string, number> = {};
    for (const { name } of kernel.overrides) {
      const value = overrides[name];
      if (value !== undefined) constants[name] = Number(value);
    }
    if (this.#reversed && kernel.overrides.some((o) => o.name === 'GROUPS_REVERSED')) constants.GROUPS_REVERSED = 1;
    const module = this.#module(kernel, immediate);
    const pipeline: Pipeline = {
      id: this.#pipelines.size,
      kernel,
      layout,
      compiled: undefined,
      uniformBytes: Math.ceil((kernel.params.length * 4) / 16) * 16,
      immediate,
      ready: this.#device
        .createComputePipelineAsync({
          label: kernel.name,
          layout: pipelineLayout,
          compute: { module, entryPoint: 'main', constants },
        })
        .then(
          (compiled) => {
            pipeline.compiled = compiled;
          },
          async (error: Error) => {
            throw new DeviceError(await explain(kernel, module, error), kernel.name);
          },
        ),
    };
    pipeline.ready.catch(() => {}); // reported by whoever waits for it; a pipeline nobody waits for must not end the process
    return pipeline;
  }

  #module(kernel: Kernel, immediate: boolean): GPUShaderModule {
    let module = this.#modules.get(kernel.name);
    if (!module) {
      // A shader that does not compile is told of by its pipeline, with the lines around each message.
      this.#device.pushErrorScope('validation');
      module = this.#device.createShaderModule({
        label: kernel.name,
        code: immediate ? withImmediates(kernel) : codeOf(kernel),
      });
      this.#device.popErrorScope().catch(() => {});
      this.#modules.set(kernel.name, module);
    }
    return module;
  }

  #layout(kernel: Kernel, immediate: boolean) {
    const immediateSize = immediate ? kernel.params.length * 4 : 0;
    const key = `${immediate ? `i${immediateSize}` : kernel.paramsBinding}:${kernel.bindings.map((b) => `${b.index}${b.access}`).join()}`;
    let found = this.#layouts.get(key);
    if (!found) {
      const entries: GPUBindGroupLayoutEntry[] = kernel.bindings.map((b) => ({
        binding: b.index,
        visibility: 4, // GPUShaderStage.COMPUTE
        ...(b.access === 'texture'
          ? { storageTexture: { access: 'read-only', format: 'rgba32float' } }
          : { buffer: { type: b.access === 'read' ? 'read-only-storage' : 'storage' } }),
      }));
      if (kernel.paramsBinding !== undefined && !immediate)
        // Where the parameters lie is told per dispatch, so that a bind group serves every place in a batch.
        entries.push({
          binding: kernel.paramsBinding,
          visibility: 4,
          buffer: { type: 'uniform', hasDynamicOffset: true },
        });
      const layout = this.#device.createBindGroupLayout({ entries });
      found = {
        layout,
        pipelineLayout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout], immediateSize }),
      };
      this.#layouts.set(key, found);
    }
    return found;
  }
}

/** The same kernel with its parameters as immediates: no uniform slot, so one bind group serves every place in a batch. */
function withImmediates(kernel: Kernel): string {
  return codeOf(kernel).replace(
    `@group(0) @binding(${kernel.paramsBinding}) var<uniform> params: Params;`,
    'var<immediate> params: Params;',
  );
}

/** The compiler's messages with the lines around each. */
async function explain(kernel: Kernel, module: GPUShaderModule, error: Error): Promise<string> {
  const info = await module.getCompilationInfo().catch(() => undefined);
  const lines = codeOf(kernel).split('\n');
  const messages = (info?.messages ?? []).map((m) => {
    const around = lines
      .slice(Math.max(0, m.lineNum - 3), m.lineNum + 2)
      .map((line, i) => `${String(Math.max(0, m.lineNum - 3) + i + 1).padStart(5)} | ${line}`);
    return `${m.type} at ${m.lineNum}:${m.linePos}: ${m.message}\n${around.join('\n')}`;
  });
  return `the shader does not compile: ${error.message}${messages.length ? `\n${messages.join('\n')}` : ''}`;
}

/** Parameters as they lie in WGSL. */
export function packParams(kernel: Kernel, params: Record<string, number>): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(kernel.params.length);
  const floats = new Float32Array(words.buffer);
  kernel.params.forEach(({ name, type }, i) => {
    if (type === 'f32') floats[i] = params[name]!;
    else words[i] = params[name]!; // i32 keeps its bits
  });
  return words;
}
