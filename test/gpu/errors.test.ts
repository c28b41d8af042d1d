// What goes wrong on a device becomes an exception that names the op, and the device works on.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AdapterError, ArgumentError, DeviceError, DeviceLostError, OutOfMemoryError } from '../../src/errors.ts';
import { Device } from '../../src/gpu/device.ts';
import { kernel, variantOf } from '../../src/gpu/kernel.ts';
import * as shaders from '../../src/gpu/shaders.gen.ts';
import * as ops from '../../src/ops/index.ts';
import { empty, init, tensor, zeros } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

let device: Device;

afterEach(() => device?.destroy());

/** Queues `y = -x` by hand, so that what is bound can be wrong. */
function negate(kernel: typeof shaders.unary, x: Tensor, y: Tensor, change: object = {}, label = 'neg'): void {
  device.run(variantOf(kernel, 'neg', { value: '-v' }), {
    bind: { x: { ...x.view, ...change }, y: y.view },
    params: { size: x.size, alpha: 0, beta: 0, strip: 1 },
    grid: 1,
    label,
  });
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error,
  );

describe('validation', () => {
  test('an error of the driver rejects the read with the op, and the device works on', async () => {
    device = await init();
    const x = tensor([1, 2, 3, 4]);
    const y = empty([4], { device, label: 'y' });
    negate(shaders.unary, x, y, { bytes: 4096 }, 'wrongOp');
    const error = await failure(y.data());
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as DeviceError).op).toBe('wrongOp');
    expect((error as DeviceError).message).toContain('wrongOp: Binding size (4096) is larger than the size (256)');
    negate(shaders.unary, x, y);
    expect([...(await y.data())]).toEqual([-1, -2, -3, -4]);
  });

  test('every read that waited is told, not only the first; a later one is not', async () => {
    device = await init();
    const x = tensor([1, 2, 3, 4]);
    const y = empty([4], { device, label: 'y' });
    negate(shaders.unary, x, y, { bytes: 4096 });
    const results = await Promise.allSettled([y.data(), y.data(), device.synchronize()]);
    expect(results.map((r) => r.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect([...(await x.data())]).toEqual([1, 2, 3, 4]);
  });

  test('with flushEveryOp a buffer that is gone is told with the exact op', async () => {
    device = await init({ debug: { flushEveryOp: true } });
    const x = tensor([1, 2]);
    const other = ops.exp(x);
    await other.data();
    other.storage.buffer.gpu.destroy();
    ops.sqrt(ops.square(x));
    const late = ops.log(other);
    ops.sin(x);
    const error = await failure(late.data());
    expect((error as DeviceError).message).toContain('log: [Buffer "exp"] used in submit while destroyed.');
  });

  test('a misplaced or doubly bound view is refused at once', async () => {
    device = await init();
    const x = tensor([1, 2, 3, 4]);
    expect(() => negate(shaders.unary, x, zeros([4]), { offset: 4, bytes: 8 })).toThrow(
      `neg: kernel unary_neg binds x at byte 4, which is no multiple of ${device.bindingAlignment}`,
    );
    expect(() => negate(shaders.unary, x, x)).toThrow(
      'neg: kernel unary_neg binds x and y to one buffer and writes to it',
    );
  });

  test('a shader that does not compile: its name, the line, the lines around; uploads beside it land', async () => {
    device = await init();
    const { source } = shaders.unary;
    const text = source.text.replace('f(v.x)', 'g(v.x)');
    const broken: typeof shaders.unary = kernel(text, { name: 'broken', libs: source.libs });
    const x = tensor([1, 2, 3, 4]);
    const y = empty([4], { device, label: 'y' });
    negate(broken, x, y);
    const error = (await failure(y.data())) as DeviceError;
    expect(error).toBeInstanceOf(DeviceError);
    expect(error.op).toBe('broken_neg');
    expect(error.message).toMatch(/^broken_neg: the shader does not compile/);
    expect(error.message).toMatch(
      /error at \d+:\d+: unresolved call target 'g'\n(.*\n)+.*\| +y\[at\] = vec4f\(g\(v\.x\)/,
    );
    expect([...(await x.data())]).toEqual([1, 2, 3, 4]);
    expect([...(await ops.neg(x).data())]).toEqual([-1, -2, -3, -4]);
  });

  test('an error that nobody read is printed when the device goes', async () => {
    device = await init();
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    negate(shaders.unary, tensor([1]), zeros([1]));
    await device.synchronize(); // the kernel is compiled
    negate(shaders.unary, tensor([1]), zeros([1]), { bytes: 4096 });
    device.flush();
    await new Promise((resolve) => setTimeout(resolve, 300));
    device.destroy();
    expect(printed).toHaveBeenCalledOnce();
    expect(String(printed.mock.calls[0]![0])).toContain('neg: Binding size');
    printed.mockRestore();
  });
});

describe('memory', () => {
  test('over the budget: tensor, bytes, total and budget; nothing was allocated and the device works on', async () => {
    device = await init({ byteBudget: 2 ** 20 });
    const x = zeros([1000]);
    const before = device.poolStats;
    const error = await failure((async () => zeros([512, 512]))());
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error).toMatchObject({ tensor: 'full', bytes: 2 ** 20, total: 4096 });
    expect((error as Error).message).toBe(
      'out of GPU memory: full needs 1048576 bytes with 4096 bytes in use of a budget of 1048576. ' +
        'Use a smaller batch, a shorter sequence or a larger byteBudget.',
    );
    expect(device.poolStats).toEqual(before);
    expect((await ops.add(x, 1).data())[999]).toBe(1);
  });

  test('within a step everything made so far is freed, and smaller work fits', async () => {
    device = await init({ byteBudget: 2 ** 20 });
    const big = () =>
      step(() => {
        const parts = [];
        for (let n = 0; n < 5; n++) parts.push(ops.add(zeros([50_000]), n));
        return parts;
      });
    expect(big).toThrow(OutOfMemoryError);
    expect(device.poolStats.liveBytes).toBe(0);
    const small = step(() => ops.add(zeros([60_000]), 3));
    expect((await small.data())[59_999]).toBe(3);
  });

  test('free buffers make way for other sizes before the budget is declared exceeded', async () => {
    device = await init({ byteBudget: 2 ** 20 });
    for (let n = 1; n <= 40; n++) {
      const y = step(() => ops.add(zeros([n * 3000]), 1));
      expect((await y.data())[n * 3000 - 1]).toBe(1);
      y.dispose();
    }
    expect(device.poolStats.reservedBytes).toBeLessThanOrEqual(2 ** 20);
  });

  test('a tensor larger than any buffer', async () => {
    device = await init();
    const big = () => empty([2 ** 20, 2 ** 20], { device, label: 'huge' });
    expect(big).toThrow(ArgumentError);
    expect(big).toThrow(/^huge: size in bytes must be at most \d+ \(the largest buffer of this device\)/);
  });
});

describe('loss', () => {
  test('destroy() rejects a pending read within a second, and everything after says why', async () => {
    device = await init();
    const x = tensor(new Float32Array(1000));
    const pending = ops.exp(ops.tanh(x)).data();
    const start = performance.now();
    device.destroy();
    const error = await failure(pending);
    expect(performance.now() - start).toBeLessThan(1000);
    expect(error).toBeInstanceOf(DeviceLostError);
    expect((error as DeviceLostError).reason).toBe('destroyed');
    expect(await device.lost).toBe(error);
    expect(() => ops.add(x, 1)).toThrow('the GPU device was lost (destroyed)');
    expect(() => tensor([1])).toThrow(DeviceLostError);
    await expect(x.data()).rejects.toThrow(DeviceLostError);
    await expect(device.synchronize()).rejects.toThrow(DeviceLostError);
    x.dispose();
    device.destroy();
  });

  test('also a read whose kernels are done and whose bytes are on the way', async () => {
    device = await init();
    const x = tensor(new Float32Array(1000));
    await ops.exp(x).data();
    const pending = [ops.exp(x).data(), device.synchronize()];
    device.destroy();
    for (const { status, reason } of (await Promise.allSettled(pending)) as PromiseRejectedResult[])
      expect([status, reason]).toEqual(['rejected', expect.any(DeviceLostError)]);
  });

  test('a new device works after one was lost', async () => {
    device = await init();
    device.destroy();
    await device.lost;
    device = await init();
    expect(await ops.add(tensor([1]), 1).item()).toBe(2);
  });
});

test('an adapter that does not exist is refused with those that do', async () => {
  const error = (await failure(Device.create({ adapter: 'Voodoo 2' }))) as AdapterError;
  expect(error).toBeInstanceOf(AdapterError);
  expect(error.message).toMatch(/^no (WebGPU )?adapter matches "Voodoo 2"; this machine offers ".+"$/);
});

test('a feature that is missing is refused by name', async () => {
  const wanted = 'chromium-experimental-nothing' as GPUFeatureName;
  await expect(Device.create({ requiredFeatures: [wanted] })).rejects.toThrow(
    /^adapter ".+" lacks the WebGPU feature "chromium-experimental-nothing"$/,
  );
});

test('reads leave no memory behind', async () => {
  device = await init();
  const x = tensor(new Float32Array(2 ** 18));
  const freed = new WeakRef(await x.data());
  // Collected when asked, so that the test does not hang on how much memory the machine has.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let n = 0; n < 50 && freed.deref(); n++) {
    await x.data();
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  expect(freed.deref(), 'what was read is collected while the device lives').toBeUndefined();
});
