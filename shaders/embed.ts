// Embeds every shaders/*.wgsl into src/gpu/shaders.gen.ts: the text, and what host code binds by name.
//
// Directives, each on a line of its own:
//   // @use NAME              puts shaders/lib/NAME.wgsl here, once
//   // @variants NAME v1 v2   makes one kernel per value, named <file>_<value>; `$NAME` in the text becomes the value
//   // @repeat NAME N         repeats the lines up to the matching `// @end`, `$NAME` becoming 0..N-1; N may be a product (`2*4`)
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAX_STORAGE_BINDINGS = 8; // WebGPU's default limit: a kernel that needs more does not run everywhere

const folder = fileURLToPath(new URL('.', import.meta.url));
const target = fileURLToPath(new URL('../src/gpu/shaders.gen.ts', import.meta.url));

interface Binding {
  name: string;
  index: number;
  access: 'read' | 'read_write' | 'texture';
  type: string;
}

function use(text: string, seen: Set<string>): string {
  return text.replace(/^\/\/ @use (\w+)$/gm, (_, name: string) => {
    if (seen.has(name)) return '';
    seen.add(name);
    return use(readFileSync(join(folder, 'lib', `${name}.wgsl`), 'utf8'), seen).trimEnd();
  });
}

/** `$NAME`, or `${NAME}` where a letter follows. */
function placeholder(name: string): RegExp {
  return new RegExp(`\\$(${name}(?!\\w)|\\{${name}\\})`, 'g');
}

function product(text: string, where: string): number {
  const value = text.split('*').reduce((all, part) => all * Number(part), 1);
  if (!Number.isInteger(value)) throw new Error(`${where}: "${text}" is no whole number`);
  return value;
}

function repeat(lines: readonly string[], where: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const open = /^\s*\/\/ @repeat (\w+) (\S+)$/.exec(line);
    if (!open) {
      out.push(line);
      continue;
    }
    let depth = 1;
    let end = at;
    while (depth > 0) {
      end++;
      if (end >= lines.length) throw new Error(`${where}:${at + 1}: @repeat without @end`);
      if (/^\s*\/\/ @repeat /.test(lines[end]!)) depth++;
      if (/^\s*\/\/ @end$/.test(lines[end]!)) depth--;
    }
    const body = lines.slice(at + 1, end);
    for (let i = 0; i < product(open[2]!, where); i++) {
      out.push(
        ...repeat(
          body.map((text) => text.replace(placeholder(open[1]!), String(i))),
          where,
        ),
      );
    }
    at = end;
  }
  return out;
}

function variants(name: string, text: string): { name: string; text: string }[] {
  const found = /^\/\/ @variants (\w+) (.+)$/m.exec(text);
  if (!found) return [{ name, text }];
  const rest = text.replace(found[0], '');
  return found[2]!
    .trim()
    .split(/\s+/)
    .flatMap((value) => variants(`${name}_${value}`, rest.replace(placeholder(found[1]!), value)));
}

function describe(name: string, code: string) {
  const bindings: Binding[] = [];
  let paramsBinding: number | undefined;
  for (const match of code.matchAll(
    /@group\(0\) @binding\((\d+)\) var (\w+): (texture_storage_2d<rgba32float, read>);/g,
  ))
    bindings.push({ name: match[2]!, index: Number(match[1]), access: 'texture', type: match[3]! });
  for (const match of code.matchAll(/@group\(0\) @binding\((\d+)\) var<(\w+)(?:, (\w+))?> (\w+): ([^;]+);/g)) {
    const [, index, space, access, variable, type] = match;
    if (space === 'uniform') {
      if (variable !== 'params') throw new Error(`${name}: the uniform binding is named "params", not "${variable}"`);
      paramsBinding = Number(index);
    } else {
      bindings.push({ name: variable!, index: Number(index), access: access as Binding['access'], type: type! });
    }
  }
  if (bindings.filter((b) => b.access !== 'texture').length > MAX_STORAGE_BINDINGS)
    throw new Error(`${name}: ${bindings.length} storage bindings, at most ${MAX_STORAGE_BINDINGS} run everywhere`);
  const struct = /struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '';
  const params = [...struct.replace(/\/\/.*$/gm, '').matchAll(/(\w+): (\w+)/g)].map((m) => ({
    name: m[1]!,
    type: m[2]!,
  }));
  for (const p of params)
    if (!['u32', 'i32', 'f32'].includes(p.type))
      throw new Error(`${name}: Params.${p.name} is ${p.type}, not u32, i32 or f32`);
  if (params.length > 0 && paramsBinding === undefined)
    throw new Error(`${name}: struct Params without var<uniform> params`);
  const overrides = [...code.matchAll(/^override (\w+): (\w+) = ([^;]+);/gm)].map((m) => ({
    name: m[1]!,
    type: m[2]!,
    default: m[3]!.replace(/[uif]$/, ''),
  }));
  const features = [...code.matchAll(/^enable (\w+);/gm)].map((m) => m[1]!);
  return { name, bindings, paramsBinding, params, overrides, features, code };
}

/** `enable` directives must come before everything else, wherever `@use` put them. */
function enableFirst(code: string): string {
  const enables = new Set(code.match(/^enable \w+;$/gm) ?? []);
  return [...enables, code.replace(/^enable \w+;$/gm, '')].join('\n');
}

/** Comments are for the reader of the file; what is embedded is weighed in every bundle. */
function withoutComment(line: string): string {
  return line.replace(/\/\/.*$/, '').trimEnd();
}

export function embed(): string {
  const kernels = readdirSync(folder)
    .filter((file) => file.endsWith('.wgsl'))
    .sort()
    .flatMap((file) => variants(file.slice(0, -5), readFileSync(join(folder, file), 'utf8')))
    .map(({ name, text }) => {
      const lines = repeat(enableFirst(use(text, new Set())).split('\n'), name).map(withoutComment);
      return describe(name, `${lines.filter((line) => line !== '').join('\n')}\n`);
    });
  const entries = kernels.map((k) => `  ${k.name}: ${JSON.stringify(k)},`).join('\n');
  return `// Generated by shaders/embed.ts (npm run shaders); do not edit.\nexport const shaders = {\n${entries}\n} as const;\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = embed();
  let old = '';
  try {
    old = readFileSync(target, 'utf8');
  } catch {
    // first run: nothing to compare with
  }
  if (text !== old) writeFileSync(target, text);
}
