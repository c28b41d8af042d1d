// jax-js with its WebGPU backend as a rival: products. It has no recurrent layers.
import { type Engine, type GemmHandle, readArrays, serve } from '../engines/serve.ts';
import type { GemmRequest } from '../protocol.ts';
import { browserGlobals } from './globals.ts';
import { load, versionOf } from './packages.ts';

interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: number[]): JaxArray;
  blockUntilReady(): Promise<JaxArray>;
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Jax {
  init(...devices: string[]): Promise<string[]>;
  defaultDevice(device: string): void;
  numpy: {
    array(data: Float32Array, options: { shape: number[] }): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
  };
}

async function make(): Promise<Engine> {
  const adapter = await browserGlobals();
  const jax = await load<Jax>('@jax-js/jax');
  const devices = await jax.init();
  if (!devices.includes('webgpu')) throw new Error(`jax-js offers only ${devices.join(', ')} here`);
  jax.defaultDevice('webgpu');
  return { hello: { adapter, version: versionOf('@jax-js/jax') }, gemm: (request) => gemm(jax, request) };
}

async function gemm({ numpy: np }: Jax, { m, k, n, arrays }: GemmRequest): Promise<GemmHandle> {
  const data = readArrays(arrays);
  const a = np.array(data.get('a')!.data, { shape: [m, k] });
  const b = np.array(data.get('b')!.data, { shape: [k, n] });
  await Promise.all([a.blockUntilReady(), b.blockUntilReady()]);
  return {
    async probe(at) {
      const values = await np.matmul(a.ref, b.ref).data();
      return at.map((i) => values[i]!);
    },
    async run(count) {
      const products = Array.from({ length: count }, () => np.matmul(a.ref, b.ref));
      await Promise.all(products.map((c) => c.blockUntilReady()));
      for (const c of products) c.dispose();
    },
    close() {
      a.dispose();
      b.dispose();
    },
  };
}

await serve(make);
