// What the platform of Node decides before the driver is loaded.
import { expect, test } from 'vitest';
import { shaderCacheOf } from '../../src/platform/node.ts';

test('each vector width of the software adapter has a shader cache of its own', () => {
  const at = (width: string) => shaderCacheOf({ LP_NATIVE_VECTOR_WIDTH: width, XDG_CACHE_HOME: '/caches' });
  expect(at('128')).toBe('/caches/mesa_shader_cache_128');
  expect(at('512')).not.toBe(at('128'));
  expect(shaderCacheOf({ LP_NATIVE_VECTOR_WIDTH: '128', HOME: '/home/me' })).toBe(
    '/home/me/.cache/mesa_shader_cache_128',
  );
});

test('a width that is not set, or a folder that is, stay as they are', () => {
  expect(shaderCacheOf({ HOME: '/home/me' })).toBeUndefined();
  expect(shaderCacheOf({ LP_NATIVE_VECTOR_WIDTH: '', HOME: '/home/me' })).toBeUndefined();
  expect(shaderCacheOf({ LP_NATIVE_VECTOR_WIDTH: '512', MESA_SHADER_CACHE_DIR: '/mine' })).toBeUndefined();
});
