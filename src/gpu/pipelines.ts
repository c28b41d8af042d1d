// The cache of compiled kernels: each once per set of override values.
import { AdapterError, DeviceError } from '../errors.ts';
import { checkNames, type Kernel, type Overrides } from './kernel.ts';

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

/** A kernel's module and layout, and its pipelines by override values. */
interface Compiled {
  readonly module: GPUShaderModule;
  readonly layout: Layout;
  readonly immediate: boolean;
  readonly pipelines: Map<string, Pipeline>;
}

interface Layout {
  readonly bindGroup: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

/** Compiles kernels asynchronously, each once per set of override values. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #reversed: boolean;
  readonly #immediateBytes: number;
  /** By the kernels themselves: two may have one name. */
  readonly #compiled = new WeakMap<Kernel, Compiled>();
  readonly #layouts = new Map<string, Layout>();
  #size = 0;

  constructor(device: GPUDevice, options: { groupsReversed: boolean; immediateBytes: number }) {
    this.#device = device;
    this.#reversed = options.groupsReversed;
    this.#immediateBytes = options.immediateBytes;
  }

  /** Pipelines made. */
  get size(): number {
    return this.#size;
  }

  /** `op` is told where an override is not the kernel's. */
  get(kernel: Kernel, overrides: Overrides, op: string): Pipeline {
    checkNames(kernel, 'overrides', overrides, op);
    let compiled = this.#compiled.get(kernel);
    if (!compiled) this.#compiled.set(kernel, (compiled = this.#prepare(kernel)));
    let key = '';
    for (const { name } of kernel.overrides) {
      const value = overrides[name];
      if (value !== undefined) key += `|${name}=${Number(value)}`;
    }
    let pipeline = compiled.pipelines.get(key);
    if (!pipeline) compiled.pipelines.set(key, (pipeline = this.#compile(kernel, compiled, overrides)));
    return pipeline;
  }

  #prepare(kernel: Kernel): Compiled {
    for (const feature of kernel.features) {
      const needed = feature === 'f16' ? 'shader-f16' : feature;
      if (!this.#device.features.has(needed))
        throw new AdapterError(
          `kernel ${kernel.name} needs the WebGPU feature "${needed}", which this device was made without`,
        );
    }
    const immediate = kernel.params.length > 0 && kernel.params.length * 4 <= this.#immediateBytes;
    // A shader that does not compile is told of by its pipeline, with the lines around each message.
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({
      label: kernel.name,
      code: immediate ? withImmediates(kernel) : kernel.code,
    });
    this.#device.popErrorScope().catch(() => {});
    return { module, layout: this.#layout(kernel, immediate), immediate, pipelines: new Map() };
  }

  #compile(kernel: Kernel, { module, layout, immediate }: Compiled, overrides: Overrides): Pipeline {
    const constants: Record<string, number> = {};
    for (const { name } of kernel.overrides) {
      const value = overrides[name];
      if (value !== undefined) constants[name] = Number(value);
    }
    if (this.#reversed && kernel.overrides.some((o) => o.name === 'GROUPS_REVERSED')) constants.GROUPS_REVERSED = 1;
    const pipeline: Pipeline = {
      id: this.#size++,
      kernel,
      layout: layout.bindGroup,
      compiled: undefined,
      uniformBytes: Math.ceil((kernel.params.length * 4) / 16) * 16,
      immediate,
      ready: this.#device
        .createComputePipelineAsync({
          label: kernel.name,
          layout: layout.pipeline,
          compute: { module, entryPoint: kernel.entry, constants },
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

  #layout(kernel: Kernel, immediate: boolean): Layout {
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
      const bindGroup = this.#device.createBindGroupLayout({ entries });
      const pipeline = this.#device.createPipelineLayout({ bindGroupLayouts: [bindGroup], immediateSize });
      this.#layouts.set(key, (found = { bindGroup, pipeline }));
    }
    return found;
  }
}

/** The same kernel with its parameters as immediates: no uniform slot, so one bind group serves every place in a batch. */
function withImmediates(kernel: Kernel): string {
  return kernel.code.replace(/(@(group|binding)\s*\([^)]*\)\s*)+var<\s*uniform\s*>/, 'var<immediate>');
}

/** The compiler's messages with the lines around each. */
async function explain(kernel: Kernel, module: GPUShaderModule, error: Error): Promise<string> {
  const info = await module.getCompilationInfo().catch(() => undefined);
  const lines = kernel.code.split('\n');
  const messages = (info?.messages ?? []).map((m) => {
    const around = lines
      .slice(Math.max(0, m.lineNum - 3), m.lineNum + 2)
      .map((line, i) => `${String(Math.max(0, m.lineNum - 3) + i + 1).padStart(5)} | ${line}`);
    return `${m.type} at ${m.lineNum}:${m.linePos}: ${m.message}\n${around.join('\n')}`;
  });
  return `the shader does not compile: ${error.message}${messages.length ? `\n${messages.join('\n')}` : ''}`;
}
