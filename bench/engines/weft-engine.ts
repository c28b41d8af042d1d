// What both builds of weft do when the benches ask: a product, or training.
import { type Device, init, matmul, noGrad, tensor } from '../../src/index.ts';
import type { GemmRequest, TrainRequest } from '../protocol.ts';
import { type GemmHandle, readArrays, serve } from './serve.ts';
import { Training } from './weft-training.ts';

export async function serveWeft({ opByOp }: { opByOp: boolean }): Promise<void> {
  await serve(async () => {
    const device = await init();
    return {
      hello: { adapter: device.info.name, version: opByOp ? 'weft, op by op' : 'weft' },
      gemm: (request) => gemm(device, request),
      train: async ({ spec, weights, variant }: TrainRequest) => {
        const training = new Training(device, spec, { opByOp, variant });
        training.model.loadStateDict(readArrays(weights));
        await device.synchronize();
        return training;
      },
    };
  });
}

async function gemm(device: Device, { m, k, n, mode, arrays }: GemmRequest): Promise<GemmHandle> {
  const data = readArrays(arrays);
  const [a, b] = [
    tensor(data.get('a')!.data, { shape: mode === 'tn' ? [k, m] : [m, k] }),
    tensor(data.get('b')!.data, { shape: mode === 'nt' ? [n, k] : [k, n] }),
  ];
  const product = () => noGrad(() => matmul(a, b, { transposeA: mode === 'tn', transposeB: mode === 'nt' }));
  return {
    async probe(at) {
      const c = product();
      const values = await c.data();
      c.dispose();
      return at.map((i) => values[i]!);
    },
    async run(count) {
      for (let i = 0; i < count; i++) product().dispose();
      await device.synchronize();
    },
    close() {
      a.dispose();
      b.dispose();
    },
  };
}
