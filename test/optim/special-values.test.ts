// NaN, infinities, -0 and subnormal numbers in gradients and parameters, through every optimiser and clipping, as in PyTorch.
import { describe, expect, test } from 'vitest';
import { Adam, AdamW, clipGradNorm, clipGradValue, RMSprop, SGD } from '../../src/optim/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const kinds = { Adam, AdamW, RMSprop, SGD } as const;
const fixture = await loadFixture('specials.safetensors');
const names = Object.keys(fixture.meta).filter((name) => fixture.meta[name]!.optimizer);

const values = (name: string) => fixture.get(name).data;
const close = (a: number, b: number) =>
  Number.isFinite(a) && Number.isFinite(b) ? Math.abs(a - b) <= 1e-5 : Object.is(a, b);

test('there are seven', () => expect(names).toHaveLength(7));
test.each(names)('%s', async (name) => {
  const { optimizer: kind, options } = fixture.meta[name]!;
  const param = tensor(values(`${name}.value`), { requiresGrad: true });
  const optimizer = new kinds[kind as keyof typeof kinds]([param], options);
  for (const n of [0, 1]) {
    param.grad = tensor(values(`${name}.grad${n}`));
    optimizer.step();
    const got = await param.data();
    const expected = values(`${name}.step${n}`);
    expect(got.length).toBe(expected.length);
    for (const [i, v] of got.entries())
      if (!close(v, expected[i]!)) expect.fail(`step ${n}, element ${i} is ${v}, PyTorch's ${expected[i]}`);
  }
});

describe('clipping', () => {
  const gradients = (data: number[]) => {
    const param = tensor([0, 0, 0], { requiresGrad: true });
    param.grad = tensor(data);
    return param;
  };
  const clipped = async (param: Tensor) => [...(await (param.grad as Tensor).data())];

  test.each([2, Number.POSITIVE_INFINITY])(
    'a NaN makes the norm of type %d and all gradients NaN',
    async (normType) => {
      const params = [gradients([1, Number.NaN, 3]), gradients([4, 5, 6])];
      expect(await clipGradNorm(params, 1, { normType }).item()).toBeNaN();
      expect(await clipped(params[0]!)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
      expect(await clipped(params[1]!)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    },
  );
  test('an infinity makes the norm infinite, itself NaN, and the rest 0', async () => {
    const param = gradients([1, Number.NEGATIVE_INFINITY, 3]);
    expect(await clipGradNorm([param], 1).item()).toBe(Number.POSITIVE_INFINITY);
    expect(await clipped(param)).toEqual([0, Number.NaN, 0]);
  });
  test('by value: NaN stays, infinities are limited', async () => {
    const param = gradients([Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    clipGradValue([param], 2);
    expect(await clipped(param)).toEqual([Number.NaN, -2, 2]);
  });
});
