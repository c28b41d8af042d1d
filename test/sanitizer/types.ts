// WGSL's types as the executor knows them: what they are made of, and where their parts lie in memory.
export type Scalar = 'f32' | 'u32' | 'i32' | 'bool' | 'int';

export type Type =
  | { readonly kind: 'scalar'; readonly of: Scalar }
  | { readonly kind: 'vec'; readonly of: Scalar; readonly size: number }
  | { readonly kind: 'mat'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'array'; readonly of: Type; readonly count: number | undefined }
  | { readonly kind: 'struct'; readonly name: string; readonly members: readonly Member[] }
  | { readonly kind: 'atomic'; readonly of: Scalar }
  | { readonly kind: 'texture' }
  | { readonly kind: 'void' };

export interface Member {
  readonly name: string;
  readonly type: Type;
}

export const scalar = (of: Scalar): Type => ({ kind: 'scalar', of });
export const vec = (of: Scalar, size: number): Type => ({ kind: 'vec', of, size });
export const F32 = scalar('f32');
export const U32 = scalar('u32');
export const I32 = scalar('i32');
export const BOOL = scalar('bool');
export const INT = scalar('int');
export const VOID: Type = { kind: 'void' };

export function typeName(type: Type): string {
  switch (type.kind) {
    case 'scalar':
      return type.of;
    case 'vec':
      return `vec${type.size}<${type.of}>`;
    case 'mat':
      return `mat${type.columns}x${type.rows}f`;
    case 'array':
      return `array<${typeName(type.of)}${type.count === undefined ? '' : `, ${type.count}`}>`;
    case 'struct':
      return type.name;
    case 'atomic':
      return `atomic<${type.of}>`;
    default:
      return type.kind;
  }
}

/** The type of a value's components; `undefined` for arrays and structs. */
export function componentOf(type: Type): Scalar | undefined {
  if (type.kind === 'scalar' || type.kind === 'vec' || type.kind === 'atomic') return type.of;
  return type.kind === 'mat' ? 'f32' : undefined;
}

/** How a value lies in JavaScript's variables: one for each scalar, and one for each array, which is an object. */
export function leavesOf(type: Type): (Scalar | Extract<Type, { kind: 'array' }>)[] {
  switch (type.kind) {
    case 'scalar':
    case 'atomic':
      return [type.of];
    case 'vec':
      return new Array<Scalar>(type.size).fill(type.of);
    case 'mat':
      return new Array<Scalar>(type.columns * type.rows).fill('f32');
    case 'array':
      return [type];
    case 'struct':
      return type.members.flatMap((m) => leavesOf(m.type));
    default:
      return [];
  }
}

/** How memory is laid out: `storage` as WGSL has it, `packed` scalar by scalar (what no other code sees). */
export type Layout = 'storage' | 'packed';

function alignOf(type: Type): number {
  switch (type.kind) {
    case 'vec':
      return type.size === 2 ? 2 : 4;
    case 'mat':
      return type.rows === 2 ? 2 : 4;
    case 'array':
      return alignOf(type.of);
    case 'struct':
      return Math.max(...type.members.map((m) => alignOf(m.type)));
    default:
      return 1;
  }
}

const up = (n: number, to: number) => Math.ceil(n / to) * to;

/** Size in words of 4 bytes. */
export function wordsOf(type: Type, layout: Layout): number {
  switch (type.kind) {
    case 'scalar':
    case 'atomic':
      return 1;
    case 'vec':
      return type.size;
    case 'mat':
      return type.columns * columnWords(type.rows, layout);
    case 'array':
      return (type.count ?? 0) * strideOf(type.of, layout);
    case 'struct': {
      const last = type.members.length - 1;
      const end = offsetOf(type, last, layout) + wordsOf(type.members[last]!.type, layout);
      return layout === 'storage' ? up(end, alignOf(type)) : end;
    }
    default:
      return 0;
  }
}

/** Words from a matrix's column to the next. */
export function columnWords(rows: number, layout: Layout): number {
  return layout === 'storage' && rows === 3 ? 4 : rows;
}

/** Words from an array's element to the next. */
export function strideOf(of: Type, layout: Layout): number {
  return layout === 'storage' ? up(wordsOf(of, layout), alignOf(of)) : wordsOf(of, layout);
}

/** Where a struct's member lies, in words. */
export function offsetOf(type: Extract<Type, { kind: 'struct' }>, member: number, layout: Layout): number {
  let at = 0;
  for (let i = 0; ; i++) {
    const of = type.members[i]!.type;
    if (layout === 'storage') at = up(at, alignOf(of));
    if (i === member) return at;
    at += wordsOf(of, layout);
  }
}

/** A part of a value that a touch of any of its components touches whole: a scalar, a vector, a column of a matrix. */
export interface Granule {
  readonly at: number;
  readonly words: number;
  readonly of: Scalar;
}

/** The granules of a type in the order of its leaves; none of types that hold arrays. */
export function granulesOf(type: Type, layout: Layout, at = 0): Granule[] | undefined {
  switch (type.kind) {
    case 'scalar':
    case 'atomic':
      return [{ at, words: 1, of: type.of }];
    case 'vec':
      return [{ at, words: type.size, of: type.of }];
    case 'mat':
      return Array.from({ length: type.columns }, (_, c) => ({
        at: at + c * columnWords(type.rows, layout),
        words: type.rows,
        of: 'f32' as const,
      }));
    case 'struct': {
      const all = type.members.map((m, i) => granulesOf(m.type, layout, at + offsetOf(type, i, layout)));
      return all.includes(undefined) ? undefined : all.flatMap((g) => g!);
    }
    case 'array': {
      if (layout === 'storage' || type.count === undefined || type.count > 64) return undefined;
      const all: Granule[] = [];
      for (let i = 0; i < type.count; i++) {
        const part = granulesOf(type.of, layout, at + i * strideOf(type.of, layout));
        if (!part) return undefined;
        all.push(...part);
      }
      return all;
    }
    default:
      return undefined;
  }
}
