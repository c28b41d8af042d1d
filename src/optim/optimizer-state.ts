// Reading a saved state of an optimiser: everything is checked before anything is changed.
import { checkNumber, describe, refuse } from '../check.ts';
import type { TypedArray } from '../tensor/dtype.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { JsonValue } from './lr-scheduler.ts';
import type { ParamGroup, Rule } from './optimizer.ts';

type JsonObject = { [key: string]: JsonValue | undefined };

/** State of one parameter. */
export interface LoadedEntry {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, TypedArray>;
}

/** The options for each of `own` groups and the state by parameter number. Throws ArgumentError where they do not fit. */
export function readState<Group extends ParamGroup>(
  rule: Rule<Group>,
  own: readonly Group[],
  state: unknown,
  get: (name: string) => TypedArray,
): { groups: JsonObject[]; entries: Map<number, LoadedEntry> } {
  const { type } = rule;
  const saved = objectAt(type, 'state', state);
  if (saved.type !== type) refuse(type, 'state', `of ${type}`, `of ${saved.type}`);
  const groups = readGroups(rule, own, saved.paramGroups);
  const params = own.flatMap((group) => group.params);
  const entries = new Map<number, LoadedEntry>();
  for (const [key, value] of Object.entries(objectAt(type, 'state.state', saved.state))) {
    const param = /^\d+$/.test(key) ? params[Number(key)] : undefined;
    if (!param) refuse(type, 'state.state', `of parameters 0..${params.length - 1}`, `parameter ${key}`);
    entries.set(Number(key), readEntry(rule, key, param, value, get));
  }
  return { groups, entries };
}

function readGroups<Group extends ParamGroup>(
  rule: Rule<Group>,
  own: readonly Group[],
  saved: JsonValue | undefined,
): JsonObject[] {
  const { type } = rule;
  const given = Array.isArray(saved) ? saved.length : typeof saved;
  if (!Array.isArray(saved) || given !== own.length)
    refuse(type, 'state.paramGroups', `a list of ${own.length}, one a parameter group`, `${given}`);
  let first = 0;
  return own.map((group, i) => {
    const where = `state.paramGroups[${i}]`;
    const { params, ...options } = objectAt(type, where, saved[i]);
    const numbers = group.params.map((_, k) => first + k);
    first += numbers.length;
    if (JSON.stringify(params) !== JSON.stringify(numbers))
      refuse(type, `${where}.params`, JSON.stringify(numbers), JSON.stringify(params) ?? 'undefined');
    for (const key of Object.keys(group))
      if (key !== 'params' && key !== 'initialLr' && options[key] === undefined)
        refuse(type, `${where}.${key}`, 'present', 'undefined');
    checkNumber(type, `${where}.lr`, options.lr);
    rule.check({ ...group, ...options } as Group);
    return structuredClone(options);
  });
}

function readEntry<Group extends ParamGroup>(
  rule: Rule<Group>,
  key: string,
  param: Tensor,
  saved: unknown,
  get: (name: string) => TypedArray,
): LoadedEntry {
  const { type } = rule;
  const where = `state.state.${key}`;
  const { step, shape, tensors } = objectAt(type, where, saved);
  checkNumber(type, `${where}.step`, step, { integer: true, min: 0 });
  if (JSON.stringify(shape) !== JSON.stringify(param.shape))
    refuse(
      type,
      `${where}.shape`,
      formatShape(param.shape),
      Array.isArray(shape) ? formatShape(shape as number[]) : `${shape}`,
    );
  const kinds = Array.isArray(tensors) ? (tensors as string[]) : [];
  for (const kind of rule.always)
    if (!kinds.includes(kind)) refuse(type, `${where}.tensors`, `with ${rule.always.join(', ')}`, kinds.join(', '));
  const data = new Map<string, TypedArray>();
  for (const kind of kinds) {
    if (!Object.hasOwn(rule.states, kind))
      refuse(type, `${where}.tensors`, `of ${Object.keys(rule.states).join(', ')}`, kind);
    const name = `state.${key}.${kind}`;
    const values = get(name);
    if (!(values instanceof Float32Array) || values.length !== param.size) {
      const actual = values instanceof Float32Array ? `${values.length} values` : describe(values);
      refuse(type, name, `a Float32Array of ${param.size} values`, actual);
    }
    data.set(kind, values);
  }
  return { step: step as number, tensors: data };
}

function objectAt(type: string, where: string, value: unknown): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    refuse(type, where, 'an object', Array.isArray(value) ? 'a list' : describe(value));
  return value as JsonObject;
}
