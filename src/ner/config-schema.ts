// What a configuration of a tagger's training may say: keys, types, ranges, defaults; the network's are the Ukrainian study's, but for `packed`.
import {
  boolean,
  either,
  type Infer,
  integer,
  list,
  number,
  oneOf,
  optional,
  pair,
  section,
  tagged,
  text,
} from './schema.ts';

/** Metrics by which an epoch is judged, as the trainer's events name them. The test part is not among them: it must not choose. */
export const METRICS = [
  'trainLoss',
  'validation.loss',
  'validation.f1',
  'validation.precision',
  'validation.recall',
  'validation.accuracy',
  'validation.sentenceAccuracy',
  'validation.sentenceF1',
] as const;

const data = section(
  {
    path: optional(text({ doc: 'folder, file, or folder/set of the data set' })),
    format: optional(oneOf(['json', 'jsonl', 'conll'], { doc: 'how its files are written; else: as their names say' })),
    lowercase: boolean({ default: false, doc: 'fold the case of words' }),
    minCount: integer({ min: 1, default: 1, doc: 'words seen fewer times have no id of their own' }),
    vocabulary: oneOf(['train', 'all'], { default: 'train', doc: 'the parts whose words have ids' }),
    unknown: oneOf(['none', 'single', 'shape'], {
      default: 'single',
      doc: 'ids of unknown words: none, one, or one for each shape of a word',
    }),
    padTo: either(oneOf(['batch', 'set'], { doc: '' }), integer({ min: 1, doc: '' }), {
      default: 'batch',
      doc: 'length of the rows: the longest of the batch, the longest of the set, or a number',
    }),
    wordDropout: number({ min: 0, below: 1, default: 0, doc: 'share of training words replaced by their unknown id' }),
  },
  ({ unknown, wordDropout, minCount }) => {
    if (unknown !== 'none') return undefined;
    if (wordDropout > 0) return { key: 'wordDropout', message: `must be 0 where unknown is none, got ${wordDropout}` };
    if (minCount > 1) return { key: 'minCount', message: `must be 1 where unknown is none, got ${minCount}` };
    return undefined;
  },
);

const share = (value: number, doc: string) => number({ min: 0, below: 1, default: value, doc });

const model = section(
  {
    cell: oneOf(['rnn', 'gru', 'lstm'], { default: 'lstm', doc: 'recurrent cell' }),
    vocabularySize: optional(
      integer({ min: 2, doc: 'rows of the embedding, where no data is at hand; data overrules it' }),
    ),
    tags: optional(integer({ min: 1, doc: 'labels, where no data is at hand; data overrules it' })),
    embedding: integer({ min: 1, default: 512, doc: 'width of a word vector' }),
    hidden: integer({ min: 1, default: 512, doc: 'hidden units of one direction' }),
    layers: integer({ min: 1, default: 3, doc: 'recurrent layers' }),
    bidirectional: boolean({ default: true, doc: 'read sentences both ways' }),
    dropout: share(0.2, 'dropout between recurrent layers'),
    embeddingDropout: share(0, 'dropout on word vectors'),
    outputDropout: share(0, 'dropout on what the classifier reads'),
    layerNorm: boolean({ default: true, doc: 'normalise the recurrent output' }),
    activation: oneOf(['relu', 'none'], { default: 'relu', doc: 'before the classifier' }),
    packed: boolean({
      default: true,
      doc: 'end rows at their own length; false, as in the Ukrainian study: run over the padding, so that scores depend on the longest row of the batch',
    }),
    nonlinearity: oneOf(['tanh', 'relu'], { default: 'tanh', doc: 'of cell rnn' }),
    embeddingStd: number({ above: 0, default: 1, doc: 'standard deviation of the first word vectors' }),
  },
  ({ cell, nonlinearity }) =>
    cell !== 'rnn' && nonlinearity !== 'tanh'
      ? { key: 'nonlinearity', message: `must be tanh for cell ${cell}, got ${JSON.stringify(nonlinearity)}` }
      : undefined,
);

const optimizer = tagged({
  tag: 'name',
  words: ['adam', 'adamw', 'sgd', 'rmsprop'],
  default: 'adam',
  doc: "optimiser, with PyTorch's options and defaults",
  fields: {
    lr: number({ min: 0, default: 1e-3, doc: 'learning rate; 0.01 for rmsprop' }),
    weightDecay: number({ min: 0, default: 0, doc: 'weight decay; 0.01 for adamw' }),
    betas: pair(share(0, ''), { default: [0.9, 0.999], doc: 'decay of the means of gradients and of their squares' }),
    // PyTorch takes 0 too; a gradient that was 0 from the start, as that of padding is, then gives 0 / 0.
    eps: number({ above: 0, default: 1e-8, doc: 'added to the denominator' }),
    momentum: share(0, 'momentum'),
    nesterov: boolean({ default: false, doc: 'Nesterov momentum' }),
    clipNorm: optional(number({ above: 0, doc: 'largest global norm of the gradients' })),
  },
  only: {
    betas: ['adam', 'adamw'],
    eps: ['adam', 'adamw', 'rmsprop'],
    momentum: ['sgd', 'rmsprop'],
    nesterov: ['sgd'],
  },
  defaults: { adamw: { weightDecay: 1e-2 }, rmsprop: { lr: 1e-2 } },
  check: ({ nesterov, momentum }) =>
    nesterov && momentum === 0
      ? { key: 'nesterov', message: 'must be false where momentum is 0, got true' }
      : undefined,
});

const factor = (doc: string) => optional(number({ min: 0, max: 1, doc }));
const steps = (doc: string) => optional(integer({ min: 1, doc }));
const positive = (doc: string) => optional(number({ above: 0, doc }));

const scheduler = tagged({
  tag: 'name',
  words: ['none', 'step', 'multistep', 'exponential', 'linear', 'cosine', 'onecycle', 'plateau'],
  default: 'none',
  doc: "learning rate schedule, with PyTorch's options; their defaults are PyTorch's where nothing else is said",
  fields: {
    every: oneOf(['epoch', 'batch'], { default: 'epoch', doc: 'what the schedule counts' }),
    startEpoch: integer({ min: 0, default: 0, doc: 'epochs for which the schedule stays at its first rate' }),
    warmup: integer({
      min: 0,
      default: 0,
      doc: 'epochs or batches of a linear warm-up from a third of the rate, before a schedule or none',
    }),
    stepSize: steps('period of the decay; default 10 epochs'),
    milestones: optional(list(integer({ min: 1, doc: '' }), { doc: 'when to decay' })),
    gamma: optional(number({ min: 0, doc: 'factor of a decay; default 0.1, for exponential 0.95' })),
    startFactor: optional(number({ above: 0, max: 1, doc: 'first factor; default 1/3' })),
    endFactor: factor('last factor; default 1'),
    totalIters: steps('length of the line; default: the run'),
    tMax: steps('length of the half cosine; default: the run'),
    etaMin: optional(number({ min: 0, doc: 'lowest rate; default 0' })),
    maxLr: positive('highest rate; default 10 times the optimiser’s'),
    pctStart: factor('share of the cycle spent rising; default 0.3'),
    annealStrategy: optional(oneOf(['cos', 'linear'], { doc: 'form of rise and fall; default cos' })),
    cycleMomentum: optional(boolean({ doc: 'cycle the momentum the other way round; default true' })),
    baseMomentum: factor('momentum at the highest rate; default 0.85'),
    maxMomentum: factor('momentum at both ends; default 0.95'),
    divFactor: positive('maxLr over the first rate; default 25'),
    finalDivFactor: positive('first rate over the last; default 10000'),
    threePhase: optional(boolean({ doc: 'fall as slowly as rise, then to the last rate; default false' })),
    metric: optional(oneOf(METRICS, { doc: 'what is watched; default validation.loss' })),
    mode: optional(oneOf(['min', 'max'], { doc: 'whether it is to fall or to rise; default min' })),
    factor: optional(number({ min: 0, below: 1, doc: 'factor of a decay; default 0.1' })),
    patience: optional(integer({ min: 0, doc: 'epochs without improvement that are let pass; default 10' })),
    threshold: optional(number({ min: 0, doc: 'how much better is better; default 0.0001' })),
    thresholdMode: optional(oneOf(['rel', 'abs'], { doc: 'threshold as a share or as a difference; default rel' })),
    cooldown: optional(integer({ min: 0, doc: 'epochs after a decay that count nothing; default 0' })),
    minLr: optional(number({ min: 0, doc: 'lowest rate; default 0' })),
    eps: optional(number({ min: 0, doc: 'smallest change that is made; default 1e-8' })),
  },
  only: {
    stepSize: ['step'],
    milestones: ['multistep'],
    gamma: ['step', 'multistep', 'exponential'],
    startFactor: ['linear'],
    endFactor: ['linear'],
    totalIters: ['linear'],
    tMax: ['cosine'],
    etaMin: ['cosine'],
    ...only('onecycle', ['maxLr', 'pctStart', 'annealStrategy', 'cycleMomentum', 'baseMomentum', 'maxMomentum']),
    ...only('onecycle', ['divFactor', 'finalDivFactor', 'threePhase']),
    ...only('plateau', [
      'metric',
      'mode',
      'factor',
      'patience',
      'threshold',
      'thresholdMode',
      'cooldown',
      'minLr',
      'eps',
    ]),
  },
  required: { multistep: ['milestones'] },
  check: ({ name, every, metric, mode = 'min' }) => {
    if (name === 'plateau' && every === 'batch') {
      return { key: 'every', message: 'must be epoch for name plateau, whose metric comes once an epoch; got "batch"' };
    }
    return metric ? checkMode(metric, mode) : undefined;
  },
});

function only<K extends string, W extends string>(word: W, keys: readonly K[]): { readonly [P in K]: readonly [W] } {
  return Object.fromEntries(keys.map((key) => [key, [word]])) as unknown as { [P in K]: readonly [W] };
}

const loss = section({
  labelSmoothing: number({ min: 0, max: 1, default: 0, doc: 'share of the target spread over all labels' }),
  classWeights: optional(
    list(number({ min: 0, doc: '' }), { doc: 'a weight for each label in the order of their ids' }),
  ),
  ignoreIndex: integer({
    default: -100,
    doc: 'id of a label whose tokens do not count in the training loss, such as 0 for O; negative: none. Padding never counts',
  }),
});

const training = section({
  epochs: integer({ min: 1, default: 30, doc: 'passes over the training part' }),
  batchSize: integer({ min: 1, default: 64, doc: 'sentences of a batch' }),
  dropLast: boolean({ default: false, doc: 'leave out a last batch that is not full' }),
  seed: integer({ min: 0, default: 0, doc: 'of initial values, order and dropout' }),
  bucket: boolean({ default: false, doc: 'batches of sentences of like length' }),
  logEvery: integer({ min: 1, default: 10, doc: 'batches between two reads of the loss' }),
  out: text({ default: 'runs/tagger', doc: 'folder of checkpoints and curves' }),
  keepBest: section(
    {
      metric: oneOf(METRICS, { default: 'validation.f1', doc: 'what makes an epoch the best' }),
      mode: oneOf(['min', 'max'], { default: 'max', doc: 'whether less of it or more is better' }),
    },
    ({ metric, mode }) => checkMode(metric, mode),
  ),
});

/** A loss is to fall and a score to rise; the other way round keeps the worst epoch and nobody notices. */
function checkMode(metric: string, mode: 'min' | 'max'): { key: string; message: string } | undefined {
  const right = /loss$/i.test(metric) ? 'min' : 'max';
  return mode === right ? undefined : { key: 'mode', message: `must be ${right} for metric ${metric}, got "${mode}"` };
}

/** The schema of a tagger's training, for `loadConfig`. */
export const TAGGER_SCHEMA = section({ data, model, optimizer, scheduler, loss, training });

/** The configuration of a tagger's training, with every default filled in. */
export type TaggerConfig = Infer<typeof TAGGER_SCHEMA>;
