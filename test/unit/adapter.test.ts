// Software or GPU, from what adapters say of themselves, as they said it to us or as their drivers are documented to.
import { expect, describe as group, test } from 'vitest';
import { describe } from '../../src/gpu/adapter.ts';
import { STORAGE_BUFFERS } from '../../src/gpu/declarations.ts';
import { KERNELS } from '../kernels.ts';

type Info = Parameters<typeof describe>[0];
const HIDDEN = { vendor: '', architecture: '', device: '', description: '' };

group('software', () => {
  test.each<[string, Info]>([
    [
      'lavapipe in Dawn',
      { vendor: 'mesa', architecture: 'software', description: 'llvmpipe: Mesa 25.0.7-2 (LLVM 15.0.6) 0.0.1' },
    ],
    [
      'llvmpipe in Deno',
      { vendor: '65541', architecture: '', device: '0', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    ],
    [
      'llvmpipe by OpenGL ES in Dawn',
      { ...HIDDEN, device: 'llvmpipe-llvm-15-0-6-256-bits-', description: 'OpenGL version OpenGL ES 3.2 Mesa 25.0.7' },
    ],
    [
      'softpipe by OpenGL',
      { ...HIDDEN, device: 'softpipe', description: 'OpenGL version 4.5 (Core Profile) Mesa 25.0.7' },
    ],
    ['SwiftShader in Chromium', { vendor: 'google', architecture: 'swiftshader', device: '', description: '' }],
    ['SwiftShader’s own name', { ...HIDDEN, description: 'SwiftShader Device (Subzero)' }],
    ['SwiftShader by ANGLE', { ...HIDDEN, device: 'ANGLE (Google, Vulkan 1.3.0 (Subzero), SwANGLE)' }],
    [
      'WARP in Dawn',
      { vendor: 'microsoft', architecture: 'warp', device: '0x8c', description: 'Microsoft Basic Render Driver' },
    ],
    ['WARP by name alone', { ...HIDDEN, description: 'Microsoft Basic Render Driver' }],
    ['llvmpipe in Firefox, which hides names', { ...HIDDEN, isFallbackAdapter: true }],
    ['any other that calls itself a fallback', { vendor: 'acme', architecture: 'soft', isFallbackAdapter: true }],
  ])('%s', (_, info) => {
    expect(describe(info).kind).toBe('cpu');
  });
});

group('GPU', () => {
  test.each<[string, Info]>([
    [
      'NVIDIA',
      {
        vendor: 'nvidia',
        architecture: 'hopper',
        device: '0x2335',
        description: 'NVIDIA H200',
        isFallbackAdapter: false,
      },
    ],
    ['Apple', { vendor: 'apple', architecture: 'metal-3', device: '', description: '' }],
    [
      'Intel by OpenGL',
      { ...HIDDEN, device: 'mesa-intel-r-uhd-graphics', description: 'OpenGL version 4.6 Mesa 25.0.7' },
    ],
    [
      'AMD’s Warp and other words that hold "warp"',
      { vendor: 'acme', architecture: 'warpdrive', description: 'Warpdrive 9' },
    ],
    ['a card in Firefox, which hides names', { ...HIDDEN, isFallbackAdapter: false }],
    ['one that says nothing at all', {}],
  ])('%s', (_, info) => {
    expect(describe(info).kind).toBe('gpu');
  });
});

test('a name for people', () => {
  expect(describe({ device: '0x2335', description: 'NVIDIA H200' }).name).toBe('NVIDIA H200');
  expect(describe({ device: 'softpipe', description: 'OpenGL version 4.5' }).name, 'not that of OpenGL').toBe(
    'softpipe',
  );
  expect(describe({ vendor: 'google', architecture: 'swiftshader' }).name).toBe('google swiftshader');
  expect(describe(HIDDEN).name).toBe('unnamed adapter');
});

test('subgroups have a size where they have one', () => {
  expect(describe({ subgroupMinSize: 8, subgroupMaxSize: 8 }).subgroupSize).toBe(8);
  expect(describe({ subgroupMinSize: 4, subgroupMaxSize: 128 }).subgroupSize).toBe(0);
  expect(describe({}).subgroupSize).toBe(0);
});

test('no kernel binds more storage buffers than adapters are asked for', () => {
  const bound = Object.values(KERNELS).map(({ bindings }) =>
    bindings.filter(({ access }) => access.startsWith('read')),
  );
  expect(Math.max(...bound.map(({ length }) => length))).toBe(STORAGE_BUFFERS);
});
