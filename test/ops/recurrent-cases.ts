// The shapes at which each recurrent op is checked, and how a case's list of tensors is read.
import { describe } from 'vitest';
import type { Tuning } from '../../src/gpu/tuning.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Nd } from '../nd.ts';
import type { ReferenceWeights } from '../reference/recurrent.ts';
import { tuned } from '../tuned.ts';

export interface Case {
  name: string;
  B: number;
  T: number;
  I: number;
  H: number;
  D: 1 | 2;
  bias?: boolean;
  lengths?: number[];
}

export const CASES: Case[] = [
  { name: 'one of everything', B: 1, T: 1, I: 1, H: 1, D: 1 },
  { name: 'odd sizes', B: 3, T: 4, I: 5, H: 7, D: 1 },
  { name: 'both directions', B: 5, T: 3, I: 2, H: 6, D: 2 },
  { name: 'without bias', B: 2, T: 3, I: 3, H: 5, D: 2, bias: false },
  { name: 'ragged, both directions', B: 5, T: 6, I: 3, H: 5, D: 2, lengths: [6, 1, 4, 0, 3] },
  { name: 'ragged, one direction', B: 3, T: 5, I: 3, H: 4, D: 1, lengths: [2, 5, 3] },
  { name: 'whole quads of units', B: 3, T: 4, I: 4, H: 8, D: 2, lengths: [2, 4, 1] },
  { name: 'more units than a workgroup', B: 2, T: 2, I: 3, H: 70, D: 2 },
  { name: 'units that are no multiple of 8', B: 2, T: 3, I: 4, H: 12, D: 1 },
  { name: 'more rows than a tile', B: 37, T: 2, I: 2, H: 9, D: 2 },
];

type Form = [name: string, changes: Partial<Tuning>, cases: readonly Case[]];

/** Both forms by the adapter's own method at all shapes. */
const OWN: Form[] = [
  ['step', { recurrentForm: 'step' }, CASES],
  ['scan', { recurrentForm: 'scan' }, CASES],
];
const STORED = { recurrentForm: 'scan', localStates: false } as const;
/** The method of all other adapters, and the scan that hands its states on in storage, at one shape: they compile slowly on the CPU. */
const OTHERS: Form[] = [
  ['step, plain', { recurrentForm: 'step', recurrentLanes: 0 }, CASES.slice(4, 5)],
  ['scan, plain', { recurrentForm: 'scan', recurrentLanes: 0 }, CASES.slice(4, 5)],
  ['scan, plain, through storage', { ...STORED, recurrentLanes: 0 }, CASES.slice(4, 5)],
];
/** Where the plain kernels are the adapter's own: beside rows that end, units over a workgroup and rows over a tile; all by hand. */
const PLAIN: Form[] = [
  ['scan, through storage', STORED, process.env.WEFT_ALL_CASES ? CASES : [CASES[4]!, CASES[7]!, CASES[9]!]],
];

/** Declares the tests of `fn` once per form; it is given the cases to be checked in it. */
export function everyForm(fn: (cases: readonly Case[]) => void): void {
  const plain = ['gpu', 'portable'].includes(process.env.WEFT_KERNELS ?? '');
  describe.each([...OWN, ...(plain ? PLAIN : OTHERS)])('%s', (_, changes, cases) => {
    tuned(changes);
    fn(cases);
  });
}

/** Declares the tests of `fn` once per form, by the adapter's own method. */
export function bothForms(fn: () => void): void {
  describe.each(['step', 'scan'] as const)('%s', (form) => {
    tuned({ recurrentForm: form });
    fn();
  });
}

/** Shapes in the order x, initial states, then per direction weightIh, weightHh, biasIh, biasHh. */
export function shapesOf({ B, T, I, H, D, bias = true }: Case, gates: number, states: number): Shape[] {
  const perDirection = [[gates * H, I], [gates * H, H], ...(bias ? [[gates * H], [gates * H]] : [])];
  return [
    [B, T, I],
    ...Array.from({ length: states }, () => [D, B, H]),
    ...Array.from({ length: D }, () => perDirection).flat(),
  ];
}

export function weightsOf<T>(
  inputs: readonly T[],
  states: number,
  { D, bias = true }: Case,
): { weightIh: T; weightHh: T; biasIh?: T; biasHh?: T }[] {
  const per = bias ? 4 : 2;
  return Array.from({ length: D }, (_, d) => {
    const [weightIh, weightHh, biasIh, biasHh] = inputs.slice(1 + states + d * per, 1 + states + (d + 1) * per);
    return bias
      ? { weightIh: weightIh!, weightHh: weightHh!, biasIh: biasIh!, biasHh: biasHh! }
      : { weightIh: weightIh!, weightHh: weightHh! };
  });
}

export type { Nd, ReferenceWeights };
