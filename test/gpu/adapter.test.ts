// Adapters and devices as they are asked for: by kernels, feature level and backend, and what a person hears when that fails.
import { afterEach, expect, test, vi } from 'vitest';
import { platform } from '#platform';
import { AdapterError } from '../../src/errors.ts';
import type { Device } from '../../src/gpu/device.ts';
import type { DeviceOptions } from '../../src/gpu/options.ts';
import * as ops from '../../src/ops/index.ts';
import { init, ones, tensor } from '../../src/tensor/create.ts';
import { expectClose } from '../check-op.ts';

let device: Device | undefined;
const start = async (options: DeviceOptions) => {
  device = await init(options);
  return device;
};
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  device?.destroy();
  device = undefined;
});

test('portable kernels run with the limits and features that every adapter has', async () => {
  const { tuning, maxWorkgroupSize, maxWorkgroupBytes, maxBindingBytes } = await start({ kernels: 'portable' });
  expect(tuning).toMatchObject({ kernels: 'portable', texelLanes: 0, recurrentLanes: 0, tileSide: 8 });
  expect([maxWorkgroupSize, maxWorkgroupBytes, maxBindingBytes]).toEqual([128, 2 ** 14, 2 ** 27]);
  await expect(init({ kernels: 'portable', profile: true })).rejects.toThrow(
    'profile: portable kernels run without timestamp-query',
  );
});

test('WEFT_KERNELS chooses the kernels, and what a program says beats it', async () => {
  vi.stubEnv('WEFT_KERNELS', 'gpu');
  expect((await start({})).tuning).toMatchObject({ kernels: 'gpu', tiles: true });
  device!.destroy();
  expect((await start({ kernels: 'software' })).tuning).toMatchObject({ kernels: 'software', tiles: false });
  vi.stubEnv('WEFT_KERNELS', 'fast');
  await expect(init()).rejects.toThrow('init: WEFT_KERNELS must be one of "gpu", "software", "portable", got "fast".');
});

test('feature levels: one that is asked for, or the lesser one where there is no other', async () => {
  await expect(init({ featureLevel: 'lesser' as 'core' })).rejects.toThrow(
    'init: featureLevel must be one of "core", "compatibility", got "lesser".',
  );
  const gpu = await platform.gpu({});
  const asked: unknown[] = [];
  const request = gpu.requestAdapter.bind(gpu);
  vi.spyOn(gpu, 'requestAdapter').mockImplementation(async (options) => {
    asked.push(options?.featureLevel);
    return options?.featureLevel === 'compatibility' ? request(options) : null;
  });
  const found = await start({});
  expect(asked).toEqual(['core', 'compatibility']);
  expect(await ops.sum(ones([3, 5], { device: found })).item()).toBe(15);
  await expect(init({ featureLevel: 'core' })).rejects.toThrow(AdapterError);
});

test('where nobody offers an adapter, other backends are asked, and a person hears what to install', async () => {
  const asked: unknown[] = [];
  vi.spyOn(platform, 'gpu').mockImplementation(async ({ backend }) => {
    const requestAdapter = async ({ featureLevel }: GPURequestAdapterOptions) => {
      asked.push([backend, featureLevel]);
      return null;
    };
    return { requestAdapter } as unknown as GPU;
  });
  await expect(init()).rejects.toThrow('no WebGPU adapter found: Dawn needs a Vulkan, Metal or D3D12 driver');
  expect(asked).toEqual([
    [undefined, 'core'],
    [undefined, 'compatibility'],
    ['opengles', 'compatibility'],
  ]);
});

test('names of adapters and backends that there are not', async () => {
  await expect(init({ adapter: 'no such card' })).rejects.toThrow(
    /^no WebGPU adapter matches "no such card"; this machine offers "/,
  );
  await expect(init({ backend: 'glide' })).rejects.toThrow(/^Dawn knows no backend "glide"; it knows .*'vulkan'/);
  await expect(init({ backend: 'null', featureLevel: 'core', adapter: 'x' })).rejects.toThrow(AdapterError);
});

test('OpenGL ES, where it is there: the numbers of the other backend', async ({ skip }) => {
  const work = async () => {
    const x = tensor(
      Float32Array.from({ length: 70 * 70 }, (_, i) => ((i * 37) % 101) / 50 - 1),
      { shape: [70, 70] },
    );
    return ops.softmax(ops.matmul(x, x, { activation: 'tanh' }), 1).data();
  };
  await start({ kernels: 'portable' });
  const expected = await work();
  device!.destroy();
  const missing = await start({ backend: 'opengles' }).catch((error: AdapterError) => error.message);
  if (typeof missing === 'string') return skip(`no OpenGL ES here: ${missing}`);
  expectClose(await work(), expected, 1e-6, 1e-7, 'by OpenGL ES');
});
