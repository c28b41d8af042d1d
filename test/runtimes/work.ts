// What every runtime is asked to do: train three small taggers, and hold ops against plain JavaScript in float64.
import {
  Adam,
  argmax,
  backward,
  clipGradNorm,
  compile,
  concat,
  crossEntropy,
  type DeviceOptions,
  Dropout,
  densify,
  div,
  Embedding,
  embedding,
  exp,
  Generator,
  GRU,
  gather,
  gelu,
  init,
  LayerNorm,
  Linear,
  LSTM,
  layerNorm,
  lstm,
  matmul,
  noGrad,
  RNN,
  type RowSparse,
  relu,
  reshape,
  softmax,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  where,
} from '../../src/index.ts';
import { type Nd, nd, randomNd } from '../nd.ts';
import * as elementwise from '../reference/elementwise.ts';
import * as indexing from '../reference/indexing.ts';
import { layerNorm as layerNormReference } from '../reference/layer-norm.ts';
import * as layout from '../reference/layout.ts';
import * as losses from '../reference/losses.ts';
import * as reference from '../reference/matmul.ts';
import { lstmCell, recurrent } from '../reference/recurrent.ts';
import { reduce } from '../reference/reduce.ts';
import { softmax as softmaxReference } from '../reference/softmax.ts';

/** What a runtime did, as JSON carries it. */
export interface Done {
  adapter: string;
  /** Lanes of a subgroup, 0 where they vary or there are none. */
  lanes: number;
  kernels: string;
  /** Losses of the steps, by cell. */
  losses: Record<string, number[]>;
  /** Steps that were replays of a recorded one. */
  replayed: number;
  /** Of each op, the largest difference from float64, by the largest value (or by 1 where that is less). */
  errors: Record<string, number>;
  seconds: number;
}

/** Why nothing was done, and how long it took to say so. */
export interface Refused {
  refused: string;
  afterMs: number;
}

export async function work(options: DeviceOptions): Promise<Done | Refused> {
  const start = performance.now();
  let device: Awaited<ReturnType<typeof init>>;
  try {
    device = await init(options);
  } catch (error) {
    return { refused: String(error), afterMs: performance.now() - start };
  }
  const { losses, replayed } = await trainTaggers();
  const errors: Record<string, number> = {};
  for (const [name, got, want] of ops()) {
    const values = await got.data();
    const size = Math.max(1, ...want.data.map(Math.abs));
    errors[name] = want.data.reduce((worst, v, i) => larger(worst, Math.abs(v - values[i]!)), 0) / size;
    if (values.length !== want.data.length) errors[name] = Number.MAX_VALUE; // JSON has no infinity
  }
  const { name: adapter, subgroupSize: lanes } = device.info;
  const { kernels } = device.tuning;
  device.destroy();
  return { adapter, lanes, kernels, losses, replayed, errors, seconds: (performance.now() - start) / 1000 };
}

/** A difference that is not a number is the worst. */
const larger = (a: number, b: number) => (b <= a ? a : Number.isNaN(b) ? Number.MAX_VALUE : b);

const [BATCH, TIME, WORDS, TAGS] = [5, 11, 40, 4];
export const STEPS = 12;

/** Embedding, dropout, both directions, layer norm, ragged rows, clipping, Adam: each step after the first two is a replay. */
async function trainTaggers(): Promise<Pick<Done, 'losses' | 'replayed'>> {
  const losses: Record<string, number[]> = {};
  let replayed = 0;
  for (const [name, Cell] of Object.entries({ rnn: RNN, gru: GRU, lstm: LSTM })) {
    const generator = new Generator(3);
    const options = { generator };
    const words = new Embedding(WORDS, 12, { paddingIdx: 0, ...options });
    const dropout = new Dropout(0.2, options);
    const cell = new Cell(12, 10, { bidirectional: true, batchFirst: true, ...options });
    const norm = new LayerNorm(20);
    const head = new Linear(20, TAGS, options);
    const parameters = [words, cell, norm, head].flatMap((module) => module.parameters());
    const optimizer = new Adam(parameters, { lr: 0.02 });
    const step = compile(({ ids, tags, lengths }: { ids: Tensor; tags: Tensor; lengths: Tensor }) => {
      const { output } = cell.forward(dropout.forward(words.forward(ids)), { lengths });
      const loss = crossEntropy(reshape(head.forward(relu(norm.forward(output))), [-1, TAGS]), tags);
      backward(loss);
      clipGradNorm(parameters, 1);
      optimizer.step();
      optimizer.zeroGrad();
      return loss;
    });
    const lengths = Int32Array.from({ length: BATCH }, (_, row) => TIME - 2 * row);
    const ids = Int32Array.from({ length: BATCH * TIME }, (_, i) =>
      i % TIME < lengths[Math.floor(i / TIME)]! ? 1 + ((i * 17) % (WORDS - 1)) : 0,
    );
    const inputs = {
      ids: tensor(ids, { shape: [BATCH, TIME] }),
      tags: tensor(ids.map((id) => (id === 0 ? -100 : id % TAGS))),
      lengths: tensor(lengths),
    };
    losses[name] = [];
    for (let n = 0; n < STEPS; n++) {
      generator.step = n;
      losses[name].push(await step(inputs).item());
    }
    replayed += step.stats.replayed;
  }
  return { losses, replayed };
}

const put = ({ shape, data }: Nd, requiresGrad = false) => tensor(Float32Array.from(data), { shape, requiresGrad });

/** Each kind of kernel once, forward, and the gradients whose kernels are unlike any forward one: with what they must give. */
function* ops(): IterableIterator<[name: string, got: Tensor, want: Nd]> {
  const [a, b] = [randomNd([37, 65], 1), randomNd([65, 70], 2)];
  const [x, row] = [randomNd([3, 50, 33], 3), randomNd([33], 4)];
  const mask = nd([37, 65], (_, at) => (at % 3 === 0 ? 1 : 0));
  yield ['matmul', matmul(put(a), put(b)), reference.matmul(a, b, false, false)];
  const bT = layout.permute(b, [1, 0]);
  yield ['matmul, b transposed', matmul(put(a), put(bT), { transposeB: true }), reference.matmul(a, b, false, false)];
  yield ['exp', exp(put(a)), elementwise.each(Math.exp)([a])];
  yield ['tanh', tanh(put(a)), elementwise.each(Math.tanh)([a])];
  const gelu_ = (v: number) => 0.5 * v * (1 + elementwise.erf(v / Math.SQRT2));
  yield ['gelu', gelu(put(a)), elementwise.each(gelu_)([a])];
  const shifted = { ...row, data: row.data.map((v) => v + 2) };
  yield ['div, broadcast', div(put(x), put(shifted)), elementwise.broadcast((p, q) => p / q)([x, shifted])];
  yield ['sum of the middle axis', sum(put(x), 1), reduce(x, [1], false, 0, (p, q) => p + q)];
  yield ['sum', sum(put(x)), reduce(x, [0, 1, 2], false, 0, (p, q) => p + q)];
  yield ['softmax', softmax(put(x), -1), softmaxReference(x, -1)];
  yield ['softmax of the middle axis', softmax(put(x), 1), softmaxReference(x, 1)];
  const bias = randomNd([33], 5);
  yield ['layer norm', layerNorm(put(x), [33], put(row), put(bias)), layerNormReference(x, 33, row, bias)];
  yield ['argmax', argmax(put(a), 1), indexing.argmax(a, 1)];
  yield ['transpose', transpose(put(a), 0, 1), layout.permute(a, [1, 0])];
  yield ['concat', concat([put(a), put(mask)], 0), layout.concat([a, mask], 0)];
  yield [
    'where',
    where(tensor(Uint32Array.from(mask.data), { shape: mask.shape }), put(a), put(mask)),
    indexing.where(mask, a, mask),
  ];
  const index = nd([37, 9], (_, at) => (at * 7) % 65);
  const places = tensor(Int32Array.from(index.data), { shape: index.shape });
  yield ['gather', gather(put(a), 1, places), indexing.gather(a, 1, index)];

  const targets = Int32Array.from({ length: 37 }, (_, i) => (i * 11) % 65);
  yield ['cross-entropy', crossEntropy(put(a), tensor(targets)), losses.crossEntropy(a, targets)];
  const logits = put(a, true);
  backward(crossEntropy(logits, tensor(targets)));
  const shares = softmaxReference(a, -1);
  const slopes = nd(a.shape, ([i, k], at) => (shares.data[at]! - (targets[i!] === k ? 1 : 0)) / 37);
  yield ['cross-entropy, gradient', logits.grad as Tensor, slopes];

  const table = put(a, true);
  const ids = Int32Array.from({ length: 300 }, (_, i) => (i % 5 === 0 ? 3 : (i * 13) % 37));
  yield ['embedding', noGrad(() => embedding(tensor(ids), table)), indexing.indexSelect(a, 0, [...ids])];
  backward(sum(embedding(tensor(ids), table)));
  const counts = nd(a.shape, ([word]) => ids.filter((id) => id === word).length);
  yield ['embedding, gradient', densify(table.grad as RowSparse), counts];

  const input = randomNd([3, 7, 9], 6);
  const weights = [0, 1].map((d) => ({
    weightIh: randomNd([4 * 13, 9], 10 + d),
    weightHh: randomNd([4 * 13, 13], 20 + d),
    biasIh: randomNd([4 * 13], 30 + d),
    biasHh: randomNd([4 * 13], 40 + d),
  }));
  const lengths = [7, 2, 5];
  const zero = nd([2, 3, 13]);
  const given = weights.map((w) => ({
    weightIh: put(w.weightIh),
    weightHh: put(w.weightHh),
    biasIh: put(w.biasIh),
    biasHh: put(w.biasHh),
  }));
  const { output } = lstm(put(input), given, { batchFirst: true, lengths: tensor(Int32Array.from(lengths)) });
  yield ['lstm', output, recurrent(lstmCell, input, weights, [zero, zero], lengths)[0]!];
}
