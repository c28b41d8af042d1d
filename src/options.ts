// Options of functions and classes: their defaults, and the word that was probably meant where one is not known. A leaf that anyone may use.
import { refuse } from './check.ts';

/** What `optionsOf` makes of options `T`: those with a default are there. */
type Resolved<T, D> = {
  [K in keyof T]-?: K extends keyof D ? (undefined extends D[K] ? T[K] | undefined : Exclude<T[K], undefined>) : never;
};

/**
 * The options given, with defaults where there are none. `defaults` names every option there is: any other is refused, with the
 * nearest right one.
 */
export function optionsOf<T extends object, D extends { readonly [K in Extract<keyof T, string>]: T[K] | undefined }>(
  op: string,
  given: T,
  defaults: D,
): Resolved<T, D> {
  const known = Object.keys(defaults);
  if (typeof given !== 'object' || given === null || Symbol.iterator in given)
    refuse(op, 'options', `an object with some of ${known.join(', ')}`, Array.isArray(given) ? 'an array' : given);
  const values: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    const near = key in values ? undefined : nearest(key, known);
    if (!(key in values))
      refuse(op, 'options', `among ${known.join(', ')}`, `"${key}"`, near && `Did you mean "${near}"?`);
    if (value !== undefined) values[key] = value;
  }
  return values as Resolved<T, D>;
}

/** The word of `known` nearest to `word`, if it is near enough to be what was meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    // learningRate and learning_rate are lr.
    const distance = initials(word) === candidate ? 0 : editDistance(bare(word), bare(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, changes and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = last[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? beforeLast[j - 2]! + 1 : change;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, change, swap));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

const bare = (word: string) => word.toLowerCase().replaceAll('_', '');
const initials = (word: string) =>
  word
    .split(/_|(?=[A-Z])/)
    .map((part) => part.slice(0, 1).toLowerCase())
    .join('');
