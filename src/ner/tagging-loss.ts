// The loss that a tagger is trained by, as the configuration says: class weights, smoothing, a label that does not count.
import { type Batch, IGNORE_INDEX } from '../data/index.ts';
import { crossEntropy, mul } from '../ops/index.ts';
import { tensor } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { TaggerConfig } from './config-schema.ts';
import { type DeviceBatch, flatScores, toDevice } from './evaluate.ts';

/** A batch on the device, and what brings the sum of its losses to their mean, where a batch may have nothing that counts. */
export type LossBatch = DeviceBatch & { toMean?: Tensor };

/**
 * Mean cross-entropy over the tokens that count, by class weights. Padding never counts, nor does the label `ignoreIndex`. A batch in
 * which nothing counts has loss 0 and changes nothing, where PyTorch's mean over nothing would be NaN.
 */
export class TaggingLoss {
  private readonly options: TaggerConfig['loss'];
  private readonly weight: Tensor | undefined;
  /** Whether there may be batches in which nothing counts; the means of all others are the op's own. */
  private readonly mayBeEmpty: boolean;

  constructor(options: TaggerConfig['loss']) {
    const { classWeights, ignoreIndex } = options;
    this.options = options;
    this.weight = classWeights && tensor(Float32Array.from(classWeights));
    this.mayBeEmpty = ignoreIndex >= 0 || (classWeights?.includes(0) ?? false);
  }

  /** What `of` takes of a batch. */
  inputs(batch: Batch): LossBatch {
    const { ignoreIndex } = this.options;
    if (!this.mayBeEmpty) return toDevice(batch);
    const labels = batch.labels.map((label) => (label === ignoreIndex ? IGNORE_INDEX : label));
    const total = labels.reduce((sum, label) => sum + (label < 0 ? 0 : this.weightOf(label)), 0);
    const toMean = tensor(Float32Array.of(total > 0 ? 1 / total : 0), { shape: [] });
    return { ...toDevice({ ...batch, labels }), toMean };
  }

  /** The loss of scores `[B, T, K]`. */
  of(scores: Tensor, { labels, toMean }: LossBatch): Tensor {
    const { weight } = this;
    const { labelSmoothing } = this.options;
    const flat = flatScores(scores, labels);
    const reduction = toMean ? 'sum' : 'mean';
    const loss = crossEntropy(flat.scores, flat.labels, { labelSmoothing, weight, reduction });
    return toMean ? mul(loss, toMean) : loss;
  }

  dispose(): void {
    this.weight?.dispose();
  }

  private weightOf(label: number): number {
    return this.options.classWeights?.[label] ?? 1;
  }
}
