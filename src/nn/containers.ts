// ModuleList and ModuleDict: modules by number and by name, without a forward pass of their own (`torch.nn.ModuleList`, `ModuleDict`).
import { Module } from './module.ts';

/** Modules by number; in a state dict `<field>.0.weight`. */
export class ModuleList<M extends Module = Module> extends Module {
  readonly items: M[];

  constructor(modules: Iterable<M> = []) {
    super();
    this.items = [...modules];
  }

  get length(): number {
    return this.items.length;
  }

  /** Counted from the back where `index` is negative. */
  at(index: number): M | undefined {
    return this.items.at(index);
  }

  append(module: M): this {
    this.items.push(module);
    return this;
  }

  [Symbol.iterator](): Iterator<M> {
    return this.items[Symbol.iterator]();
  }

  override children(): [string, Module][] {
    return this.items.map((item, i) => [String(i), item]);
  }
}

/** Modules by name; names go into the state dict as they are. */
export class ModuleDict<M extends Module = Module> extends Module {
  readonly items: Map<string, M>;

  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super();
    this.items = new Map(Symbol.iterator in modules ? modules : Object.entries(modules));
  }

  get(name: string): M | undefined {
    return this.items.get(name);
  }

  set(name: string, module: M): this {
    this.items.set(name, module);
    return this;
  }

  keys(): Iterable<string> {
    return this.items.keys();
  }

  [Symbol.iterator](): Iterator<[string, M]> {
    return this.items[Symbol.iterator]();
  }

  override children(): [string, Module][] {
    return [...this.items];
  }
}
