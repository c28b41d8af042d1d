// grad, and graphs that are run twice.
import { expect, test } from 'vitest';
import { backward, grad } from '../../src/ops/backward.ts';
import { crossEntropy, layerNorm, mul, square, sum, tanh } from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

test('grad gives gradients of leaves and of what is between, and leaves `grad` alone', async () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  const unused = tensor([1], { requiresGrad: true });
  const y = square(x);
  const [dX, dY, none] = grad(sum(mul(y, 3)), [x, y, unused]);
  expect([...(await dX!.data())]).toEqual([6, 12, 18]);
  expect([...(await dY!.data())]).toEqual([3, 3, 3]);
  expect([none, x.grad]).toEqual([undefined, undefined]);
});

test('a retained graph is run again to the same numbers; one that is not is refused', async () => {
  const x = tensor([[0.5, -1, 2]], { requiresGrad: true });
  const loss = crossEntropy(tanh(layerNorm(x, 3)), tensor(Int32Array.of(1)));
  backward(loss, undefined, { retainGraph: true });
  const once = [...(await (x.grad as Tensor).data())];
  backward(loss);
  expect([...(await (x.grad as Tensor).data())]).toEqual(once.map((v) => Math.fround(2 * v)));
  expect(() => backward(loss)).toThrow('was already used');
  expect(() => backward(loss, undefined, { retain: true } as never)).toThrow(
    'backward: options must be among retainGraph',
  );
});
