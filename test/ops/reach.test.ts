// Ops composed of others, and order: values and gradients of PyTorch's (test/fixtures/cases/reach.py).
import { expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import * as ops from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const fixture = await loadFixture('reach.safetensors');
const NUMBERS: Record<string, number> = { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY };

test.each(Object.keys(fixture.meta).filter((name) => fixture.meta[name]!.op))('%s', async (name) => {
  const { op, call, given, constants, outputs } = fixture.meta[name]!;
  const leaves = Object.fromEntries(
    (given as string[]).map((key) => [key, leaf(`${name}.${key}`, !constants.includes(key))]),
  );
  const filled = (value: unknown): unknown => {
    if (typeof value !== 'string') return value;
    return value.startsWith('$') ? leaves[value.slice(1)] : (NUMBERS[value] ?? value);
  };
  const results = step(() => {
    const run = (ops as unknown as Record<string, (...args: unknown[]) => Tensor | Record<string, Tensor>>)[op]!;
    const made = run(...(call as unknown[]).map(filled));
    const list = made instanceof Tensor ? [made] : Object.values(made);
    const terms = list.flatMap((y, i) =>
      fixture.has(`${name}.up${i}`) ? ops.sum(ops.mul(y, leaf(`${name}.up${i}`, false))) : [],
    );
    if (terms.length > 0) backward(terms.reduce((a, b) => ops.add(a, b)));
    return list;
  });
  expect(results.length).toBe(outputs);
  for (const [i, y] of results.entries()) await expectAs(y, `${name}.out${i}`);
  for (const [key, x] of Object.entries(leaves))
    if (fixture.has(`${name}.grad_${key}`)) await expectAs(x.grad as Tensor, `${name}.grad_${key}`);
});

function leaf(name: string, requiresGrad: boolean): Tensor {
  const { shape, data } = stored(name);
  return tensor(data, { shape, requiresGrad: requiresGrad && data instanceof Float32Array });
}

function stored(name: string) {
  try {
    return fixture.get(name);
  } catch {
    return fixture.ints(name);
  }
}

/** Equal integers and special values; floats that are close beside the largest of them. */
async function expectAs(got: Tensor, name: string): Promise<void> {
  const { shape, data } = stored(name);
  expect(got.shape, `shape of ${name}`).toEqual(shape);
  expect(got.dtype === 'f32', name).toBe(data instanceof Float32Array);
  const values = [...(await got.data())];
  const special = (v: number) => (Number.isFinite(v) ? 0 : v);
  expect(values.map(special), name).toEqual([...data].map(special));
  const finite = (list: ArrayLike<number>) => Array.from(list, (v) => (Number.isFinite(v) ? v : 0));
  const exact = data instanceof Int32Array;
  expectClose(finite(values), finite(data), exact ? 0 : 1e-5, exact ? 0 : 1e-6, name);
}
