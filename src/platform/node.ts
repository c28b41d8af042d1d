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
 * Mesa's cache of compiled kernels does not tell widths of vectors apart: a kernel compiled for 4 lanes would be run where 8 are
 * reported, slowly, and to wrong numbers where its text counts on 8. Where `LP_NATIVE_VECTOR_WIDTH` asks for a width, kernels go to a
 * folder of its own. Mesa reads the variable when a driver is loaded.
 */
function separateShaderCache(): void {
  const { LP_NATIVE_VECTOR_WIDTH: width, MESA_SHADER_CACHE_DIR: chosen, XDG_CACHE_HOME, HOME } = process.env;
  if (width && !chosen)
    process.env.MESA_SHADER_CACHE_DIR = `${XDG_CACHE_HOME || `${HOME}/.cache`}/mesa_shader_cache_${width}_bits`;
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
  async gpu({ adapter }) {
    const key = adapter ?? '';
    let gpu = instances.get(key);
    if (!gpu) {
      const options = ['disable-dawn-features=timestamp_quantization']; // else timestamps are rounded to 65 microseconds
      if (adapter) options.push(`adapter=${adapter}`);
      separateShaderCache();
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
