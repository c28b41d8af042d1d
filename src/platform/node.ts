// WebGPU in Node: Dawn, from the npm package `webgpu`.
import { AdapterError } from '../errors.ts';
import type { Platform } from './platform.ts';

// Dawn goes down with the object that create() returns, and the process with it where a device or a request of one is left:
// kept to the end. It does not keep the process from ending.
const instances = new Map<string, GPU>();

async function dawn(): Promise<{ create(options: string[]): GPU }> {
  try {
    return (await import('webgpu')) as unknown as { create(options: string[]): GPU };
  } catch (cause) {
    throw new AdapterError('WebGPU in Node needs the package "webgpu" (Dawn): npm install webgpu', { cause });
  }
}

/**
 * Where Mesa's software adapter is to keep compiled shaders, for an environment that sets its vector width; undefined where the
 * default will do. Mesa's cache (25.0.7) does not tell widths apart: a kernel of one width then calls functions that were compiled
 * for another, and loads wrong texels.
 */
export function shaderCacheOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const width = env.LP_NATIVE_VECTOR_WIDTH;
  const caches = env.XDG_CACHE_HOME || (env.HOME && `${env.HOME}/.cache`);
  if (!width || env.MESA_SHADER_CACHE_DIR || !caches) return undefined;
  return `${caches}/mesa_shader_cache_${Number.parseInt(width, 10)}`;
}

/** EGL looks for a display to draw on; where there is none it must be told to do without. */
function withoutDisplay(): void {
  const { EGL_PLATFORM, DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform === 'linux' && !EGL_PLATFORM && !DISPLAY && !WAYLAND_DISPLAY)
    process.env.EGL_PLATFORM = 'surfaceless';
}

/** Nobody wakes it: it is there to sleep on. */
const bed = new Int32Array(new SharedArrayBuffer(4));
const FIRST_NAP_MS = 0.02;
/** Sleepers, and how long each may sleep at a time. */
const waiting = new Set<{ readonly longestNapMs: number }>();
let napMs = FIRST_NAP_MS;
let napping = false;

/** Sleeps once in every turn of the event loop while somebody waits; longer and longer, for what takes long may be late by more. */
function nap(): void {
  napping = waiting.size > 0;
  if (!napping) return;
  napMs = Math.min(1.5 * napMs, ...[...waiting].map(({ longestNapMs }) => longestNapMs));
  if (napMs > 0) Atomics.wait(bed, 0, 0, napMs);
  setImmediate(nap);
}

export const platform: Platform = {
  name: 'node',
  environment: process.env,
  otherBackends: ['opengles'],
  noAdapter: () =>
    'no WebGPU adapter found: Dawn needs a Vulkan, Metal or D3D12 driver (on Debian and Ubuntu scripts/setup.sh installs Mesa’s software one)',
  async gpu({ adapter, backend }) {
    const key = JSON.stringify([adapter, backend]);
    let gpu = instances.get(key);
    if (!gpu) {
      const shaderCache = shaderCacheOf(process.env);
      if (shaderCache) process.env.MESA_SHADER_CACHE_DIR = shaderCache; // read when the driver is loaded, by create()
      const options = ['disable-dawn-features=timestamp_quantization']; // else timestamps are rounded to 65 microseconds
      if (adapter) options.push(`adapter=${adapter}`);
      if (backend) options.push(`backend=${backend}`);
      if (backend === 'opengles') withoutDisplay();
      gpu = (await dawn()).create(options);
      instances.set(key, gpu);
    }
    return gpu;
  },
  async wait(work, longestNapMs) {
    const sleeper = { longestNapMs };
    waiting.add(sleeper);
    napMs = FIRST_NAP_MS;
    if (!napping) {
      napping = true;
      setImmediate(nap);
    }
    try {
      return await work;
    } finally {
      waiting.delete(sleeper);
    }
  },
};
