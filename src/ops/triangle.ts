// The lower and the upper triangle of matrices.
import { refuse } from '../check.ts';
import { arange } from '../tensor/create.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { ge, le } from './arithmetic.ts';
import { where } from './where.ts';

/** The last two axes' elements up to the `diagonal`-th diagonal, above it 0 (`torch.tril`). */
export const tril = (x: Tensor, diagonal = 0): Tensor => triangle('tril', x, diagonal, le);

/** The last two axes' elements from the `diagonal`-th diagonal on, below it 0 (`torch.triu`). */
export const triu = (x: Tensor, diagonal = 0): Tensor => triangle('triu', x, diagonal, ge);

function triangle(op: string, x: Tensor, diagonal: number, holds: typeof le): Tensor {
  if (x.rank < 2 || !Number.isInteger(diagonal))
    refuse(
      op,
      'x and diagonal',
      'a tensor of at least two axes and a whole number',
      `${formatShape(x.shape)} and ${diagonal}`,
    );
  const [height, width] = x.shape.slice(-2) as [number, number];
  const { device } = x;
  const row = arange(diagonal, diagonal + height, 1, { dtype: 'i32', device });
  const column = arange(0, width, 1, { dtype: 'i32', device });
  return where(holds(column, row.viewAs([height, 1])), x, 0);
}
