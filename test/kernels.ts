// All kernels by name: those of shaders/, and what the rows of the elementwise ops make of its templates.
import { Kernel } from '../src/gpu/kernel.ts';
import * as shaders from '../src/gpu/shaders.gen.ts';
import * as texels from '../src/gpu/shaders-texel.gen.ts';
import { binaryKernel, compareKernel, sameKernel, unaryBackwardKernel, unaryKernel } from '../src/ops/pointwise.ts';
import * as rows from '../src/ops/rows.ts';

const DTYPES = ['f32', 'i32', 'u32'] as const;
const COMPARISONS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
/** Rows that are launched for f32 alone. */
const OF_FLOATS = ['div', 'powerSlope', 'exponentSlope'];

const embedded = Object.values({ ...shaders, ...texels })
  .flatMap((one: Kernel | Record<string, Kernel>) => (one instanceof Kernel ? one : Object.values(one)))
  .filter(({ code }) => !code.includes('$'));

function made(row: rows.UnaryRow | rows.BinaryRow): Kernel[] {
  if (row[2] !== undefined) return [unaryKernel(row), unaryBackwardKernel(row)];
  const [name] = row;
  if (COMPARISONS.includes(name)) return DTYPES.map((dtype) => compareKernel(dtype, row));
  const dtypes = OF_FLOATS.includes(name) ? (['f32'] as const) : DTYPES;
  return [sameKernel(row), ...dtypes.map((dtype) => binaryKernel(dtype, row))];
}

export const KERNELS: Readonly<Record<string, Kernel>> = Object.fromEntries(
  [...embedded, ...Object.values(rows).flatMap(made)].map((one) => [one.name, one]),
);
