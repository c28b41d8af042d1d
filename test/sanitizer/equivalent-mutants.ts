// Mutants that no test could find: they make the same kernel, or one that differs only in what nobody can see.
export interface EquivalentMutant {
  readonly file: string;
  readonly text: string;
  readonly change: string;
  readonly why: string;
}

export const EQUIVALENT: readonly EquivalentMutant[] = [];
