// A tagger in training by weft, as a program that uses weft writes it, with the counters of its last step.
import {
  Adam,
  backward,
  type Compiled,
  clipGradNorm,
  compile,
  crossEntropy,
  type Device,
  FiniteCheck,
  step,
  tensor,
} from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { LEARNING_RATE, type StepSpec } from '../named-steps.ts';
import type { StepCounters, StepVariant } from '../protocol.ts';
import type { TrainHandle } from './serve.ts';
import { StepModel } from './step-model.ts';

const FORMS = { default: undefined, scan: 'scan', steps: 'step' } as const;

type Counts = Device['stats'] & { created: number };
type HostBatch = { ids: Int32Array<ArrayBuffer>; tags: Int32Array<ArrayBuffer> };
type Inputs = { ids: Tensor; tags: Tensor };

/** A model in training: one call of `#step` is one step, as a program that uses weft writes it. */
export class Training implements TrainHandle {
  readonly model: StepModel;
  readonly #device: Device;
  readonly #optimizer: Adam;
  readonly #variant: StepVariant;
  readonly #shape: [number, number];
  readonly #step: (inputs: Inputs) => Tensor;
  readonly #compiled: Compiled<Inputs, Tensor> | undefined;
  /** Bytes handed out before this model was made. */
  readonly #bytesBefore: number;
  /** Most bytes in use by it at one time, from its first step, which is not yet a replay. */
  #gpuBytes: number | undefined;

  constructor(device: Device, spec: StepSpec, { opByOp, variant }: { opByOp: boolean; variant: StepVariant }) {
    this.#device = device;
    this.#variant = variant;
    this.#bytesBefore = device.poolStats.liveBytes;
    this.model = new StepModel(spec, { opByOp });
    this.#optimizer = new Adam(this.model.parameters(), { lr: LEARNING_RATE });
    this.#shape = [spec.batch, spec.time];
    const check = variant.norm === 'checked' ? new FiniteCheck(device) : undefined;
    const one = ({ ids, tags }: Inputs) => {
      const loss = crossEntropy(this.model.forward(ids), tags);
      backward(loss);
      if (variant.norm !== 'none') clipGradNorm(this.model.parameters(), 5, check ? { check, loss } : {});
      this.#optimizer.step({ check });
      this.#optimizer.zeroGrad();
      return loss;
    };
    this.#compiled = variant.recorded && !opByOp ? compile(one) : undefined;
    this.#step = this.#compiled ?? ((inputs) => step(() => one(inputs)));
  }

  /** Trains on the batches in turn. */
  async run(batches: HostBatch[]) {
    const [losses, ms]: [number[], number[]] = [[], []];
    let counters: StepCounters | undefined;
    const { tuning } = this.#device;
    this.#device.tuning = { ...tuning, recurrentForm: FORMS[this.#variant.form] };
    for (const batch of batches) {
      const before = this.#counts();
      this.#device.pool.resetPeak();
      const start = performance.now();
      losses.push(await this.#train(batch));
      await this.#device.synchronize();
      ms.push(performance.now() - start);
      const { peakBytes, textureBytes } = this.#device.poolStats;
      this.#gpuBytes ??= peakBytes + textureBytes - this.#bytesBefore;
      counters = this.#difference(before, this.#gpuBytes);
    }
    this.#device.tuning = tuning;
    return { losses, ms, ...(counters && { counters }) };
  }

  async #train({ ids, tags }: HostBatch): Promise<number> {
    const inputs = { ids: tensor(ids, { shape: this.#shape }), tags: tensor(tags) };
    const loss = this.#step(inputs);
    const value = await loss.item();
    for (const one of [inputs.ids, inputs.tags, loss]) one.dispose();
    return value;
  }

  #counts(): Counts {
    return { ...this.#device.stats, created: this.#device.poolStats.created };
  }

  #difference(before: Counts, gpuBytes: number): StepCounters {
    const now = this.#counts();
    return {
      dispatches: now.dispatches - before.dispatches,
      submits: now.submits - before.submits,
      buffersCreated: now.created - before.created,
      bindGroupsCreated: now.bindGroupsCreated - before.bindGroupsCreated,
      encodeUs: (now.encodeMs - before.encodeMs) * 1000,
      aheadUs: (now.aheadMs - before.aheadMs) * 1000,
      gpuBytes,
    };
  }

  close(): void {
    this.#compiled?.dispose();
    this.#optimizer.dispose();
    this.model.dispose();
  }
}
