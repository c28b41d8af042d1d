// Launching the elementwise kernels, in pieces where a tensor is over the binding limit. No autograd: ops build on this.
import type { Bindings, Kernel, Overrides, Params } from '../gpu/kernel.ts';
import * as shaders from '../gpu/shaders.gen.ts';
import { elementsPerBinding, stripOf, wholeVec4s } from '../gpu/strips.ts';
import { empty } from '../tensor/create.ts';
import { BYTES_PER_ELEMENT, type DType } from '../tensor/dtype.ts';
import { broadcastShapes, broadcastStrides, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { boxOf } from './box.ts';
import { repeated } from './copy-strided.ts';

/** OP of unary.wgsl and unary_backward.wgsl, in order. */
export const UNARY = [
  'neg',
  'abs',
  'exp',
  'log',
  'sqrt',
  'reciprocal',
  'square',
  'sigmoid',
  'tanh',
  'relu',
  'gelu',
  'softplus',
  'sign',
  'floor',
  'ceil',
  'sin',
  'cos',
  'affine',
  'clamp',
  'powScalar',
  'silu',
  'divScalar',
] as const;
export type UnaryName = (typeof UNARY)[number];

/** OP of lib/binary_op.wgsl, in order; the last two, slopes of `pow`, are for f32 alone. */
export const BINARY = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow', 'powerSlope', 'exponentSlope'] as const;
export type BinaryName = (typeof BINARY)[number];

/** OP of compare.wgsl, in order. */
export const COMPARE = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;
export type CompareName = (typeof COMPARE)[number];

/** Invocations of a workgroup. */
export const WORKGROUP = 64;

/** Launches a kernel whose bindings all run over the same elements, once per piece of at most the binding limit. */
export function runFlat<B extends Bindings, P extends Params, O extends Overrides>(
  label: string,
  kernel: Kernel<B, P, O>,
  tensors: Readonly<Record<keyof NoInfer<B>, Tensor>>,
  params: Omit<NoInfer<P>, 'size' | 'strip'>,
  overrides: NoInfer<O>,
): void {
  const all = Object.entries(tensors) as [string, Tensor][];
  const { device, size } = all[0]![1];
  const piece = elementsPerBinding(device);
  for (let start = 0; start < size; start += piece) {
    const count = Math.min(piece, size - start);
    const bind = Object.fromEntries(
      all.map(([name, t]) => [
        name,
        { buffer: t.view.buffer, offset: t.view.offset + start * BYTES_PER_ELEMENT, bytes: count * BYTES_PER_ELEMENT },
      ]),
    );
    // Kernels that go by strips take vec4s.
    const strip = kernel.params.some(({ name }) => name === 'strip') ? stripOf(device, count / 4) : undefined;
    device.run<Bindings, Params, Overrides>(kernel, {
      bind: strip ? Object.fromEntries(Object.entries(bind).map(([name, view]) => [name, wholeVec4s(view)])) : bind,
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

export function unary(name: UnaryName, x: Tensor, alpha = 0, beta = 0, label: string = name): Tensor {
  const y = empty(x.shape, { device: x.device, label });
  runFlat(label, shaders.unary, { x, y }, { alpha, beta }, { OP: UNARY.indexOf(name) });
  return y;
}

export function unaryBackward(name: UnaryName, saved: Tensor, dY: Tensor, alpha = 0, beta = 0): Tensor {
  const dX = empty(saved.shape, { device: saved.device, label: name });
  runFlat(name, shaders.unary_backward, { saved, d_y: dY, d_x: dX }, { alpha, beta }, { OP: UNARY.indexOf(name) });
  return dX;
}

/** `f(a, b)` with broadcasting; both of one dtype. */
export function binary(name: BinaryName, a: Tensor, b: Tensor, label: string = name): Tensor {
  const op = BINARY.indexOf(name);
  if (a.dtype === 'f32' && sameShape(a.shape, b.shape)) {
    const out = empty(a.shape, { device: a.device, label });
    runFlat(label, shaders.binary_same, { a, b, out }, {}, { OP: op });
    return out;
  }
  const kernel = shaders.binary[a.dtype];
  return launchPair(label, kernel, op, a, b, a.dtype);
}

/** 1 where the comparison holds, else 0, as u32; with broadcasting. */
export function compare(name: CompareName, a: Tensor, b: Tensor): Tensor {
  const kernel = shaders.compare[a.dtype];
  return launchPair(name, kernel, COMPARE.indexOf(name), a, b, 'u32');
}

function launchPair(label: string, kernel: Kernel, op: number, a: Tensor, b: Tensor, dtype: DType): Tensor {
  const shape = sameShape(a.shape, b.shape) ? a.shape : broadcastShapes(label, a.shape, b.shape);
  const out = empty(shape, { dtype, device: a.device, label });
  if (sameShape(a.shape, b.shape)) {
    runFlat(
      label,
      kernel,
      { a, b, out },
      { base: 0, skip_a: 0, skip_b: 0, ...flat.params },
      { OP: op, ...flat.overrides },
    );
    return out;
  }
  const box = boxOf(shape, { a: broadcastStrides(a.shape, shape), b: broadcastStrides(b.shape, shape) });
  if (!box) return launchPair(label, kernel, op, repeated(label, a, shape), repeated(label, b, shape), dtype);
  const piece = elementsPerBinding(out.device);
  for (let base = 0; base < out.size; base += piece) {
    const size = Math.min(piece, out.size - base);
    const at = base * BYTES_PER_ELEMENT;
    const part = ({ view }: Tensor) => ({ ...view, offset: view.offset + at, bytes: size * BYTES_PER_ELEMENT });
    // An operand that does not repeat advances with the result; one that does is bound whole.
    const [wholeA, wholeB] = [a, b].map((t) => !sameShape(t.shape, shape)) as [boolean, boolean];
    out.device.run(kernel, {
      bind: { a: wholeA ? a.view : part(a), b: wholeB ? b.view : part(b), out: part(out) },
      params: { size, base, skip_a: wholeA ? 0 : base, skip_b: wholeB ? 0 : base, ...box.params },
      overrides: { OP: op, ...box.overrides },
      grid: Math.ceil(size / WORKGROUP),
      label,
    });
  }
  return out;
}

// One axis of unlimited length: index and element coincide.
const flat = boxOf([2 ** 31], { a: [1], b: [1] })!;
