// Mutants of the kernels: every place in shaders/ where one small change makes another kernel.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { filesOnDisk, SHADERS } from './source.ts';

export interface Mutant {
  /** Relative to shaders/. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The line as it stands, trimmed, without its comment. */
  readonly text: string;
  /** The same with the change. */
  readonly change: string;
  readonly kind: 'operator' | 'comparison' | 'constant' | 'flag' | 'index' | 'barrier' | 'return';
  /** The whole file with the change. */
  readonly made: string;
}

const OPERATORS: Readonly<Record<string, string>> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '/',
  '&': '|',
  '|': '&',
  '^': '|',
  '<<': '>>',
  '>>': '<<',
  '&&': '||',
  '||': '&&',
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '%=': '/=',
  '&=': '|=',
  '|=': '&=',
};
const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '==': ['!='],
  '!=': ['=='],
};

/** Declarations say what host code must know too: they are no place for a change. */
const DECLARATION = /^\s*(?:@|struct\b|override\b|alias\b|enable\b|var<|fn\b|\}|[\w]+: \w+,)/;

/** All mutants of one file. */
function mutantsOf(file: string): Mutant[] {
  const whole = filesOnDisk(file);
  const lines = whole.split('\n');
  const found: Mutant[] = [];
  lines.forEach((line, at) => {
    const code = line.replace(/\/\/.*$/, '');
    if (code.trim() === '' || DECLARATION.test(code)) return;
    const add = (kind: Mutant['kind'], start: number, end: number, by: string) => {
      const changed = code.slice(0, start) + by + code.slice(end);
      const made = [...lines.slice(0, at), changed, ...lines.slice(at + 1)].join('\n');
      found.push({ file, line: at + 1, text: code.trim(), change: changed.trim(), kind, made });
    };
    for (const match of code.matchAll(/ (<<|>>|&&|\|\||[-+*/%&|^]=?|<=|>=|==|!=|<|>) /g)) {
      const [start, operator] = [match.index + 1, match[1]!];
      const end = start + operator.length;
      for (const by of COMPARISONS[operator] ?? []) add('comparison', start, end, by);
      if (OPERATORS[operator]) add('operator', start, end, OPERATORS[operator]);
    }
    for (const match of code.matchAll(/(?<![\w.$])(\d+)u\b/g)) {
      const [start, end, value] = [match.index, match.index + match[0].length, Number(match[1])];
      add('constant', start, end, `${value + 1}u`);
      if (value > 0) add('constant', start, end, `${value - 1}u`);
    }
    for (const match of code.matchAll(/(?<![\w.$])(\d+\.\d*(?:e-?\d+)?)(?![\w.])/g)) {
      const [start, end, value] = [match.index, match.index + match[0].length, Number(match[1])];
      add('constant', start, end, value === 0 ? '1.0' : value === 1 ? '2.0' : String(value * 1.25));
    }
    for (const match of code.matchAll(/\b(?:if|&&|\|\||=) (!?)([A-Z][A-Z_]+)\b(?! (?:[-+*/%<>=]|==|!=))/g)) {
      const start = match.index + match[0].length - match[1]!.length - match[2]!.length;
      add('flag', start, match.index + match[0].length, match[1] ? match[2]! : `!${match[2]}`);
    }
    for (const match of code.matchAll(/\b(true|false)\b/g))
      add('flag', match.index, match.index + match[0].length, match[1] === 'true' ? 'false' : 'true');
    for (const match of code.matchAll(/(?<=\w)\[/g)) {
      const end = closing(code, match.index);
      const index = code.slice(match.index + 1, end);
      if (end < 0 || /^[$\d]/.test(index)) continue;
      add('index', match.index + 1, end, `(${index}) + 1u`);
      add('index', match.index + 1, end, `(${index}) - 1u`);
    }
    for (const match of code.matchAll(/(?:workgroup|storage)Barrier\(\);/g))
      add('barrier', match.index, match.index + match[0].length, '');
    for (const match of code.matchAll(/\breturn;/g)) add('return', match.index, match.index + match[0].length, '');
  });
  return found;
}

/** The place of the bracket that closes the one at `open`, -1 where the line ends first. */
function closing(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === '[') depth++;
    else if (code[at] === ']' && --depth === 0) return at;
  }
  return -1;
}

/** All mutants of all files, in their order. */
export function allMutants(): Mutant[] {
  const wgsl = (folder: string, prefix: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.wgsl'))
      .sort()
      .map((name) => prefix + name);
  return [...wgsl(SHADERS, ''), ...wgsl(join(SHADERS, 'lib'), 'lib/')].flatMap(mutantsOf);
}
