// Matrix products: batched, either operand transposed, with bias and activation in the epilogue.
import { record } from '../autograd/tape.ts';
import { refuse } from '../check.ts';
import { broadcastShapes, formatShape, type Shape, sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gemm } from './gemm.ts';
import { type Activation, matrixOf } from './gemm-product.ts';
import { reshape } from './layout.ts';
import { unaryBackward } from './pointwise.ts';
import { broadcastTo, sumTo } from './reduce.ts';
import { gelu, relu, sigmoid, tanh } from './rows.ts';

export interface MatmulOptions {
  /** Use the last two axes of `a` in exchanged order. */
  transposeA?: boolean;
  /** Use the last two axes of `b` in exchanged order. */
  transposeB?: boolean;
  /** `[N]`, added to every row. */
  bias?: Tensor | undefined;
  activation?: Activation;
}

/**
 * `a · b` over the last two axes: `[…, M, K] · […, K, N] → […, M, N]`; leading axes broadcast, a one-dimensional operand is
 * a row or a column (`torch.matmul`). With `bias` and `activation`: `act(a · b + bias)`.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  if (a.rank === 0 || b.rank === 0)
    refuse('matmul', 'the operands', 'of at least one axis', `${formatShape(a.shape)} and ${formatShape(b.shape)}`);
  const left = a.rank === 1 ? reshape(a, [1, a.size]) : a;
  const right = b.rank === 1 ? reshape(b, [b.size, 1]) : b;
  const batch = broadcastShapes('matmul', left.shape.slice(0, -2), right.shape.slice(0, -2));
  const { transposeA = false, transposeB = false, bias, activation = 'none' } = options;
  const [m, k] = dims(left, transposeA);
  const [kb, n] = dims(right, transposeB);
  if (k !== kb)
    refuse(
      'matmul',
      'the inner dimensions',
      'equal',
      `${k} and ${kb} (shapes ${formatShape(a.shape)}${transposeA ? ' transposed' : ''} and ${formatShape(b.shape)}${transposeB ? ' transposed' : ''})`,
    );
  if (a.dtype !== 'f32' || b.dtype !== 'f32') refuse('matmul', 'the operands', 'f32', `${a.dtype} and ${b.dtype}`);
  if (bias && !sameShape(bias.shape, [n])) refuse('matmul', 'bias', `[N] = [${n}]`, formatShape(bias.shape));
  const out = product(left, right, batch, options).viewAs(trimmed([...batch, m, n], a.rank === 1, b.rank === 1));
  record('matmul', bias ? [left, right, bias] : [left, right], [out], ([dOut], needs) => {
    const dRaw = dOut!.viewAs([...batch, m, n]);
    const d =
      activation === 'none' ? dRaw : activationBackward(activation, out.viewAs(dRaw.shape), dRaw, left, right, options);
    return [
      needs[0] ? sumTo(gradientOfA(d, left, right, batch, transposeA, transposeB), left.shape) : undefined,
      needs[1] ? sumTo(gradientOfB(d, left, right, batch, transposeA, transposeB), right.shape) : undefined,
      needs[2] ? sumTo(d, [n]) : undefined,
    ];
  });
  return out;
}

/** `x · weightᵀ + bias` with `weight` `[N, K]`, as `torch.nn.functional.linear`. Leading axes of `x` are rows. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor, activation: Activation = 'none'): Tensor {
  if (weight.rank !== 2 || x.rank < 1 || x.shape.at(-1) !== weight.shape[1])
    refuse('linear', 'weight', `[N, ${x.shape.at(-1)}] for x ${formatShape(x.shape)}`, formatShape(weight.shape));
  const rows = reshape(x, [-1, weight.shape[1]!]);
  return reshape(matmul(rows, weight, { transposeB: true, bias, activation }), [
    ...x.shape.slice(0, -1),
    weight.shape[0]!,
  ]);
}

function dims(x: Tensor, transposed: boolean): [number, number] {
  const [rows, columns] = [x.shape.at(-2)!, x.shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}

/** Rows and columns that stood for one-dimensional operands leave the result's shape. */
function trimmed(shape: number[], row: boolean, column: boolean): number[] {
  const out = shape.slice(0, -2);
  if (!row) out.push(shape.at(-2)!);
  if (!column) out.push(shape.at(-1)!);
  return out;
}

function product(
  a: Tensor,
  b: Tensor,
  batch: Shape,
  { transposeA = false, transposeB = false, bias, activation = 'none' }: MatmulOptions,
): Tensor {
  const [m, k] = dims(a, transposeA);
  const n = dims(b, transposeB)[1];
  return gemm({
    a: matrixOf(spread(a, batch), transposeA),
    b: matrixOf(spread(b, batch), transposeB),
    m,
    n,
    k,
    batch: sizeOf(batch),
    bias,
    activation,
    label: 'matmul',
  });
}

/** One matrix for the whole batch stays one; a partly repeated stack is written out. */
function spread(x: Tensor, batch: Shape): Tensor {
  const matrix = x.shape.slice(-2);
  return sizeOf(x.shape.slice(0, -2)) === 1 ? x : broadcastTo(x, [...batch, ...matrix]);
}

function gradientOfA(d: Tensor, a: Tensor, b: Tensor, batch: Shape, transposeA: boolean, transposeB: boolean): Tensor {
  const out = transposeA
    ? product(b, d, batch, { transposeA: transposeB, transposeB: true })
    : product(d, b, batch, { transposeB: !transposeB });
  return out.viewAs([...batch, ...a.shape.slice(-2)]);
}

function gradientOfB(d: Tensor, a: Tensor, b: Tensor, batch: Shape, transposeA: boolean, transposeB: boolean): Tensor {
  const out = transposeB
    ? product(d, a, batch, { transposeA: true, transposeB: transposeA })
    : product(a, d, batch, { transposeA: !transposeA });
  return out.viewAs([...batch, ...b.shape.slice(-2)]);
}

/** relu, tanh and sigmoid follow from the result; gelu needs its argument, which is computed again rather than kept. */
function activationBackward(
  activation: Exclude<Activation, 'none'>,
  out: Tensor,
  dOut: Tensor,
  a: Tensor,
  b: Tensor,
  options: MatmulOptions,
): Tensor {
  if (activation !== 'gelu') return unaryBackward({ relu, sigmoid, tanh }[activation], out, dOut);
  const batch = broadcastShapes('matmul', a.shape.slice(0, -2), b.shape.slice(0, -2));
  return unaryBackward(gelu, product(a, b, batch, { ...options, activation: 'none' }).viewAs(dOut.shape), dOut);
}
