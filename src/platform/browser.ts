// WebGPU in a browser: `navigator.gpu`.
import { AdapterError } from '../errors.ts';
import type { Platform } from './platform.ts';

export const platform: Platform = {
  name: 'browser',
  environment: {},
  async gpu() {
    const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
    if (!gpu)
      throw new AdapterError(
        'this browser has no WebGPU (navigator.gpu is missing); use a current Chrome, Edge, Safari or Firefox over https',
      );
    return gpu;
  },
  wait: (work) => work,
};
