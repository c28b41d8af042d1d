// checkOp for the executor, where every element costs a thousand times what it costs on a device: forward and backward once, at the
// smaller shapes, against the reference's values and its slope in one direction. test/check-op.ts is the whole check.
import { expect } from 'vitest';
import { add, mul } from '../../src/ops/arithmetic.ts';
import { backward } from '../../src/ops/backward.ts';
import { sum } from '../../src/ops/reduce.ts';
import { densify } from '../../src/ops/row-sparse.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import { type Shape, sizeOf } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import type { CheckOptions } from '../check-op.ts';
import { type Nd, randomNd } from '../nd.ts';

/** Elements of the inputs of a case, at most; where all of an op's cases are larger the smallest is taken. */
const LARGEST = 5_000;

const sizeOfCase = (shapes: readonly Shape[]) => shapes.reduce((n, shape) => n + sizeOf(shape), 0);

export async function checkOp(
  op: (inputs: Tensor[]) => Tensor | Tensor[],
  reference: (inputs: Nd[]) => Nd | Nd[],
  options: CheckOptions,
): Promise<void> {
  const smallest = Math.min(...options.shapes.map(sizeOfCase));
  for (const [n, shapes] of options.shapes.entries())
    if (sizeOfCase(shapes) <= Math.max(LARGEST, smallest)) await checkCase(op, reference, options, shapes, n);
}

async function checkCase(
  op: (inputs: Tensor[]) => Tensor | Tensor[],
  reference: (inputs: Nd[]) => Nd | Nd[],
  options: CheckOptions,
  shapes: readonly Shape[],
  n: number,
): Promise<void> {
  const inputs = shapes.map((shape, i) => {
    const x = randomNd(shape, 1000 * n + i + 1);
    const { data } = options.sample?.(x, i) ?? x;
    return { shape, data: data.map(Math.fround) };
  });
  const expected = [reference(inputs)].flat();
  const weights = expected.map((y, i) => randomNd(y.shape, 7000 + 10 * n + i));
  const differentiable = options.differentiable ?? true;
  const leaves = inputs.map((x, i) =>
    tensor(Float32Array.from(x.data), {
      shape: x.shape,
      requiresGrad: differentiable && !options.constants?.includes(i),
    }),
  );
  const outputs = step(() => {
    const made = [op(leaves)].flat();
    if (differentiable)
      backward(
        made
          .map((y, i) => sum(mul(y, tensor(Float32Array.from(weights[i]!.data), { shape: y.shape }))))
          .reduce((total, term) => add(total, term)),
      );
    return made;
  });
  const root = Math.sqrt(options.terms?.(shapes) ?? 1);
  for (const [i, y] of outputs.entries()) {
    const { data } = expected[i]!;
    const largest = data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const allowed = (options.atol ?? 1e-6) * root + (options.rtol ?? 1e-5) * largest;
    const got = await y.data();
    expect(got.length).toBe(data.length);
    data.forEach((v, k) => {
      if (!(Math.abs(got[k]! - v) <= allowed) && !Object.is(v, got[k]) && v !== got[k])
        expect.fail(`output ${i}: element ${k} is ${got[k]}, expected ${v}`);
    });
  }
  if (!differentiable) return;
  for (const [i, leaf] of leaves.entries()) {
    if (!leaf.requiresGrad) continue;
    const { grad } = leaf;
    if (!grad) throw new Error(`no gradient reached input ${i}`);
    const gradient = await (grad instanceof RowSparse ? densify(grad) : grad).data();
    const x = inputs[i]!;
    const direction = randomNd(x.shape, 90).data;
    const loss = (sign: number) =>
      [reference(inputs.with(i, { shape: x.shape, data: x.data.map((v, k) => v + sign * 1e-5 * direction[k]!) }))]
        .flat()
        .reduce((total, y, j) => total + y.data.reduce((s, v, k) => s + v * weights[j]!.data[k]!, 0), 0);
    const numeric = (loss(1) - loss(-1)) / 2e-5;
    const ours = direction.reduce((s, d, k) => s + d * gradient[k]!, 0);
    const size = Math.sqrt(direction.reduce((s, d, k) => s + (d * gradient[k]!) ** 2, 0));
    if (
      !(Math.abs(ours - numeric) <= 5 * (options.gradientTolerance ?? 1e-4) * Math.max(Math.abs(numeric), size, 1e-2))
    )
      expect.fail(`gradient of input ${i}: the slope is ${ours}, that of the reference ${numeric}`);
  }
}
