import { describe, expect, test } from 'vitest';
import { Embedding } from '../../src/nn/embedding.ts';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { checkOp, expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { randomNd } from '../nd.ts';
import { indexSelect } from '../reference/indexing.ts';

useDevice();

/** Seeded ids in `0..rows - 1`, every third of them `often`. */
function someIds(count: number, rows: number, often = 0): Int32Array<ArrayBuffer> {
  const { data } = randomNd([count], count + rows);
  return Int32Array.from(data, (v, i) => (i % 3 === 0 ? often : Math.floor(((v + 1) / 2) * rows)));
}

/** The same ids without host values, as an op on the GPU makes them. */
function bornOnGpu(ids: ArrayLike<number>, shape: Shape): Tensor {
  return ops.cast(tensor(Float32Array.from(ids), { shape }), 'i32');
}

const cases: { rows: number; width: number; ids: Shape }[] = [
  { rows: 1, width: 1, ids: [1] },
  { rows: 7, width: 3, ids: [2, 5] },
  { rows: 10, width: 4, ids: [] },
  { rows: 5, width: 65, ids: [3, 1, 4] },
  { rows: 300, width: 100, ids: [4, 33] },
  { rows: 3, width: 8, ids: [0, 2] },
  { rows: 4, width: 12, ids: [700] },
  { rows: 4, width: 3, ids: [513] },
];

describe.each([
  ['ids of the host', (ids: Int32Array<ArrayBuffer>, shape: Shape) => tensor(ids, { shape })],
  ['unsigned ids', (ids: Int32Array<ArrayBuffer>, shape: Shape) => tensor(Uint32Array.from(ids), { shape })],
  ['ids born on the GPU', bornOnGpu],
])('%s', (_, make) => {
  test.each(cases)('$rows rows of $width, ids $ids', ({ rows, width, ids: shape }) => {
    const size = shape.reduce((n, m) => n * m, 1);
    const ids = someIds(size, rows);
    const t = make(ids, shape);
    return checkOp(
      ([weight]) => ops.embedding(t, weight!),
      ([weight]) => ({ shape: [...shape, width], data: indexSelect(weight!, 0, [...ids]).data }),
      { shapes: [[[rows, width]]], rtol: 0, atol: 0 },
    );
  });
});

async function gradientOf(ids: Tensor, rows: number, width: number, paddingIdx?: number) {
  const weight = tensor(Float32Array.from(randomNd([rows, width], 3).data), {
    shape: [rows, width],
    requiresGrad: true,
  });
  const out = ops.embedding(ids, weight, { paddingIdx });
  const dOut = tensor(Float32Array.from(randomNd(out.shape, 4).data), { shape: out.shape });
  backward(out, dOut);
  const gradient = weight.grad!;
  const dense = gradient instanceof RowSparse ? ops.densify(gradient) : gradient;
  return { gradient, dense: await dense.data(), dOut: await dOut.data() };
}

test('the gradient holds the rows that were used, each once and ascending, in places whose number follows from the shape', async () => {
  const { gradient, dense, dOut } = await gradientOf(tensor(Int32Array.of(5, 2, 5, 0, 2, 5)), 8, 4);
  if (!(gradient instanceof RowSparse)) throw new Error('not row-sparse');
  expect([...gradient.rows.host!]).toEqual([0, 2, 5, -1, -1, -1]);
  expect([...(await gradient.rows.data())]).toEqual([0, 2, 5, -1, -1, -1]);
  expect(gradient.values.shape).toEqual([6, 4]);
  expect([...(await gradient.values.data()).subarray(12)]).toEqual(new Array(12).fill(0));
  const row5 = [0, 1, 2, 3].map((e) => Math.fround(Math.fround(dOut[e]! + dOut[8 + e]!) + dOut[20 + e]!));
  expect([...dense.slice(20, 24)]).toEqual(row5);
  expect([...dense.slice(28)]).toEqual([0, 0, 0, 0]);
});

test.each([2, -6])('paddingIdx %d: the row is read but gets no gradient', async (paddingIdx) => {
  for (const make of [(v: number[]) => tensor(Int32Array.from(v)), (v: number[]) => bornOnGpu(v, [v.length])]) {
    const { gradient, dense, dOut } = await gradientOf(make([2, 7, 2, 1]), 8, 3, paddingIdx);
    if (gradient instanceof RowSparse) expect([...gradient.rows.host!]).toEqual([1, 7, -1, -1]);
    expect([...dense]).toEqual([0, 0, 0, ...dOut.slice(9), ...new Array(15).fill(0), ...dOut.slice(3, 6)]);
    const all = await gradientOf(make([2, 2]), 8, 3, paddingIdx);
    expect([...all.dense]).toEqual(new Array(24).fill(0));
  }
});

test('a word of thousands of positions: the same bits twice, and from ids of the host and of the GPU', async () => {
  const ids = someIds(5000, 50, 7);
  const host = await gradientOf(tensor(ids), 50, 12);
  const again = await gradientOf(tensor(ids), 50, 12);
  const born = await gradientOf(bornOnGpu(ids, [5000]), 50, 12);
  expect(again.dense).toEqual(host.dense);
  expect(born.dense).toEqual(host.dense);
  const exact = ids.reduce((sum, id, n) => (id === 7 ? sum + host.dOut[12 * n]! : sum), 0);
  expect(Math.abs(host.dense[12 * 7]! - exact)).toBeLessThan(1e-4);
});

test('outputs and gradients are those of PyTorch', async () => {
  const fixture = await loadFixture('ops.safetensors');
  const cases = Object.keys(fixture.meta).filter((name) => name.startsWith('embedding_'));
  expect(cases.length).toBeGreaterThan(1);
  for (const name of cases) {
    const read = (key: string) => {
      const { shape, data } = fixture.get(`${name}.${key}`);
      return tensor(data, { shape });
    };
    const ids = fixture.ints(`${name}.ids`);
    const weight = read('weight');
    weight.requiresGrad = true;
    const { paddingIdx } = fixture.meta[name]!;
    const out = ops.embedding(tensor(ids.data, { shape: ids.shape }), weight, { paddingIdx: paddingIdx ?? undefined });
    backward(out, read('upstream'));
    expect(await out.data()).toEqual(fixture.get(`${name}.out`).data);
    const gradient = await ops.densify(weight.grad as RowSparse).data();
    expectClose(gradient, fixture.get(`${name}.grad_weight`).data, 1e-5, 1e-6, `gradient in ${name}`);
  }
});

test('a frozen table records nothing', () => {
  const out = ops.embedding(tensor(Int32Array.of(0)), tensor([[1, 2]]));
  expect(out.node).toBeUndefined();
});

test('a table that is itself computed gets a dense gradient', () =>
  checkOp(
    ([weight]) => ops.embedding(tensor(Int32Array.of(1, 1, 0)), ops.mul(weight!, 3)),
    ([weight]) => {
      const out = indexSelect(weight!, 0, [1, 1, 0]);
      return { shape: out.shape, data: out.data.map((v) => 3 * v) };
    },
    { shapes: [[[4, 5]]] },
  ));

test('an id born on the GPU that is out of range gives NaN and no gradient', async () => {
  const weight = tensor([[1], [2]], { requiresGrad: true });
  const out = ops.embedding(bornOnGpu([1, 2, -1], [3]), weight);
  expect([...(await out.data())]).toEqual([2, Number.NaN, Number.NaN]);
  backward(out, tensor([[1], [1], [1]]));
  expect([...(await (weight.grad as Tensor).data())]).toEqual([0, 1]);
});

test("a module's padding row counted from the back", async () => {
  const table = new Embedding(4, 3, { paddingIdx: -1 });
  expect(table.paddingIdx).toBe(3);
  expect([...(await table.weight.data()).subarray(9)]).toEqual([0, 0, 0]);
  backward(ops.sum(table.forward(tensor(Int32Array.of(3, 0, 3)))));
  const gradient = table.weight.grad as RowSparse;
  expect([...(await ops.densify(gradient).data())]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(() => new Embedding(4, 3, { paddingIdx: -5 })).toThrow(
    'Embedding: paddingIdx must be an integer in -4..3, got -5.',
  );
});

describe('refusals', () => {
  const weight = () => tensor(new Float32Array(20), { shape: [5, 4], requiresGrad: true });
  test('an id past the table, with its place', () => {
    expect(() => ops.embedding(tensor(Int32Array.of(0, 1, 2, 5), { shape: [2, 2] }), weight())).toThrow(
      'embedding: ids must be in 0..4, got 5 at [1, 1].',
    );
  });
  test('a negative id', () => {
    expect(() => ops.embedding(tensor(Int32Array.of(0, -1)), weight())).toThrow(
      'embedding: ids must be in 0..4, got -1 at [1].',
    );
  });
  test('an id into an empty table', () => {
    expect(() => ops.embedding(tensor(Int32Array.of(0)), tensor(new Float32Array(0), { shape: [0, 4] }))).toThrow(
      'embedding: ids must be empty (there is nothing to choose from), got 0 at [0].',
    );
  });
  test('floats as ids', () => {
    expect(() => ops.embedding(tensor([1]), weight())).toThrow(
      'embedding: ids must be i32 or u32, got f32. Convert it with cast.',
    );
  });
  test('a table that is none', () => {
    expect(() => ops.embedding(tensor(Int32Array.of(0)), tensor([1]))).toThrow(
      'embedding: weight must be an f32 table [V, E], got f32 [1].',
    );
  });
  test('padding past the table', () => {
    expect(() => ops.embedding(tensor(Int32Array.of(0)), weight(), { paddingIdx: 5 })).toThrow(
      'embedding: paddingIdx must be a row of the table, -5..4, got 5.',
    );
  });
  test('too many ids born on the GPU', () => {
    const many = bornOnGpu(new Float32Array(65_537), [65_537]);
    expect(() => ops.embedding(many, weight())).toThrow(
      'embedding: the number of indices made on the GPU must be at most 65536 where a gradient is needed, got 65537. ' +
        'Make the indices with tensor(Int32Array), so that they keep host values and are sorted on the CPU.',
    );
  });
});
