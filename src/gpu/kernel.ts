// A kernel as a value: WGSL, and what host code may name in it, read from that text when it is first asked for.
import { refuse } from '../check.ts';
import type { PoolBuffer } from './buffer-pool.ts';
import { type Declarations, declarationsOf } from './declarations.ts';
import type { PoolTexture } from './texture.ts';
import { expand, type ShaderSource, variantsOf } from './wgsl.ts';

/** A byte range of a buffer, as a kernel sees it. */
export interface BufferView {
  readonly buffer: PoolBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** What is bound, by the names in the kernel's text. */
export type Bindings = Readonly<Record<string, BufferView | PoolTexture>>;
/** Fields of the kernel's `Params`. */
export type Params = Readonly<Record<string, number>>;
/** Overrides of the kernel; those left out, or undefined, keep their defaults. */
export type Overrides = Readonly<Record<string, number | boolean | undefined>>;

/** Types of what a kernel names, as generated code writes them. */
export type Bind<Buffers extends string, Textures extends string = never> = {
  readonly [N in Buffers | Textures]: N extends Textures ? PoolTexture : BufferView;
};
export type Numbers<Names extends string> = { readonly [N in Names]: number };
export type Constants<Names extends string> = { readonly [N in Names]?: number | boolean | undefined };

/**
 * One compute shader. Devices know it by identity: two kernels of one name are two kernels. `B`, `P` and `O` are types alone; what runs
 * is held against the text.
 */
export class Kernel<B extends Bindings = Bindings, P extends Params = Params, O extends Overrides = Overrides> {
  declare readonly names?: { readonly bind: B; readonly params: P; readonly overrides: O };
  readonly source: ShaderSource;
  readonly #name: string | undefined;
  #code: string | undefined;
  #declarations: Declarations | undefined;

  constructor(source: ShaderSource, name?: string) {
    this.source = source;
    this.#name = name;
  }

  get name(): string {
    return this.#name ?? this.entry;
  }

  /** The WGSL, expanded. */
  get code(): string {
    return (this.#code ??= expand(this.source, this.#name ?? 'kernel'));
  }

  get #declared(): Declarations {
    return (this.#declarations ??= declarationsOf(this.#name ?? 'without a name', this.code));
  }

  get entry(): Declarations['entry'] {
    return this.#declared.entry;
  }

  get bindings(): Declarations['bindings'] {
    return this.#declared.bindings;
  }

  get paramsBinding(): Declarations['paramsBinding'] {
    return this.#declared.paramsBinding;
  }

  get params(): Declarations['params'] {
    return this.#declared.params;
  }

  get overrides(): Declarations['overrides'] {
    return this.#declared.overrides;
  }

  get features(): Declarations['features'] {
    return this.#declared.features;
  }
}

export interface KernelOptions {
  /** For errors and the profiler; the name of its `@compute` function where it is left out. */
  readonly name?: string | undefined;
  /** Texts that `// @use NAME` puts in. */
  readonly libs?: ShaderSource['libs'] | undefined;
  /** What `$NAME` stands for. */
  readonly values?: ShaderSource['values'] | undefined;
}

/**
 * A kernel from WGSL: one `@compute` function, storage buffers in `@group(0)`, sizes in `struct Params` of u32, i32 and f32 bound as
 * `var<uniform> params`, constants as `override`. The text is read when the kernel is first used.
 */
export function kernel<B extends Bindings = Bindings, P extends Params = Params, O extends Overrides = Overrides>(
  text: string,
  { name, libs = {}, values = {} }: KernelOptions = {},
): Kernel<B, P, O> {
  return new Kernel({ text, libs, values }, name);
}

/** The kernels that the `// @variants` of one text make, by their values, as `rows_vec4`; each is named `<name>_<values>`. */
export function variants<K extends Readonly<Record<string, Kernel>>>(
  text: string,
  { name, libs }: { readonly name: string; readonly libs: ShaderSource['libs'] },
): K {
  const kernels = variantsOf(text).map((values) => {
    const key = Object.keys(values)
      .flatMap((one) => (/^[A-Z]/.test(one) ? values[one]! : []))
      .join('_');
    return [key, new Kernel({ text, libs, values }, `${name}_${key}`)] as const;
  });
  return Object.fromEntries(kernels) as Readonly<Record<string, Kernel>> as K;
}

const filled = new WeakMap<Kernel, Map<string, Kernel>>();

/** The kernel that a text with open `$names` makes of `values` for them, and of more `libs`, named `<name>_<suffix>`; made once. */
export function variantOf<B extends Bindings, P extends Params, O extends Overrides>(
  template: Kernel<B, P, O>,
  suffix: string,
  values: ShaderSource['values'],
  libs: ShaderSource['libs'] = {},
): Kernel<B, P, O> {
  const { name, source } = template;
  const known = filled.get(template) ?? new Map<string, Kernel>();
  filled.set(template, known);
  const key = JSON.stringify(values);
  let made = known.get(key) as Kernel<B, P, O> | undefined;
  if (!made) {
    const { text } = source;
    made = new Kernel(
      { text, libs: { ...source.libs, ...libs }, values: { ...source.values, ...values } },
      `${name}_${suffix}`,
    );
    known.set(key, made);
  }
  return made;
}

/** Refuses names that a kernel does not have, and, but for overrides, those that are missing. `op` is whose dispatch it is. */
export function checkNames(kernel: Kernel, kind: 'bind' | 'params' | 'overrides', given: object, op: string): void {
  const declared = kernel[kind === 'bind' ? 'bindings' : kind];
  const values = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(values).find((name) => !declared.some((one) => one.name === name));
  const missing = kind === 'overrides' ? undefined : declared.find(({ name }) => values[name] === undefined)?.name;
  if (unknown === undefined && missing === undefined) return;
  const list = (names: readonly string[]) => names.join(', ') || 'nothing';
  refuse(
    op,
    kind,
    `${kind === 'overrides' ? 'among' : 'of'} what kernel ${kernel.name} declares (${list(declared.map(({ name }) => name))})`,
    list(Object.keys(values)),
    missing === undefined ? `Leave ${unknown} out or declare it in the kernel.` : `Give ${missing}.`,
  );
}
