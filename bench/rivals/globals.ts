// Makes Node look like a browser with WebGPU to libraries that expect one: the same Dawn as weft's.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Sets `navigator.gpu` and WebGPU's globals. Returns the adapter's name. */
export async function browserGlobals(): Promise<string> {
  const dawn = require('webgpu') as { create(options: string[]): GPU; globals: object };
  const gpu = dawn.create([]);
  Object.assign(globalThis, dawn.globals, { self: globalThis, window: globalThis });
  Object.assign(globalThis, { document: { createElement: () => ({ getContext: () => null }) } });
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('no WebGPU adapter');
  return adapter.info.description || adapter.info.device;
}

/** The version of an installed package. */
export function versionOf(name: string): string {
  return `${name} ${(require(`${name}/package.json`) as { version: string }).version}`;
}

/** A CommonJS package, as `any` other than by the interface that the caller states. */
export function load<T>(name: string): T {
  return require(name) as T;
}
