// Elementwise ops with their gradients; two-operand ones broadcast by NumPy's rule and take plain numbers.
import { type Gradient, record, setAccumulate } from '../autograd/tape.ts';
import { ArgumentError } from '../errors.ts';
import { full } from '../tensor/create.ts';
import type { DType } from '../tensor/dtype.ts';
import { RowSparse } from '../tensor/row-sparse.ts';
import { Tensor } from '../tensor/tensor.ts';
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
import { sumTo } from './reduce.ts';
import { densify } from './row-sparse.ts';

type Operand = Tensor | number;

/** Ops whose slope is cheapest from the result; the others are from the argument. */
const SAVES_RESULT: ReadonlySet<UnaryName> = new Set(['exp', 'sqrt', 'reciprocal', 'sigmoid', 'tanh']);

function differentiable(name: UnaryName, x: Tensor, alpha = 0, beta = 0, op: string = name): Tensor {
  if (x.dtype !== 'f32') throw new ArgumentError({ op, argument: 'x', expected: 'f32', actual: x.dtype });
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

/** `x` limited to `min..max` (`torch.clamp`). */
export function clamp(x: Tensor, min: number, max: number): Tensor {
  if (!(min <= max))
    throw new ArgumentError({ op: 'clamp', argument: 'min', expected: `at most max = ${max}`, actual: String(min) });
  return differentiable('clamp', x, Math.max(min, -3.4e38), Math.min(max, 3.4e38));
}

/** `a + b`. */
export function add(a: Tensor, b: Operand): Tensor {
  if (typeof b === 'number' && a.dtype === 'f32') return differentiable('affine', a, 1, b, 'add');
  return pair('add', a, b, (dOut) => [dOut, dOut]);
}

/** `a - b`. */
export function sub(a: Tensor, b: Operand): Tensor {
  if (typeof b === 'number' && a.dtype === 'f32') return differentiable('affine', a, 1, -b, 'sub');
  return pair('sub', a, b, (dOut, _a, _b, needs) => [dOut, needs[1] ? unary('neg', dOut) : undefined]);
}

/** `a · b`, element by element. */
export function mul(a: Tensor, b: Operand): Tensor {
  if (typeof b === 'number' && a.dtype === 'f32') return differentiable('affine', a, b, 0, 'mul');
  return pair('mul', a, b, (dOut, x, y, needs) => [
    needs[0] ? binary('mul', dOut, y) : undefined,
    needs[1] ? binary('mul', dOut, x) : undefined,
  ]);
}

/** `a / b`. Division by zero follows WGSL, which promises neither infinity nor NaN. */
export function div(a: Tensor, b: Operand): Tensor {
  if (typeof b === 'number' && a.dtype === 'f32') return differentiable('affine', a, 1 / b, 0, 'div');
  return pair('div', a, b, (dOut, x, y, needs) => [
    needs[0] ? binary('div', dOut, y) : undefined,
    needs[1] ? unary('neg', binary('div', binary('mul', dOut, x), unary('square', y))) : undefined,
  ]);
}

/** `a` to the power `b`. A negative base takes whole exponents only. */
export function pow(a: Tensor, b: Operand): Tensor {
  if (typeof b === 'number' && a.dtype === 'f32') return differentiable('powScalar', a, b, 0, 'pow');
  return pair('pow', a, b, (dOut, x, y, needs, out) => [
    needs[0] ? binary('mul', dOut, binary('mul', y, binary('pow', x, unary('affine', y, 1, -1)))) : undefined,
    needs[1] ? binary('mul', dOut, binary('mul', out, unary('log', x))) : undefined,
  ]);
}

/** The larger of `a` and `b`; at a tie both get half the gradient (`torch.maximum`). */
export const maximum = (a: Tensor, b: Operand): Tensor => pair('maximum', a, b, larger('gt'));
/** The smaller of `a` and `b`; at a tie both get half the gradient (`torch.minimum`). */
export const minimum = (a: Tensor, b: Operand): Tensor => pair('minimum', a, b, larger('lt'));

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
  out: Tensor,
) => readonly [Tensor | undefined, Tensor | undefined];

function pair(name: BinaryName, a: Tensor, b: Operand, backward: PairBackward): Tensor {
  const other = operand(name, a, b);
  const out = binary(name, a, other);
  record(name, [a, other], [out], ([dOut], needs) => {
    const [dA, dB] = backward(dOut!, a, other, needs, out);
    return [needs[0] && dA ? sumTo(dA, a.shape) : undefined, needs[1] && dB ? sumTo(dB, other.shape) : undefined];
  });
  return out;
}

function larger(wins: 'gt' | 'lt'): PairBackward {
  const loses = wins === 'gt' ? 'lt' : 'gt';
  // (1 + [a wins] - [b wins]) / 2: 1, 0, or one half at a tie
  const share = (x: Tensor, y: Tensor) =>
    unary('affine', binary('sub', asFloat(compare(wins, x, y)), asFloat(compare(loses, x, y))), 0.5, 0.5);
  return (dOut, a, b, needs) => [
    needs[0] ? binary('mul', dOut, share(a, b)) : undefined,
    needs[1] ? binary('mul', dOut, share(b, a)) : undefined,
  ];
}

function compared(name: CompareName, a: Tensor, b: Operand): Tensor {
  return compare(name, a, operand(name, a, b));
}

function operand(op: string, a: Tensor, b: Operand): Tensor {
  const other = b instanceof Tensor ? b : full([], b, { dtype: a.dtype, device: a.device });
  if (other.dtype !== a.dtype)
    throw new ArgumentError({
      op,
      argument: 'the operands',
      expected: 'of one dtype',
      actual: `${a.dtype} and ${other.dtype}`,
      remedy: 'Convert one with cast.',
    });
  return other;
}

function asFloat(mask: Tensor): Tensor {
  return castTo(mask, 'f32');
}

/** The same numbers as another dtype; floats are cut towards zero. Integers carry no gradient. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return castTo(x, dtype);
}

setAccumulate((a: Gradient, b: Gradient): Gradient => {
  const [x, y] = [a, b].map((g) => (g instanceof RowSparse ? densify(g) : g)) as [Tensor, Tensor];
  return binary('add', x, y, 'accumulate');
});
