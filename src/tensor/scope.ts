// Lifetimes: tensors born in a step's scope go back to the pool when it ends, except those returned or kept.
import { refuse } from '../check.ts';
import { RowSparse, Storage, Tensor } from './tensor.ts';

class Scope {
  readonly parent: Scope | undefined;
  readonly born = new Set<Storage>();

  constructor(parent: Scope | undefined) {
    this.parent = parent;
  }
}

let current: Scope | undefined;
let built: Storage[] | undefined;
Storage.onCreate = (storage) => {
  current?.born.add(storage);
  built?.push(storage);
};

/**
 * Runs `fn` and frees every tensor made in it, except those it returns (alone, in an array or in a plain object), those
 * given to `keep`, and the gradients of parameters. Synchronous: a promise is refused, because what it makes later would
 * escape the scope. Nested scopes hand what they return to the outer one.
 */
export function step<T>(fn: () => T): T {
  const scope = new Scope(current);
  current = scope;
  try {
    const result = fn();
    refusePromise('step', result);
    for (const tensor of tensorsIn(result)) moveOut(tensor, scope);
    return result;
  } finally {
    current = scope.parent;
    for (const storage of scope.born) storage.free();
  }
}

/** Refuses the result of an asynchronous function where only a synchronous one makes sense. */
export function refusePromise(op: string, result: unknown): void {
  const then = (result as { then?: unknown } | null | undefined)?.then;
  if (typeof then !== 'function') return;
  // It goes on without us and will stumble over what the scope frees; that must not end the process.
  Promise.resolve(result).catch(() => {});
  refuse(
    op,
    'fn',
    'a synchronous function',
    'a function that returns a promise',
    `Load data before ${op}, and await item() or data() of what it returns after it.`,
  );
}

/** Takes a tensor out of every open scope: it lives until `dispose()`. Returns it. */
export function keep<T extends Tensor>(tensor: T): T {
  for (let scope = current; scope; scope = scope.parent) scope.born.delete(tensor.storage);
  return tensor;
}

/** Runs `fn`, which builds something that keeps its tensors; if it throws in the middle, all that it made is freed. */
export function wholeOrNothing<T>(fn: () => T): T {
  const outer = built;
  const mine: Storage[] = [];
  built = mine;
  try {
    const result = fn();
    outer?.push(...mine);
    return result;
  } catch (error) {
    for (const storage of mine) storage.free();
    throw error;
  } finally {
    built = outer;
  }
}

/** Whether a scope is open. */
export function inStep(): boolean {
  return current !== undefined;
}

function moveOut(tensor: Tensor, scope: Scope): void {
  if (scope.born.delete(tensor.storage)) scope.parent?.born.add(tensor.storage);
}

function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value;
  else if (value instanceof RowSparse) yield* [value.rows, value.values];
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item);
  else if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) yield* tensorsIn(item);
}
