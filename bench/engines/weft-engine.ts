// What both builds of weft do when the benches ask: a product, or training with the counters of the last step.
import {
  Adam,
  backward,
  crossEntropy,
  type Device,
  init,
  keep,
  matmul,
  noGrad,
  step,
  tensor,
} from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { LEARNING_RATE, type StepSpec } from '../named-steps.ts';
import type { GemmRequest, StepCounters, StepVariant, TrainRequest } from '../protocol.ts';
import { type GemmHandle, readArrays, serve, type TrainHandle } from './serve.ts';
import { StepModel } from './step-model.ts';

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

type Counts = Device['stats'] & { created: number };

/** A model in training: one call of `one` is one step, as a program that uses weft writes it. */
export class Training implements TrainHandle {
  readonly model: StepModel;
  readonly #device: Device;
  readonly #optimizer: Adam;
  readonly #shape: [number, number];

  constructor(device: Device, spec: StepSpec, { opByOp }: { opByOp: boolean; variant: StepVariant }) {
    this.#device = device;
    this.model = new StepModel(spec, { opByOp });
    this.#optimizer = new Adam(this.model.parameters(), { lr: LEARNING_RATE });
    this.#shape = [spec.batch, spec.time];
  }

  async run(batches: { ids: Int32Array<ArrayBuffer>; tags: Int32Array<ArrayBuffer> }[]) {
    const [losses, ms]: [number[], number[]] = [[], []];
    let counters: StepCounters | undefined;
    for (const batch of batches) {
      const before = this.#counts();
      this.#device.pool.resetPeak();
      const start = performance.now();
      const loss = this.#step(batch);
      losses.push(await loss.item());
      await this.#device.synchronize();
      ms.push(performance.now() - start);
      loss.dispose();
      counters = this.#difference(before);
    }
    const start = performance.now();
    await this.#flush();
    return { losses, ms, flushMs: performance.now() - start, ...(counters && { counters }) };
  }

  #step({ ids, tags }: { ids: Int32Array<ArrayBuffer>; tags: Int32Array<ArrayBuffer> }): Tensor {
    return keep(
      step(() => {
        const scores = this.model.forward(tensor(ids, { shape: this.#shape }));
        const loss = crossEntropy(scores, tensor(tags));
        backward(loss);
        this.#optimizer.step();
        this.#optimizer.zeroGrad();
        return loss;
      }),
    );
  }

  /** Brings rows that lazy updates left behind up to date. */
  async #flush(): Promise<void> {
    await this.#device.synchronize();
  }

  #counts(): Counts {
    return { ...this.#device.stats, created: this.#device.poolStats.created };
  }

  #difference(before: Counts): StepCounters {
    const now = this.#counts();
    return {
      dispatches: now.dispatches - before.dispatches,
      submits: now.submits - before.submits,
      buffersCreated: now.created - before.created,
      bindGroupsCreated: now.bindGroupsCreated - before.bindGroupsCreated,
      encodeUs: (now.encodeMs - before.encodeMs) * 1000,
      gpuBytes: this.#device.poolStats.peakBytes + this.#device.poolStats.textureBytes,
    };
  }

  close(): void {
    this.#optimizer.dispose();
    this.model.dispose();
  }
}
