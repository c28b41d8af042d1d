// What host code may name in a kernel, read from its WGSL.
import { WeftError } from '../errors.ts';

/** Storage buffers that a kernel binds at most: WebGPU's default limit, which every adapter keeps to. */
export const STORAGE_BUFFERS = 8;

export interface Declarations {
  /** The function that a dispatch starts. */
  readonly entry: string;
  /** All but the uniform buffer, in the text's order. */
  readonly bindings: readonly Binding[];
  /** Index of the uniform buffer `params`, undefined where there is none. */
  readonly paramsBinding: number | undefined;
  /** Fields of `struct Params`: u32, i32 or f32. */
  readonly params: readonly { readonly name: string; readonly type: string }[];
  readonly overrides: readonly { readonly name: string; readonly type: string; readonly default: string }[];
  /** Language extensions that the text enables. */
  readonly features: readonly string[];
}

export interface Binding {
  readonly name: string;
  readonly index: number;
  readonly access: 'read' | 'read_write' | 'texture';
  readonly type: string;
}

/** Throws WeftError where the text declares what weft cannot bind. */
export function declarationsOf(name: string, code: string): Declarations {
  const refuse = (why: string): never => {
    throw new WeftError(`kernel ${name}: ${why}`);
  };
  const text = code.replace(/\/\/.*$|\/\*[\s\S]*?\*\//gm, '');
  const entry = /@compute\b[^{]*?\bfn\s+(\w+)/.exec(text)?.[1];
  const bindings: Binding[] = [];
  let paramsBinding: number | undefined;
  for (const [, attributes, space, access, variable, type] of text.matchAll(
    /((?:@(?:group|binding)\s*\([^)]*\)\s*){2})var(?:<\s*(\w+)\s*(?:,\s*(\w+)\s*)?>)?\s*(\w+)\s*:\s*([^;]+?)\s*;/g,
  )) {
    const [group, index] = ['group', 'binding'].map((of) =>
      Number(new RegExp(`${of}\\s*\\((\\d+)`).exec(attributes!)?.[1]),
    );
    if (group !== 0) refuse(`${variable} must be in @group(0)`);
    if (space === 'uniform') {
      if (variable !== 'params') refuse(`the uniform buffer must be named params, not ${variable}`);
      paramsBinding = index!;
    } else if (space === 'storage')
      bindings.push({ name: variable!, index: index!, access: access === 'read_write' ? access : 'read', type: type! });
    else if (/^texture_storage_2d\s*<\s*rgba32float\s*,\s*read\s*>$/.test(type!))
      bindings.push({ name: variable!, index: index!, access: 'texture', type: type! });
    else refuse(`${variable} is a ${type}; kernels bind storage buffers and texture_storage_2d<rgba32float, read>`);
  }
  const buffers = bindings.filter(({ access }) => access !== 'texture').length;
  if (buffers > STORAGE_BUFFERS) refuse(`it binds ${buffers} storage buffers; adapters bind ${STORAGE_BUFFERS}`);
  const fields = /struct Params\s*\{([^}]*)\}/.exec(text)?.[1] ?? '';
  const params = [...fields.matchAll(/(\w+)\s*:\s*([^,\s]+)/g)].map(([, field, type]) => {
    if (!/^[uif]32$/.test(type!)) refuse(`Params.${field} is ${type}, not u32, i32 or f32`);
    return { name: field!, type: type! };
  });
  if (params.length > 0 && paramsBinding === undefined) refuse('struct Params needs a var<uniform> params: Params');
  const overrides = [...text.matchAll(/\boverride\s+(\w+)\s*(?::\s*(\w+)\s*)?(?:=\s*([^;]+))?;/g)].map((m) => ({
    name: m[1]!,
    type: m[2] ?? '',
    default: (m[3] ?? '').replace(/[uif]$/, ''),
  }));
  const features = [...text.matchAll(/^\s*enable\s+([^;]+);/gm)].flatMap((m) => m[1]!.split(/\s*,\s*/));
  return {
    entry: entry ?? refuse('it has no @compute function'),
    bindings,
    paramsBinding,
    params,
    overrides,
    features,
  };
}
