// What a browser without an adapter is told: about its own switch, not another's.
import { afterEach, expect, test, vi } from 'vitest';
import { platform, switchOf } from '../../src/platform/browser.ts';

afterEach(() => vi.unstubAllGlobals());

const AGENTS = {
  chrome: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
  safari:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15',
  deno: 'Deno/2.9.0',
};

test.each([
  ['chrome', 'chrome://flags/#enable-unsafe-webgpu'],
  ['edge', 'edge://flags/#enable-unsafe-webgpu'],
  ['firefox', 'dom.webgpu.enabled'],
  ['safari', 'Feature Flags'],
  ['deno', '--unstable-webgpu'],
] as const)('%s hears of %s', (browser, words) => {
  const others = ['chrome://', 'edge://', 'dom.webgpu', 'Feature Flags', '--unstable', 'Dawn', 'setup.sh'];
  const advice = switchOf(AGENTS[browser]);
  expect(advice).toContain(words);
  expect(others.filter((other) => advice.includes(other)).length).toBe(1);
});

test('without navigator.gpu, and with one that has no adapter', async () => {
  vi.stubGlobal('navigator', { userAgent: AGENTS.firefox });
  await expect(platform.gpu({})).rejects.toThrow(
    'this browser has no WebGPU (navigator.gpu is missing). In Firefox, set dom.webgpu.enabled to true',
  );
  vi.stubGlobal('navigator', { userAgent: AGENTS.chrome, gpu: {} });
  expect(await platform.gpu({})).toEqual({});
  expect(platform.noAdapter()).toMatch(/offers no adapter\. In Chrome, switch on graphics acceleration/);
  await expect(platform.gpu({ backend: 'vulkan' })).rejects.toThrow('leave out backend "vulkan"');
});

test('a page that is not secure is told so', async () => {
  vi.stubGlobal('navigator', { userAgent: AGENTS.chrome });
  vi.stubGlobal('isSecureContext', false);
  await expect(platform.gpu({})).rejects.toThrow('over https and on localhost only');
});
