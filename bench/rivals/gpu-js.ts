// gpu.js in its WebGPU mode as a rival: products, written as its own documentation writes them.
import { type Engine, type GemmHandle, readArrays, serve } from '../engines/serve.ts';
import type { GemmRequest } from '../protocol.ts';
import { browserGlobals } from './globals.ts';
import { load, versionOf } from './packages.ts';

interface Kernel<A extends unknown[]> {
  (...args: A): Promise<Handle>;
  destroy(): void;
}
interface Handle {
  context: { device: GPUDevice };
  toArray(): Promise<Float32Array[]>;
  delete(): void;
}
interface Gpu {
  createKernel(source: string, options: object): Kernel<unknown[]>;
  destroy(): Promise<void>;
}

async function make(): Promise<Engine> {
  const adapter = await browserGlobals();
  const { GPU } = await load<{ GPU: new (options: object) => Gpu }>('gpu.js');
  return {
    hello: { adapter, version: versionOf('gpu.js') },
    gemm: (request) => gemm(new GPU({ mode: 'webgpu' }), request),
  };
}

const rowsOf = (data: Float32Array, rows: number, columns: number) =>
  Array.from({ length: rows }, (_, r) => data.subarray(r * columns, (r + 1) * columns));

async function gemm(gpu: Gpu, { m, k, n, arrays }: GemmRequest): Promise<GemmHandle> {
  const data = readArrays(arrays);
  // Copies that stay on the GPU, so that no upload is timed.
  const copy = (rows: number, columns: number) =>
    gpu.createKernel('function (x) { return x[this.thread.y][this.thread.x]; }', {
      output: [columns, rows],
      pipeline: true,
      immutable: true,
    });
  const [copyA, copyB] = [copy(m, k), copy(k, n)];
  const a = await copyA(rowsOf(data.get('a')!.data, m, k));
  const b = await copyB(rowsOf(data.get('b')!.data, k, n));
  const product = gpu.createKernel(
    `function (a, b) {
      let sum = 0;
      for (let i = 0; i < ${k}; i++) sum += a[this.thread.y][i] * b[i][this.thread.x];
      return sum;
    }`,
    { output: [n, m], pipeline: true },
  );
  return {
    async probe(at) {
      const c = await product(a, b);
      const values = await c.toArray();
      return at.map((i) => values[Math.floor(i / n)]![i % n]!);
    },
    async run(count) {
      const products = await Promise.all(Array.from({ length: count }, () => product(a, b)));
      await a.context.device.queue.onSubmittedWorkDone();
      for (const c of products) c.delete();
    },
    async close() {
      a.delete();
      b.delete();
      await gpu.destroy();
    },
  };
}

await serve(make);
