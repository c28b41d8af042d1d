// A process that used a device ends by itself, whether it destroyed the device or forgot to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const child = fileURLToPath(new URL('process-child.ts', import.meta.url));

async function run(
  end: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; signal: string | null; out: string; error: string }> {
  const started = spawn(process.execPath, ['-C', 'source', '--import', 'tsx', child, end], {
    timeout: 10_000,
    env: { ...process.env, ...env },
  });
  let [out, error] = ['', ''];
  started.stdout.on('data', (data) => (out += data));
  started.stderr.on('data', (data) => (error += data));
  const [code, signal] = await once(started, 'close');
  return { code, signal, out: out.replace(/^Warning: .*\n/gm, ''), error };
}

test.each([
  ['destroy', '9\n'],
  ['destroy early', '9\nDeviceLostError\n'],
  ['forget', '9\n'],
  ['queued', '9\n'],
  ['submitted', '9\n'],
  ['reading', '9\n'],
  ['two devices', '9\n2\n'],
])('%s: ends by itself within ten seconds with code 0', async (end, out) => {
  expect(await run(end)).toMatchObject({ code: 0, signal: null, out });
});

test('an error of the user’s own ends it with code 1, and process.exit with its own', async () => {
  const thrown = await run('throw');
  expect(thrown).toMatchObject({ code: 1, signal: null });
  expect(thrown.error).toContain('the user’s own error');
  expect(await run('exit')).toMatchObject({ code: 3, signal: null });
});

test('kernels for vectors of a width that the user asks for go to a cache of their own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-caches-'));
  const cacheOf = async (more: NodeJS.ProcessEnv) => {
    const env = {
      XDG_CACHE_HOME: folder,
      MESA_SHADER_CACHE_DIR: undefined,
      LP_NATIVE_VECTOR_WIDTH: undefined,
      ...more,
    };
    const { out, error } = await run('cache', env);
    expect(out, error).toMatch(/^9\n.*\n$/);
    return out.slice(2, -1);
  };
  try {
    expect(await cacheOf({})).toBe('undefined');
    expect(await cacheOf({ LP_NATIVE_VECTOR_WIDTH: '128' })).toBe(join(folder, 'mesa_shader_cache_128'));
    expect(await cacheOf({ LP_NATIVE_VECTOR_WIDTH: '128', MESA_SHADER_CACHE_DIR: folder })).toBe(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
