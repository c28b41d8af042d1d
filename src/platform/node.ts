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

export const platform: Platform = {
  name: 'node',
  async gpu({ adapter }) {
    const key = adapter ?? '';
    let gpu = instances.get(key);
    if (!gpu) {
      const options = ['disable-dawn-features=timestamp_quantization']; // else timestamps are rounded to 65 microseconds
      if (adapter) options.push(`adapter=${adapter}`);
      gpu = (await dawn()).create(options);
      instances.set(key, gpu);
    }
    return gpu;
  },
};
