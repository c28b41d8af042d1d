// Declarative schemas of configurations: types, ranges, words, defaults; wrong and unknown keys are told with the nearest right one.
import { nearest } from '../options.ts';

/** Where a value stands, and how to refuse it; `fail` throws. */
export interface Place {
  readonly path: readonly string[];
  /** `at` says whether the key itself is wrong or the value behind it. */
  fail(path: readonly string[], message: string, at: 'key' | 'value'): never;
}

/** A line of a schema's reference. */
export interface SchemaRow {
  key: string;
  /** The words of another key that it counts for, such as `name: step, multistep`. */
  when?: string | undefined;
  expected: string;
  /** Undefined where the key is required or has no value by default. */
  default: unknown;
  required: boolean;
  doc: string;
}

/** Reads one value, or a whole section: gives it typed and with defaults filled in, or refuses. */
export interface Schema<T> {
  /** What is accepted, in words that follow "must be". */
  readonly expected: string;
  /** `undefined` where the key is missing. */
  read(value: unknown, place: Place): T;
  rows(path: readonly string[]): SchemaRow[];
}

/** The type of what a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

type Fields = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<F extends Fields> = { [K in keyof F]: undefined extends Infer<F[K]> ? K : never }[keyof F];
type Values<F extends Fields> = { [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & {
  [K in OptionalKeys<F>]?: Infer<F[K]>;
};

export interface FieldOptions<T> {
  /** What the value means, for the reference. */
  doc: string;
  /** Value of a missing key; without it the key is required. */
  default?: T;
}

/** The widest bounds are none; `above` and `below` leave the bound itself out. */
export interface NumberOptions extends FieldOptions<number> {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
}

/** A finite number within bounds. */
export function number(options: NumberOptions): Schema<number> {
  return numeric('a number', Number.isFinite, options);
}

/** An integer within bounds. */
export function integer(options: NumberOptions): Schema<number> {
  return numeric('an integer', Number.isSafeInteger, options);
}

export function boolean(options: FieldOptions<boolean>): Schema<boolean> {
  return field('true or false', (value) => typeof value === 'boolean', options);
}

/** A text that is not empty. */
export function text(options: FieldOptions<string>): Schema<string> {
  return field('a text', (value) => typeof value === 'string' && value !== '', options);
}

/** One of some words; a misspelled one is told the nearest. */
export function oneOf<const W extends string>(words: readonly W[], options: FieldOptions<W>): Schema<W> {
  const expected = words.length === 1 ? words[0]! : `one of ${words.join(', ')}`;
  return field(expected, (value) => words.includes(value as W), options, words);
}

/** A list of values that `item` accepts, of a given length or of any from 1. */
export function list<T>(
  item: Schema<T>,
  options: FieldOptions<readonly T[]> & { length?: number },
): Schema<readonly T[]> {
  const { length } = options;
  const expected = `a list of ${length ?? 'one or more'}, each ${item.expected}`;
  const isList = (value: unknown) =>
    Array.isArray(value) && (length === undefined ? value.length > 0 : value.length === length);
  return {
    ...field(expected, isList, options),
    read(value, place) {
      if (value === undefined && options.default !== undefined) return options.default;
      if (!isList(value)) return refuse(value, expected, place);
      return (value as unknown[]).map((entry, i) => item.read(entry, at(place, String(i))));
    },
  };
}

/** A list of two values that `item` accepts. */
export function pair<T>(item: Schema<T>, options: FieldOptions<readonly [T, T]>): Schema<readonly [T, T]> {
  return list(item, { ...options, length: 2 }) as unknown as Schema<readonly [T, T]>;
}

/** What either of two schemas accepts; the second one's refusal is never seen alone. */
export function either<A, B>(first: Schema<A>, second: Schema<B>, options: FieldOptions<A | B>): Schema<A | B> {
  const expected = `${first.expected}, or ${second.expected}`;
  const accepts = (value: unknown) => value !== undefined && (isAccepted(first, value) || isAccepted(second, value));
  return field<A | B>(expected, accepts, options);
}

/** A value that may be missing or empty (`null`), which is read as undefined. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return {
    expected: schema.expected,
    read: (value, place) => (value === undefined || value === null ? undefined : schema.read(value, place)),
    rows: (path) => schema.rows(path).map((row) => ({ ...row, required: false })),
  };
}

/** Tells what is wrong between the values of a section: the key at fault, and what it must be. */
export type Check<T> = (values: T) => { key: string; message: string } | undefined;

/** A group of keys; one that is missing is read as an empty one. */
export function section<F extends Fields>(fields: F, check?: Check<Values<F>>): Schema<Values<F>> {
  return {
    expected: 'a group of keys',
    read(value, place) {
      const given = keysOf(value, place);
      for (const key of Object.keys(given))
        if (!Object.hasOwn(fields, key)) unknownKey(key, Object.keys(fields), place);
      const values = readFields(fields, given, place);
      refuseWrong(values, check, place);
      return values;
    },
    rows: (path) => rowsOf(fields, path),
  };
}

export interface TaggedOptions<F extends Fields, T extends string, W extends string> {
  /** The key whose word says which other keys count. */
  tag: T;
  words: readonly W[];
  default: W;
  doc: string;
  fields: F;
  /** Keys that count for some words only; given for another with a value other than the default, they are refused. */
  only: { readonly [K in keyof F]?: readonly W[] };
  /** Keys that a word cannot do without. */
  required?: { readonly [K in W]?: readonly (keyof F & string)[] };
  /** Defaults that a word has of its own. */
  defaults?: { readonly [K in W]?: Partial<Values<F>> };
  check?: Check<{ [K in T]: W } & Values<F>>;
}

/** A group of keys of which one is a word that says which others count. */
export function tagged<F extends Fields, const T extends string, const W extends string>(
  options: TaggedOptions<F, T, W>,
): Schema<{ [K in T]: W } & Values<F>> {
  const { tag, words, fields } = options;
  const choice = oneOf(words, { doc: options.doc, default: options.default });
  const all: Fields = { [tag]: choice, ...fields };
  return {
    expected: 'a group of keys',
    read(value, place) {
      const given = keysOf(value, place);
      for (const key of Object.keys(given)) if (!Object.hasOwn(all, key)) unknownKey(key, Object.keys(all), place);
      const word = choice.read(own(given, tag), at(place, tag));
      for (const key of options.required?.[word] ?? []) {
        if (own(given, key) === undefined)
          refuse(undefined, `${fields[key]!.expected}, for ${tag} ${word}`, at(place, key));
      }
      const defaults = (options.defaults?.[word] ?? {}) as Readonly<Record<string, unknown>>;
      const values = readFields(all, { ...defaults, ...given }, place) as { [K in T]: W } & Values<F>;
      for (const [key, owners] of Object.entries<readonly W[] | undefined>(options.only)) {
        if (!owners || owners.includes(word) || isDefault(fields[key]!, values[key as keyof typeof values])) continue;
        place.fail([...place.path, key], `belongs to ${tag} ${owners.join(', ')}, not to ${word}; leave it out`, 'key');
      }
      refuseWrong(values, options.check, place);
      return values;
    },
    rows: (path) =>
      rowsOf(all, path).map((row) => {
        const key = row.key.slice(row.key.lastIndexOf('.') + 1);
        const owners = options.only[key];
        return owners ? { ...row, when: `${tag}: ${owners.join(', ')}` } : row;
      }),
  };
}

/** A value as it may stand in a message. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const json = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}

function numeric(noun: string, isNumber: (value: unknown) => boolean, options: NumberOptions): Schema<number> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, above, below } = options;
  const from = above === undefined ? (Number.isFinite(min) ? `from ${min}` : '') : `above ${above}`;
  const to = below === undefined ? (Number.isFinite(max) ? `to ${max}` : '') : `below ${below}`;
  const accepts = (value: unknown) => {
    if (!isNumber(value)) return false;
    const x = value as number;
    return x >= min && x <= max && x > (above ?? Number.NEGATIVE_INFINITY) && x < (below ?? Number.POSITIVE_INFINITY);
  };
  return field([noun, from, to].filter((part) => part !== '').join(' '), accepts, options);
}

function field<T>(
  expected: string,
  accepts: (value: unknown) => boolean,
  options: FieldOptions<T>,
  words: readonly string[] = [],
): Schema<T> {
  return {
    expected,
    read(value, place) {
      if (value === undefined && options.default !== undefined) return options.default;
      return accepts(value) ? (value as T) : refuse(value, expected, place, words);
    },
    rows: (path) => [
      {
        key: path.join('.'),
        expected,
        default: options.default,
        required: options.default === undefined,
        doc: options.doc,
      },
    ],
  };
}

function refuse(value: unknown, expected: string, place: Place, words: readonly string[] = []): never {
  if (value === undefined) return place.fail(place.path, `is required: ${expected}`, 'key');
  const near = typeof value === 'string' ? nearest(value, words) : undefined;
  const isQuoted = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
  const hint = near ? `; did you mean ${JSON.stringify(near)}?` : isQuoted ? ' as text; leave out the quotes' : '';
  return place.fail(place.path, `must be ${expected}, got ${describeValue(value)}${hint}`, 'value');
}

function unknownKey(key: string, known: readonly string[], place: Place): never {
  const near = nearest(key, known);
  const inside = place.path.length > 0 ? ` of ${JSON.stringify(place.path.join('.'))}` : '';
  const hint = near ? `did you mean ${JSON.stringify(near)}?` : `the keys are ${known.join(', ')}`;
  return place.fail([...place.path, key], `is not a key${inside}; ${hint}`, 'key');
}

function keysOf(value: unknown, place: Place): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  return place.fail(place.path, `must be a group of keys, got ${describeValue(value)}`, 'value');
}

function readFields<F extends Fields>(fields: F, given: Readonly<Record<string, unknown>>, place: Place): Values<F> {
  const values: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(fields)) {
    const value = schema.read(own(given, key), at(place, key));
    if (value !== undefined) values[key] = value;
  }
  return values as Values<F>;
}

function refuseWrong<T>(values: T, check: Check<T> | undefined, place: Place): void {
  const wrong = check?.(values);
  if (wrong) place.fail([...place.path, wrong.key], wrong.message, 'value');
}

function at(place: Place, key: string): Place {
  return { ...place, path: [...place.path, key] };
}

/** Whether a value is what a missing key gives; a configuration that was read and written out again has all of them. */
function isDefault(schema: Schema<unknown>, value: unknown): boolean {
  const fallback = schema.rows([''])[0]?.default;
  return JSON.stringify(value) === JSON.stringify(fallback);
}

function rowsOf(fields: Fields, path: readonly string[]): SchemaRow[] {
  return Object.entries(fields).flatMap(([key, schema]) => schema.rows([...path, key]));
}

function own(values: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

function isAccepted(schema: Schema<unknown>, value: unknown): boolean {
  const refused = {};
  const fail = (): never => {
    throw refused;
  };
  try {
    schema.read(value, { path: [], fail });
    return true;
  } catch (error) {
    if (error !== refused) throw error;
    return false;
  }
}
