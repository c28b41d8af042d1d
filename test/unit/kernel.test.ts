// Kernels as values: what host code may name is read from the WGSL itself.
import { expect, test } from 'vitest';
import { Kernel, kernel, variants } from '../../src/gpu/kernel.ts';

const SOFTSIGN = `
struct Params {
  size: u32, // elements
  shift: i32, scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/* @group(0) @binding(9) var<storage, read> old: array<f32>; */
@group(0) @binding(1) var<storage> x: array<f32>;
@binding(2) @group(0)
var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage,read_write>count:atomic<u32>;
override SIDE: u32 = 8u;
override FAST = true;
var<workgroup> parts: array<f32, 64>;
@compute @workgroup_size(SIDE, 1)
fn softsign(@builtin(global_invocation_id) id: vec3u) { y[id.x] = vec4f(params.scale * x[id.x]); }
`;

test('names and types come from the text, however it is written', () => {
  expect(kernel(SOFTSIGN)).toMatchObject({
    name: 'softsign',
    entry: 'softsign',
    bindings: [
      { name: 'x', index: 1, access: 'read', type: 'array<f32>' },
      { name: 'y', index: 2, access: 'read_write', type: 'array<vec4<f32>>' },
      { name: 'count', index: 3, access: 'read_write', type: 'atomic<u32>' },
    ],
    paramsBinding: 0,
    params: [
      { name: 'size', type: 'u32' },
      { name: 'shift', type: 'i32' },
      { name: 'scale', type: 'f32' },
    ],
    overrides: [
      { name: 'SIDE', type: 'u32', default: '8' },
      { name: 'FAST', type: '', default: 'true' },
    ],
    features: [],
  });
  const bare = kernel('enable f16, subgroups;\n@compute @workgroup_size(1) fn main() {}', { name: 'bare' });
  expect(bare).toMatchObject({ name: 'bare', bindings: [], params: [], features: ['f16', 'subgroups'] });
  expect(bare.paramsBinding).toBeUndefined();
});

test('a text is read when the kernel is used, and refused with its name and the reason', () => {
  const main = '@compute @workgroup_size(1) fn main() {}';
  const storage = (n: number) => `@group(0) @binding(${n}) var<storage, read> b${n}: array<f32>;\n`;
  for (const [text, why] of [
    ['fn main() {}', 'it has no @compute function'],
    [`@group(1) @binding(0) var<storage, read> x: array<f32>; ${main}`, 'x must be in @group(0)'],
    [`@group(0) @binding(0) var<uniform> sizes: Params; ${main}`, 'the uniform buffer must be named params, not sizes'],
    [
      `@group(0) @binding(0) var x: texture_2d<f32>; ${main}`,
      'x is a texture_2d<f32>; kernels bind storage buffers and texture_storage_2d<rgba32float, read>',
    ],
    [
      `struct Params { size: vec4u }\n@group(0) @binding(0) var<uniform> params: Params; ${main}`,
      'Params.size is vec4u, not u32, i32 or f32',
    ],
    [`struct Params { size: u32 }\n${main}`, 'struct Params needs a var<uniform> params: Params'],
    [[0, 1, 2, 3, 4, 5, 6, 7, 8].map(storage).join('') + main, 'it binds 9 storage buffers; adapters bind 8'],
  ] as const)
    expect(() => kernel(text, { name: 'mine' }).bindings).toThrow(`kernel mine: ${why}`);
});

test('the variants of a text are kernels by their values', () => {
  const text = '// @variants T f32 i32\n// @variants W,by 1,Shuffle 2,Broadcast\n// @use a_$T\nlet by$W = $by;\n';
  const made = variants<Record<'f32_1' | 'f32_2' | 'i32_1' | 'i32_2', Kernel>>(text, {
    name: 'sums',
    libs: { a_f32: 'floats\n', a_i32: 'integers\n' },
  });
  expect(Object.keys(made)).toEqual(['f32_1', 'f32_2', 'i32_1', 'i32_2']);
  expect(made.i32_2).toBeInstanceOf(Kernel);
  expect(made.i32_2.name).toBe('sums_i32_2');
  expect(made.i32_2.code).toBe('integers\nlet by2 = Broadcast;\n');
});
