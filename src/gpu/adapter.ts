// Choosing an adapter and asking it for a device with the limits and features that the work needs.
import { platform } from '#platform';
import { AdapterError } from '../errors.ts';

export interface AdapterChoice {
  /** Part of the adapter's name, or `undefined` for the best one. */
  adapter?: string | undefined;
  /** Features the work cannot do without; a missing one is named in the error. */
  requiredFeatures?: readonly string[] | undefined;
}

export interface AdapterInfo {
  /** Human-readable name, e.g. `llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Software adapters on the CPU want other kernels than GPUs do. */
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
  /** Bytes of a kernel's parameters that can go into the commands themselves, 0 where the implementation has no immediates. */
  immediateBytes: number;
}

export async function requestDevice(choice: AdapterChoice): Promise<Requested> {
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
  const features = new Set([
    ...WANTED_FEATURES.filter((f) => adapter.features.has(f)),
    ...(choice.requiredFeatures ?? []),
  ]);
  const limits: Record<string, number> = {};
  for (const limit of WANTED_LIMITS) limits[limit] = adapter.limits[limit];
  const device = await adapter.requestDevice({
    label: 'weft',
    requiredFeatures: [...features] as GPUFeatureName[],
    requiredLimits: limits,
  });
  const immediateBytes = gpu.wgslLanguageFeatures.has('immediate_address_space') ? 64 : 0; // what every implementation that has them takes
  return { device, info, immediateBytes };
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
