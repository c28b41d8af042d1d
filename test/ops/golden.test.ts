// The shared golden cases of PyTorch that are ops: layer norm, cross-entropy, embedding. (Cells: test/nn/recurrent; optimisers: test/optim.)
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { backward } from '../../src/ops/backward.ts';
import { crossEntropy, densify, embedding, layerNorm, mul, sum } from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { RowSparse } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

interface Golden {
  shape: number[];
  data: number[];
}
type Case = Record<string, Golden> & {
  target: Golden;
  index: Golden;
  ignore_index: number;
  label_smoothing?: number;
  padding_idx: number;
  eps: number;
};

const path = '../shared/data/golden/torch-golden.json';
const present = existsSync(path);
if (!present) console.warn(`NOT RUN: ${path} is absent`);
const cases: Record<string, Case> = present ? JSON.parse(readFileSync(path, 'utf8')).cases : {};

const leaf = ({ shape, data }: Golden) => tensor(Float32Array.from(data), { shape, requiresGrad: true });
const close = async (got: Tensor, { data }: Golden, what: string) =>
  expectClose(await got.data(), data, 1e-4, 1e-5, what);
const gradient = (t: Tensor) => (t.grad instanceof RowSparse ? densify(t.grad) : t.grad!);

describe.skipIf(!present)('shared golden cases', () => {
  test('layer_norm', async () => {
    const c = cases.layer_norm!;
    const [x, weight, bias] = [leaf(c.x!), leaf(c.weight!), leaf(c.bias!)];
    const y = step(() => {
      const out = layerNorm(x, 6, weight, bias, c.eps);
      backward(sum(mul(out, tensor(Float32Array.from(c.grad_weighting!.data), { shape: out.shape }))));
      return out;
    });
    await close(y, c.y!, 'y');
    await close(gradient(x), c.grad_x!, 'gradient of x');
    await close(gradient(weight), c.grad_weight!, 'gradient of weight');
    await close(gradient(bias), c.grad_bias!, 'gradient of bias');
  });

  const names = Object.keys(cases).filter((name) => name.startsWith('cross_entropy'));
  test('there are five cross-entropies', () => expect(names).toHaveLength(5));
  test.each(names)('%s', async (name) => {
    const c = cases[name]!;
    const logits = leaf(c.logits!);
    const reduction = /_(mean|sum|none)/.exec(name)![1] as 'mean' | 'sum' | 'none';
    const weight = c.weight && tensor(Float32Array.from(c.weight.data));
    const loss = step(() => {
      const value = crossEntropy(logits, tensor(Int32Array.from(c.target.data)), {
        reduction,
        weight,
        ignoreIndex: c.ignore_index,
        labelSmoothing: c.label_smoothing ?? 0,
      });
      backward(reduction === 'none' ? sum(value) : value);
      return value;
    });
    await close(loss, c.loss!, 'loss');
    await close(gradient(logits), c.grad!, 'gradient');
  });

  test('embedding_padding_idx', async () => {
    const c = cases.embedding_padding_idx!;
    const weight = leaf(c.weight!);
    const y = step(() => {
      const out = embedding(tensor(Int32Array.from(c.index.data), { shape: c.index.shape }), weight, {
        paddingIdx: c.padding_idx,
      });
      backward(sum(mul(out, tensor(Float32Array.from(c.grad_weighting!.data), { shape: out.shape }))));
      return out;
    });
    await close(y, c.y!, 'y');
    await close(gradient(weight), c.grad_weight!, 'gradient');
  });
});
