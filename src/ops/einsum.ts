// Einstein's summation, composed of permutations and one batched product for every further operand.
import { refuse } from '../check.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul } from './arithmetic.ts';
import { permute, reshape } from './layout.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';

/** A tensor whose axes have letters. */
interface Lettered {
  x: Tensor;
  letters: string[];
}

/**
 * Sums of products over named axes: `einsum('bij,bjk->bik', a, b)` (`torch.einsum`). Letters that the result does not name are summed;
 * without `->` it names those that occur once, in order of the alphabet. Operands are taken from left to right. No ellipsis, and no letter
 * twice in one operand. f32 only.
 */
export function einsum(equation: string, ...operands: Tensor[]): Tensor {
  const [inputs, output] = parse(equation, operands);
  const lettered = operands.map((x, i) => ({ x, letters: inputs[i]! }));
  const needed = (from: number) => new Set([...output, ...inputs.slice(from).flat()]);
  const first = summed(lettered[0]!, needed(1));
  const total = lettered
    .slice(1)
    .reduce((a, b, i) => product(a, summed(b, new Set([...a.letters, ...needed(i + 2)])), needed(i + 2)), first);
  return ordered(total, output);
}

/** Without the letters that nobody needs. */
function summed({ x, letters }: Lettered, needed: ReadonlySet<string>): Lettered {
  const dims = letters.flatMap((letter, i) => (needed.has(letter) ? [] : [i]));
  return dims.length === 0 ? { x, letters } : { x: sum(x, dims), letters: letters.filter((l) => needed.has(l)) };
}

/** Letters of both that are still needed are the batch, those of both that are not are summed, the others stay. */
function product(a: Lettered, b: Lettered, needed: ReadonlySet<string>): Lettered {
  const common = a.letters.filter((l) => b.letters.includes(l));
  const batch = common.filter((l) => needed.has(l));
  const inner = common.filter((l) => !needed.has(l));
  const [left, right] = [a, b].map(({ letters }) => letters.filter((l) => !common.includes(l))) as [string[], string[]];
  const size = (of: Lettered, letters: string[]) => letters.map((l) => of.x.shape[of.letters.indexOf(l)]!);
  const count = (of: Lettered, letters: string[]) => size(of, letters).reduce((n, m) => n * m, 1);
  const sides = [count(a, batch), count(a, left), count(a, inner), count(b, right)] as const;
  const p = reshape(ordered(a, [...batch, ...left, ...inner]), [sides[0], sides[1], sides[2]]);
  const q = reshape(ordered(b, [...batch, ...inner, ...right]), [sides[0], sides[2], sides[3]]);
  const shape = [...size(a, batch), ...size(a, left), ...size(b, right)];
  const x = inner.length === 0 ? mul(p, q) : matmul(p, q);
  return { x: reshape(x, shape), letters: [...batch, ...left, ...right] };
}

function ordered({ x, letters }: Lettered, wanted: string[]): Tensor {
  return wanted.every((l, i) => l === letters[i])
    ? x
    : permute(
        x,
        wanted.map((l) => letters.indexOf(l)),
      );
}

function parse(equation: string, operands: readonly Tensor[]): [inputs: string[][], output: string[]] {
  const bad = (expected: string, actual = `'${equation}'`): never => refuse('einsum', 'equation', expected, actual);
  const match = /^([a-z]*(?:,[a-z]*)*)(?:->([a-z]*))?$/i.exec(equation.replaceAll(' ', ''));
  if (!match) return bad("letters for each operand's axes and, after ->, for the result's, as in 'ij,jk->ik'");
  const inputs = match[1]!.split(',').map((letters) => [...letters]);
  if (inputs.length !== operands.length) bad(`of ${operands.length} operands`);
  const all = inputs.flat();
  const once = all.filter((letter, i) => all.indexOf(letter) === i && all.lastIndexOf(letter) === i);
  const output = match[2] === undefined ? once.sort() : [...match[2]];
  if ([...inputs, output].some((letters) => new Set(letters).size !== letters.length))
    bad('without a letter twice in one operand or in the result');
  if (output.some((letter) => !all.includes(letter))) bad('one whose result has letters of the operands only');
  const sizes = new Map<string, number>();
  for (const [n, { shape }] of operands.entries()) {
    const letters = inputs[n]!;
    if (shape.length !== letters.length)
      bad(`one with ${shape.length} letters for operand ${n}, ${formatShape(shape)}`);
    for (const [axis, letter] of letters.entries()) {
      const size = sizes.get(letter) ?? shape[axis]!;
      if (size !== shape[axis]) bad(`one whose letter ${letter} has one length`, `${size} and ${shape[axis]}`);
      sizes.set(letter, size);
    }
  }
  return [inputs, output];
}
