// Choosing an adapter and asking it for a device with the limits and features that the work needs.
import { platform } from '#platform';
import { AdapterError } from '../errors.ts';
import { type KernelSet, kernelSet, type Tuning, tuningOf } from './tuning.ts';

export interface AdapterChoice {
  /** Part of the adapter's name, or `undefined` for the best one. */
  adapter?: string | undefined;
  /** The kernels to run, and how work is cut for them, whatever the adapter; undefined for WEFT_KERNELS in Node, or its own. */
  kernels?: KernelSet | undefined;
  /** Features the work cannot do without; a missing one is named in the error. */
  requiredFeatures?: readonly string[] | undefined;
}

export interface AdapterInfo {
  /** Human-readable name, e.g. `llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Software adapters on the CPU want other kernels than GPUs do; what follows from it is in `Tuning`. */
  readonly kind: 'cpu' | 'gpu';
  /** Lanes of a subgroup where the adapter has them all of one size, else 0. */
  readonly subgroupSize: number;
}

const WANTED_FEATURES: readonly string[] = ['subgroups', 'timestamp-query'];
const WANTED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

export interface Requested {
  device: GPUDevice;
  info: AdapterInfo;
  tuning: Tuning;
  /** Bytes of a kernel's parameters that can go into the commands themselves, 0 where the implementation has no immediates. */
  immediateBytes: number;
}

export async function requestDevice(choice: AdapterChoice): Promise<Requested> {
  const kernels = chosenKernels(choice);
  const gpu = await platform.gpu({ adapter: choice.adapter });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch((cause: Error) => {
    throw new AdapterError(noAdapter(choice.adapter, cause.message), { cause });
  });
  if (!adapter) throw new AdapterError(noAdapter(choice.adapter));
  const info = describe(adapter.info);
  if (choice.adapter && !info.name.toLowerCase().includes(choice.adapter.toLowerCase()))
    throw new AdapterError(`no adapter matches "${choice.adapter}"; this machine offers "${info.name}"`);
  for (const feature of choice.requiredFeatures ?? [])
    if (!adapter.features.has(feature))
      throw new AdapterError(`adapter "${info.name}" lacks the WebGPU feature "${feature}"`);
  const portable = kernels === 'portable';
  const features = new Set(choice.requiredFeatures);
  const limits: Record<string, number> = {};
  if (!portable) {
    for (const feature of WANTED_FEATURES) if (adapter.features.has(feature)) features.add(feature);
    for (const limit of WANTED_LIMITS) limits[limit] = adapter.limits[limit];
  }
  const device = await adapter.requestDevice({
    label: 'weft',
    requiredFeatures: [...features] as GPUFeatureName[],
    requiredLimits: limits,
  });
  const words = gpu.wgslLanguageFeatures;
  const tuning = tuningOf({
    kernels,
    kind: info.kind,
    subgroupSize: info.subgroupSize,
    hasSubgroups: device.features.has('subgroups'),
    readsTextures: words.has('readonly_and_readwrite_storage_textures'),
  });
  const immediateBytes = words.has('immediate_address_space') && !portable ? 64 : 0; // what every implementation that has them takes
  return { device, info, tuning, immediateBytes };
}

function chosenKernels({ kernels }: AdapterChoice): KernelSet | undefined {
  if (kernels !== undefined) return kernelSet(kernels, 'kernels');
  const { WEFT_KERNELS } = platform.environment;
  return WEFT_KERNELS ? kernelSet(WEFT_KERNELS, 'WEFT_KERNELS') : undefined;
}

function describe(info: GPUAdapterInfo): AdapterInfo {
  const name = info.description || info.device || `${info.vendor} ${info.architecture}`.trim() || 'unnamed adapter';
  const text = `${name} ${info.vendor} ${info.architecture}`;
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } = info;
  return {
    name,
    vendor: info.vendor,
    architecture: info.architecture,
    kind: /llvmpipe|lavapipe|swiftshader|software/i.test(text) ? 'cpu' : 'gpu',
    subgroupSize: subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 0,
  };
}

/** Dawn's own message lists what there is, one adapter a line. */
function noAdapter(wanted: string | undefined, message = ''): string {
  const offered = [...message.matchAll(/name: '([^']+)'/g)].map((m) => `"${m[1]}"`).join(', ');
  return wanted === undefined
    ? 'no WebGPU adapter found: Dawn needs a Vulkan, Metal or D3D12 driver (on Debian and Ubuntu scripts/setup.sh installs Mesa’s software one)'
    : `no WebGPU adapter matches "${wanted}"${offered && `; this machine offers ${offered}`}`;
}
