// Arithmetic and comparisons of two operands with their gradients: they broadcast by NumPy's rule, take plain numbers and promote
// as PyTorch: an integer tensor beside a float tensor, or a number with a fraction, counts as f32.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { full } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { binary, castTo, compare, pointwise, unary } from './pointwise.ts';
import { commonDtype, holds, type Operand, operandAs } from './promotion.ts';
import { sumTo } from './reduce.ts';
import * as rows from './rows.ts';
import { choose } from './where.ts';

/** `x` limited to `min..max` (`torch.clamp`); all of it is `max` where `min` is larger. */
export function clamp(x: Tensor, min: number, max: number): Tensor {
  if (Number.isNaN(min) || Number.isNaN(max)) refuse('clamp', 'min and max', 'numbers', `${min} and ${max}`);
  const dtype = commonDtype('clamp', 'min and max', [x, min, max]);
  if (dtype !== 'f32') return minimum(maximum(x, min), max);
  return pointwise(rows.clamp, operandAs(x, dtype, x), { alpha: min, beta: max });
}

/** `a + b`. */
export function add(a: Tensor, b: Operand): Tensor {
  return withNumber('add', a, b, (x, n) => [rows.affine, x, 1, n]) ?? pair(rows.add, a, b, (dOut) => [dOut, dOut]);
}

/** `a - b`. */
export function sub(a: Tensor, b: Operand): Tensor {
  return (
    withNumber('sub', a, b, (x, n) => [rows.affine, x, 1, -n]) ??
    pair(rows.sub, a, b, (dOut, _a, _b, needs) => [dOut, needs[1] ? unary(rows.neg, dOut) : undefined])
  );
}

/** `a · b`, element by element. */
export function mul(a: Tensor, b: Operand): Tensor {
  // Adding -0 keeps the sign of a product that is 0.
  return (
    withNumber('mul', a, b, (x, n) => [rows.affine, x, n, -0]) ??
    pair(rows.mul, a, b, (dOut, x, y, needs) => [
      needs[0] ? binary(rows.mul, dOut, y) : undefined,
      needs[1] ? binary(rows.mul, dOut, x) : undefined,
    ])
  );
}

/** `a / b`, in f32 for integers too. */
export function div(a: Tensor, b: Operand): Tensor {
  const x = operandAs(a, 'f32', a);
  if (typeof b === 'number') return pointwise(rows.divScalar, x, { alpha: b, op: 'div' });
  return pair(rows.div, x, b, (dOut, p, q, needs) => [
    needs[0] ? binary(rows.div, dOut, q) : undefined,
    needs[1] ? unary(rows.neg, binary(rows.div, binary(rows.mul, dOut, p), unary(rows.square, q))) : undefined,
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
    withNumber('pow', a, b, (x, n) => [rows.powScalar, x, n, 0]) ??
    pair(rows.pow, a, b, (dOut, x, y, needs) => [
      // No part in the result has no gradient, not even NaN times 0.
      needs[0]
        ? choose('where', compare(rows.eq, y, zero(y)), zero(y), binary(rows.mul, dOut, binary(rows.powerSlope, x, y)))
        : undefined,
      needs[1] ? binary(rows.mul, dOut, binary(rows.exponentSlope, x, y)) : undefined,
    ])
  );
}

/** The larger of `a` and `b`; at a tie both get half the gradient (`torch.maximum`). */
export const maximum = (a: Tensor, b: Operand): Tensor => pair(rows.maximum, a, b, larger(rows.lt));
/** The smaller of `a` and `b`; at a tie both get half the gradient (`torch.minimum`). */
export const minimum = (a: Tensor, b: Operand): Tensor => pair(rows.minimum, a, b, larger(rows.gt));

export const eq = (a: Tensor, b: Operand): Tensor => compared(rows.eq, a, b);
export const ne = (a: Tensor, b: Operand): Tensor => compared(rows.ne, a, b);
export const lt = (a: Tensor, b: Operand): Tensor => compared(rows.lt, a, b);
export const le = (a: Tensor, b: Operand): Tensor => compared(rows.le, a, b);
export const gt = (a: Tensor, b: Operand): Tensor => compared(rows.gt, a, b);
/** 1 where `a >= b`, else 0, as u32. */
export const ge = (a: Tensor, b: Operand): Tensor => compared(rows.ge, a, b);

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
  form: (x: Tensor, b: number) => [row: rows.UnaryRow, x: Tensor, alpha: number, beta: number],
): Tensor | undefined {
  if (typeof b !== 'number' || commonDtype(op, 'b', [a, b]) !== 'f32') return undefined;
  const [row, x, alpha, beta] = form(operandAs(a, 'f32', a), b);
  return pointwise(row, x, { alpha, beta, op });
}

const zero = ({ device }: Tensor) => full([], 0, { device });

function pair(row: rows.BinaryRow, a: Tensor, b: Operand, backward: PairBackward): Tensor {
  const [name] = row;
  const dtype = commonDtype(name, 'the operands', [a, b]);
  const [x, y] = [operandAs(a, dtype, a), operandAs(b, dtype, a)];
  const out = binary(row, x, y);
  record(name, [x, y], [out], ([dOut], needs) => {
    const [dX, dY] = backward(dOut!, x, y, needs);
    return [needs[0] && dX ? sumTo(dX, x.shape) : undefined, needs[1] && dY ? sumTo(dY, y.shape) : undefined];
  });
  return out;
}

/** Nothing to whom the other beats, half at a tie; beside a NaN, which neither beats nor ties, all to both. */
function larger(loses: rows.BinaryRow): PairBackward {
  const share = (dOut: Tensor, x: Tensor, y: Tensor) => {
    const won = choose('where', compare(rows.eq, x, y), unary(rows.affine, dOut, 0.5), dOut);
    return choose('where', compare(loses, x, y), zero(dOut), won);
  };
  return (dOut, a, b, needs) => [needs[0] ? share(dOut, a, b) : undefined, needs[1] ? share(dOut, b, a) : undefined];
}

function compared(row: rows.BinaryRow, a: Tensor, b: Operand): Tensor {
  // Past every integer of the dtype, a number compares as what is past all of them.
  if (typeof b === 'number' && Number.isInteger(b) && a.dtype !== 'f32' && !holds(a.dtype, b))
    return compared(row, castTo(a, 'f32'), Math.sign(b) * 1e38);
  const dtype = commonDtype(row[0], 'the operands', [a, b]);
  return compare(row, operandAs(a, dtype, a), operandAs(b, dtype, a));
}
