// Embedding: a table of vectors looked up by id (`torch.nn.Embedding`).
import { refuse } from '../check.ts';
import { embedding } from '../ops/index.ts';
import { tensor } from '../tensor/create.ts';
import { normal } from '../tensor/random.ts';
import { formatShape, normalizeAxis, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type InitOptions, parameter } from './init.ts';
import { checkSize, Module } from './module.ts';

export interface EmbeddingOptions extends InitOptions {
  /** Row that starts at zero and gets no gradient, counted from the back where negative. */
  paddingIdx?: number | undefined;
  /** Standard deviation of the start; PyTorch's is 1. */
  std?: number | undefined;
  /** Values to start from, `[V, E]` row by row, instead of random ones. */
  vectors?: Float32Array<ArrayBuffer> | undefined;
}

export class Embedding extends Module {
  /** `[V, E]` */
  readonly weight: Tensor;
  /** Counted from the front. */
  readonly paddingIdx: number | undefined;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}) {
    super();
    checkSize('Embedding', 'numEmbeddings', numEmbeddings);
    checkSize('Embedding', 'embeddingDim', embeddingDim);
    const { std = 1, vectors } = options;
    const shape = [numEmbeddings, embeddingDim];
    const paddingIdx =
      options.paddingIdx === undefined
        ? undefined
        : normalizeAxis('Embedding', options.paddingIdx, numEmbeddings, 'paddingIdx');
    if (vectors && vectors.length !== sizeOf(shape))
      refuse('Embedding', 'vectors', `${sizeOf(shape)} values for ${formatShape(shape)}`, vectors.length);
    this.paddingIdx = paddingIdx;
    this.weight = parameter(shape, options, (device, generator) => {
      if (vectors) return tensor(vectors, { shape, device });
      const table = normal(shape, 0, std, generator, device);
      if (paddingIdx !== undefined) {
        const row = {
          ...table.view,
          offset: table.view.offset + paddingIdx * embeddingDim * 4,
          bytes: embeddingDim * 4,
        };
        device.write(row, new Float32Array(embeddingDim));
      }
      return table;
    });
  }

  /** A table of given vectors `[V, E]`, frozen unless `freeze` is false (`torch.nn.Embedding.from_pretrained`). */
  static fromPretrained(
    vectors: Float32Array<ArrayBuffer>,
    shape: readonly [number, number],
    { freeze = true, ...options }: EmbeddingOptions & { freeze?: boolean } = {},
  ): Embedding {
    const made = new Embedding(shape[0], shape[1], { ...options, vectors });
    made.weight.requiresGrad = !freeze;
    return made;
  }

  override describe(): string {
    const [v, e] = this.weight.shape;
    return `${v}, ${e}${this.paddingIdx === undefined ? '' : `, paddingIdx: ${this.paddingIdx}`}`;
  }

  /** ids `[…]` → `[…, E]` */
  forward(ids: Tensor): Tensor {
    return embedding(ids, this.weight, { paddingIdx: this.paddingIdx });
  }
}
