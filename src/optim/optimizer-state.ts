// Reading a saved state of an optimiser: everything is checked before anything is changed.
import { checkNumber, describe, refuse } from '../check.ts';
import type { TypedArray } from '../tensor/dtype.ts';
import { formatShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ParamGroup, Rule } from './rule.ts';

type Fields = { [key: string]: unknown };

/** State of one parameter. */
export interface LoadedEntry {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, TypedArray>;
}

/** The options for each of `own` groups and the state by parameter number. Throws ArgumentError where they do not fit. */
export function readState(
  rule: Rule,
  own: readonly ParamGroup[],
  state: unknown,
  get: (name: string) => TypedArray,
): { groups: Fields[]; entries: Map<number, LoadedEntry> } {
  const { type } = rule;
  const saved = fieldsOf(type, 'state', state);
  if (saved.type !== type) refuse(type, 'state', `of ${type}`, `of ${saved.type}`);
  const groups = readGroups(rule, own, saved.paramGroups);
  const params = own.flatMap((group) => group.params);
  const entries = new Map<number, LoadedEntry>();
  for (const [key, value] of Object.entries(fieldsOf(type, 'state.state', saved.state))) {
    const param = /^\d+$/.test(key) ? params[Number(key)] : undefined;
    if (!param) refuse(type, 'state.state', `of parameters 0..${params.length - 1}`, `parameter ${key}`);
    entries.set(Number(key), readEntry(rule, key, param, value, get));
  }
  return { groups, entries };
}

function readGroups(rule: Rule, own: readonly ParamGroup[], saved: unknown): Fields[] {
  const { type } = rule;
  if (!Array.isArray(saved) || saved.length !== own.length) {
    const given = Array.isArray(saved) ? saved.length : typeof saved;
    refuse(type, 'state.paramGroups', `a list of ${own.length}, one a parameter group`, given);
  }
  let first = 0;
  return own.map((group, i) => {
    const where = `state.paramGroups[${i}]`;
    const { params, ...options } = fieldsOf(type, where, saved[i]);
    const numbers = JSON.stringify(group.params.map((_, k) => first + k));
    first += group.params.length;
    if (JSON.stringify(params) !== numbers) refuse(type, `${where}.params`, numbers, JSON.stringify(params));
    for (const key of Object.keys(rule.defaults))
      if (options[key] === undefined) refuse(type, `${where}.${key}`, 'present', 'undefined');
    checkNumber(type, `${where}.lr`, options.lr);
    rule.check({ ...group, ...options });
    return structuredClone(options);
  });
}

function readEntry(
  { type, always, states }: Rule,
  key: string,
  param: Tensor,
  saved: unknown,
  get: (name: string) => TypedArray,
): LoadedEntry {
  const where = `state.state.${key}`;
  const { step, shape, tensors } = fieldsOf(type, where, saved);
  checkNumber(type, `${where}.step`, step, { integer: true, min: 0 });
  if (JSON.stringify(shape) !== JSON.stringify(param.shape)) {
    const given = Array.isArray(shape) ? formatShape(shape) : shape;
    refuse(type, `${where}.shape`, formatShape(param.shape), given);
  }
  const kinds: string[] = Array.isArray(tensors) ? tensors : [];
  if (!always.every((kind) => kinds.includes(kind)))
    refuse(type, `${where}.tensors`, `with ${always.join(', ')}`, kinds.join(', '));
  const data = new Map<string, TypedArray>();
  for (const kind of kinds) {
    if (!Object.hasOwn(states, kind)) refuse(type, `${where}.tensors`, `of ${Object.keys(states).join(', ')}`, kind);
    const values = get(`state.${key}.${kind}`);
    if (!(values instanceof Float32Array) || values.length !== param.size) {
      const given = values instanceof Float32Array ? `${values.length} values` : describe(values);
      refuse(type, `state.${key}.${kind}`, `a Float32Array of ${param.size} values`, given);
    }
    data.set(kind, values);
  }
  return { step: step as number, tensors: data };
}

function fieldsOf(type: string, where: string, value: unknown): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    refuse(type, where, 'an object', Array.isArray(value) ? 'a list' : describe(value));
  return value as Fields;
}
