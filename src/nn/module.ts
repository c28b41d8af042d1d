// Module: an object whose tensor fields are its parameters and buffers, and whose module fields are its children.
import { refuse } from '../check.ts';
import { WeftError } from '../errors.ts';
import { optionsOf } from '../options.ts';
import { assign, empty } from '../tensor/create.ts';
import { type TypedArray, typedArray } from '../tensor/dtype.ts';
import { keep } from '../tensor/scope.ts';
import { formatShape, type Shape, sameShape } from '../tensor/shape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { isParameter, markParameter } from './parameters.ts';

/** A tensor read back from a device or a file: what a state dict is loaded from. */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

export interface SummaryRow {
  /** Path of the module, `''` for the root. */
  name: string;
  /** Class name with its sizes, e.g. `Linear(256, 9)`. */
  layer: string;
  /** Parameters of its own, children not counted. */
  parameters: number;
  trainable: number;
  /** Bytes of those parameters. */
  bytes: number;
}

export abstract class Module {
  /** Whether dropout is on; switched by `train` and `eval` for the whole tree. */
  training = true;

  /** Sizes in words for `summary`, e.g. `256, 9`. */
  describe(): string {
    return '';
  }

  /**
   * The module's own tensors under their PyTorch names, without children: those in its fields, and in arrays, maps and plain objects
   * there (`weights.0`). Fields are turned into snake_case.
   */
  ownTensors(): [name: string, tensor: Tensor][] {
    return found(this, Tensor);
  }

  /** The own tensors that are trained, or were before they were frozen. */
  ownParameters(): [name: string, parameter: Tensor][] {
    return this.ownTensors().filter(([, t]) => isParameter(t));
  }

  /** The own tensors without `requiresGrad`: what a module remembers beside its parameters. */
  ownBuffers(): [name: string, buffer: Tensor][] {
    return this.ownTensors().filter(([, t]) => !isParameter(t));
  }

  /** Child modules under their names; the members of arrays, maps and plain objects are named `layers.0`. */
  children(): [name: string, child: Module][] {
    return found(this, Module);
  }

  /**
   * Keeps a tensor under the name of a field as a buffer (`register_buffer`): in the state dict, unless `persistent` is false, and never
   * among the parameters. A field that holds a tensor without `requiresGrad` is one already.
   */
  registerBuffer(name: string, tensor: Tensor | undefined, options: { persistent?: boolean } = {}): void {
    const { persistent } = optionsOf('registerBuffer', options, { persistent: true });
    if (tensor?.requiresGrad)
      refuse('registerBuffer', 'tensor', 'without requiresGrad', 'a parameter', 'Give it to a field instead.');
    if (tensor && !persistent) passing.add(keep(tensor));
    (this as Record<string, unknown>)[name] = tensor && keep(tensor);
  }

  /** Every parameter of the tree with its dotted name, in the order of the fields (`torch.nn.Module.named_parameters`); a shared one once per name. */
  namedParameters(prefix = ''): [name: string, parameter: Tensor][] {
    return named(this, prefix, (module) => module.ownParameters());
  }

  /** Every buffer of the tree with its dotted name (`named_buffers`). */
  namedBuffers(prefix = ''): [name: string, buffer: Tensor][] {
    return named(this, prefix, (module) => module.ownBuffers());
  }

  /** Every parameter of the tree, a shared one once. */
  parameters(): Tensor[] {
    return [...new Set(this.namedParameters().map(([, p]) => p))];
  }

  /** Every module of the tree with its dotted name, itself first. */
  namedModules(prefix = ''): [name: string, module: Module][] {
    const below = this.children().flatMap(([name, child]) => child.namedModules(prefix ? `${prefix}.${name}` : name));
    return [[prefix, this], ...below];
  }

  /** Switches dropout on for the whole tree (`torch.nn.Module.train`). Returns the module. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.training = mode;
    return this;
  }

  /** Switches dropout off for the whole tree. Returns the module. */
  eval(): this {
    return this.train(false);
  }

  /** Sets whether gradients are computed for all parameters (`requires_grad_`). Returns the module. */
  requireGrad(required = true): this {
    for (const p of this.parameters()) p.requiresGrad = required;
    return this;
  }

  /** Frees the gradients of all parameters. */
  zeroGrad(): void {
    for (const p of this.parameters()) {
      p.grad?.dispose();
      p.grad = undefined;
    }
  }

  /** Every buffer of the tree, a shared one once. */
  buffers(): Tensor[] {
    return [...new Set(this.namedBuffers().map(([, b]) => b))];
  }

  /** Parameters and buffers by name, as they are on the device (`state_dict`). */
  stateDict(): Map<string, Tensor> {
    const own = (module: Module) => [
      ...module.ownParameters(),
      ...module.ownBuffers().filter(([, b]) => !passing.has(b)),
    ];
    return new Map(named(this, '', own));
  }

  /**
   * Overwrites parameters and buffers with values of the same names and shapes. Missing, unexpected and misshapen entries are listed
   * together before anything is written; with `strict: false` missing and unexpected ones are allowed and returned.
   */
  loadStateDict(
    state: ReadonlyMap<string, HostTensor>,
    options: { strict?: boolean } = {},
  ): { missing: string[]; unexpected: string[] } {
    const { strict } = optionsOf('loadStateDict', options, { strict: true });
    const named = [...this.stateDict()];
    const known = new Set(named.map(([name]) => name));
    const missing = named.filter(([name]) => !state.has(name)).map(([name]) => name);
    const unexpected = [...state.keys()].filter((name) => !known.has(name));
    const problems = strict
      ? [...missing.map((n) => `${n} is missing`), ...unexpected.map((n) => `${n} is unexpected`)]
      : [];
    for (const [name, p] of named) {
      const given = state.get(name);
      if (given && !sameShape(given.shape, p.shape))
        problems.push(`${name} must be ${formatShape(p.shape)}, got ${formatShape(given.shape)}`);
    }
    if (problems.length > 0) throw new WeftError(`loadStateDict: ${problems.join('; ')}.`);
    for (const [name, p] of named) {
      const given = state.get(name);
      if (given) assign(p, typedArray(p.dtype, given.data));
    }
    return { missing, unexpected };
  }

  /** A module of the same structure with copies of the parameters; shared parameters stay shared. */
  clone(): this {
    return copyTree(this, new Map()) as this;
  }

  /** Frees all parameters, their gradients, and buffers. */
  dispose(): void {
    this.zeroGrad();
    for (const t of [...this.parameters(), ...this.buffers()]) t.dispose();
  }

  /** The tree of modules with their sizes, as PyTorch prints it. */
  toString(): string {
    const name = `${this.constructor.name}(${this.describe()}`;
    const lines = this.children().map(([key, child]) => `  (${key}): ${`${child}`.replaceAll('\n', '\n  ')}`);
    return lines.length === 0 ? `${name})` : `${[name, ...lines].join('\n')}\n)`;
  }

  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** One row per module, parents before children. */
  summary(): SummaryRow[] {
    const counted = new Set<Tensor>();
    return this.namedModules().map(([name, module]) => {
      const own = module
        .ownParameters()
        .map(([, p]) => p)
        .filter((p) => !counted.has(p));
      for (const p of own) counted.add(p);
      return {
        name,
        layer: `${module.constructor.name}(${module.describe()})`,
        parameters: own.reduce((sum, p) => sum + p.size, 0),
        trainable: own.reduce((sum, p) => sum + (p.requiresGrad ? p.size : 0), 0),
        bytes: own.reduce((sum, p) => sum + p.bytes, 0),
      };
    });
  }
}

/** Buffers that no state dict has. */
const passing = new WeakSet<Tensor>();

function named(root: Module, prefix: string, own: (module: Module) => [string, Tensor][]): [string, Tensor][] {
  return root
    .namedModules()
    .flatMap(([path, module]) =>
      own(module).map(([name, t]): [string, Tensor] => [`${prefix}${path && `${path}.`}${name}`, t]),
    );
}

/** What is in the fields of a module, and in arrays, maps and plain objects there, by name; modules are not looked into. */
function found<T extends Tensor | Module>(module: Module, kind: abstract new (...args: never[]) => T): [string, T][] {
  const walk = (name: string, value: unknown): [string, T][] => {
    if (value instanceof Tensor || value instanceof Module) return value instanceof kind ? [[name, value as T]] : [];
    const entries =
      Array.isArray(value) || (value && Object.getPrototypeOf(value) === Object.prototype)
        ? Object.entries(value as object)
        : value instanceof Map
          ? [...value]
          : [];
    return entries.flatMap(([key, item]) => walk(`${name}.${key}`, item));
  };
  return Object.entries(module).flatMap(([field, value]) => walk(snakeCase(field), value));
}

/** Number of parameters of the tree, shared ones counted once. */
export function parameterCount(module: Module): number {
  return module.parameters().reduce((sum, p) => sum + p.size, 0);
}

/** The parameters read back to the host, by name: what `loadStateDict` takes. */
export async function readStateDict(module: Module): Promise<Map<string, { shape: Shape; data: TypedArray }>> {
  const out = new Map<string, { shape: Shape; data: TypedArray }>();
  for (const [name, p] of module.stateDict()) out.set(name, { shape: p.shape, data: await p.data() });
  return out;
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function copyTree(value: unknown, copies: Map<object, unknown>): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (copies.has(value)) return copies.get(value);
  if (value instanceof Tensor) {
    const copy = keep(empty(value.shape, { dtype: value.dtype, device: value.device, label: 'clone' }));
    if (value.size > 0) value.device.copy(value.view, copy.view);
    copy.requiresGrad = value.requiresGrad;
    if (isParameter(value)) markParameter(copy);
    if (passing.has(value)) passing.add(copy);
    copies.set(value, copy);
    return copy;
  }
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    copies.set(value, list);
    for (const item of value) list.push(copyTree(item, copies));
    return list;
  }
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>();
    copies.set(value, map);
    for (const [key, item] of value) map.set(key, copyTree(item, copies));
    return map;
  }
  if (!(value instanceof Module)) {
    if (Object.getPrototypeOf(value) !== Object.prototype) return value; // a generator, say: shared
    const record: Record<string, unknown> = {};
    copies.set(value, record);
    for (const [key, item] of Object.entries(value)) record[key] = copyTree(item, copies);
    return record;
  }
  const module = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>;
  copies.set(value, module);
  for (const [key, item] of Object.entries(value)) module[key] = copyTree(item, copies);
  return module;
}

/** Refuses a size that is not a whole number of at least `least`. */
export function checkSize(op: string, argument: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least) refuse(op, argument, `a whole number >= ${least}`, value);
}
