// Choosing an adapter and asking it for a device with the limits and features that the work needs.
import { platform } from '#platform';
import { refuse } from '../check.ts';
import { AdapterError } from '../errors.ts';
import { STORAGE_BUFFERS } from './declarations.ts';
import { type KernelSet, kernelSet, type Tuning, tuningOf } from './tuning.ts';

/** `core` is all of WebGPU; `compatibility` what OpenGL ES 3.1 and Direct3D 11 can do of it, which is enough for weft. */
export const FEATURE_LEVELS = ['core', 'compatibility'] as const;
export type FeatureLevel = (typeof FEATURE_LEVELS)[number];

export interface AdapterChoice {
  /** Part of the adapter's name, or `undefined` for the best one. */
  adapter?: string | undefined;
  /** Dawn's name of the driver interface to go through, in Node: `vulkan`, `metal`, `d3d12`, `d3d11`, `opengles`; else its own choice. */
  backend?: string | undefined;
  /** What the adapter must offer; undefined for `core`, and `compatibility` where no adapter offers that. */
  featureLevel?: FeatureLevel | undefined;
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
  const { gpu, adapter } = await findAdapter(choice, kernels);
  const info = describe(adapter.info);
  if (choice.adapter && !info.name.toLowerCase().includes(choice.adapter.toLowerCase()))
    throw new AdapterError(`no adapter matches "${choice.adapter}"; this machine offers "${info.name}"`);
  for (const feature of choice.requiredFeatures ?? [])
    if (!adapter.features.has(feature))
      throw new AdapterError(`adapter "${info.name}" lacks the WebGPU feature "${feature}"`);
  const buffers = adapter.limits.maxStorageBuffersPerShaderStage;
  if (buffers < STORAGE_BUFFERS)
    throw new AdapterError(
      `adapter "${info.name}" binds ${buffers} storage buffers at a time; kernels need ${STORAGE_BUFFERS}`,
    );
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
    maxWorkgroupSize: device.limits.maxComputeInvocationsPerWorkgroup,
  });
  const immediateBytes = words.has('immediate_address_space') && !portable ? 64 : 0; // what every implementation that has them takes
  return { device, info, tuning, immediateBytes };
}

function chosenKernels({ kernels }: AdapterChoice): KernelSet | undefined {
  if (kernels !== undefined) return kernelSet(kernels, 'kernels');
  const { WEFT_KERNELS } = platform.environment;
  return WEFT_KERNELS ? kernelSet(WEFT_KERNELS, 'WEFT_KERNELS') : undefined;
}

/** The first adapter that anybody offers: at the level asked for, or at `core` before `compatibility`; then from other backends. */
async function findAdapter(choice: AdapterChoice, kernels: KernelSet | undefined) {
  const { adapter: name, backend } = choice;
  const levels = levelsOf(choice, kernels);
  const attempts = levels.map((featureLevel) => ({ backend, featureLevel }));
  if (backend === undefined && levels.includes('compatibility'))
    for (const other of platform.otherBackends) attempts.push({ backend: other, featureLevel: 'compatibility' });
  let reason: Error | undefined;
  for (const { backend, featureLevel } of attempts) {
    const gpu = await platform.gpu({ adapter: name, backend });
    const adapter = await gpu
      .requestAdapter({ powerPreference: 'high-performance', featureLevel })
      .catch((error: Error) => {
        reason ??= error;
        return null;
      });
    if (adapter) return { gpu, adapter };
  }
  throw new AdapterError(noAdapter(choice, reason?.message), { cause: reason });
}

/** Portable kernels take the lesser level: its limits are those that every adapter keeps to. */
function levelsOf({ featureLevel }: AdapterChoice, kernels: KernelSet | undefined): readonly FeatureLevel[] {
  if (featureLevel === undefined) return kernels === 'portable' ? ['compatibility'] : FEATURE_LEVELS;
  if (FEATURE_LEVELS.includes(featureLevel)) return [featureLevel];
  refuse(
    'init',
    'featureLevel',
    `one of ${FEATURE_LEVELS.map((level) => `"${level}"`).join(', ')}`,
    `"${featureLevel}"`,
  );
}

/** Drivers that compute on the CPU, by the names they have in Vulkan, OpenGL, Direct3D and ANGLE. */
const SOFTWARE = /llvmpipe|lavapipe|softpipe|swiftshader|subzero|microsoft basic render|\bwarp\b|software/i;

/**
 * What an adapter says of itself. Browsers may hide names (Firefox does), and OpenGL's description is that of its version: then
 * `isFallbackAdapter` or the device's name tells software from a GPU. What tells nothing is taken for a GPU; `kernels` says otherwise.
 */
export function describe(info: Partial<Omit<GPUAdapterInfo, '__brand'>>): AdapterInfo {
  const { vendor = '', architecture = '', device = '', description = '' } = info;
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } = info;
  const plain = description.startsWith('OpenGL version') ? '' : description;
  const name = plain || device || `${vendor} ${architecture}`.trim() || 'unnamed adapter';
  const software =
    info.isFallbackAdapter || [vendor, architecture, device, description].some((text) => SOFTWARE.test(text));
  return {
    name,
    vendor,
    architecture,
    kind: software ? 'cpu' : 'gpu',
    subgroupSize: subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 0,
  };
}

/** Dawn's own message lists what there is, one adapter a line. */
function noAdapter({ adapter, backend }: AdapterChoice, message = ''): string {
  const offered = [...message.matchAll(/name: '([^']+)'/g)].map((m) => `"${m[1]}"`).join(', ');
  if (adapter !== undefined)
    return `no WebGPU adapter matches "${adapter}"${offered && `; this machine offers ${offered}`}`;
  const known = message.match(/Possible backends : (.*)/)?.[1];
  if (known) return `Dawn knows no backend "${backend}"; it knows ${known}`;
  if (backend !== undefined)
    return `no WebGPU adapter found by way of ${backend}${offered && `; this machine offers ${offered}`}`;
  return platform.noAdapter();
}
