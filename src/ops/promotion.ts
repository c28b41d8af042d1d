// The dtype in which operands meet: PyTorch's promotion. Floats win over integers, whether tensors or numbers with a fraction.
import { refuse } from '../check.ts';
import { full } from '../tensor/create.ts';
import { type DType, INTEGER_RANGE } from '../tensor/dtype.ts';
import { Tensor } from '../tensor/tensor.ts';
import { castTo } from './pointwise.ts';

export type Operand = Tensor | number;

/** Whether `value` is a whole number that an integer dtype holds. */
export function holds(dtype: 'i32' | 'u32', value: number): boolean {
  const [least, most] = INTEGER_RANGE[dtype];
  return Number.isInteger(value) && value >= least && value <= most;
}

/** f32 where there is a float tensor or a number with a fraction, or no tensor at all; else the dtype of the integer tensors. */
export function commonDtype(op: string, argument: string, operands: readonly Operand[]): DType {
  const dtypes = new Set(operands.flatMap((x) => (x instanceof Tensor ? [x.dtype] : [])));
  const numbers = operands.filter((x) => typeof x === 'number');
  if (dtypes.size === 0 || dtypes.has('f32') || !numbers.every(Number.isInteger)) return 'f32';
  const [dtype, second] = dtypes as Set<'i32' | 'u32'>;
  if (second)
    refuse(
      op,
      argument,
      'of one integer dtype',
      operands.map((x) => (x instanceof Tensor ? x.dtype : String(x))).join(' and '),
      'Convert one with cast.',
    );
  for (const value of numbers)
    if (!holds(dtype!, value))
      refuse(
        op,
        argument,
        `a number that ${dtype} holds, ${INTEGER_RANGE[dtype!].join('..')}`,
        value,
        'Convert the tensor with cast first.',
      );
  return dtype!;
}

/** An operand as a tensor of `dtype`; a number as a scalar. */
export function operandAs(x: Operand, dtype: DType, { device }: Pick<Tensor, 'device'>): Tensor {
  if (typeof x === 'number') return full([], x, { dtype, device });
  return x.dtype === dtype ? x : castTo(x, dtype);
}
