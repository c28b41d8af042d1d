// TensorFlow.js with its WebGPU backend as a rival: products, and the tagger's training step by its layers.
import { type Engine, type GemmHandle, readArrays, serve, type TrainHandle } from '../engines/serve.ts';
import { GATES, LEARNING_RATE, type StepSpec } from '../named-steps.ts';
import type { GemmRequest, TrainRequest } from '../protocol.ts';
import { browserGlobals } from './globals.ts';
import { load, versionOf } from './packages.ts';

interface TfTensor {
  shape: number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface TfVariableLayer {
  apply(x: TfTensor, options?: { training: boolean }): TfTensor;
  setWeights(weights: TfTensor[]): void;
}
interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  backend(): { queue: GPUQueue; submitQueue(): void; ensureCommandEncoderReady(): void; endComputePassEncoder(): void };
  tensor(data: Float32Array, shape: number[]): TfTensor;
  tensor1d(data: Int32Array, dtype: 'int32'): TfTensor;
  tensor2d(data: Int32Array, shape: number[], dtype: 'int32'): TfTensor;
  reshape(x: TfTensor, shape: number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  oneHot(x: TfTensor, depth: number): TfTensor;
  tidy<T>(fn: () => T): T;
  losses: { softmaxCrossEntropy(y: TfTensor, logits: TfTensor): TfTensor };
  train: { adam(lr: number, b1: number, b2: number, eps: number): TfOptimizer };
}
interface TfOptimizer {
  minimize(f: () => TfTensor, returnCost: true): TfTensor;
  dispose(): void;
}
interface TfLayers {
  sequential(): { add(layer: TfVariableLayer): void; apply: TfVariableLayer['apply']; dispose(): void };
  layers: Record<string, (options: object) => TfVariableLayer>;
}

async function make(): Promise<Engine> {
  const adapter = await browserGlobals();
  const tf = await load<Tf>('@tensorflow/tfjs-core');
  const layers = await load<TfLayers>('@tensorflow/tfjs-layers');
  await load('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs refuses its webgpu backend here');
  await tf.ready();
  return {
    hello: { adapter, version: versionOf('@tensorflow/tfjs-backend-webgpu') },
    gemm: (request) => gemm(tf, request),
    train: (request) => train(tf, layers, request),
  };
}

async function gemm(tf: Tf, { m, k, n, arrays }: GemmRequest): Promise<GemmHandle> {
  const data = readArrays(arrays);
  const [a, b] = [tf.tensor(data.get('a')!.data, [m, k]), tf.tensor(data.get('b')!.data, [k, n])];
  const wait = async () => {
    const backend = tf.backend();
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.submitQueue();
    await backend.queue.onSubmittedWorkDone();
  };
  return {
    async probe(at) {
      const c = tf.matMul(a, b);
      const values = await c.data();
      c.dispose();
      return at.map((i) => values[i]!);
    },
    async run(count) {
      for (let i = 0; i < count; i++) tf.matMul(a, b).dispose();
      await wait();
    },
    close() {
      a.dispose();
      b.dispose();
    },
  };
}

/** `[rows, columns]` → `[columns, rows]`: Keras keeps kernels the other way round. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return out;
}

/** PyTorch stacks a GRU's gates r, z, n; Keras z, r, h. The LSTM's order is the same in both. */
function gatesInKerasOrder(cell: StepSpec['cell'], data: Float32Array): Float32Array {
  if (cell !== 'gru') return data;
  const third = data.length / 3;
  const out = data.slice();
  out.set(data.subarray(third, 2 * third), 0);
  out.set(data.subarray(0, third), third);
  return out;
}

async function train(tf: Tf, { sequential, layers }: TfLayers, { spec, weights }: TrainRequest): Promise<TrainHandle> {
  const { cell, vocabulary, embedding, hidden, batch, time, tags, bidirectional } = spec;
  if (spec.layers !== 1) throw new Error('this rival is asked for one layer only');
  const data = readArrays(weights);
  const values = (name: string) => data.get(name)!.data;
  const embed = layers.embedding!({ inputDim: vocabulary, outputDim: embedding, inputLength: time });
  const make = { lstm: layers.lstm!, gru: layers.gru!, rnn: layers.simpleRNN! }[cell];
  const options = { units: hidden, returnSequences: true, recurrentInitializer: 'glorotUniform' };
  const one = make(cell === 'rnn' ? options : { ...options, recurrentActivation: 'sigmoid' });
  const recurrent = bidirectional ? layers.bidirectional!({ layer: one, mergeMode: 'concat' }) : one;
  const head = layers.timeDistributed!({ layer: layers.dense!({ units: tags }) });
  const model = sequential();
  for (const layer of [embed, recurrent, head]) model.add(layer);
  const rows = GATES[cell] * hidden;
  const kernel = (name: string, columns: number) =>
    tf.tensor(transposed(gatesInKerasOrder(cell, values(name)), rows, columns), [columns, rows]);
  const cells = ['', '_reverse'].slice(0, bidirectional ? 2 : 1).flatMap((suffix) => {
    const [one, other] = [values(`rnn.bias_ih_l0${suffix}`), values(`rnn.bias_hh_l0${suffix}`)];
    const bias = one.map((x, i) => x + other[i]!);
    return [
      kernel(`rnn.weight_ih_l0${suffix}`, embedding),
      kernel(`rnn.weight_hh_l0${suffix}`, hidden),
      tf.tensor(gatesInKerasOrder(cell, bias), [rows]),
    ];
  });
  const width = bidirectional ? 2 * hidden : hidden;
  embed.setWeights([tf.tensor(values('embedding.weight'), [vocabulary, embedding])]);
  recurrent.setWeights(cells);
  head.setWeights([
    tf.tensor(transposed(values('head.weight'), tags, width), [width, tags]),
    tf.tensor(values('head.bias'), [tags]),
  ]);
  const optimizer = tf.train.adam(LEARNING_RATE, 0.9, 0.999, 1e-8);
  const step = async (ids: Int32Array, gold: Int32Array) => {
    const x = tf.tensor2d(ids, [batch, time], 'int32');
    const y = tf.tidy(() => tf.oneHot(tf.tensor1d(gold, 'int32'), tags));
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(y, tf.reshape(model.apply(x, { training: true }), [batch * time, tags])),
      true,
    );
    const value = (await loss.data())[0]!;
    await tf.backend().queue.onSubmittedWorkDone();
    for (const t of [x, y, loss]) t.dispose();
    return value;
  };
  return {
    async run(batches) {
      const [losses, ms]: [number[], number[]] = [[], []];
      for (const { ids, tags: gold } of batches) {
        const start = performance.now();
        losses.push(await step(ids, gold));
        ms.push(performance.now() - start);
      }
      return { losses, ms };
    },
    close() {
      model.dispose();
      optimizer.dispose();
    },
  };
}

await serve(make);
