// Bytes that a dispatch moves, from what it binds and from how its kernel uses each binding.
import type { BufferView, Kernel } from './kernel.ts';
import { BYTES_PER_TEXEL, type PoolTexture, TEXELS_PER_ROW } from './texture.ts';

const ways = new WeakMap<Kernel, readonly number[]>();

/**
 * Bytes of all bound ranges, each counted once for every way it is used: read, written, or both. An upper bound where a kernel
 * touches a part of what it binds; such ops tell their bytes themselves (`RunOptions.bytes`).
 */
export function boundBytes(kernel: Kernel, views: readonly (BufferView | PoolTexture)[]): number {
  let counts = ways.get(kernel);
  if (!counts) ways.set(kernel, (counts = kernel.bindings.map((_, i) => waysOf(kernel, i))));
  return views.reduce((sum, view, i) => {
    const bytes = 'buffer' in view ? view.bytes : view.rows * TEXELS_PER_ROW * BYTES_PER_TEXEL;
    return sum + counts[i]! * bytes;
  }, 0);
}

/** 1 for a binding that is read or written, 2 for one that is both, 0 for one that is never named. */
function waysOf(kernel: Kernel, index: number): number {
  const { name, access, type } = kernel.bindings[index]!;
  const uses = usesOf(kernel.code, name, type.startsWith('array'));
  if (access !== 'read_write') return uses.length > 0 ? 1 : 0;
  return (
    Number(uses.includes('read') || uses.includes('both')) + Number(uses.includes('write') || uses.includes('both'))
  );
}

/** No `&` between two values, nor the second one of `&&`. */
const ADDRESS_OF = '(?<![\\w)\\]&]\\s*)&\\s*';

type Use = 'read' | 'write' | 'both';

/**
 * What each `name[…]` is there for: the target of `=`, of `+=` and the like, or a value. Elsewhere (`&name`) both are assumed.
 * A bare name is a value but for an `array`, which has none: there it is a local of that name, in another function.
 */
export function usesOf(code: string, name: string, array = false): Use[] {
  const uses: Use[] = [];
  const text = code.replace(/\/\/.*$/gm, '');
  for (const match of text.matchAll(new RegExp(`(\\.|${ADDRESS_OF})?\\b${name}\\b(?!\\s*:)`, 'g'))) {
    if (match[1] === '.') continue; // a field of that name
    const end = match.index + match[0].length;
    if (match[1] !== undefined) uses.push('both');
    else if (text[end] !== '[') array || uses.push('read');
    else uses.push(useAfter(text.slice(closing(text, end) + 1)));
  }
  return uses;
}

/** The place of the bracket that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '[') depth++;
    else if (text[at] === ']' && --depth === 0) return at;
  }
  return text.length;
}

function useAfter(rest: string): Use {
  const operator = /^(?:\.\w+|\[[^\]]*\])*\s*(\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))/.exec(rest)?.[1];
  if (operator === undefined) return 'read';
  return operator === '=' ? 'write' : 'both';
}
