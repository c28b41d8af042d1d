// Makes Node look like a browser with WebGPU to libraries that expect one: the same Dawn as weft's.

/** Sets `navigator.gpu` and WebGPU's globals. Returns the adapter's name. */
export async function browserGlobals(): Promise<string> {
  const dawn = (await import('webgpu')) as unknown as { create(options: string[]): GPU; globals: object };
  const gpu = dawn.create([]);
  Object.assign(globalThis, dawn.globals, { self: globalThis, window: globalThis });
  Object.assign(globalThis, { document: { createElement: () => ({ getContext: () => null }) } });
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('no WebGPU adapter');
  return adapter.info.description || adapter.info.device;
}
