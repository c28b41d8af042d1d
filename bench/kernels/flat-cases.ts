// Ops over flat arrays at real shapes: elementwise, reductions, dropout, and Adam's updates.
import {
  Adam,
  add,
  dropout,
  exp,
  Generator,
  mul,
  noGrad,
  RowSparse,
  relu,
  sigmoid,
  step,
  sum,
  type Tensor,
  tanh,
  tensor,
  zeros,
} from '../../src/index.ts';
import { noise, type StepSpec, zipfBatches } from '../named-steps.ts';
import { type KernelCase, same, values } from './kernel-case.ts';

const ROWS = 3072;
const WIDTH = 1024;
const SIZE = ROWS * WIDTH;

/** An op of one or two tensors `[3072, 1024]`, checked by `want` on the host. */
function flat(
  name: string,
  inputs: 1 | 2,
  op: (a: Tensor, b: Tensor) => Tensor,
  want: (a: Float32Array, b: Float32Array) => ArrayLike<number>,
  outSize = SIZE,
): KernelCase {
  return {
    name: `${name}-${ROWS}x${WIDTH}`,
    flops: SIZE,
    bytes: 4 * (inputs * SIZE + outSize),
    make() {
      const [dataA, dataB] = [noise(SIZE, 1, 2), noise(SIZE, 2, 2)];
      const [a, b] = [dataA, dataB].map((data) => tensor(data, { shape: [ROWS, WIDTH] })) as [Tensor, Tensor];
      return {
        run: () => noGrad(() => step(() => void op(a, b))),
        async validate() {
          const { y } = await values(() => ({ y: noGrad(() => op(a, b)) }));
          same(name, y, want(dataA, dataB), 1e-4);
          return 'float64 within 1e-4';
        },
      };
    },
  };
}

const each = (fn: (a: number, b: number) => number) => (a: Float32Array, b: Float32Array) =>
  Float64Array.from(a, (v, i) => fn(v, b[i]!));

function columnSums(a: Float32Array): Float64Array {
  const out = new Float64Array(WIDTH);
  a.forEach((v, i) => {
    out[i % WIDTH]! += v;
  });
  return out;
}

function rowSums(a: Float32Array): Float64Array {
  const out = new Float64Array(ROWS);
  a.forEach((v, i) => {
    out[Math.floor(i / WIDTH)]! += v;
  });
  return out;
}

const DROPOUT: KernelCase = {
  name: `dropout-${ROWS}x${WIDTH}`,
  flops: SIZE,
  bytes: 8 * SIZE,
  make() {
    const data = noise(SIZE, 1, 2).map((v) => v + 3); // no zeros of its own
    const x = tensor(data, { shape: [ROWS, WIDTH] });
    const generator = new Generator(42);
    const op = () => dropout(x, 0.3, generator);
    return {
      run: () => noGrad(() => step(() => void op())),
      async validate() {
        const { y } = await values(() => ({ y: noGrad(op) }));
        const zeros = y.reduce((n, v) => n + Number(v === 0), 0) / SIZE;
        if (Math.abs(zeros - 0.3) > 2e-3) throw new Error(`dropout: ${zeros} of the elements are 0, 0.3 were wanted`);
        same(
          'dropout',
          y,
          Float64Array.from(data, (v, i) => (y[i] === 0 ? 0 : v / 0.7)),
          1e-5,
        );
        return 'share of zeros within 0.002, scale within 1e-5';
      },
    };
  },
};

/** One step of Adam from zero moments: `p - lr · g / (|g| + eps)`, for rates and moments as in PyTorch. */
const firstStep = (p: number, g: number) => p - (1e-3 * g) / (Math.abs(g) + 1e-8);

function adamDense(size: number): KernelCase {
  return {
    name: `adam-dense-${size}`,
    flops: 12 * size,
    bytes: 4 * 7 * size, // p, m, v in and out, g in
    make() {
      const [p, g] = [noise(size, 1, 1), noise(size, 2, 1)];
      const param = tensor(p, { requiresGrad: true });
      const optimizer = new Adam([param], { lr: 1e-3 });
      param.grad = tensor(g);
      return {
        run: () => optimizer.step(),
        async validate() {
          optimizer.step();
          same(
            'adam',
            await param.data(),
            p.map((v, i) => firstStep(v, g[i]!)),
            1e-5,
          );
          return 'float64 within 1e-5';
        },
      };
    },
  };
}

/** A table whose gradient has the rows of one batch: Adam moves every row once all have state. */
function adamRows(spec: Pick<StepSpec, 'vocabulary' | 'embedding' | 'batch' | 'time'>): KernelCase {
  const { vocabulary, embedding: width } = spec;
  const ids = zipfBatches({ ...spec, tags: 9 } as StepSpec).next().value.ids;
  const rows = Int32Array.from([...new Set(ids)].sort((a, b) => a - b));
  const touched = rows.length * width;
  const size = vocabulary * width;
  return {
    name: `adam-rows-${vocabulary}x${width}`,
    flops: 12 * size,
    bytes: 4 * (6 * size + touched),
    make(device) {
      const [p, g] = [noise(size, 1, 1), noise(touched, 2, 1)];
      const param = tensor(p, { shape: [vocabulary, width], requiresGrad: true });
      const optimizer = new Adam([param], { lr: 1e-3 });
      param.grad = new RowSparse(
        [vocabulary, width],
        tensor(rows, { device }),
        tensor(g, { shape: [rows.length, width] }),
      );
      return {
        run: () => optimizer.step(),
        async validate() {
          optimizer.step();
          const got = await param.data();
          const want = Float64Array.from(p);
          rows.forEach((row, r) => {
            for (let j = 0; j < width; j++) want[row * width + j] = firstStep(p[row * width + j]!, g[r * width + j]!);
          });
          same('adam on rows', got, want, 1e-5);
          stir(param, optimizer);
          return 'float64 within 1e-5';
        },
      };
    },
  };
}

/** A step with a dense gradient of zero: rows that never had one have state from here on, and are no cheaper than others. */
function stir(param: Tensor, optimizer: Adam): void {
  const { grad } = param;
  param.grad = zeros(param.shape);
  optimizer.step();
  param.grad.dispose();
  param.grad = grad;
}

const TABLES = [
  { vocabulary: 28_996, embedding: 200, batch: 16, time: 64 },
  { vocabulary: 50_205, embedding: 512, batch: 64, time: 48 },
];

export const FLAT_CASES: readonly KernelCase[] = [
  flat(
    'add',
    2,
    add,
    each((a, b) => a + b),
  ),
  flat(
    'mul',
    2,
    mul,
    each((a, b) => a * b),
  ),
  flat(
    'relu',
    1,
    relu,
    each((a) => Math.max(a, 0)),
  ),
  flat('exp', 1, exp, each(Math.exp)),
  flat(
    'sigmoid',
    1,
    sigmoid,
    each((a) => 1 / (1 + Math.exp(-a))),
  ),
  flat('tanh', 1, tanh, each(Math.tanh)),
  flat('sum-rows', 1, (a) => sum(a, 1), rowSums, ROWS),
  flat('sum-columns', 1, (a) => sum(a, 0), columnSums, WIDTH),
  DROPOUT,
  adamDense(5_799_200),
  ...TABLES.map(adamRows),
];
