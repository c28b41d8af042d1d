// A kernel compiled to JavaScript: WGSL's syntax tree becomes one closure whose variables are the kernel's. Vectors, matrices and
// structs are taken apart into scalars, so that V8 sees numbers only; arrays are JavaScript arrays of scalars. Every access of memory
// is preceded by its checks.
import {
  type Argument,
  ArrayIndex,
  ArrayType,
  Assign,
  BinaryOperator,
  BitcastExpr,
  Break,
  Call,
  CallExpr,
  Case,
  Const,
  ConstExpr,
  Continue,
  CreateExpr,
  Default,
  DefaultSelector,
  type Expression,
  For,
  Function as FunctionNode,
  If,
  Increment,
  Let,
  LiteralExpr,
  Loop,
  type Node,
  Return,
  type Statement,
  StringExpr,
  Struct,
  Switch,
  TemplateType,
  type Type as TypeNode,
  UnaryOperator,
  Var,
  VariableExpr,
  WgslParser,
  While,
} from 'wgsl_reflect/wgsl_reflect.module.js';
import { ARITHMETIC, CHECKS, DRIVER, POISON_WORD } from './driver.ts';
import { whereOf } from './report.ts';
import type { KernelText } from './source.ts';
import {
  BOOL,
  columnWords,
  componentOf,
  F32,
  granulesOf,
  I32,
  INT,
  type Layout,
  leavesOf,
  offsetOf,
  type Scalar,
  scalar,
  strideOf,
  type Type,
  typeName,
  U32,
  VOID,
  vec,
  wordsOf,
} from './types.ts';

/** Values of overrides; those left out keep their defaults. */
export type OverrideValues = Readonly<Record<string, number | boolean | undefined>>;

/** What a compiled kernel calls when it finds something. Each may throw to end the dispatch. */
export interface Handlers {
  bounds(site: number, memory: string, index: number, size: number, group: number, lane: number): void;
  init(site: number, memory: string, index: number, group: number, lane: number): void;
  race(
    site: number,
    memory: string,
    index: number,
    group: number,
    lane: number,
    what: string,
    before: string,
    period: number,
    laneAndSite: number,
  ): void;
  /** `lane` waits at a site, `other` waits elsewhere (`otherSite`) or has ended (-1). */
  sync(site: number, group: number, lane: number, other: number, otherSite: number): void;
  /** A subgroup operation asks for an invocation that is not there. */
  absent(site: number, group: number, lane: number, from: number): void;
  steps(site: number, group: number, lane: number): void;
}

/** A texture as the executor holds it. */
export interface TexelView {
  readonly width: number;
  readonly height: number;
  readonly words: Uint32Array;
  readonly floats: Float32Array;
}

export interface Site {
  readonly line: number;
  /** The operation of a subgroup, with its type where it is a fold. */
  readonly op?: string;
}

export interface Compiled {
  readonly text: KernelText;
  readonly sites: readonly Site[];
  readonly workgroupSize: number;
  /** Whether it has barriers or operations of subgroups. */
  readonly yields: boolean;
  readonly usesSubgroups: boolean;
  /** Names of storage and texture bindings. */
  readonly bindings: readonly { name: string; index: number; kind: 'storage' | 'texture' | 'uniform' }[];
  /** The JavaScript. */
  readonly source: string;
  make(handlers: Handlers): Program;
}

export interface Program {
  bind(index: number, words: Uint32Array | TexelView, shadow?: Int32Array): void;
  params(words: Uint32Array): void;
  /** Runs a grid; returns the first period that is free. `periods` tells the workgroup of each since `first`. */
  run(x: number, y: number, z: number, subgroup: number, first: number, budget: number): number;
  readonly periods: readonly number[];
  /** Rounds of loops that the last run took. */
  readonly steps: number;
}

class CompileError extends Error {}

/** wgsl_reflect takes a bracket after `if` for one around the whole condition, and fails at `if (a & b) == c`. */
class Parser extends WgslParser {
  override _optional_paren_expression(): Expression {
    return this._short_circuit_or_expression();
  }
}

interface Val {
  readonly type: Type;
  /** JavaScript expressions of the leaves, each without side effects. */
  readonly parts: readonly string[];
}

/** Memory with elements behind a word offset. */
interface Memory {
  readonly name: string;
  readonly space: 'storage' | 'workgroup' | 'function';
  readonly layout: Layout;
  /** The JavaScript array that holds words of a scalar type. */
  array(of: Scalar): string;
  /** The shadow where accesses can race. */
  readonly shadow?: string;
  readonly period?: string;
  readonly checksInit: boolean;
  /** Words of an element, for reports. */
  readonly stride: number;
}

type Place =
  | { readonly kind: 'parts'; readonly type: Type; readonly parts: readonly string[]; readonly mutable: boolean }
  | { readonly kind: 'component'; readonly type: Type; readonly parts: readonly string[]; readonly index: string }
  | {
      readonly kind: 'memory';
      readonly type: Type;
      readonly memory: Memory;
      readonly at: string;
      /** The vector that this is a component of. */
      readonly whole?: { at: string; size: number };
    };

interface Local {
  readonly type: Type;
  readonly parts: readonly string[];
  readonly mutable: boolean;
}

interface CompiledFunction {
  readonly jsName: string;
  readonly yields: boolean;
  readonly result: Type;
  readonly params: readonly Type[];
}

const NUMBER = /^-?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|Infinity|NaN)$/;
const isLiteral = (part: string) => NUMBER.test(part) || part === 'true' || part === 'false';
const ATOM = /^-?[\w$.]+(?:\[\d+\])?$/;
const SWIZZLE = /^(?:[xyzw]{1,4}|[rgba]{1,4})$/;
const placeOfLetter = (letter: string) => 'xyzwrgba'.indexOf(letter) % 4;

function literal(value: number | boolean): string {
  if (typeof value === 'boolean') return String(value);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Folds an expression of literals. */
function folded(expression: string, parts: readonly string[]): string {
  if (!parts.every(isLiteral)) return expression;
  return literal(fold(expression));
}

const folds = new Map<string, number | boolean>();
const evaluate = new Function('source', `${ARITHMETIC} return eval(source);`) as (source: string) => number | boolean;
function fold(expression: string): number | boolean {
  let value = folds.get(expression);
  if (value === undefined) folds.set(expression, (value = evaluate(`(${expression})`)));
  return value;
}

const BARRIERS: Record<string, number> = { workgroupBarrier: 1, storageBarrier: 2 };
const SHUFFLES = new Set([
  'subgroupShuffle',
  'subgroupShuffleXor',
  'subgroupShuffleUp',
  'subgroupShuffleDown',
  'subgroupBroadcast',
  'subgroupBroadcastFirst',
  'quadBroadcast',
  'quadSwapX',
  'quadSwapY',
  'quadSwapDiagonal',
]);
const FOLDED = new Set([
  'subgroupAdd',
  'subgroupMul',
  'subgroupMax',
  'subgroupMin',
  'subgroupAnd',
  'subgroupOr',
  'subgroupXor',
  'subgroupAll',
  'subgroupAny',
]);

const OVERRIDE = /^override (\w+)\s*:\s*(\w+)\s*=\s*([^;]+);/gm;

const MOST_TREES = 200;

interface Parsed {
  readonly code: string;
  readonly tree: readonly Statement[];
  /** Overrides whose values the tree does not know. */
  readonly open: ReadonlyMap<string, Type>;
}

/** Trees by their code: reading a kernel takes most of the time that compiling it takes. */
const trees = new Map<string, readonly Statement[]>();

/**
 * A kernel with its overrides as constants, of which branches are left out, array sizes and workgroup sizes made. The parser evaluates
 * sizes and constants itself: values of overrides that go into one are put into the text, the others come afterwards.
 */
function parsed(text: string, values: OverrideValues): Parsed {
  const open = new Map<string, Type>();
  const code = text
    .replace(OVERRIDE, (_, name: string, type: string, given: string) => {
      const value = values[name];
      const evaluated = new RegExp(`^.*(?:\\bconst\\b.*|\\barray<.*|^override.*= .*)\\b${name}\\b`, 'm');
      if (value === undefined || !evaluated.test(text)) {
        if (value !== undefined) open.set(name, scalar(type as Scalar));
        return `const ${name}: ${type} = ${given};`;
      }
      const suffix = { bool: '', f32: 'f', u32: 'u', i32: 'i' }[type] ?? '';
      return `const ${name}: ${type} = ${type === 'bool' ? Boolean(value) : Number(value)}${suffix};`;
    })
    // wgsl_reflect takes `block` for a keyword.
    .replace(/\bblock\b/g, 'block_');
  let tree = trees.get(code);
  if (!tree) {
    tree = new Parser().parse(code).flat() as Statement[];
    if (trees.size >= MOST_TREES) trees.clear();
    trees.set(code, tree);
  }
  return { code, tree, open };
}

export function compileKernel(text: KernelText, overrides: OverrideValues = {}): Compiled {
  return new Compiler(text, overrides).compile();
}

class Compiler {
  readonly #text: KernelText;
  readonly #code: string;
  readonly #tree: readonly Statement[];
  readonly #lineStarts: number[] = [0];
  readonly #sites: Site[] = [{ line: 1 }];
  readonly #siteOf = new Map<string, number>();
  readonly #structs = new Map<string, Type>();
  readonly #aliases = new Map<string, TypeNode>();
  readonly #functions = new Map<string, FunctionNode>();
  readonly #compiled = new Map<string, CompiledFunction>();
  readonly #constants = new Map<string, Const>();
  readonly #constantValues = new Map<string, Val>();
  readonly #memories = new Map<string, { memory: Memory; type: Type }>();
  readonly #textures = new Map<string, string>();
  readonly #privates = new Map<string, Local>();
  readonly #bindings: { name: string; index: number; kind: 'storage' | 'texture' | 'uniform' }[] = [];
  readonly #declarations: string[] = [];
  readonly #zero: string[] = [];
  readonly #reset: string[] = [];
  readonly #binds: string[] = [];
  #setParams = '';
  #bodies: string[] = [];
  #out: string[] = [];
  #scopes: Map<string, Local>[] = [];
  #next = 0;
  #results = 0;
  #yields = false;
  #usesSubgroups = false;
  #labels: { breakTo: string; continueTo: string | undefined }[] = [];
  #returns: Type = VOID;
  #line = 1;
  /** Variables so far that lie in the array V of main; undefined where variables are JavaScript's. */
  #registers: number | undefined;
  /** What lanes gave each other in the straight run of statements that is being compiled: values, and where those of all lanes are. */
  #met = new Map<string, { all: string; at: number }>();

  constructor(text: KernelText, overrides: OverrideValues) {
    this.#text = text;
    const { code, tree, open } = parsed(text.code, overrides);
    this.#code = code;
    this.#tree = tree;
    for (const [name, type] of open) {
      const value = overrides[name]!;
      const isBool = type.kind === 'scalar' && type.of === 'bool';
      this.#constantValues.set(name, { type, parts: [literal(isBool ? Boolean(value) : Number(value))] });
    }
    for (let i = 0; i < this.#code.length; i++) if (this.#code[i] === '\n') this.#lineStarts.push(i + 1);
  }

  #fail(message: string): never {
    throw new CompileError(`${this.#text.name}, ${whereOf(this.#text, this.#line)}: ${message}`);
  }

  compile(): Compiled {
    for (const node of this.#tree) this.#global(node);
    const main = this.#functions.get('main');
    if (!main) this.#fail('there is no main');
    const size = this.#workgroupSize(main);
    const yields = this.#main(main, size);
    const workgroupSize = size.reduce((a, b) => a * b, 1);
    const results = Array.from({ length: this.#results }, (_, i) => `R${i} = 0`);
    const source = [
      ARITHMETIC,
      `const SIZE = ${workgroupSize}, YIELDS = ${yields}, POISON = ${POISON_WORD};`,
      'let grp = 0, lane = 0, per = 0, perW = 0, base = 0, groupBase = 0, steps = 0, budget = 0, SUB = 1;',
      'const marks = [];',
      results.length > 0 ? `let ${results.join(', ')};` : '',
      ...this.#declarations,
      CHECKS,
      DRIVER,
      `function zero() { ${this.#zero.join(' ')} }`,
      `function reset() { ${this.#reset.join(' ')} }`,
      ...this.#bodies,
      `return { bind(index, words, shadow) { switch (index) { ${this.#binds.join(' ')} } }, params(words) { ${this.#setParams} }, run, periods: marks, get steps() { return steps; } };`,
    ].join('\n');
    let make: (rt: Handlers, sites: readonly Site[]) => Program;
    try {
      make = new Function('rt', 'SITES', source) as typeof make;
    } catch (error) {
      throw new CompileError(
        `${this.#text.name}: the generated JavaScript is wrong: ${(error as Error).message}\n${source}`,
      );
    }
    const sites = this.#sites;
    return {
      text: this.#text,
      sites,
      workgroupSize,
      yields,
      usesSubgroups: this.#usesSubgroups,
      bindings: this.#bindings,
      source,
      make: (handlers) => make(handlers, sites),
    };
  }

  // Types

  #type(node: TypeNode | null): Type {
    if (node === null) return VOID;
    if (node instanceof ArrayType)
      return { kind: 'array', of: this.#type(node.format), count: node.count === 0 ? undefined : node.count };
    if (node instanceof Struct) return this.#struct(node);
    const { name } = node;
    const format = node instanceof TemplateType ? (node.format?.name ?? '') : '';
    const alias = this.#aliases.get(name);
    if (alias) return this.#type(alias);
    const struct = this.#structs.get(name);
    if (struct) return struct;
    if (name === 'atomic') return { kind: 'atomic', of: format as Scalar };
    if (name === 'x32') return INT;
    if (['f32', 'u32', 'i32', 'bool'].includes(name)) return scalar(name as Scalar);
    const vector = /^vec([234])([fuib]?)$/.exec(name);
    if (vector) {
      const short = { f: 'f32', u: 'u32', i: 'i32', b: 'bool' }[vector[2]!] ?? format;
      return vec(short as Scalar, Number(vector[1]));
    }
    const matrix = /^mat([234])x([234])f?$/.exec(name);
    if (matrix) return { kind: 'mat', columns: Number(matrix[1]), rows: Number(matrix[2]) };
    if (name.startsWith('texture_storage_2d')) return { kind: 'texture' };
    return this.#fail(`the executor does not know the type ${name}`);
  }

  #struct(node: Struct): Type {
    let type = this.#structs.get(node.name);
    if (!type) {
      type = {
        kind: 'struct',
        name: node.name,
        members: node.members.map((m) => ({ name: m.name, type: this.#type(m.type) })),
      };
      this.#structs.set(node.name, type);
    }
    return type;
  }

  // Globals

  #global(node: Statement): void {
    this.#at(node);
    if (node instanceof Struct) this.#struct(node);
    else if (node instanceof FunctionNode) this.#functions.set(node.name, node);
    else if (node instanceof Const) this.#constants.set(node.name, node);
    else if (node instanceof Var) this.#globalVar(node);
    else if (node.astNodeType === 'alias') {
      const alias = node as unknown as { name: string; type: TypeNode };
      this.#aliases.set(alias.name, alias.type);
    } else if (node.astNodeType !== 'enable' && node.astNodeType !== 'diagnostic' && node.astNodeType !== 'requires')
      this.#fail(`the executor does not know the declaration ${node.astNodeType}`);
  }

  #globalVar(node: Var): void {
    const { name } = node;
    const type = this.#type(node.type);
    const attribute = node.attributes?.find((a) => a.name === 'binding');
    const index = Number(attribute?.value ?? -1);
    if (type.kind === 'texture') {
      this.#bindings.push({ name, index, kind: 'texture' });
      const js = `T_${name}`;
      this.#declarations.push(`let ${js} = null;`);
      this.#binds.push(`case ${index}: ${js} = words; break;`);
      this.#textures.set(name, js);
      return;
    }
    if (node.storage === 'uniform' || node.storage === 'immediate') {
      this.#bindings.push({ name, index, kind: 'uniform' });
      this.#uniform(name, type);
      return;
    }
    if (node.storage === 'storage') {
      this.#bindings.push({ name, index, kind: 'storage' });
      this.#storage(name, type, index, node.access === 'read_write');
      return;
    }
    if (node.storage === 'workgroup') {
      this.#workgroup(name, type);
      return;
    }
    if (node.storage === 'private') {
      const parts = leavesOf(type).map((leaf, i) => {
        if (typeof leaf !== 'string') this.#fail('the executor does not know private arrays');
        const js = `P_${name}_${i}`;
        this.#declarations.push(`const ${js} = [];`);
        this.#reset.push(`${js}[lane] = ${leaf === 'bool' ? 'false' : '0'};`);
        return `${js}[lane]`;
      });
      this.#privates.set(name, { type, parts, mutable: true });
      return;
    }
    this.#fail(`the executor does not know variables in "${node.storage}"`);
  }

  #uniform(name: string, type: Type): void {
    const granules = granulesOf(type, 'storage');
    if (!granules) this.#fail('the executor does not know arrays in uniform buffers');
    const parts: string[] = [];
    const sets = ['const f = new Float32Array(words.buffer, words.byteOffset, words.length);'];
    for (const { at, words, of } of granules)
      for (let i = 0; i < words; i++) {
        const js = `U_${name}_${at + i}`;
        parts.push(js);
        const word = at + i;
        const read = of === 'f32' ? `f[${word}]` : of === 'i32' ? `words[${word}] | 0` : `words[${word}]`;
        sets.push(`${js} = ${read};`);
      }
    this.#declarations.push(`let ${parts.map((p) => `${p} = 0`).join(', ')};`);
    this.#setParams = sets.join(' ');
    this.#privates.set(name, { type, parts, mutable: false });
  }

  #storage(name: string, type: Type, index: number, writable: boolean): void {
    // Elements are counted of the array at the end, which may be all there is.
    let [elements, before] = [type, 0];
    if (type.kind === 'struct') {
      const last = type.members.length - 1;
      [elements, before] = [type.members[last]!.type, offsetOf(type, last, 'storage')];
    }
    if (elements.kind !== 'array' || elements.count !== undefined)
      this.#fail('the executor knows storage bindings that end in an array without a size only');
    const stride = strideOf(elements.of, 'storage');
    const js = (view: string) => `M_${name}_${view}`;
    this.#declarations.push(
      `let ${js('u32')} = null, ${js('i32')} = null, ${js('f32')} = null, ${js('n')} = 0, ${js('S')} = null;`,
    );
    this.#binds.push(
      `case ${index}: ${js('u32')} = words; ${js('i32')} = new Int32Array(words.buffer, words.byteOffset, words.length); ` +
        `${js('f32')} = new Float32Array(words.buffer, words.byteOffset, words.length); ` +
        `${js('n')} = Math.floor((words.length - ${before}) / ${stride}); ${js('S')} = shadow; break;`,
    );
    this.#memories.set(name, {
      type,
      memory: {
        name,
        space: 'storage',
        layout: 'storage',
        array: (of) => js(of === 'bool' || of === 'int' ? 'u32' : of),
        checksInit: true,
        stride: type.kind === 'struct' ? 1 : stride,
        ...(writable ? { shadow: js('S'), period: 'per' } : {}),
      },
    });
  }

  #workgroup(name: string, type: Type): void {
    const js = `W_${name}`;
    const words = wordsOf(type, 'packed');
    const of = componentOf(type.kind === 'array' ? type.of : type);
    const kind = of === 'f32' ? 'Float32Array' : of === 'u32' ? 'Uint32Array' : of === 'i32' ? 'Int32Array' : 'Array';
    this.#declarations.push(`const ${js} = new ${kind}(${words}).fill(0), ${js}_S = new Int32Array(${5 * words});`);
    this.#zero.push(`${js}.fill(0);`);
    const stride = type.kind === 'array' ? strideOf(type.of, 'packed') : words;
    this.#memories.set(name, {
      type,
      memory: {
        name,
        space: 'workgroup',
        layout: 'packed',
        array: () => js,
        shadow: `${js}_S`,
        period: 'perW',
        checksInit: false,
        stride,
      },
    });
  }

  #workgroupSize(main: FunctionNode): [number, number, number] {
    const attribute = main.attributes?.find((a) => a.name === 'workgroup_size');
    const given = attribute?.value ?? '1';
    const values = (Array.isArray(given) ? given : [given]).map((text) => {
      const constant = this.#constants.get(text);
      const value = constant ? this.#constant(text).parts[0]! : String(Number.parseInt(text, 10));
      if (!isLiteral(value) || Number.isNaN(Number(value))) this.#fail(`workgroup_size(${text}) is no constant`);
      return Number(value);
    });
    return [values[0] ?? 1, values[1] ?? 1, values[2] ?? 1];
  }

  #constant(name: string): Val {
    let value = this.#constantValues.get(name);
    if (!value) {
      const node = this.#constants.get(name)!;
      const out = this.#out;
      this.#out = [];
      value = this.#expression(node.value);
      // `const A: u32 = 1` gives the literal a type that it did not have.
      if (node.type && !(node.value instanceof CreateExpr)) value = this.#convert(value, this.#type(node.type));
      if (this.#out.length > 0) this.#fail(`${name} is no constant`);
      this.#out = out;
      this.#constantValues.set(name, value);
    }
    return value;
  }

  // Functions

  #function(name: string): CompiledFunction | undefined {
    const done = this.#compiled.get(name);
    if (done) return done;
    const node = this.#functions.get(name);
    if (!node) return undefined;
    const saved = {
      out: this.#out,
      scopes: this.#scopes,
      yields: this.#yields,
      labels: this.#labels,
      returns: this.#returns,
      line: this.#line,
      met: this.#met,
      registers: this.#registers,
    };
    this.#registers = undefined;
    this.#out = [];
    this.#scopes = [new Map()];
    this.#yields = false;
    this.#labels = [];
    this.#returns = this.#type(node.returnType);
    const params = node.args.map((a: Argument) => this.#type(a.type));
    const names = node.args.flatMap((a: Argument, i: number) => {
      const parts = leavesOf(params[i]!).map(() => this.#name(a.name));
      this.#scopes[0]!.set(a.name, { type: params[i]!, parts, mutable: false });
      return parts;
    });
    this.#block(node.body, false);
    const jsName = `f_${name}`;
    const yields = this.#yields;
    const result = this.#returns;
    this.#bodies.push(`function${yields ? '*' : ''} ${jsName}(${names.join(', ')}) {\n${this.#out.join('\n')}\n}`);
    this.#results = Math.max(this.#results, leavesOf(result).length);
    this.#out = saved.out;
    this.#scopes = saved.scopes;
    this.#yields = saved.yields;
    this.#labels = saved.labels;
    this.#returns = saved.returns;
    this.#line = saved.line;
    this.#met = saved.met;
    this.#registers = saved.registers;
    const compiled = { jsName, yields, result, params };
    this.#compiled.set(name, compiled);
    return compiled;
  }

  #main(node: FunctionNode, [sx, sy]: readonly [number, number, number]): boolean {
    this.#scopes = [new Map()];
    const builtins: Record<string, { type: Type; parts: string[] }> = {
      workgroup_id: { type: vec('u32', 3), parts: ['gx', 'gy', 'gz'] },
      num_workgroups: { type: vec('u32', 3), parts: ['nx', 'ny', 'nz'] },
      local_invocation_index: { type: U32, parts: ['l'] },
      local_invocation_id: { type: vec('u32', 3), parts: ['lx', 'ly', 'lz'] },
      global_invocation_id: { type: vec('u32', 3), parts: ['ix', 'iy', 'iz'] },
      subgroup_invocation_id: { type: U32, parts: ['sl'] },
      subgroup_size: { type: U32, parts: ['S'] },
    };
    for (const argument of node.args) {
      const attribute = argument.attributes?.find((a) => a.name === 'builtin');
      const name = String(attribute?.value);
      const builtin = builtins[name];
      if (!builtin) this.#fail(`the executor does not know @builtin(${name})`);
      if (name.startsWith('subgroup')) this.#usesSubgroups = true;
      this.#scopes[0]!.set(argument.name, { ...builtin, mutable: false });
    }
    this.#returns = VOID;
    this.#out = [
      `const lx = l % ${sx}, ly = Math.floor(l / ${sx}) % ${sy}, lz = Math.floor(l / ${sx * sy}), sl = l % S;`,
      `const ix = gx * ${sx} + lx, iy = gy * ${sy} + ly, iz = gz + lz;`,
    ];
    this.#yields = false;
    // A generator saves all its variables when it yields. Where lanes meet often they are better kept in an array.
    const meets = /\b(?:subgroup|quad)[A-Z]\w+\(/.test(this.#code.slice(node.start, node.end));
    this.#registers = meets ? 0 : undefined;
    this.#block(node.body, false);
    if (this.#registers) this.#out.unshift(`const V = new Float64Array(${this.#registers});`);
    this.#registers = undefined;
    const yields = this.#yields;
    this.#bodies.push(`function${yields ? '*' : ''} main(gx, gy, gz, nx, ny, nz, l, S) {\n${this.#out.join('\n')}\n}`);
    return yields;
  }

  // Names, sites and scopes

  #name(base: string): string {
    return `${base}$${this.#next++}`;
  }

  /** Binds a part to a name unless it is one or a number. */
  #bound(part: string): string {
    if (ATOM.test(part)) return part;
    const name = this.#name('t');
    this.#out.push(`const ${name} = ${part};`);
    return name;
  }

  /** A scalar that stands for every component of a vector is computed once. */
  #spread(value: Val, size: number): Val {
    return value.parts.length === 1 && size > 1 ? this.#atoms(value) : value;
  }

  #atoms(value: Val): Val {
    return { type: value.type, parts: value.parts.map((p) => this.#bound(p)) };
  }

  #at(node: Node): void {
    if (node.start >= 0) {
      // Statements know where they begin; expressions the line on which they end.
      let low = 0;
      let high = this.#lineStarts.length;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (this.#lineStarts[middle]! <= node.start) low = middle;
        else high = middle;
      }
      this.#line = low + 1;
    } else if (node.line > 0) this.#line = node.line;
  }

  #site(op?: string): number {
    const key = `${this.#line} ${op ?? ''}`;
    let site = this.#siteOf.get(key);
    if (site === undefined) {
      site = this.#sites.length;
      this.#sites.push(op === undefined ? { line: this.#line } : { line: this.#line, op });
      this.#siteOf.set(key, site);
    }
    return site;
  }

  #find(name: string): Local | undefined {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]!.get(name);
      if (found) return found;
    }
    return this.#privates.get(name);
  }

  // Statements

  #block(body: readonly Statement[], braces = true): void {
    const met = this.#met;
    this.#met = new Map();
    if (braces) this.#out.push('{');
    this.#scope(body);
    if (braces) this.#out.push('}');
    this.#met = met;
    // Whoever took another way may not come back.
    this.#met.clear();
  }

  /** Statements in a scope of their own. Names differ in JavaScript, so that it needs no braces. */
  #scope(body: readonly Statement[]): void {
    this.#scopes.push(new Map());
    for (const statement of body) this.#statement(statement);
    this.#scopes.pop();
  }

  #statement(node: Statement | Statement[]): void {
    if (Array.isArray(node)) {
      this.#scope(node);
      return;
    }
    this.#at(node);
    if (node instanceof Let || node instanceof Var || node instanceof Const) this.#declare(node);
    else if (node instanceof Assign) this.#assign(node);
    else if (node instanceof Increment) this.#increment(node);
    else if (node instanceof If) this.#if(node);
    else if (node instanceof For) this.#for(node);
    else if (node instanceof While) this.#loop(node.condition, node.body, undefined);
    else if (node instanceof Loop) this.#loopStatement(node);
    else if (node instanceof Switch) this.#switch(node);
    else if (node instanceof Return) this.#return(node);
    else if (node instanceof Break) this.#break(node);
    else if (node instanceof Continue) this.#continue();
    else if (node instanceof Call) this.#call(node.name, node.args);
    else this.#fail(`the executor does not know the statement ${node.astNodeType}`);
  }

  #increment(node: Increment): void {
    const place = this.#place(node.variable);
    const old = this.#load(place);
    this.#store(place, this.#binary(node.operator === '++' ? '+' : '-', old, { type: INT, parts: ['1'] }));
  }

  #break(node: Break): void {
    const label = this.#labels.at(-1);
    if (!label) this.#fail('break outside of a loop');
    const condition = node.condition ? `if (${this.#expression(node.condition).parts[0]}) ` : '';
    this.#out.push(`${condition}break ${label.breakTo};`);
  }

  #continue(): void {
    const label = this.#labels.findLast((l) => l.continueTo !== undefined);
    if (!label) this.#fail('continue outside of a loop');
    this.#out.push(`break ${label.continueTo};`);
  }

  #declare(node: Let | Var | Const): void {
    const wanted = node.type ? this.#type(node.type) : undefined;
    let value: Val;
    if (node.value) {
      value = this.#expression(node.value);
      value = this.#convert(value, wanted ?? concrete(value.type));
    } else value = this.#zeroOf(wanted!);
    if (node instanceof Const && value.parts.every(isLiteral)) {
      this.#scopes.at(-1)!.set(node.name, { type: value.type, parts: value.parts, mutable: false });
      return;
    }
    const mutable = node instanceof Var;
    const parts = value.parts.map((part, i) => {
      const leaf = leavesOf(value.type)[i]!;
      const isArray = typeof leaf !== 'string';
      if (mutable && !isArray && leaf !== 'bool' && this.#registers !== undefined) {
        const place = `V[${this.#registers++}]`;
        this.#out.push(`${place} = ${part};`);
        return place;
      }
      const name = this.#name(node.name);
      // Arrays are values: a variable has its own.
      const copied = isArray && ATOM.test(part) ? `${part}.slice()` : part;
      this.#out.push(`${mutable ? 'let' : 'const'} ${name} = ${copied};`);
      return name;
    });
    this.#scopes.at(-1)!.set(node.name, { type: value.type, parts, mutable });
  }

  #assign(node: Assign): void {
    if (node.variable instanceof VariableExpr && node.variable.name === '_') {
      this.#atoms(this.#expression(node.value));
      return;
    }
    if (node.operator === '=') {
      // The value comes first: what it reads is read before the place is written.
      const value = this.#expression(node.value);
      this.#store(this.#place(node.variable), value);
      return;
    }
    const place = this.#place(node.variable);
    const old = this.#load(place);
    const value = this.#expression(node.value);
    this.#store(place, this.#binary(node.operator.slice(0, -1), old, value));
  }

  #if(node: If): void {
    const rest = [...(node.elseif ?? [])];
    const branch = (condition: Expression, body: readonly Statement[]) => {
      this.#at(condition);
      const value = this.#expression(condition).parts[0]!;
      const others = () => {
        const next = rest.shift();
        if (next) branch(next.condition, next.body);
        else if (node.else) this.#block(node.else);
      };
      if (value === 'true') this.#block(body);
      else if (value === 'false') others();
      else {
        this.#out.push(`if (${value})`);
        this.#block(body);
        if (rest.length > 0 || node.else) {
          this.#out.push('else {');
          others();
          this.#out.push('}');
        }
      }
    };
    branch(node.condition, node.body);
  }

  #for(node: For): void {
    this.#out.push('{');
    this.#scopes.push(new Map());
    if (node.init) this.#statement(node.init);
    this.#loop(node.condition, node.body, node.increment ? [node.increment] : undefined);
    this.#scopes.pop();
    this.#out.push('}');
  }

  #loopStatement(node: Loop): void {
    const continuing = node.continuing?.body;
    const body = node.body.filter((s) => s !== node.continuing && s.astNodeType !== 'continuing');
    this.#loop(null, body, continuing);
  }

  #loop(condition: Expression | null, body: readonly Statement[], continuing: readonly Statement[] | undefined): void {
    const breakTo = this.#name('L');
    const continueTo = this.#name('C');
    const line = this.#line;
    this.#out.push(`${breakTo}: for (;;) {`, `if (++steps > budget) rt.steps(${this.#site()}, grp, lane);`);
    if (condition) {
      this.#at(condition);
      const value = this.#expression(condition).parts[0]!;
      if (value !== 'true') this.#out.push(`if (!(${value})) break;`);
    }
    this.#labels.push({ breakTo, continueTo });
    this.#out.push(`${continueTo}:`);
    this.#block(body);
    this.#labels.pop();
    this.#line = line;
    if (continuing) {
      this.#labels.push({ breakTo, continueTo: undefined });
      this.#block(continuing);
      this.#labels.pop();
    }
    this.#out.push('}');
  }

  #switch(node: Switch): void {
    const value = this.#bound(this.#expression(node.condition).parts[0]!);
    const label = this.#name('S');
    const cases = node.cases.map((c) => {
      const selectors = c instanceof Case ? c.selectors : [];
      const isDefault = c instanceof Default || selectors.some((s) => s instanceof DefaultSelector);
      const values = selectors.filter((s) => !(s instanceof DefaultSelector)).map((s) => this.#expression(s).parts[0]!);
      return { values, isDefault, body: c.body };
    });
    this.#labels.push({ breakTo: label, continueTo: undefined });
    this.#out.push(`${label}: {`);
    const fallback = cases.find((c) => c.isDefault);
    if (isLiteral(value)) {
      const taken = cases.find((c) => c.values.includes(value)) ?? fallback;
      if (taken) this.#block(taken.body);
    } else {
      let opened = 0;
      for (const c of cases) {
        if (c.isDefault) continue;
        this.#out.push(`if (${c.values.map((v) => `${value} === ${v}`).join(' || ')})`);
        this.#block(c.body);
        this.#out.push('else {');
        opened++;
      }
      if (fallback) this.#block(fallback.body);
      this.#out.push('}'.repeat(opened));
    }
    this.#out.push('}');
    this.#labels.pop();
  }

  #return(node: Return): void {
    const empty = node.value === null || (node.value instanceof CreateExpr && node.value.type === null);
    if (empty) {
      this.#out.push('return;');
      return;
    }
    const value = this.#convert(this.#expression(node.value), this.#returns);
    if (value.parts.length === 1) {
      this.#out.push(`return ${value.parts[0]};`);
      return;
    }
    const { parts } = value;
    this.#out.push(`${parts.map((p, i) => `R${i} = ${p};`).join(' ')} return;`);
    this.#results = Math.max(this.#results, parts.length);
  }

  // Places

  #place(node: Expression): Place {
    if (node instanceof UnaryOperator && node.operator === '&') return this.#place(node.right);
    if (!(node instanceof VariableExpr)) return this.#fail('this is nothing that could be written to');
    return this.#follow(this.#root(node.name), node.postfix);
  }

  #root(name: string): Place {
    const local = this.#find(name);
    if (local) return { kind: 'parts', ...local };
    const found = this.#memories.get(name);
    if (found) return { kind: 'memory', type: found.type, memory: found.memory, at: '0' };
    if (this.#constants.has(name)) return { kind: 'parts', ...this.#constant(name), mutable: false };
    return this.#fail(`there is no ${name}`);
  }

  #follow(start: Place, postfix: Expression | null): Place {
    let place = start;
    for (let step: Expression | null = postfix; step; step = step.postfix) {
      if (step instanceof StringExpr) place = this.#member(place, step.value);
      else if (step instanceof ArrayIndex) place = this.#element(place, step);
      else this.#fail('the executor does not know this access');
    }
    return place;
  }

  #member(place: Place, name: string): Place {
    const { type } = place;
    if (type.kind === 'struct') {
      const index = type.members.findIndex((m) => m.name === name);
      if (index < 0) this.#fail(`${type.name} has no ${name}`);
      const member = type.members[index]!.type;
      if (place.kind === 'memory')
        return {
          kind: 'memory',
          type: member,
          memory: place.memory,
          at: plus(place.at, offsetOf(type, index, place.memory.layout)),
        };
      if (place.kind === 'component') return this.#fail('a component has no members');
      const before = type.members.slice(0, index).flatMap((m) => leavesOf(m.type)).length;
      return { ...place, type: member, parts: place.parts.slice(before, before + leavesOf(member).length) };
    }
    if (type.kind === 'vec' && SWIZZLE.test(name)) {
      const indices = [...name].map(placeOfLetter);
      if (indices.some((i) => i >= type.size)) this.#fail(`${typeName(type)} has no .${name}`);
      const of: Type = indices.length === 1 ? scalar(type.of) : vec(type.of, indices.length);
      if (place.kind === 'memory') {
        if (indices.length === 1)
          return {
            kind: 'memory',
            type: of,
            memory: place.memory,
            at: plus(place.at, indices[0]!),
            whole: { at: place.at, size: type.size },
          };
        const whole = this.#load(place);
        return { kind: 'parts', type: of, parts: indices.map((i) => whole.parts[i]!), mutable: false };
      }
      if (place.kind === 'component') return this.#fail('a component has no members');
      return { ...place, type: of, parts: indices.map((i) => place.parts[i]!) };
    }
    return this.#fail(`${typeName(type)} has no .${name}`);
  }

  #element(place: Place, step: ArrayIndex): Place {
    const { type } = place;
    const index = this.#expression(step.index);
    if (componentOf(index.type) === 'f32' || index.type.kind !== 'scalar') this.#fail('an index is a whole number');
    let at = this.#bound(index.parts[0]!);
    const size =
      type.kind === 'array'
        ? (type.count ?? undefined)
        : type.kind === 'vec'
          ? type.size
          : type.kind === 'mat'
            ? type.columns
            : this.#fail(`${typeName(type)} has no elements`);
    const name = place.kind === 'memory' ? place.memory.name : this.#nameOf(place);
    const limit =
      size === undefined && place.kind === 'memory'
        ? `${place.memory.array('u32').replace(/_u32$/, '')}_n`
        : String(size);
    if (!(isLiteral(at) && size !== undefined && Number(at) >= 0 && Number(at) < size)) {
      const checked = this.#name('i');
      const signed = componentOf(index.type) !== 'u32';
      const test = signed ? `${at} < 0 || ${at} >= ${limit}` : `${at} >= ${limit}`;
      this.#out.push(
        `let ${checked} = ${at};`,
        `if (${test}) ${checked} = out(${this.#site()}, ${JSON.stringify(name)}, ${at}, ${limit});`,
      );
      at = checked;
    }
    if (place.kind === 'component') return this.#fail('a component has no elements');
    if (type.kind === 'array') {
      const of = type.of;
      if (place.kind === 'parts') {
        const array = place.parts[0]!;
        const memory: Memory = {
          name,
          space: 'function',
          layout: 'packed',
          array: () => array,
          checksInit: false,
          stride: strideOf(of, 'packed'),
        };
        return { kind: 'memory', type: of, memory, at: this.#bound(times(at, strideOf(of, 'packed'))) };
      }
      const stride = strideOf(of, place.memory.layout);
      return { kind: 'memory', type: of, memory: place.memory, at: this.#bound(plus(place.at, times(at, stride))) };
    }
    if (type.kind === 'vec') {
      const of = scalar(type.of);
      if (place.kind === 'memory')
        return {
          kind: 'memory',
          type: of,
          memory: place.memory,
          at: this.#bound(plus(place.at, at)),
          whole: { at: place.at, size: type.size },
        };
      if (isLiteral(at)) return { ...place, type: of, parts: [place.parts[Number(at)]!] };
      return { kind: 'component', type: of, parts: place.parts, index: at };
    }
    if (type.kind !== 'mat') return this.#fail('the executor does not know this access');
    const column = vec('f32', type.rows);
    if (place.kind === 'memory')
      return {
        kind: 'memory',
        type: column,
        memory: place.memory,
        at: this.#bound(plus(place.at, times(at, columnWords(type.rows, place.memory.layout)))),
      };
    if (isLiteral(at))
      return { ...place, type: column, parts: place.parts.slice(Number(at) * type.rows, (Number(at) + 1) * type.rows) };
    const chosen = Array.from({ length: type.rows }, (_, r) =>
      this.#chosen(
        at,
        Array.from({ length: type.columns }, (_, c) => place.parts[c * type.rows + r]!),
      ),
    );
    return { kind: 'parts', type: column, parts: chosen.map((p) => this.#bound(p)), mutable: false };
  }

  #nameOf(place: Place): string {
    return place.kind === 'memory' ? place.memory.name : (place.parts[0] ?? 'value').replace(/\$\d+$/, '');
  }

  #chosen(index: string, parts: readonly string[]): string {
    return parts.slice(0, -1).reduceRight((rest, part, i) => `${index} === ${i} ? ${part} : (${rest})`, parts.at(-1)!);
  }

  // Memory

  #load(place: Place): Val {
    // Variables of an invocation that functions may write to while the expression is evaluated are read first.
    if (place.kind === 'parts')
      return { type: place.type, parts: place.parts.map((p) => (p.endsWith('[lane]') ? this.#copied(p) : p)) };
    if (place.kind === 'component')
      return { type: place.type, parts: [this.#bound(this.#chosen(place.index, place.parts))] };
    const { memory, at, whole } = place;
    const type: Type = place.type;
    if (type.kind === 'atomic') return this.#fail('an atomic is read by atomicLoad');
    if (type.kind === 'array') {
      if (type.count === undefined || memory.layout !== 'packed' || memory.shadow)
        return this.#fail('the executor does not read whole arrays of memory');
      const end = plus(at, wordsOf(type, 'packed'));
      return { type, parts: [this.#bound(`${memory.array('f32')}.slice(${at}, ${end})`)] };
    }
    const granules = granulesOf(type, memory.layout);
    if (!granules) return this.#fail(`the executor does not read a ${typeName(type)} at once`);
    const parts: string[] = [];
    for (const granule of granules) {
      const from = plus(at, granule.at);
      this.#touch('read', memory, whole?.at ?? from);
      if (memory.checksInit)
        this.#out.push(
          `if (${memory.array('u32')}[${from}] === POISON) rt.init(${this.#site()}, ${JSON.stringify(memory.name)}, ` +
            `Math.floor((${from}) / ${memory.stride}), grp, lane);`,
        );
      for (let i = 0; i < granule.words; i++) parts.push(this.#bound(`${memory.array(granule.of)}[${plus(from, i)}]`));
    }
    return { type, parts };
  }

  #touch(how: 'read' | 'wrote', memory: Memory, at: string): void {
    if (!memory.shadow) return;
    this.#out.push(
      `${how}(${memory.shadow}, ${at}, ${this.#site()}, ${JSON.stringify(memory.name)}, ${memory.stride}, ${memory.period}, ${memory.space === 'storage' ? 'base' : 'groupBase'});`,
    );
  }

  #store(place: Place, given: Val): void {
    const value = this.#convert(given, place.type);
    if (place.kind === 'parts') {
      if (!place.mutable) this.#fail(`${this.#nameOf(place)} cannot be written to`);
      // A vector made of its own components must not read what it has just written.
      const crossed = value.parts.some((p, i) => place.parts.some((t, k) => k < i && p.includes(t)));
      const parts = crossed ? value.parts.map((p) => this.#copied(p)) : value.parts;
      place.parts.forEach((target, i) => {
        const isArray = typeof leavesOf(place.type)[i] !== 'string';
        this.#met.delete(target);
        this.#out.push(`${target} = ${isArray ? `${parts[i]}.slice()` : parts[i]};`);
      });
      return;
    }
    if (place.kind === 'component') {
      for (const part of place.parts) this.#met.delete(part);
      const one = this.#bound(value.parts[0]!);
      const cases = place.parts.map((part, i) => `case ${i}: ${part} = ${one}; break;`);
      this.#out.push(`switch (${place.index}) { ${cases.join(' ')} }`);
      return;
    }
    const { memory, at, whole, type } = place;
    if (type.kind === 'array') {
      const words = wordsOf(type, 'packed');
      if (memory.shadow || memory.layout !== 'packed') this.#fail('the executor does not write whole arrays to memory');
      this.#out.push(`for (let n = 0; n < ${words}; n++) ${memory.array('f32')}[${at} + n] = ${value.parts[0]}[n];`);
      return;
    }
    const granules = granulesOf(type, memory.layout);
    if (!granules) this.#fail(`the executor does not write a ${typeName(type)} at once`);
    let part = 0;
    for (const granule of granules) {
      const from = plus(at, granule.at);
      this.#touch('wrote', memory, whole?.at ?? from);
      for (let i = 0; i < granule.words; i++)
        this.#out.push(`${memory.array(granule.of)}[${plus(from, i)}] = ${value.parts[part++]};`);
    }
  }

  /** A part that keeps its value when variables change. */
  #copied(part: string): string {
    if (isLiteral(part) || part.startsWith('t$')) return part;
    const name = this.#name('t');
    this.#out.push(`const ${name} = ${part};`);
    return name;
  }

  // Expressions

  #expression(node: Expression): Val {
    this.#atExpression(node);
    if (node instanceof VariableExpr || node instanceof ConstExpr) {
      if (!this.#find(node.name) && this.#textures.has(node.name)) this.#fail('a texture is no value');
      return this.#load(this.#follow(this.#root(node.name), node.postfix));
    }
    const value = this.#plain(node);
    if (!node.postfix) return value;
    const bound = this.#atoms(value);
    return this.#load(
      this.#follow({ kind: 'parts', type: bound.type, parts: bound.parts, mutable: false }, node.postfix),
    );
  }

  /** Expressions that span lines belong to the statement's line: a report names where it begins. */
  #atExpression(node: Expression): void {
    if (node instanceof CallExpr || node instanceof VariableExpr) if (node.line > this.#line) this.#line = node.line;
  }

  #plain(node: Expression): Val {
    if (node instanceof LiteralExpr) {
      const type = this.#type(node.type);
      if (node.isVector) return { type, parts: Array.from(node.vectorValue, literal) };
      const value = node.scalarValue;
      if (type.kind === 'scalar' && type.of === 'bool') return { type, parts: [value ? 'true' : 'false'] };
      return { type, parts: [literal(value)] };
    }
    if (node instanceof UnaryOperator) return this.#unary(node);
    if (node instanceof BinaryOperator) {
      if (node.operator === '&&' || node.operator === '||') return this.#logical(node);
      const left = this.#expression(node.left);
      const right = this.#expression(node.right);
      return this.#binary(node.operator, left, right);
    }
    if (node instanceof BitcastExpr) return this.#bitcast(this.#expression(node.value), this.#type(node.type));
    if (node instanceof CreateExpr) return this.#create(node);
    if (node instanceof CallExpr) {
      const value = this.#call(node.name, node.args ?? []);
      if (value.type.kind === 'void') this.#fail(`${node.name} gives nothing`);
      return value;
    }
    return this.#fail(`the executor does not know the expression ${node.astNodeType}`);
  }

  #logical(node: BinaryOperator): Val {
    const left = this.#expression(node.left).parts[0]!;
    const stops = node.operator === '&&' ? 'false' : 'true';
    if (left === stops) return { type: BOOL, parts: [stops] };
    if (isLiteral(left)) return this.#expression(node.right);
    const out = this.#out;
    const met = this.#met;
    this.#out = [];
    this.#met = new Map();
    const right = this.#expression(node.right).parts[0]!;
    const needed = this.#out;
    this.#out = out;
    this.#met = met;
    if (needed.length === 0) {
      if (right === stops) return { type: BOOL, parts: [stops] };
      return { type: BOOL, parts: [`(${left} ${node.operator} ${right})`] };
    }
    const name = this.#name('t');
    this.#out.push(
      `let ${name} = ${left};`,
      `if (${node.operator === '&&' ? name : `!${name}`}) {`,
      ...needed,
      `${name} = ${right};`,
      '}',
    );
    return { type: BOOL, parts: [name] };
  }

  #unary(node: UnaryOperator): Val {
    const value = this.#expression(node.right);
    const of = componentOf(value.type);
    const each = (make: (part: string) => string): Val => ({
      type: value.type,
      parts: value.parts.map((p) => folded(make(p), [p])),
    });
    if (node.operator === '-') {
      if (of === 'u32') this.#fail('u32 has no negative');
      return each((p) => (of === 'i32' ? `(-${wrapped(p)} | 0)` : `(-${wrapped(p)})`));
    }
    if (node.operator === '!') return each((p) => `!${wrapped(p)}`);
    if (node.operator === '~') return each((p) => (of === 'u32' ? `(~${wrapped(p)} >>> 0)` : `(~${wrapped(p)})`));
    return this.#fail(`the executor does not know the operator ${node.operator}`);
  }

  #binary(operator: string, leftGiven: Val, rightGiven: Val): Val {
    if (leftGiven.type.kind === 'mat' || rightGiven.type.kind === 'mat')
      return this.#matrix(operator, this.#atoms(leftGiven), this.#atoms(rightGiven));
    const shift = operator === '<<' || operator === '>>';
    const most = Math.max(leftGiven.parts.length, rightGiven.parts.length);
    const operands = [this.#spread(leftGiven, most), this.#spread(rightGiven, most)] as const;
    const [left, right] = shift ? operands : this.#unified(...operands, operator);
    const of = componentOf(left.type);
    if (of === undefined) return this.#fail(`${operator} needs numbers, got ${typeName(left.type)}`);
    const size = Math.max(left.parts.length, right.parts.length);
    const compares = ['==', '!=', '<', '<=', '>', '>='].includes(operator);
    const type: Type = compares
      ? size > 1
        ? vec('bool', size)
        : BOOL
      : size > 1
        ? vec(of, size)
        : left.type.kind === 'vec'
          ? left.type
          : scalar(of);
    const parts = Array.from({ length: size }, (_, i) => {
      const a = left.parts[left.parts.length > 1 ? i : 0]!;
      const b = right.parts[right.parts.length > 1 ? i : 0]!;
      return folded(this.#operation(operator, of, wrapped(a), wrapped(b)), [a, b]);
    });
    return { type, parts };
  }

  #operation(operator: string, of: Scalar, a: string, b: string): string {
    switch (operator) {
      case '==':
        return `${a} === ${b}`;
      case '!=':
        return `${a} !== ${b}`;
      case '<':
      case '<=':
      case '>':
      case '>=':
        return `${a} ${operator} ${b}`;
    }
    if (of === 'bool') {
      if (operator === '&') return `(${a} && ${b})`;
      if (operator === '|') return `(${a} || ${b})`;
      return this.#fail(`bool has no ${operator}`);
    }
    if (of === 'f32') {
      if (!['+', '-', '*', '/', '%'].includes(operator)) this.#fail(`f32 has no ${operator}`);
      return `fr(${a} ${operator} ${b})`;
    }
    if (of === 'u32') {
      switch (operator) {
        case '+':
        case '-':
          return `(${a} ${operator} ${b}) >>> 0`;
        case '*':
          return `imul(${a}, ${b}) >>> 0`;
        case '/':
          return NUMBER.test(b) && b !== '0' ? `Math.floor(${a} / ${b})` : `divU(${a}, ${b})`;
        case '%':
          return NUMBER.test(b) && b !== '0' ? `${a} % ${b}` : `modU(${a}, ${b})`;
        case '<<':
          return `(${a} << ${b}) >>> 0`;
        case '>>':
          return `${a} >>> ${b}`;
        case '&':
        case '|':
        case '^':
          return `(${a} ${operator} ${b}) >>> 0`;
      }
    }
    switch (operator) {
      case '+':
      case '-':
        return `(${a} ${operator} ${b}) | 0`;
      case '*':
        return `imul(${a}, ${b})`;
      case '/':
        return `divI(${a}, ${b})`;
      case '%':
        return `modI(${a}, ${b})`;
      case '<<':
      case '>>':
      case '&':
      case '|':
      case '^':
        return `${a} ${operator} ${b}`;
    }
    return this.#fail(`the executor does not know the operator ${operator}`);
  }

  #matrix(operator: string, left: Val, right: Val): Val {
    const a = left.type;
    const b = right.type;
    const mul = (x: string, y: string) => `fr(${x} * ${y})`;
    const sum = (terms: string[]) => terms.reduce((all, t) => `fr(${all} + ${t})`);
    if (operator === '*' && a.kind === 'mat' && b.kind === 'vec')
      return {
        type: vec('f32', a.rows),
        parts: Array.from({ length: a.rows }, (_, r) =>
          sum(right.parts.map((x, c) => mul(left.parts[c * a.rows + r]!, x))),
        ),
      };
    if (operator === '*' && a.kind === 'vec' && b.kind === 'mat')
      return {
        type: vec('f32', b.columns),
        parts: Array.from({ length: b.columns }, (_, c) =>
          sum(left.parts.map((x, r) => mul(x, right.parts[c * b.rows + r]!))),
        ),
      };
    if (operator === '*' && a.kind === 'mat' && b.kind === 'mat')
      return {
        type: { kind: 'mat', columns: b.columns, rows: a.rows },
        parts: Array.from({ length: b.columns * a.rows }, (_, i) => {
          const c = Math.floor(i / a.rows);
          const r = i % a.rows;
          return sum(
            Array.from({ length: a.columns }, (_, k) => mul(left.parts[k * a.rows + r]!, right.parts[c * b.rows + k]!)),
          );
        }),
      };
    const type = a.kind === 'mat' ? a : b;
    return {
      type,
      parts: Array.from({ length: Math.max(left.parts.length, right.parts.length) }, (_, i) => {
        const x = left.parts[left.parts.length > 1 ? i : 0]!;
        const y = right.parts[right.parts.length > 1 ? i : 0]!;
        return this.#operation(operator, 'f32', x, y);
      }),
    };
  }

  /** Two operands of one component type, the number without a type taking the other's. */
  #unified(left: Val, right: Val, what: string): [Val, Val] {
    const a = componentOf(left.type);
    const b = componentOf(right.type);
    if (a === b) return [left, right];
    if (a === 'int') return [retyped(left, b!), right];
    if (b === 'int') return [left, retyped(right, a!)];
    return this.#fail(`${what} needs operands of one type, got ${typeName(left.type)} and ${typeName(right.type)}`);
  }

  /** A value as another type that it converts to of itself: a number without a type takes one. */
  #convert(value: Val, to: Type): Val {
    const of = componentOf(value.type);
    const wanted = componentOf(to);
    if (of === 'int' && wanted !== undefined && wanted !== 'bool') return retyped(value, wanted);
    if (typeName(value.type) !== typeName(to))
      this.#fail(`this needs a ${typeName(to)}, got a ${typeName(value.type)}`);
    return value;
  }

  #bitcast(given: Val, to: Type): Val {
    const value = given;
    const from = componentOf(value.type);
    const of = componentOf(to);
    if (from === undefined || of === undefined) return this.#fail('bitcast is between numbers');
    const parts = value.parts.map((p) => {
      const expression =
        from === of
          ? p
          : from === 'f32'
            ? of === 'u32'
              ? `castFU(${p})`
              : `(castFU(${p}) | 0)`
            : of === 'f32'
              ? `castUF(${p})`
              : of === 'u32'
                ? `(${wrapped(p)} >>> 0)`
                : `(${wrapped(p)} | 0)`;
      return expression;
    });
    return { type: to, parts };
  }

  #zeroOf(type: Type): Val {
    const parts = leavesOf(type).map((leaf) => {
      if (leaf === 'bool') return 'false';
      if (typeof leaf === 'string') return '0';
      return `new Array(${wordsOf(leaf, 'packed')}).fill(${componentOf(leaf.of) === 'bool' ? 'false' : '0'})`;
    });
    return { type, parts };
  }

  #create(node: CreateExpr): Val {
    const type = this.#type(node.type);
    const several = type.kind === 'vec' && node.args?.length === 1;
    const args = (node.args ?? []).map((a) => (several ? this.#atoms(this.#expression(a)) : this.#expression(a)));
    if (args.length === 0) return this.#zeroOf(type);
    switch (type.kind) {
      case 'scalar':
        return { type, parts: [this.#cast(args[0]!, type.of, 0)] };
      case 'vec': {
        // vec2(…) of something takes its component type.
        const of: Scalar = (type.of as string) === '' ? componentOf(args[0]!.type)! : type.of;
        const to = vec(of, type.size);
        const parts = args.flatMap((a) => a.parts.map((_, i) => this.#cast(a, of, i)));
        if (parts.length === 1) return { type: to, parts: new Array<string>(type.size).fill(this.#bound(parts[0]!)) };
        if (parts.length !== type.size) this.#fail(`${typeName(to)} of ${parts.length} components`);
        return { type: to, parts };
      }
      case 'mat': {
        const parts = args.flatMap((a) => a.parts.map((_, i) => this.#cast(a, 'f32', i)));
        if (parts.length !== type.columns * type.rows) this.#fail(`${typeName(type)} of ${parts.length} components`);
        return { type, parts };
      }
      case 'array': {
        const counted: Type = { ...type, count: type.count ?? args.length };
        if (counted.kind === 'array' && counted.count !== args.length)
          this.#fail(`${typeName(counted)} of ${args.length} elements`);
        const words = args.flatMap((a) => this.#convert(a, type.of).parts);
        return { type: counted, parts: [`[${words.join(', ')}]`] };
      }
      case 'struct':
        return {
          type,
          parts: type.members.flatMap((m, i) => {
            if (!args[i]) this.#fail(`${type.name} needs a value for ${m.name}`);
            return this.#convert(args[i], m.type).parts;
          }),
        };
      default:
        return this.#fail(`the executor does not make a ${typeName(type)}`);
    }
  }

  /** A component as another scalar type, by conversion. */
  #cast(value: Val, to: Scalar, i: number): string {
    const from = componentOf(value.type);
    const part = value.parts[i]!;
    if (from === undefined) return this.#fail(`${typeName(value.type)} is no ${to}`);
    if (from === to) return part;
    const expression = (() => {
      if (from === 'bool') return to === 'f32' || to === 'u32' || to === 'i32' ? `(${part} ? 1 : 0)` : part;
      if (to === 'bool') return `${wrapped(part)} !== 0`;
      if (to === 'f32') return `fr(${part})`;
      if (from === 'f32') return to === 'u32' ? `toU(${part})` : `toI(${part})`;
      return to === 'u32' ? `${wrapped(part)} >>> 0` : `${wrapped(part)} | 0`;
    })();
    return folded(expression, [part]);
  }

  // Calls

  #call(name: string, nodes: readonly Expression[]): Val {
    if (BARRIERS[name] !== undefined) {
      this.#yields = true;
      this.#out.push(`yield ${4 * this.#site() + BARRIERS[name]};`);
      return { type: VOID, parts: [] };
    }
    if (name.startsWith('atomic')) return this.#atomic(name, nodes);
    if (name === 'textureLoad') return this.#texture(nodes);
    if (name === 'arrayLength') {
      const place = this.#place(nodes[0]!);
      if (place.kind !== 'memory') return this.#fail('arrayLength is of a storage binding');
      return { type: U32, parts: [`${place.memory.array('u32').replace(/_u32$/, '')}_n`] };
    }
    const known = this.#function(name);
    const args = nodes.map((n) => this.#expression(n));
    if (!known) {
      if (SHUFFLES.has(name) || FOLDED.has(name) || name === 'subgroupElect') return this.#subgroup(name, args);
      return this.#builtin(name, args);
    }
    if (args.length !== known.params.length) this.#fail(`${name} takes ${known.params.length} arguments`);
    const given = args.flatMap((a, i) => this.#convert(a, known.params[i]!).parts);
    const call = `${known.yields ? 'yield* ' : ''}${known.jsName}(${given.join(', ')})`;
    if (known.yields) this.#yields = true;
    const leaves = leavesOf(known.result).length;
    if (leaves === 0) {
      this.#out.push(`${call};`);
      return { type: VOID, parts: [] };
    }
    if (leaves === 1) {
      const name = this.#name('t');
      this.#out.push(`const ${name} = ${call};`);
      return { type: known.result, parts: [name] };
    }
    this.#out.push(`${call};`);
    return { type: known.result, parts: Array.from({ length: leaves }, (_, i) => this.#copied(`R${i}`)) };
  }

  #atomic(name: string, nodes: readonly Expression[]): Val {
    const place = this.#place(nodes[0]!);
    if (place.kind !== 'memory' || place.type.kind !== 'atomic') return this.#fail(`${name} needs an atomic`);
    const { memory, at } = place;
    const of = place.type.of;
    const type = scalar(of);
    const cell = `${memory.array(of)}[${at}]`;
    const value = nodes[1] ? this.#convert(this.#atoms(this.#expression(nodes[1])), type).parts[0]! : '0';
    if (memory.checksInit && name !== 'atomicStore')
      this.#out.push(
        `if (${memory.array('u32')}[${at}] === POISON) rt.init(${this.#site()}, ${JSON.stringify(memory.name)}, ${at}, grp, lane);`,
      );
    const old = this.#copied(cell);
    // Memory that holds atomics is only ever touched by them: WGSL's types see to that.
    const results: Record<string, string | undefined> = {
      atomicLoad: undefined,
      atomicStore: value,
      atomicExchange: value,
      atomicAdd: `${old} + ${value}`,
      atomicSub: `${old} - ${value}`,
      atomicMax: `Math.max(${old}, ${value})`,
      atomicMin: `Math.min(${old}, ${value})`,
      atomicAnd: `${old} & ${value}`,
      atomicOr: `${old} | ${value}`,
      atomicXor: `${old} ^ ${value}`,
    };
    if (!(name in results)) this.#fail(`the executor does not know ${name}`);
    if (results[name] !== undefined) this.#out.push(`${cell} = ${results[name]};`);
    return name === 'atomicStore' ? { type: VOID, parts: [] } : { type, parts: [old] };
  }

  #texture(nodes: readonly Expression[]): Val {
    const [node, coordinates] = nodes;
    const js = node instanceof VariableExpr ? this.#textures.get(node.name) : undefined;
    if (js === undefined) return this.#fail('textureLoad needs a texture');
    const at = this.#atoms(this.#expression(coordinates!));
    const name = (node as VariableExpr).name;
    const place = this.#copied(
      `texel(${js}, ${at.parts[0]}, ${at.parts[1]}, ${this.#site()}, ${JSON.stringify(name)})`,
    );
    return {
      type: vec('f32', 4),
      parts: Array.from({ length: 4 }, (_, i) => this.#bound(`${js}.floats[${plus(place, i)}]`)),
    };
  }

  /** The parts of the constant vector that a part belongs to, which lanes may as well give each other at once. */
  #vectorOf(part: string): readonly string[] {
    for (const scope of this.#scopes)
      for (const local of scope.values()) if (!local.mutable && local.parts.includes(part)) return local.parts;
    return [part];
  }

  #subgroup(name: string, args: readonly Val[]): Val {
    this.#yields = true;
    this.#usesSubgroups = true;
    const value = this.#atoms(args[0] ?? { type: BOOL, parts: ['true'] });
    if (name === 'subgroupElect') return { type: BOOL, parts: ['(lane % SUB === 0)'] };
    const site = this.#site(FOLDED.has(name) ? `${name} ${componentOf(value.type)}` : name);
    const meet = (given: string) => {
      this.#out.push(`given[lane] = ${given};`, `yield ${4 * site + 3};`);
      return this.#copied('got[lane]');
    };
    if (FOLDED.has(name)) return { type: value.type, parts: value.parts.map(meet) };
    const from = peerOf(name, this.#bound(args[1]?.parts[0] ?? '0'));
    const parts = value.parts.map((part) => {
      // The lanes meet once for each value, however many of them ask each other for it.
      if (!this.#met.has(part)) {
        const together = this.#vectorOf(part);
        const all = meet(`[${together.join(', ')}]`);
        together.forEach((p, i) => {
          this.#met.set(p, { all, at: i });
        });
      }
      const { all, at } = this.#met.get(part)!;
      return this.#copied(`${all}[peer(${site}, ${from}, ${all}.length)][${at}]`);
    });
    return { type: value.type, parts };
  }

  #builtin(name: string, given: readonly Val[]): Val {
    let args = [...given];
    if (['min', 'max', 'clamp', 'select', 'mix', 'pow', 'dot', 'fma', 'step', 'distance', 'atan2'].includes(name)) {
      const numbers = name === 'select' ? 2 : args.length;
      const typed = args.slice(0, numbers).find((a) => componentOf(a.type) !== 'int');
      const of = typed ? componentOf(typed.type)! : 'i32';
      args = args.map((a, i) => (i < numbers && componentOf(a.type) === 'int' ? retyped(a, of) : a));
      const all = new Set(args.slice(0, numbers).map((a) => componentOf(a.type)));
      if (all.size > 1) this.#fail(`${name} of ${args.map((a) => typeName(a.type)).join(' and ')}`);
    } else args = args.map((a) => this.#convert(a, concrete(a.type)));
    if (args.length === 0) return this.#fail(`the executor does not know ${name}`);
    if (name === 'transpose') args = args.map((a) => this.#atoms(a));
    const first = args[0]!;
    if (name === 'transpose' && first.type.kind === 'mat') {
      const { columns, rows } = first.type;
      const parts = Array.from(
        { length: rows * columns },
        (_, i) => first.parts[(i % columns) * rows + Math.floor(i / columns)]!,
      );
      return { type: { kind: 'mat', columns: rows, rows: columns }, parts };
    }
    const of = componentOf(first.type);
    const size = Math.max(...args.map((a) => a.parts.length));
    args = args.map((a) => this.#spread(a, size));
    const part = (n: number, i: number) => args[n]!.parts[args[n]!.parts.length > 1 ? i : 0]!;
    const each = (make: (i: number) => string, type: Type = first.type): Val => {
      const shaped: Type = size > 1 ? vec(componentOf(type)!, size) : type;
      return {
        type: shaped,
        parts: Array.from({ length: size }, (_, i) => {
          return folded(
            make(i),
            args.map((a) => a.parts[a.parts.length > 1 ? i : 0]!),
          );
        }),
      };
    };
    const float = (js: string) => {
      if (of !== 'f32') this.#fail(`${name} is of f32, got ${typeName(first.type)}`);
      return each((i) => `fr(${js.replaceAll('X', wrapped(part(0, i)))})`);
    };
    const max = of === 'f32' ? 'maxF' : 'Math.max';
    const min = of === 'f32' ? 'minF' : 'Math.min';
    switch (name) {
      case 'abs':
        return of === 'i32' ? each((i) => `Math.abs(${part(0, i)}) | 0`) : each((i) => `Math.abs(${part(0, i)})`);
      case 'min':
        return each((i) => `${min}(${part(0, i)}, ${part(1, i)})`);
      case 'max':
        return each((i) => `${max}(${part(0, i)}, ${part(1, i)})`);
      case 'clamp':
        return each((i) => `${min}(${max}(${part(0, i)}, ${part(1, i)}), ${part(2, i)})`);
      case 'select':
        return each((i) => `(${part(2, i)} ? ${part(1, i)} : ${part(0, i)})`);
      case 'all':
        return { type: BOOL, parts: [`(${first.parts.join(' && ')})`] };
      case 'any':
        return { type: BOOL, parts: [`(${first.parts.join(' || ')})`] };
      case 'dot': {
        const terms = first.parts.map((p, i) => {
          return this.#operation('*', of!, wrapped(p), wrapped(part(1, i)));
        });
        const total = terms.reduce((all, t) => this.#operation('+', of!, wrapped(all), wrapped(t)));
        return { type: scalar(of!), parts: [total] };
      }
      case 'fma':
        return each((i) => `fr(${wrapped(part(0, i))} * ${wrapped(part(1, i))} + ${wrapped(part(2, i))})`);
      case 'mix':
        return each(
          (i) =>
            `fr(fr(${wrapped(part(0, i))} * fr(1 - ${wrapped(part(2, i))})) + fr(${wrapped(part(1, i))} * ${wrapped(part(2, i))}))`,
        );
      case 'exp':
        return float('Math.exp(X)');
      case 'exp2':
        return float('2 ** X');
      case 'log':
        return float('Math.log(X)');
      case 'log2':
        return float('Math.log2(X)');
      case 'sqrt':
        return float('Math.sqrt(X)');
      case 'inverseSqrt':
        return float('1 / Math.sqrt(X)');
      case 'sin':
        return float('Math.sin(X)');
      case 'cos':
        return float('Math.cos(X)');
      case 'tan':
        return float('Math.tan(X)');
      case 'tanh':
        return float('Math.tanh(X)');
      case 'floor':
        return float('Math.floor(X)');
      case 'ceil':
        return float('Math.ceil(X)');
      case 'trunc':
        return float('Math.trunc(X)');
      case 'round':
        return float('roundEven(X)');
      case 'fract':
        return float('X - Math.floor(X)');
      case 'sign':
        return each((i) => `Math.sign(${part(0, i)})`);
      case 'pow':
        return each((i) => `fr(${wrapped(part(0, i))} ** ${wrapped(part(1, i))})`);
      case 'countOneBits':
        return each((i) => `pop(${wrapped(part(0, i))} >>> 0)`);
      case 'countLeadingZeros':
        return each((i) => `Math.clz32(${part(0, i)})`);
      case 'firstLeadingBit':
        if (of !== 'u32') return this.#fail('firstLeadingBit is of u32 here');
        return each((i) => `(31 - Math.clz32(${part(0, i)})) >>> 0`);
      case 'reverseBits':
        return each((i) => `rev(${part(0, i)})`);
      case 'ldexp':
        return {
          type: first.type,
          parts: first.parts.map((p, i) => this.#bound(`fr(${wrapped(p)} * 2 ** ${wrapped(part(1, i))})`)),
        };
      default:
        return this.#fail(`the executor does not know ${name}`);
    }
  }
}

function concrete(type: Type): Type {
  if (type.kind === 'scalar' && type.of === 'int') return I32;
  if (type.kind === 'vec' && type.of === 'int') return vec('i32', type.size);
  return type;
}

function retyped(value: Val, of: Scalar): Val {
  const { type } = value;
  if (type.kind === 'vec') return { type: vec(of, type.size), parts: value.parts };
  return { type: of === 'f32' ? F32 : scalar(of), parts: value.parts };
}

/** The lane of the subgroup that an operation takes its value from. */
function peerOf(name: string, by: string): string {
  switch (name) {
    case 'subgroupShuffleXor':
      return `(lane % SUB) ^ ${by}`;
    case 'subgroupShuffleUp':
      return `lane % SUB - ${by}`;
    case 'subgroupShuffleDown':
      return `lane % SUB + ${by}`;
    case 'quadBroadcast':
      return `((lane % SUB) & ~3) + ${by}`;
    case 'quadSwapX':
      return '(lane % SUB) ^ 1';
    case 'quadSwapY':
      return '(lane % SUB) ^ 2';
    case 'quadSwapDiagonal':
      return '(lane % SUB) ^ 3';
    default:
      return by;
  }
}

/** A part that may stand beside operators: in brackets unless it is a name or a number. */
function wrapped(part: string): string {
  return /^[\w$.]+(?:\[\d+\])?$/.test(part) || /^\w+\([^()]*\)$/.test(part) ? part : `(${part})`;
}

function plus(at: string, more: number | string): string {
  if (more === 0 || more === '0') return at;
  if (at === '0') return String(more);
  if (NUMBER.test(at) && NUMBER.test(String(more))) return String(Number(at) + Number(more));
  return `${at} + ${more}`;
}

function times(at: string, by: number): string {
  if (by === 1) return at;
  if (NUMBER.test(at)) return String(Number(at) * by);
  return `${by} * ${at}`;
}
