// What the kernels that work row by row share: the form for short and for long rows and their grid.

/** `single`: one invocation a row (shaders/lib/rows_single); `group`: one workgroup a row (rows_group). */
export type RowForm = 'single' | 'group';

/**
 * Elements from which on a row is long. A workgroup costs a software adapter some 10 µs, which is what a lone invocation needs
 * for about 1000 elements.
 */
export const LONG_ROW = 1024;

/** By shape alone, so that the order of summation does not depend on the machine. Rows that lie side by side stay single. */
export function rowForm(length: number, inner = 1): RowForm {
  return inner === 1 && length >= LONG_ROW ? 'group' : 'single';
}

/** Workgroups for so many rows. */
export function rowGrid(form: RowForm, rows: number): number {
  return form === 'single' ? Math.ceil(rows / 64) : rows;
}
