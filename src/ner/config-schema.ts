// The configuration of a tagger's training. (Types only for now; the declarative schema with ranges and defaults joins them here.)
export interface TaggerConfig {
  data: {
    path?: string;
    format?: 'json' | 'jsonl' | 'conll';
    lowercase: boolean;
    minCount: number;
    vocabulary: 'train' | 'all';
    unknown: 'none' | 'single' | 'shape';
    padTo: 'batch' | 'set' | number;
    wordDropout: number;
  };
  model: {
    cell: 'rnn' | 'gru' | 'lstm';
    embedding: number;
    hidden: number;
    layers: number;
    bidirectional: boolean;
    dropout: number;
    embeddingDropout: number;
    outputDropout: number;
    layerNorm: boolean;
    activation: 'relu' | 'none';
    packed: boolean;
    nonlinearity: 'tanh' | 'relu';
    embeddingStd: number;
  };
  optimizer: {
    name: 'adam' | 'adamw' | 'sgd' | 'rmsprop';
    lr: number;
    weightDecay: number;
    betas: readonly [number, number];
    eps: number;
    momentum: number;
    nesterov: boolean;
    clipNorm?: number;
  };
  scheduler: {
    name: 'none' | 'step' | 'multistep' | 'exponential' | 'linear' | 'cosine' | 'onecycle' | 'plateau';
    every: 'epoch' | 'batch';
    startEpoch: number;
    warmup: number;
    stepSize?: number;
    milestones?: readonly number[];
    gamma?: number;
    startFactor?: number;
    endFactor?: number;
    totalIters?: number;
    tMax?: number;
    etaMin?: number;
    maxLr?: number;
    pctStart?: number;
    mode?: 'min' | 'max';
    metric?: string;
    factor?: number;
    patience?: number;
    threshold?: number;
    cooldown?: number;
    minLr?: number;
  };
  loss: { labelSmoothing: number; classWeights?: readonly number[]; ignoreIndex: number };
  training: {
    epochs: number;
    batchSize: number;
    dropLast: boolean;
    seed: number;
    bucket: boolean;
    logEvery: number;
    out: string;
    keepBest: { metric: string; mode: 'min' | 'max' };
  };
}
