import { expect, test } from 'vitest';
import { expand, variantsOf } from '../../src/gpu/wgsl.ts';

const wgsl = (text: string, libs: Record<string, string> = {}, values: Record<string, string> = {}) =>
  expand({ text, libs, values }, 'kernel');

test('libraries go in once, in the order they are used, with what they use themselves; enables come first', () => {
  const libs = { a: '// @use b\nfn a() {}\n', b: 'enable f16;\nfn b() {}\n' };
  expect(wgsl('// @use a\n// @use b\nenable subgroups;\nfn main() {}\n', libs)).toBe(
    'enable f16;\nenable subgroups;\nfn b() {}\nfn a() {}\nfn main() {}\n',
  );
});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: WGSL's placeholders look like JavaScript's
test('repeats nest, count by products and quotients, and leave longer names alone', () => {
  const text = '// @repeat i 2*6/6\n// @repeat j 1*2\nlet v${i}_$j = $index + $i;\n// @end\n// @end\n';
  expect(wgsl(text)).toBe(
    'let v0_0 = $index + 0;\nlet v0_1 = $index + 0;\nlet v1_0 = $index + 1;\nlet v1_1 = $index + 1;\n',
  );
});

test('variants multiply; their values reach libraries’ names and repeats', () => {
  const text =
    '// @variants N 1 2\n// @variants L x y\n// @use lib_$L\n// @repeat i $N\nlet a$i = ${N}u; // why\n// @end\n';
  expect(variantsOf(text)).toEqual([
    { N: '1', L: 'x' },
    { N: '1', L: 'y' },
    { N: '2', L: 'x' },
    { N: '2', L: 'y' },
  ]);
  expect(wgsl(text, { lib_y: 'fn y() {}' }, { N: '2', L: 'y' })).toBe('fn y() {}\nlet a0 = 2u;\nlet a1 = 2u;\n');
  expect(variantsOf('fn main() {}')).toEqual([{}]);
  expect(variantsOf('// @variants N,M 1,2 3,4\n// @variants L x\n')).toEqual([
    { N: '1', M: '2', L: 'x' },
    { N: '3', M: '4', L: 'x' },
  ]);
});

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: WGSL's placeholders look like JavaScript's

test('mistakes are named with the kernel', () => {
  expect(() => wgsl('// @use nowhere\n')).toThrow('kernel: "// @use nowhere" names no library');
  expect(() => wgsl('fn a() {}\n// @repeat i 2\nx\n')).toThrow('kernel:2: @repeat without @end');
  expect(() => wgsl('// @repeat i x\n// @end\n')).toThrow('kernel: "x" is no whole number');
  expect(() => wgsl('// @repeat i 8/3\n// @end\n')).toThrow('kernel: "8/3" is no whole number');
});
