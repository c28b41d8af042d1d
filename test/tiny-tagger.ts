// A tagger so small that hundreds of its steps take seconds, on sentences made up by a counter; for tests of whole runs.
import type { Sentence } from '../src/data/index.ts';
import { type ByteSource, openSafetensors } from '../src/io/safetensors.ts';
import { type Corpus, corpusOf, type RunStore, type TaggerConfig } from '../src/ner/index.ts';

/** A pseudo-random whole number below `bound`, the same for the same `n`. */
function pick(n: number, bound: number): number {
  let x = Math.imul(n + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  return ((x ^ (x >>> 13)) >>> 0) % bound;
}

/** Sentences of 1 to `longest` words out of `words`, every third word an entity of one of two types. */
export function tinySentences(count: number, { seed = 0, words = 60, longest = 11 } = {}): Sentence[] {
  return Array.from({ length: count }, (_, s) => {
    const tokens = Array.from({ length: 1 + pick(seed * 7919 + s, longest) }, (_, t) => {
      const word = pick(seed * 104_729 + s * 131 + t, words);
      return `w${word}`;
    });
    const tags = tokens.map((token) => ['B-PER', 'O', 'O', 'B-LOC', 'O', 'O'][Number(token.slice(1)) % 6]!);
    return { tokens, tags };
  });
}

export function tinyCorpus(sentences: number, options: { words?: number; longest?: number } = {}): Corpus {
  return corpusOf({
    train: tinySentences(sentences, options),
    validation: tinySentences(24, { ...options, seed: 1 }),
  });
}

type Changes = { [Part in keyof TaggerConfig]?: Partial<TaggerConfig[Part]> };

/** Every source of chance and state in one configuration: dropouts, word dropout, ragged rows, Adam, clipping. */
export function tinyConfig(changes: Changes = {}): TaggerConfig {
  return {
    data: {
      lowercase: false,
      minCount: 1,
      vocabulary: 'train',
      unknown: 'single',
      padTo: 'batch',
      wordDropout: 0.05,
      ...changes.data,
    },
    model: {
      cell: 'lstm',
      embedding: 12,
      hidden: 10,
      layers: 2,
      bidirectional: true,
      dropout: 0.2,
      embeddingDropout: 0.1,
      outputDropout: 0.1,
      layerNorm: true,
      activation: 'relu',
      packed: true,
      nonlinearity: 'tanh',
      embeddingStd: 1,
      ...changes.model,
    },
    optimizer: {
      name: 'adam',
      lr: 0.01,
      weightDecay: 0,
      betas: [0.9, 0.999],
      eps: 1e-8,
      momentum: 0,
      nesterov: false,
      clipNorm: 1,
      ...changes.optimizer,
    },
    scheduler: { name: 'none', every: 'epoch', startEpoch: 0, warmup: 0, ...changes.scheduler },
    loss: { labelSmoothing: 0.05, ignoreIndex: -100, ...changes.loss },
    training: {
      epochs: 5,
      batchSize: 4,
      dropLast: true,
      seed: 42,
      bucket: false,
      logEvery: 10,
      out: 'runs/tiny',
      keepBest: { metric: 'validation.f1', mode: 'max' },
      ...changes.training,
    },
  };
}

/** Files in memory, for runs whose files are looked at and changed. */
export class MemoryStore implements RunStore {
  readonly files = new Map<string, Uint8Array>();

  async write(name: string, chunks: readonly Uint8Array[]): Promise<void> {
    this.files.set(name, Buffer.concat(chunks));
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  async open(name: string) {
    const bytes = this.files.get(name);
    if (!bytes) return undefined;
    const source: ByteSource = { name, size: bytes.length, read: async (at, n) => bytes.slice(at, at + n) };
    return openSafetensors(source);
  }
}
