// Ops over rows at real shapes: layer norm, softmax, cross-entropy, embedding; checked against float64 on the host.
import {
  backward,
  crossEntropy,
  embedding,
  layerNorm,
  noGrad,
  softmax,
  step,
  type Tensor,
  tensor,
} from '../../src/index.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { noise, type StepSpec, zipfBatches } from '../named-steps.ts';
import { dropGradients, type KernelCase, same, takeGradient, values } from './kernel-case.ts';

/** Runs an op of `x` forward alone, or with its backward pass. */
function runs(forward: () => Tensor, leaves: readonly Tensor[], dOut: Tensor | undefined, trained: boolean) {
  return () => {
    if (!trained) noGrad(() => step(() => void forward()));
    else {
      step(() => backward(forward(), dOut));
      dropGradients(leaves);
    }
  };
}

const both = [false, true] as const;
const suffix = (trained: boolean) => (trained ? '-forward-backward' : '-forward');

/** Rows of `[rows, width]` on the host. */
const rowsOf = (data: Float32Array, width: number) =>
  Array.from({ length: data.length / width }, (_, r) => data.subarray(r * width, (r + 1) * width));

function layerNormCase(rows: number, width: number, trained: boolean): KernelCase {
  return {
    name: `layer-norm-${rows}x${width}${suffix(trained)}`,
    flops: rows * width * (trained ? 22 : 8),
    bytes: 4 * rows * width * (trained ? 5 : 2),
    make() {
      const data = noise(rows * width, 1, 2);
      const x = tensor(data, { shape: [rows, width], requiresGrad: true });
      const weight = tensor(noise(width, 2, 1), { requiresGrad: true });
      const bias = tensor(noise(width, 3, 1), { requiresGrad: true });
      const up = noise(rows * width, 4, 1);
      const dOut = tensor(up, { shape: [rows, width] });
      const forward = () => layerNorm(x, width, weight, bias);
      return {
        run: runs(forward, [x, weight, bias], dOut, trained),
        async validate() {
          const { y } = await values(() => {
            const out = forward();
            backward(out, dOut);
            return { y: out };
          });
          const [dX, dBias] = [takeGradient(x), takeGradient(bias)];
          const [gamma, beta] = [noise(width, 2, 1), noise(width, 3, 1)];
          const wantY: number[] = [];
          const wantX: number[] = [];
          const wantBias = new Array<number>(width).fill(0);
          rowsOf(data, width).forEach((row, r) => {
            const mean = row.reduce((a, b) => a + b, 0) / width;
            const sd = Math.sqrt(row.reduce((a, b) => a + (b - mean) ** 2, 0) / width + 1e-5);
            const d = up.subarray(r * width, (r + 1) * width);
            const g = Array.from(d, (v, j) => v * gamma[j]!);
            const [a, b] = [g.reduce((s, v) => s + v, 0), g.reduce((s, v, j) => s + (v * (row[j]! - mean)) / sd, 0)];
            row.forEach((v, j) => {
              const normal = (v - mean) / sd;
              wantY.push(normal * gamma[j]! + beta[j]!);
              wantX.push((g[j]! - a / width - (normal * b) / width) / sd);
              wantBias[j]! += d[j]!;
            });
          });
          same('layer norm', y, wantY, 1e-4);
          same('layer norm: dX', await dX.data(), wantX, 1e-4);
          same('layer norm: dBias', await dBias.data(), wantBias, 1e-4);
          dropGradients([weight]);
          return 'float64 within 1e-4';
        },
      };
    },
  };
}

function softmaxCase(rows: number, width: number): KernelCase {
  return {
    name: `softmax-${rows}x${width}`,
    flops: rows * width * 5,
    bytes: 8 * rows * width,
    make() {
      const data = noise(rows * width, 1, 4);
      const x = tensor(data, { shape: [rows, width] });
      const forward = () => softmax(x, -1);
      return {
        run: runs(forward, [], undefined, false),
        async validate() {
          const { y } = await values(() => ({ y: forward() }));
          const want = rowsOf(data, width).flatMap((row) => {
            const all = row.reduce((s, v) => s + Math.exp(v), 0);
            return Array.from(row, (v) => Math.exp(v) / all);
          });
          same('softmax', y, want, 1e-4);
          return 'float64 within 1e-4';
        },
      };
    },
  };
}

function crossEntropyCase(rows: number, classes: number, trained: boolean): KernelCase {
  return {
    name: `cross-entropy-${rows}x${classes}${suffix(trained)}`,
    flops: rows * classes * (trained ? 9 : 5),
    bytes: 4 * rows * classes * (trained ? 2 : 1) + 4 * rows,
    make() {
      const data = noise(rows * classes, 1, 4);
      const gold = Int32Array.from(noise(rows, 2, 1), (v) => Math.floor(((v + 1) / 2) * classes));
      const x = tensor(data, { shape: [rows, classes], requiresGrad: true });
      const target = tensor(gold);
      const forward = () => crossEntropy(x, target);
      return {
        run: runs(forward, [x], undefined, trained),
        async validate() {
          const { loss } = await values(() => {
            const out = forward();
            backward(out);
            return { loss: out };
          });
          const dX = takeGradient(x);
          let total = 0;
          const want = rowsOf(data, classes).flatMap((row, r) => {
            const all = row.reduce((s, v) => s + Math.exp(v), 0);
            total += Math.log(all) - row[gold[r]!]!;
            return Array.from(row, (v, j) => (Math.exp(v) / all - Number(j === gold[r])) / rows);
          });
          same('cross-entropy', loss, [total / rows], 1e-4);
          same('cross-entropy: dLogits', await dX.data(), want, 1e-4);
          return 'float64 within 1e-4';
        },
      };
    },
  };
}

function embeddingCase(
  spec: Pick<StepSpec, 'vocabulary' | 'embedding' | 'batch' | 'time'>,
  trained: boolean,
): KernelCase {
  const { vocabulary, embedding: width, batch, time } = spec;
  const tokens = batch * time;
  return {
    name: `embedding-${vocabulary}x${width}${suffix(trained)}`,
    flops: 0,
    bytes: 4 * tokens * width * (trained ? 4 : 2),
    make() {
      const data = noise(vocabulary * width, 1, 1);
      const table = tensor(data, { shape: [vocabulary, width], requiresGrad: true });
      const host = Int32Array.from(zipfBatches({ ...spec, tags: 9 } as StepSpec).next().value.ids);
      const ids = tensor(host);
      const up = noise(tokens * width, 2, 1);
      const dOut = tensor(up, { shape: [tokens, width] });
      const forward = () => embedding(ids, table);
      return {
        run: runs(forward, [table], dOut, trained),
        async validate() {
          const { y } = await values(() => {
            const out = forward();
            backward(out, dOut);
            return { y: out };
          });
          const want = Array.from(host).flatMap((id) => Array.from(data.subarray(id * width, (id + 1) * width)));
          same('embedding', y, want, 0);
          const { grad } = table;
          if (!(grad instanceof RowSparse)) throw new Error('embedding: a row-sparse gradient was expected');
          const [rows, sums] = [(await grad.rows.data()) as Int32Array, (await grad.values.data()) as Float32Array];
          const wanted = Array.from(rows.subarray(0, sums.length / width)).flatMap((row) => {
            const sum = new Float64Array(width);
            host.forEach((id, i) => {
              if (id === row) for (let j = 0; j < width; j++) sum[j]! += up[i * width + j]!;
            });
            return Array.from(sum);
          });
          same('embedding: gradient', sums, wanted, 1e-4);
          dropGradients([table]);
          return 'host sums within 1e-4';
        },
      };
    },
  };
}

export const ROW_CASES: readonly KernelCase[] = [
  ...both.flatMap((trained) => [layerNormCase(1280, 256, trained), layerNormCase(3072, 1024, trained)]),
  softmaxCase(3072, 1024),
  ...both.flatMap((trained) => [crossEntropyCase(3072, 9, trained), crossEntropyCase(1024, 10_000, trained)]),
  ...both.flatMap((trained) => [
    embeddingCase({ vocabulary: 28_996, embedding: 200, batch: 16, time: 64 }, trained),
    embeddingCase({ vocabulary: 50_205, embedding: 512, batch: 64, time: 48 }, trained),
  ]),
];
