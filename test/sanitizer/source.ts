// The WGSL of a kernel with the place in shaders/ that each of its lines comes from.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expand, type ShaderSource } from '../../src/gpu/wgsl.ts';

export const SHADERS = fileURLToPath(new URL('../../shaders', import.meta.url));

export interface SourceLine {
  /** Relative to shaders/. */
  readonly file: string;
  readonly line: number;
}

export interface KernelText {
  readonly name: string;
  readonly code: string;
  /** Of each line of `code`; empty where its files are not known. */
  readonly lines: readonly SourceLine[];
}

/** Files as they stand in shaders/, by their path there. */
export type Files = (path: string) => string;

const onDisk = new Map<string, string>();
export const filesOnDisk: Files = (path) => {
  let text = onDisk.get(path);
  if (text === undefined) onDisk.set(path, (text = readFileSync(join(SHADERS, path), 'utf8')));
  return text;
};

/** A file with a mark at the end of every line that says where it stands; directives stay bare, for they are read whole. */
function marked(path: string, text: string): string {
  return text
    .split('\n')
    .map((line, i) => {
      if (/^\s*\/\/ @\w+/.test(line) || /^enable \w+;/.test(line)) return line;
      const bare = line.replace(/\/\/.*$/, '').trimEnd();
      return bare === '' ? '' : `${bare}/*@${path}:${i + 1}*/`;
    })
    .join('\n');
}

/** The text of the kernel `name` that the file `file` makes with the values of its variants. */
export function kernelText(
  name: string,
  file: string,
  { libs, values }: Pick<ShaderSource, 'libs' | 'values'>,
  files: Files = filesOnDisk,
): KernelText {
  const markedLibs = Object.fromEntries(
    Object.keys(libs).map((lib) => [lib, marked(`lib/${lib}.wgsl`, files(`lib/${lib}.wgsl`))]),
  );
  const text = expand({ text: marked(`${file}.wgsl`, files(`${file}.wgsl`)), libs: markedLibs, values }, name);
  const lines: SourceLine[] = [];
  const code = text
    .split('\n')
    .map((line) => {
      const mark = /\/\*@([^*]+):(\d+)\*\/$/.exec(line);
      lines.push(mark ? { file: mark[1]!, line: Number(mark[2]) } : { file: `${file}.wgsl`, line: 1 });
      return mark ? line.slice(0, mark.index) : line;
    })
    .join('\n');
  return { name, code, lines };
}
