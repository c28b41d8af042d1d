// Refusing arguments: one sentence for all of weft, and the checks that several parts have in common.
import { ArgumentError } from './errors.ts';

/** Throws ArgumentError: "op: argument must be expected, got actual. remedy". */
export function refuse(op: string, argument: string, expected: string, actual: unknown, remedy?: string): never {
  throw new ArgumentError({ op, argument, expected, actual: `${actual}`, ...(remedy !== undefined && { remedy }) });
}

/** What a value is, in the words of a refusal. */
export function describe(value: unknown): string {
  return value instanceof Object ? `a ${value.constructor.name}` : `${value}`;
}

export interface NumberRange {
  integer?: boolean;
  min?: number;
  max?: number;
  /** Excluded lower bound. */
  above?: number;
  /** Excluded upper bound. */
  below?: number;
}

/** Throws ArgumentError unless `value` is a finite number within `range`. */
export function checkNumber(op: string, argument: string, value: unknown, range: NumberRange = {}): void {
  const { integer = false, min, max, above, below } = range;
  const fits =
    typeof value === 'number' &&
    (integer ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    !(min !== undefined && value < min) &&
    !(max !== undefined && value > max) &&
    !(above !== undefined && value <= above) &&
    !(below !== undefined && value >= below);
  if (fits) return;
  const bounds = [
    min === undefined ? '' : ` >= ${min}`,
    above === undefined ? '' : ` > ${above}`,
    max === undefined ? '' : ` <= ${max}`,
    below === undefined ? '' : ` < ${below}`,
  ];
  const kind = integer ? 'an integer' : 'a finite number';
  refuse(op, argument, `${kind}${bounds.filter((bound) => bound !== '').join(' and')}`, value);
}

/** Throws ArgumentError unless `value` is true or false. */
export function checkBoolean(op: string, argument: string, value: unknown): void {
  if (typeof value !== 'boolean') refuse(op, argument, 'true or false', value);
}

/** Throws ArgumentError unless `value` is one of `words`. */
export function checkWord(op: string, argument: string, value: unknown, words: readonly string[]): void {
  if (!words.includes(value as string))
    refuse(op, argument, words.map((word) => `'${word}'`).join(' or '), `'${value}'`);
}
