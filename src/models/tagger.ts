// The recurrent tagger of the NER notebooks: embedding → RNN, GRU or LSTM → layer norm → ReLU → linear.
import { Dropout } from '../nn/dropout.ts';
import { Embedding } from '../nn/embedding.ts';
import type { InitOptions } from '../nn/init.ts';
import { LayerNorm } from '../nn/layer-norm.ts';
import { Linear } from '../nn/linear.ts';
import { Module } from '../nn/module.ts';
import { GRU, LSTM, RNN } from '../nn/recurrent.ts';
import { relu } from '../ops/index.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type CellName = 'rnn' | 'gru' | 'lstm';

export interface TaggerOptions extends InitOptions {
  /** Rows of the embedding table. */
  vocabularySize: number;
  /** Tags to choose from. */
  tags: number;
  cell: CellName;
  /** Width of a word's vector. */
  embedding: number;
  /** Hidden units of one direction. */
  hidden: number;
  layers?: number;
  bidirectional?: boolean;
  /** Dropout between recurrent layers. */
  dropout?: number;
  /** Dropout on word vectors, and on what the classifier reads. */
  embeddingDropout?: number;
  outputDropout?: number;
  /** Whether the recurrent output is normalised. */
  layerNorm?: boolean;
  activation?: 'relu' | 'none';
  /** Elman's φ; counts for cell `rnn` only. */
  nonlinearity?: 'tanh' | 'relu';
  /**
   * Whether rows end at their own length, so that scores do not depend on the other rows; true by default. False runs over the
   * padding as the notebooks do: a row's scores then depend on how much longer the longest row of its batch is.
   */
  packed?: boolean;
  /** Standard deviation of the embedding's start; PyTorch's is 1. */
  embeddingStd?: number;
  paddingIdx?: number;
}

const CELLS = { rnn: RNN, gru: GRU, lstm: LSTM };

export class Tagger extends Module {
  readonly cellName: CellName;
  readonly packed: boolean;
  readonly rectified: boolean;
  readonly embedding: Embedding;
  readonly embeddingDropout: Dropout;
  readonly cell: RNN | GRU | LSTM;
  readonly norm: LayerNorm | undefined;
  readonly outputDropout: Dropout;
  readonly classifier: Linear;

  constructor(options: TaggerOptions) {
    super();
    const { cell, embedding, hidden, layers = 1, bidirectional = true, dropout = 0, device, generator } = options;
    const init = { device, generator };
    const width = bidirectional ? 2 * hidden : hidden;
    this.cellName = cell;
    this.packed = options.packed ?? true;
    this.rectified = (options.activation ?? 'relu') === 'relu';
    this.embedding = new Embedding(options.vocabularySize, embedding, {
      ...init,
      paddingIdx: options.paddingIdx ?? 0,
      std: options.embeddingStd,
    });
    this.embeddingDropout = new Dropout(options.embeddingDropout ?? 0, { generator });
    const nonlinearity = options.nonlinearity ?? 'tanh';
    this.cell = new CELLS[cell](embedding, hidden, {
      ...init,
      numLayers: layers,
      bidirectional,
      dropout,
      batchFirst: true,
      nonlinearity,
    });
    this.norm = (options.layerNorm ?? true) ? new LayerNorm(width, init) : undefined;
    this.outputDropout = new Dropout(options.outputDropout ?? 0, { generator });
    this.classifier = new Linear(width, options.tags, init);
  }

  /** The recurrent layers are named after their cell, as in the notebooks: `lstm.weight_ih_l0`. */
  override children(): [string, Module][] {
    return super.children().map(([name, child]) => [child === this.cell ? this.cellName : name, child]);
  }

  override describe(): string {
    return this.packed ? 'rows end at their length' : 'runs over padding';
  }

  /** `ids` `[B, T]`, `lengths` `[B]` (all T without them) → scores `[B, T, K]` of each tag at each token. */
  forward({ ids, lengths }: { ids: Tensor; lengths?: Tensor | undefined }): Tensor {
    const words = this.embeddingDropout.forward(this.embedding.forward(ids));
    const { output } = this.cell.forward(words, this.packed ? { lengths } : {});
    const normal = this.norm ? this.norm.forward(output) : output;
    return this.classifier.forward(this.outputDropout.forward(this.rectified ? relu(normal) : normal));
  }
}
