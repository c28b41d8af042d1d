// What WGSL lacks: shared code, variants and repeated lines. Kernels are embedded as they were written and expanded when they
// are compiled, for the directives say in a few bytes what is thousands of lines; shaders/embed.ts tells the directives.

/** A shader file with the values that make it one kernel. */
export interface ShaderSource {
  readonly text: string;
  /** What `@use` puts in, by name. */
  readonly libs: Readonly<Record<string, string>>;
  /** Values of `@variants` names. */
  readonly values: Readonly<Record<string, string>>;
}

const VARIANTS = /^\/\/ @(?:variants|apart) ([\w,]+) (.+)$/m;

/** The values of all variants of a file, in order; one empty set where it has none. */
export function variantsOf(text: string): Record<string, string>[] {
  const found = VARIANTS.exec(text);
  if (!found) return [{}];
  const rest = variantsOf(text.replace(found[0], ''));
  const names = found[1]!.split(',');
  return found[2]!
    .trim()
    .split(/\s+/)
    .map((values) => Object.fromEntries(values.split(',').map((value, i) => [names[i]!, value])))
    .flatMap((values) => rest.map((more) => ({ ...values, ...more })));
}

/** The WGSL of a kernel. `where` names it in errors. */
export function expand({ text, libs, values }: ShaderSource, where: string): string {
  let code = text.replace(new RegExp(VARIANTS, 'gm'), '');
  for (const [name, value] of Object.entries(values)) code = code.replace(placeholder(name), value);
  const used = enableFirst(use(code, libs, new Set(), where));
  const lines = repeat(used.split('\n'), where).map(withoutComment);
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

function use(text: string, libs: ShaderSource['libs'], seen: Set<string>, where: string): string {
  return text.replace(/^\/\/ @use (\w+)$/gm, (_, name: string) => {
    if (seen.has(name)) return '';
    seen.add(name);
    const lib = libs[name];
    if (lib === undefined) throw new Error(`${where}: "// @use ${name}" names no library`);
    return use(lib, libs, seen, where).trimEnd();
  });
}

/** `$NAME`, or `${NAME}` where a letter follows. */
function placeholder(name: string): RegExp {
  return new RegExp(`\\$(${name}(?!\\w)|\\{${name}\\})`, 'g');
}

/** A product of whole numbers, divided by those that follow a `/`. */
function count(text: string, where: string): number {
  const [above, ...below] = text.split('/').map((part) => part.split('*').reduce((all, n) => all * Number(n), 1));
  const value = below.reduce((left, n) => left / n, above!);
  if (!Number.isInteger(value)) throw new Error(`${where}: "${text}" is no whole number`);
  return value;
}

function repeat(lines: readonly string[], where: string): string[] {
  const out: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const open = /^\s*\/\/ @repeat (\w+) (\S+)$/.exec(lines[at]!);
    if (!open) {
      out.push(lines[at]!);
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
    const name = placeholder(open[1]!);
    for (let i = 0; i < count(open[2]!, where); i++)
      out.push(
        ...repeat(
          body.map((text) => text.replace(name, String(i))),
          where,
        ),
      );
    at = end;
  }
  return out;
}

/** `enable` directives must come before everything else, wherever `@use` put them. */
function enableFirst(code: string): string {
  const enables = new Set(code.match(/^enable \w+;$/gm) ?? []);
  return [...enables, code.replace(/^enable \w+;$/gm, '')].join('\n');
}

function withoutComment(line: string): string {
  return line.replace(/\/\/.*$/, '').trimEnd();
}
