// checkOp: an op against a float64 reference of its forward pass. Gradients are held against central differences of the
// reference, so nobody writes a reference backward.
import { expect } from 'vitest';
import { backward } from '../src/autograd/tape.ts';
import { add, mul } from '../src/ops/elementwise.ts';
import { sum } from '../src/ops/reduce.ts';
import { densify } from '../src/ops/row-sparse.ts';
import { tensor } from '../src/tensor/create.ts';
import { RowSparse } from '../src/tensor/row-sparse.ts';
import { step } from '../src/tensor/scope.ts';
import { formatShape, type Shape } from '../src/tensor/shape.ts';
import type { Tensor } from '../src/tensor/tensor.ts';
import { type Nd, randomNd } from './nd.ts';

export interface CheckOptions {
  /** One list of input shapes per case. */
  shapes: readonly (readonly Shape[])[];
  /** Changes the uniform [-1, 1) samples of an input before they are used (positive, away from kinks, …). */
  sample?: (x: Nd, input: number) => Nd;
  /** Relative and absolute tolerance of the forward pass; the absolute one grows with the root of `terms`. */
  rtol?: number;
  atol?: number;
  /** Terms of the longest sum in the op. */
  terms?: (shapes: readonly Shape[]) => number;
  /** Relative tolerance of gradients. */
  gradientTolerance?: number;
  /** Inputs without a gradient. */
  constants?: readonly number[];
  /** False for ops without a gradient. */
  differentiable?: boolean;
}

type Op = (inputs: Tensor[]) => Tensor | Tensor[];
type Reference = (inputs: Nd[]) => Nd | Nd[];

const FULL_JACOBIAN = 200;
const DIRECTIONS = 3;

export async function checkOp(op: Op, reference: Reference, options: CheckOptions): Promise<void> {
  for (const [n, shapes] of options.shapes.entries()) await checkCase(op, reference, shapes, n, options);
}

async function checkCase(
  op: Op,
  reference: Reference,
  shapes: readonly Shape[],
  n: number,
  options: CheckOptions,
): Promise<void> {
  const where = shapes.map(formatShape).join(' ');
  const inputs = shapes.map((shape, i) =>
    rounded(options.sample?.(randomNd(shape, 1000 * n + i + 1), i) ?? randomNd(shape, 1000 * n + i + 1)),
  );
  const expected = list(reference(inputs));
  const weights = expected.map((y, i) => randomNd(y.shape, 7000 + 10 * n + i));
  const differentiable = options.differentiable ?? true;
  const variable = inputs.map((_, i) => differentiable && !options.constants?.includes(i));

  const leaves = inputs.map((x, i) =>
    tensor(Float32Array.from(x.data), { shape: x.shape, requiresGrad: variable[i]! }),
  );
  const run = () =>
    step(() => {
      const outputs = list(op(leaves));
      if (differentiable) backward(weightedSum(outputs, weights));
      return outputs;
    });
  // An output may be a view of an input (reshape), which is still needed.
  const drop = (y: Tensor) => leaves.every((leaf) => leaf.storage !== y.storage) && y.dispose();
  const outputs = run();
  const root = Math.sqrt(options.terms?.(shapes) ?? 1);
  for (const [i, y] of outputs.entries()) {
    expect(y.shape, `shape of output ${i} for ${where}`).toEqual([...expected[i]!.shape]);
    expectClose(
      await y.data(),
      expected[i]!.data,
      options.rtol ?? 1e-5,
      (options.atol ?? 1e-6) * root,
      `output ${i} for ${where}`,
    );
    drop(y);
  }
  if (!differentiable) return;

  const first = await gradients(leaves);
  const loss = (xs: Nd[]) =>
    list(reference(xs)).reduce((sum, y, i) => sum + y.data.reduce((s, v, k) => s + v * weights[i]!.data[k]!, 0), 0);
  const tolerance = options.gradientTolerance ?? 1e-4;
  inputs.forEach((x, i) => {
    if (variable[i])
      checkGradient(
        inputs,
        i,
        first[i]!,
        loss,
        tolerance,
        `gradient of input ${i} for ${where}`,
        x.data.length <= FULL_JACOBIAN,
      );
  });
  for (const y of run()) drop(y);
  const second = await gradients(leaves);
  first.forEach((g, i) => {
    if (g)
      expectClose(
        second[i]!,
        g.map((v) => 2 * v),
        1e-5,
        1e-6,
        `gradient of input ${i} accumulated twice for ${where}`,
      );
  });
  for (const leaf of leaves) {
    leaf.grad?.dispose();
    leaf.dispose();
  }
}

function weightedSum(outputs: readonly Tensor[], weights: readonly Nd[]): Tensor {
  return outputs
    .map((y, i) => sum(mul(y, tensor(Float32Array.from(weights[i]!.data), { shape: y.shape }))))
    .reduce((total, term) => add(total, term));
}

function checkGradient(
  inputs: Nd[],
  which: number,
  got: Float64Array,
  loss: (xs: Nd[]) => number,
  tolerance: number,
  what: string,
  full: boolean,
): void {
  const x = inputs[which]!;
  const along = (direction: Float64Array) => {
    const eps = 1e-5;
    const moved = (sign: number) =>
      inputs.with(which, { shape: x.shape, data: x.data.map((v, k) => v + sign * eps * direction[k]!) });
    return (loss(moved(1)) - loss(moved(-1))) / (2 * eps);
  };
  const size = x.data.length;
  const directions = full
    ? Array.from({ length: size }, (_, k) => new Float64Array(size).fill(0).fill(1, k, k + 1))
    : Array.from({ length: DIRECTIONS }, (_, k) => randomNd([size], 90 + k).data);
  const numeric = Float64Array.from(directions, along);
  const ours = Float64Array.from(directions, (d) => d.reduce((sum, v, k) => sum + v * got[k]!, 0));
  const scale = Math.max(
    ...numeric.map(Math.abs),
    full ? 0 : Math.sqrt(size) * Math.max(...got.map(Math.abs), 0),
    1e-3,
  );
  for (let k = 0; k < numeric.length; k++) {
    const error = Math.abs(ours[k]! - numeric[k]!);
    if (!(error <= tolerance * scale))
      expect.fail(
        `${what}: ${full ? `element ${k}` : `direction ${k}`} is ${ours[k]}, central difference ${numeric[k]} (scale ${scale})`,
      );
  }
}

async function gradients(leaves: readonly Tensor[]): Promise<Float64Array[]> {
  const out: Float64Array[] = [];
  for (const leaf of leaves) {
    if (!leaf.requiresGrad) {
      out.push(undefined as unknown as Float64Array);
      continue;
    }
    const grad = leaf.grad;
    if (!grad) throw new Error(`no gradient reached an input of shape ${formatShape(leaf.shape)}`);
    const dense = grad instanceof RowSparse ? densify(grad) : grad;
    out.push(Float64Array.from(await dense.data()));
    if (dense !== grad) dense.dispose();
  }
  return out;
}

/** Fails with the worst element unless `|got - expected| <= atol + rtol * max|expected|` everywhere. */
export function expectClose(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  rtol: number,
  atol: number,
  what: string,
): void {
  expect(got.length, `length of ${what}`).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  let worst = -1;
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    const e = Math.abs(got[i]! - expected[i]!);
    if (!(e <= error)) {
      error = e;
      worst = i;
    }
  }
  const allowed = atol + rtol * largest;
  if (!(error <= allowed))
    expect.fail(
      `${what}: element ${worst} is ${got[worst]}, expected ${expected[worst]} (off by ${error}, allowed ${allowed})`,
    );
}

function list<T>(x: T | T[]): T[] {
  return Array.isArray(x) ? x : [x];
}

function rounded(x: Nd): Nd {
  return { shape: x.shape, data: x.data.map(Math.fround) };
}
