// checkOp: an op against a float64 reference of its forward pass. Gradients are held against central differences of the reference, so
// nobody writes a reference backward. A small case of each call is run again with NaN, infinities, -0 and a subnormal number among its
// inputs and upstream gradients.

import { add, mul } from '../ops/arithmetic.ts';
import { backward } from '../ops/backward.ts';
import { sum } from '../ops/reduce.ts';
import { densify } from '../ops/row-sparse.ts';
import { tensor } from '../tensor/create.ts';
import { step } from '../tensor/scope.ts';
import { formatShape, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { RowSparse } from '../tensor/tensor.ts';
import { expectClose, fail } from './close.ts';
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

/** Most elements that the inputs of a case with special values have together. */
const SPECIAL_ELEMENTS = 64;

/**
 * Holds `op` against `reference`, which does the same in float64 on plain arrays: values, gradients by central differences, gradients
 * added up over two backward passes, special values. Inputs are uniform in [-1, 1), the same in every run. Needs a default device
 * (`init`). Throws WeftError that names the case, the element, what was got and expected.
 */
export async function checkOp(op: Op, reference: Reference, options: CheckOptions): Promise<void> {
  for (const [n, shapes] of options.shapes.entries()) await checkCase(op, reference, shapes, n, options);
  const small = options.shapes.findIndex((shapes) => {
    const sizes = shapes.map(sizeOf);
    return sizes.every((size) => size > 0) && sizes.reduce((a, b) => a + b, 0) <= SPECIAL_ELEMENTS;
  });
  if (small >= 0) await checkSpecials(op, reference, options.shapes[small]!, small, options);
}

const SPECIALS = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-40];

/**
 * Each input in turn with a special value in its middle: every element of the outputs is what the reference has it, in doubles, or
 * with 0 for the subnormal number. Then the upstream gradient: NaN and infinity reach every input that moves that output.
 */
async function checkSpecials(
  op: Op,
  reference: Reference,
  shapes: readonly Shape[],
  n: number,
  options: CheckOptions,
): Promise<void> {
  const inputs = inputsOf(shapes, n, options);
  const where = shapes.map(formatShape).join(' ');
  for (const [i, x] of inputs.entries()) {
    // Of many inputs each has NaN and one of the others.
    const chosen = inputs.length <= 2 ? SPECIALS : [Number.NaN, SPECIALS[1 + (i % 4)]!];
    for (const special of chosen) {
      const place = x.data.length >> 1;
      const changed = (value: number) => inputs.with(i, { shape: x.shape, data: x.data.with(place, value) });
      const allowed = [special, special * 0].map((value) => list(reference(changed(value))));
      const leaves = changed(special).map(({ shape, data }) => tensor(Float32Array.from(data), { shape }));
      const outputs = step(() => list(op(leaves)));
      for (const [k, y] of outputs.entries()) {
        const got = await y.data();
        for (const [at, v] of got.entries()) {
          const expected = allowed.map((one) => Math.fround(one[k]!.data[at]!));
          if (!expected.some((e) => isSame(v, e)))
            fail(
              `output ${k} for ${where} with input ${i} = ${special}: element ${at} is ${v}, expected ${expected[0]}`,
            );
        }
        if (leaves.every((leaf) => leaf.storage !== y.storage)) y.dispose();
      }
      for (const leaf of leaves) leaf.dispose();
    }
  }
  if (options.differentiable ?? true) await checkUpstream(op, reference, inputs, where, options);
}

async function checkUpstream(
  op: Op,
  reference: Reference,
  inputs: Nd[],
  where: string,
  options: CheckOptions,
): Promise<void> {
  const middle = (xs: Nd[]) => {
    const y = list(reference(xs))[0]!;
    return y.data[y.data.length >> 1]!;
  };
  if (list(reference(inputs))[0]!.data.length === 0) return;
  for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const leaves = inputs.map(({ shape, data }, i) =>
      tensor(Float32Array.from(data), { shape, requiresGrad: !options.constants?.includes(i) }),
    );
    for (const y of step(() => {
      const outputs = list(op(leaves));
      const weights = outputs.map(({ shape }) => ({ shape, data: new Float64Array(sizeOf(shape)).fill(1) }));
      weights[0]!.data[weights[0]!.data.length >> 1] = special;
      backward(weightedSum(outputs, weights));
      return outputs;
    }))
      if (leaves.every((leaf) => leaf.storage !== y.storage)) y.dispose();
    for (const [i, got] of (await gradients(leaves)).entries()) {
      if (!got) continue;
      const { shape, data } = inputs[i]!;
      for (const [at, g] of got.entries()) {
        const moved = (by: number) => middle(inputs.with(i, { shape, data: data.with(at, data[at]! + by) }));
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        if (Math.abs(slope) > 1e-3 && (Number.isNaN(special) ? !Number.isNaN(g) : Number.isFinite(g)))
          fail(
            `gradient of input ${i} for ${where} with the upstream gradient ${special}: element ${at} is ${g}, and the slope there ${slope}`,
          );
      }
    }
    for (const leaf of leaves) {
      leaf.grad?.dispose();
      leaf.dispose();
    }
  }
}

/** Equal infinities, both NaN, or numbers that agree in their first digits: how many is not the point here. */
function isSame(a: number, b: number): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Object.is(a, b);
  return Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(b));
}

function inputsOf(shapes: readonly Shape[], n: number, options: CheckOptions): Nd[] {
  return shapes.map((shape, i) =>
    rounded(options.sample?.(randomNd(shape, 1000 * n + i + 1), i) ?? randomNd(shape, 1000 * n + i + 1)),
  );
}

async function checkCase(
  op: Op,
  reference: Reference,
  shapes: readonly Shape[],
  n: number,
  options: CheckOptions,
): Promise<void> {
  const where = shapes.map(formatShape).join(' ');
  const inputs = inputsOf(shapes, n, options);
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
    const [got, wanted] = [y, expected[i]!].map(({ shape }) => formatShape(shape));
    if (got !== wanted) fail(`the shape of output ${i} for ${where} is ${got}, expected ${wanted}`);
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
      fail(
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
    if (!grad) return fail(`no gradient reached an input of shape ${formatShape(leaf.shape)}`);
    const dense = grad instanceof RowSparse ? densify(grad) : grad;
    out.push(Float64Array.from(await dense.data()));
    if (dense !== grad) dense.dispose();
  }
  return out;
}

function list<T>(x: T | T[]): T[] {
  return Array.isArray(x) ? x : [x];
}

function rounded(x: Nd): Nd {
  return { shape: x.shape, data: x.data.map(Math.fround) };
}
