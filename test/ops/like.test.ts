// Tensors like others, and ready-made ones.
import { expect, test } from 'vitest';
import { tensor } from '../../src/tensor/create.ts';
import { eye, fullLike, linspace, onesLike, randLike, randn, zerosLike } from '../../src/tensor/like.ts';
import { Generator } from '../../src/tensor/random.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

test('values as PyTorch has them', async () => {
  expect([...(await eye(2, 3).data())]).toEqual([1, 0, 0, 0, 1, 0]);
  expect([...(await linspace(0, 1, 5).data())]).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect([...(await linspace(3, -1, 1).data())]).toEqual([3]);
  const x = tensor(Int32Array.of(4, 5));
  expect([zerosLike(x).dtype, ...(await zerosLike(x).data())]).toEqual(['i32', 0, 0]);
  expect([...(await onesLike(x, { dtype: 'f32' }).data()), ...(await fullLike(x, 7).data())]).toEqual([1, 1, 7, 7]);
});

test('random numbers by the generator', async () => {
  const draw = () => randn([3], { generator: new Generator(3) }).data();
  expect(await draw()).toEqual(await draw());
  const u = await randLike(tensor(new Float32Array(200))).data();
  expect(u.every((v) => v >= 0 && v < 1)).toBe(true);
});
