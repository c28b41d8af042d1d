// Elementwise ops with their gradients; two-operand ones broadcast by NumPy's rule, take plain numbers and promote as PyTorch:
// an integer tensor beside a float tensor, or a number with a fraction, counts as f32.
import { type Gradient, record, setAccumulate } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { full } from '../tensor/create.ts';
import type { DType } from '../tensor/dtype.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  type BinaryName,
  binary,
  type CompareName,
  castTo,
  compare,
  type UnaryName,
  unary,
  unaryBackward,
} from './pointwise.ts';
import { commonDtype, holds, type Operand, operandAs } from './promotion.ts';
import { sumTo } from './reduce.ts';
import { densify } from './row-sparse.ts';
import { choose } from './where.ts';

/** Ops whose slope is cheapest from the result; the others are from the argument. */
const SAVES_RESULT: ReadonlySet<UnaryName> = new Set(['exp', 'sqrt', 'reciprocal', 'sigmoid', 'tanh']);

/** Ops that are whole for integers. */
const OF_INTEGERS: Partial<Record<UnaryName, (x: Tensor) => Tensor>> = {
  neg: (x) => binary('sub', scalar(0, x), x),
  abs: (x) => binary('maximum', x, x.dtype === 'i32' ? binary('sub', scalar(0, x), x) : x),
  square: (x) => binary('mul', x, x),
  relu: (x) => binary('maximum', x, scalar(0, x)),
  sign: (x) => binary('minimum', x.dtype === 'i32' ? binary('maximum', x, scalar(-1, x)) : x, scalar(1, x)),
  floor: (x) => castTo(x, x.dtype),
  ceil: (x) => castTo(x, x.dtype),
};

function scalar(value: number, { dtype, device }: Tensor): Tensor {
  return full([], value, { dtype, device });
}

function differentiable(name: UnaryName, x: Tensor, alpha = 0, beta = 0, op: string = name): Tensor {
  const whole = x.dtype === 'f32' ? undefined : OF_INTEGERS[name];
  if (whole) return whole(x);
  if (x.dtype !== 'f32') refuse(op, 'x', 'f32', x.dtype);
  const y = unary(name, x, alpha, beta, op);
  record(op, [x], [y], ([dY]) => [unaryBackward(name, SAVES_RESULT.has(name) ? y : x, dY!, alpha, beta)]);
  return y;
}

export const neg = (x: Tensor): Tensor => differentiable('neg', x);
export const abs = (x: Tensor): Tensor => differentiable('abs', x);
export const exp = (x: Tensor): Tensor => differentiable('exp', x);
/** Natural logarithm. */
export const log = (x: Tensor): Tensor => differentiable('log', x);
export const sqrt = (x: Tensor): Tensor => differentiable('sqrt', x);
export const reciprocal = (x: Tensor): Tensor => differentiable('reciprocal', x);
export const square = (x: Tensor): Tensor => differentiable('square', x);
export const sigmoid = (x: Tensor): Tensor => differentiable('sigmoid', x);
export const tanh = (x: Tensor): Tensor => differentiable('tanh', x);
export const relu = (x: Tensor): Tensor => differentiable('relu', x);
/** `x · Φ(x)`, by erf (`torch.nn.functional.gelu`, approximate='none'). */
export const gelu = (x: Tensor): Tensor => differentiable('gelu', x);
/** `x · σ(x)`. */
export const silu = (x: Tensor): Tensor => differentiable('silu', x);
/** `log(1 + exp(x))`. */
export const softplus = (x: Tensor): Tensor => differentiable('softplus', x);
export const sign = (x: Tensor): Tensor => differentiable('sign', x);
export const floor = (x: Tensor): Tensor => differentiable('floor', x);
export const ceil = (x: Tensor): Tensor => differentiable('ceil', x);
export const sin = (x: Tensor): Tensor => differentiable('sin', x);
export const cos = (x: Tensor): Tensor => differentiable('cos', x);

/** `x` limited to `min..max` (`torch.clamp`); all of it is `max` where `min` is larger. */
export function clamp(x: Tensor, min: number, max: number): Tensor {
  if (Number.isNaN(min) || Number.isNaN(max)) refuse('clamp', 'min and max', 'numbers', `${min} and ${max}`);
  const dtype = commonDtype('clamp', 'min and max', [x, min, max]);
  if (dtype !== 'f32') return minimum(maximum(x, min), max);
  return differentiable('clamp', operandAs(x, dtype, x), min, max);
}

/** `a + b`. */
export function add(a: Tensor, b: Operand): Tensor {
  return withNumber('add', a, b, (x, n) => ['affine', x, 1, n]) ?? pair('add', a, b, (dOut) => [dOut, dOut]);
}

/** `a - b`. */
export function sub(a: Tensor, b: Operand): Tensor {
  return (
    withNumber('sub', a, b, (x, n) => ['affine', x, 1, -n]) ??
    pair('sub', a, b, (dOut, _a, _b, needs) => [dOut, needs[1] ? unary('neg', dOut) : undefined])
  );
}

/** `a · b`, element by element. */
export function mul(a: Tensor, b: Operand): Tensor {
  // Adding -0 keeps the sign of a product that is 0.
  return (
    withNumber('mul', a, b, (x, n) => ['affine', x, n, -0]) ??
    pair('mul', a, b, (dOut, x, y, needs) => [
      needs[0] ? binary('mul', dOut, y) : undefined,
      needs[1] ? binary('mul', dOut, x) : undefined,
    ])
  );
}

/** `a / b`, in f32 for integers too. */
export function div(a: Tensor, b: Operand): Tensor {
  const x = operandAs(a, 'f32', a);
  if (typeof b === 'number') return differentiable('divScalar', x, b, 0, 'div');
  return pair('div', x, b, (dOut, p, q, needs) => [
    needs[0] ? binary('div', dOut, q) : undefined,
    needs[1] ? unary('neg', binary('div', binary('mul', dOut, p), unary('square', q))) : undefined,
  ]);
}

/**
 * `a` to the power `b` (`torch.pow`), with C's special values: NaN for a negative base and an exponent with a fraction, ±∞ for
 * a negative power of 0, 1 for the power 0 of anything. Integers stay integers and wrap at 32 bits.
 */
export function pow(a: Tensor, b: Operand): Tensor {
  if (typeof b === 'number' && b < 0 && Number.isInteger(b) && a.dtype !== 'f32')
    refuse('pow', 'b', `at least 0 for the base ${a.dtype}`, b, "Convert the base with cast(a, 'f32').");
  return (
    withNumber('pow', a, b, (x, n) => ['powScalar', x, n, 0]) ??
    pair('pow', a, b, (dOut, x, y, needs) => [
      // No part in the result has no gradient, not even NaN times 0.
      needs[0]
        ? choose('where', compare('eq', y, scalar(0, y)), scalar(0, y), binary('mul', dOut, binary('powerSlope', x, y)))
        : undefined,
      needs[1] ? binary('mul', dOut, binary('exponentSlope', x, y)) : undefined,
    ])
  );
}

/** The larger of `a` and `b`; at a tie both get half the gradient (`torch.maximum`). */
export const maximum = (a: Tensor, b: Operand): Tensor => pair('maximum', a, b, larger('lt'));
/** The smaller of `a` and `b`; at a tie both get half the gradient (`torch.minimum`). */
export const minimum = (a: Tensor, b: Operand): Tensor => pair('minimum', a, b, larger('gt'));

export const eq = (a: Tensor, b: Operand): Tensor => compared('eq', a, b);
export const ne = (a: Tensor, b: Operand): Tensor => compared('ne', a, b);
export const lt = (a: Tensor, b: Operand): Tensor => compared('lt', a, b);
export const le = (a: Tensor, b: Operand): Tensor => compared('le', a, b);
export const gt = (a: Tensor, b: Operand): Tensor => compared('gt', a, b);
/** 1 where `a >= b`, else 0, as u32. */
export const ge = (a: Tensor, b: Operand): Tensor => compared('ge', a, b);

type PairBackward = (
  dOut: Tensor,
  a: Tensor,
  b: Tensor,
  needs: readonly boolean[],
) => readonly [Tensor | undefined, Tensor | undefined];

/** The op of a tensor and a number as one of a single argument; undefined where it is none, or one of integers. */
function withNumber(
  op: string,
  a: Tensor,
  b: Operand,
  form: (x: Tensor, b: number) => [name: UnaryName, x: Tensor, alpha: number, beta: number],
): Tensor | undefined {
  if (typeof b !== 'number' || commonDtype(op, 'b', [a, b]) !== 'f32') return undefined;
  return differentiable(...form(operandAs(a, 'f32', a), b), op);
}

function pair(name: BinaryName, a: Tensor, b: Operand, backward: PairBackward): Tensor {
  const dtype = commonDtype(name, 'the operands', [a, b]);
  const [x, y] = [operandAs(a, dtype, a), operandAs(b, dtype, a)];
  const out = binary(name, x, y);
  record(name, [x, y], [out], ([dOut], needs) => {
    const [dX, dY] = backward(dOut!, x, y, needs);
    return [needs[0] && dX ? sumTo(dX, x.shape) : undefined, needs[1] && dY ? sumTo(dY, y.shape) : undefined];
  });
  return out;
}

/** Nothing to whom the other beats, half at a tie; beside a NaN, which neither beats nor ties, all to both. */
function larger(loses: 'lt' | 'gt'): PairBackward {
  const share = (dOut: Tensor, x: Tensor, y: Tensor) => {
    const zero = full([], 0, { device: dOut.device });
    const won = choose('where', compare('eq', x, y), unary('affine', dOut, 0.5), dOut);
    return choose('where', compare(loses, x, y), zero, won);
  };
  return (dOut, a, b, needs) => [needs[0] ? share(dOut, a, b) : undefined, needs[1] ? share(dOut, b, a) : undefined];
}

function compared(name: CompareName, a: Tensor, b: Operand): Tensor {
  // Past every integer of the dtype, a number compares as what is past all of them.
  if (typeof b === 'number' && Number.isInteger(b) && a.dtype !== 'f32' && !holds(a.dtype, b))
    return compared(name, castTo(a, 'f32'), Math.sign(b) * 1e38);
  const dtype = commonDtype(name, 'the operands', [a, b]);
  return compare(name, operandAs(a, dtype, a), operandAs(b, dtype, a));
}

/** The same numbers as another dtype; floats are cut towards zero. Integers carry no gradient. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return castTo(x, dtype);
}

setAccumulate((a: Gradient, b: Gradient): Gradient => {
  const [x, y] = [a, b].map((g) => (g instanceof RowSparse ? densify(g) : g)) as [Tensor, Tensor];
  return binary('add', x, y, 'accumulate');
});
