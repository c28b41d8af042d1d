// The training steps and matrix products that the benches go by, and the seeded weights and batches that every engine gets.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { permutation, streamKey, uniformAt } from '../src/random.ts';

export type CellName = 'lstm' | 'gru' | 'rnn';
export const CELLS: readonly CellName[] = ['lstm', 'gru', 'rnn'];
export const GATES: Record<CellName, number> = { lstm: 4, gru: 3, rnn: 1 };

/** Embedding → recurrent layers → linear → cross-entropy, trained by Adam (rate 1e-3): the sizes of one step. */
export interface StepSpec {
  name: string;
  cell: CellName;
  vocabulary: number;
  embedding: number;
  hidden: number;
  layers: number;
  bidirectional: boolean;
  batch: number;
  time: number;
  tags: number;
}

export const NAMED_STEPS: readonly Omit<StepSpec, 'cell'>[] = [
  {
    name: 'bilstm-tagger',
    vocabulary: 28_996,
    embedding: 200,
    hidden: 100,
    layers: 1,
    bidirectional: true,
    batch: 16,
    time: 64,
    tags: 9,
  },
  {
    name: 'lstm-tagger',
    vocabulary: 23_000,
    embedding: 50,
    hidden: 256,
    layers: 1,
    bidirectional: false,
    batch: 32,
    time: 40,
    tags: 10,
  },
  {
    name: 'uk-small',
    vocabulary: 11_698,
    embedding: 128,
    hidden: 128,
    layers: 1,
    bidirectional: true,
    batch: 32,
    time: 40,
    tags: 9,
  },
  {
    name: 'uk-full',
    vocabulary: 50_205,
    embedding: 512,
    hidden: 512,
    layers: 3,
    bidirectional: true,
    batch: 64,
    time: 48,
    tags: 9,
  },
];

export const LEARNING_RATE = 1e-3;

/** The name of a case: the LSTM is meant where no cell is named. */
export function caseName(name: string, cell: CellName): string {
  return cell === 'lstm' ? name : `${name}-${cell}`;
}

export interface GemmShape {
  m: number;
  k: number;
  n: number;
}

export const GEMM_SHAPES: readonly GemmShape[] = [
  { m: 1024, k: 1024, n: 1024 },
  { m: 1024, k: 200, n: 800 },
  { m: 800, k: 1024, n: 200 },
  { m: 64, k: 512, n: 2048 },
  { m: 3072, k: 1024, n: 4096 },
  { m: 1024, k: 200, n: 9 },
];

/** What a real GPU is asked for beside these. */
export const GPU_GEMM_SHAPES: readonly GemmShape[] = [{ m: 4096, k: 4096, n: 4096 }];

/** `gemm-1024` for a cube, else `gemm-MxKxN`. */
export function gemmName({ m, k, n }: GemmShape): string {
  return m === k && k === n ? `gemm-${m}` : `gemm-${m}x${k}x${n}`;
}

/** Parameters under PyTorch's names, in the order of the module. */
export function parameterShapes(spec: StepSpec): [name: string, shape: number[]][] {
  const { embedding, hidden, layers, bidirectional, vocabulary, tags, cell } = spec;
  const directions = bidirectional ? 2 : 1;
  const rows = GATES[cell] * hidden;
  const shapes: [string, number[]][] = [['embedding.weight', [vocabulary, embedding]]];
  for (let layer = 0; layer < layers; layer++)
    for (const suffix of ['', '_reverse'].slice(0, directions)) {
      const width = layer === 0 ? embedding : directions * hidden;
      shapes.push(
        [`rnn.weight_ih_l${layer}${suffix}`, [rows, width]],
        [`rnn.weight_hh_l${layer}${suffix}`, [rows, hidden]],
      );
      shapes.push([`rnn.bias_ih_l${layer}${suffix}`, [rows]], [`rnn.bias_hh_l${layer}${suffix}`, [rows]]);
    }
  shapes.push(['head.weight', [tags, directions * hidden]], ['head.bias', [tags]]);
  return shapes;
}

/** Uniform numbers in ±bound from a 32-bit seed (mulberry32): fast, and the same everywhere. */
export function noise(length: number, seed: number, bound: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(length);
  let state = seed | 0;
  for (let i = 0; i < length; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    out[i] = (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * bound;
  }
  return out;
}

export interface HostParameter {
  name: string;
  shape: number[];
  data: Float32Array<ArrayBuffer>;
}

/** The weights that every engine starts from. */
export function startingWeights(spec: StepSpec): HostParameter[] {
  return parameterShapes(spec).map(([name, shape], i) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return {
      name,
      shape,
      data: noise(length, 1000 + i, name.startsWith('embedding') ? 0.5 : 1 / Math.sqrt(spec.hidden)),
    };
  });
}

/** Writes arrays as raw little-endian f32, one behind the other, and returns where they lie: engines of other languages read it too. */
export function writeArrays(folder: string, name: string, arrays: readonly HostParameter[]): ArrayFile {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.f32`);
  let offset = 0;
  const entries = arrays.map(({ name: of, shape, data }) => {
    const entry = { name: of, shape, offset };
    offset += data.byteLength;
    return entry;
  });
  writeFileSync(path, new Uint8Array(0));
  for (const { data } of arrays) writeFileSync(path, new Uint8Array(data.buffer), { flag: 'a' });
  return { path, entries };
}

export interface ArrayFile {
  path: string;
  /** `offset` in bytes. */
  entries: { name: string; shape: number[]; offset: number }[];
}

/** Word ids and tags of one step, row by row. */
export interface Batch {
  ids: number[];
  tags: number[];
}

/** Fresh batches, the same for every engine: words by Zipf's law over a shuffled vocabulary (id 0 does not occur), skewed tags. */
export function* zipfBatches(spec: StepSpec, seed = 42): Generator<Batch, never> {
  const { vocabulary, batch, time, tags } = spec;
  const words = permutation(vocabulary - 1, seed, 1);
  const key = streamKey(seed, 2);
  for (let step = 0; ; step++) {
    const draw = (i: number, which: number) => uniformAt(key, i, 2 * step + which);
    const places = Array.from({ length: batch * time }, (_, i) => i);
    yield {
      // The n-th most frequent word with a probability in proportion to 1/n.
      ids: places.map((i) => 1 + words[Math.min(vocabulary - 2, Math.floor((vocabulary - 1) ** draw(i, 0)) - 1)]!),
      tags: places.map((i) => Math.floor(draw(i, 1) ** 3 * tags)),
    };
  }
}
