// The elementwise kernels: made of a row, launched, through windows where a tensor is over the binding limit. No autograd but `pointwise`'s.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { type Bindings, type Kernel, type Overrides, type Params, variantOf } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { stripOf, wholeVec4s } from '../gpu/strips.ts';
import { empty } from '../tensor/create.ts';
import type { DType } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { windows } from '../tensor/windows.ts';
import { boxOf } from './box.ts';
import { repeated } from './copy-strided.ts';
import type { BinaryRow, UnaryRow } from './rows.ts';

/** Invocations of a workgroup. */
export const WORKGROUP = 64;

/** Launches a kernel whose bindings all run over the same elements, once a window. */
export function runFlat<B extends Bindings, P extends Params, O extends Overrides>(
  label: string,
  kernel: Kernel<B, P, O>,
  tensors: Readonly<Record<keyof NoInfer<B>, Tensor>>,
  params: Omit<NoInfer<P>, 'size' | 'strip'>,
  overrides: NoInfer<O>,
): void {
  const { device, size } = Object.values<Tensor>(tensors)[0]!;
  for (const { count, views } of windows<Record<string, Tensor>>(size, tensors)) {
    // Kernels that go by strips take vec4s.
    const strip = kernel.params.some(({ name }) => name === 'strip') ? stripOf(device, count / 4) : undefined;
    device.run<Bindings, Params, Overrides>(kernel, {
      bind: strip ? Object.fromEntries(Object.entries(views).map(([name, view]) => [name, wholeVec4s(view)])) : views,
      params: { ...params, size: count, ...(strip && { strip }) },
      overrides,
      grid: strip ? Math.ceil(Math.ceil(count / 4) / (WORKGROUP * strip)) : Math.ceil(count / WORKGROUP),
      label,
    });
  }
}

/** The same numbers as another dtype; floats are cut towards zero. No gradient. */
export function castTo(x: Tensor, dtype: DType): Tensor {
  const out = empty(x.shape, { dtype, device: x.device, label: 'cast' });
  runFlat('cast', shaders.cast[`${x.dtype}_${dtype}`], { x, out }, {}, {});
  return out;
}

/** Whether the gradient of an op follows from its result. */
const savesResult = ([, , dX]: UnaryRow): boolean => /\by\b/.test(dX);

/** A template with a row's expressions in it, and the library that these need: `grid`, which is there anyhow, where none is told. */
function filled<B extends Bindings, P extends Params, O extends Overrides>(
  template: Kernel<B, P, O>,
  [name, , , libs = {}]: UnaryRow | BinaryRow,
  values: Readonly<Record<string, string>>,
): Kernel<B, P, O> {
  return variantOf(template, name, { ...values, helper: Object.keys(libs)[0] ?? 'grid' }, libs);
}

// What the rows make of the kernels.
export const unaryKernel = (row: UnaryRow) => filled(shaders.unary, row, { value: row[1] });
export const unaryBackwardKernel = (row: UnaryRow) =>
  filled(shaders.unary_backward, row, { name: savesResult(row) ? 'y' : 'v', gradient: row[2] });
export const sameKernel = (row: BinaryRow) => filled(shaders.binary_same, row, { value: row[1] });
export const binaryKernel = (dtype: DType, row: BinaryRow) =>
  dtype === 'f32'
    ? filled(shaders.binary.f32, row, { value: row[1] })
    : variantOf(shaders.binary[dtype], row[0], { value: row[1], helper: 'grid' });
export const compareKernel = (dtype: DType, [name, value]: BinaryRow) =>
  variantOf(shaders.compare[dtype], name, { value });

export function unary(row: UnaryRow, x: Tensor, alpha = 0, beta = 0, label = row[0]): Tensor {
  const y = empty(x.shape, { device: x.device, label });
  runFlat(label, unaryKernel(row), { x, y }, { alpha, beta }, {});
  return y;
}

/** `saved` is the argument of the op, or its result: see `savesResult`. */
export function unaryBackward(row: UnaryRow, saved: Tensor, dY: Tensor, alpha = 0, beta = 0): Tensor {
  const dX = empty(saved.shape, { device: saved.device, label: row[0] });
  runFlat(row[0], unaryBackwardKernel(row), { saved, d_y: dY, d_x: dX }, { alpha, beta }, {});
  return dX;
}

/** The op of a row, with its gradient, on f32 (`torch`'s unary ops). `whole` is its form for integers; without one they are refused. */
export function pointwise(
  row: UnaryRow,
  x: Tensor,
  options: { alpha?: number; beta?: number; op?: string; whole?: (x: Tensor) => Tensor } = {},
): Tensor {
  const { alpha, beta, op = row[0], whole } = options;
  if (whole && x.dtype !== 'f32') return whole(x);
  if (x.dtype !== 'f32') refuse(op, 'x', 'f32', x.dtype);
  const y = unary(row, x, alpha, beta, op);
  record(op, [x], [y], ([dY]) => [unaryBackward(row, savesResult(row) ? y : x, dY!, alpha, beta)]);
  return y;
}

/** `f(a, b)` with broadcasting; both of one dtype. */
export function binary(row: BinaryRow, a: Tensor, b: Tensor, label = row[0]): Tensor {
  if (a.dtype !== 'f32' || !sameShape(a.shape, b.shape))
    return launchPair(label, binaryKernel(a.dtype, row), a, b, a.dtype);
  const out = empty(a.shape, { device: a.device, label });
  runFlat(label, sameKernel(row), { a, b, out }, {}, {});
  return out;
}

/** 1 where the comparison holds, else 0, as u32; with broadcasting. */
export function compare(row: BinaryRow, a: Tensor, b: Tensor): Tensor {
  return launchPair(row[0], compareKernel(a.dtype, row), a, b, 'u32');
}

function launchPair(label: string, kernel: Kernel, a: Tensor, b: Tensor, dtype: DType): Tensor {
  const shape = sameShape(a.shape, b.shape) ? a.shape : broadcastShapes(label, a.shape, b.shape);
  const out = empty(shape, { dtype, device: a.device, label });
  if (sameShape(a.shape, b.shape)) {
    runFlat(label, kernel, { a, b, out }, { base: 0, base_a: 0, base_b: 0, ...flat.params }, flat.overrides);
    return out;
  }
  const box = boxOf(shape, { a: broadcastStrides(a.shape, shape), b: broadcastStrides(b.shape, shape) });
  if (!box) return launchPair(label, kernel, repeated(label, a, shape), repeated(label, b, shape), dtype);
  // An operand that does not repeat advances with the result; one that does is bound whole.
  const [repeatsA, repeatsB] = [a, b].map((t) => !sameShape(t.shape, shape)) as [boolean, boolean];
  const cut = { a: repeatsA ? undefined : a, b: repeatsB ? undefined : b, out };
  for (const { base, count, views } of windows(out.size, cut))
    out.device.run(kernel, {
      bind: { a: views.a ?? a.view, b: views.b ?? b.view, out: views.out },
      params: { size: count, base, base_a: repeatsA ? 0 : base, base_b: repeatsB ? 0 : base, ...box.params },
      overrides: box.overrides,
      grid: Math.ceil(count / WORKGROUP),
      label,
    });
  return out;
}

// One axis of unlimited length: index and element coincide.
const flat = boxOf([2 ** 31], { a: [1], b: [1] })!;
