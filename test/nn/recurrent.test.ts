// RNN, GRU and LSTM against PyTorch: outputs, final states and every gradient, whole and ragged, 1e-5 + 1e-4·max.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GRU, type HostTensor, LSTM, RNN } from '../../src/nn/index.ts';
import { backward } from '../../src/ops/backward.ts';
import { add, mul, sum } from '../../src/ops/index.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';
import { bothForms } from '../ops/recurrent-cases.ts';

useDevice();

interface Meta {
  cell: 'rnn_tanh' | 'rnn_relu' | 'gru' | 'lstm';
  bias: boolean;
  lengths: number[] | null;
  I: number;
  H: number;
  layers: number;
  bidirectional: boolean;
}

const fixture = await loadFixture('recurrent.safetensors');

/** |a - b| <= 1e-5 + 1e-4·max|b| */
const close = async (got: Tensor, expected: HostTensor, what: string) =>
  expectClose(await got.data(), expected.data, 1e-4, 1e-5, what);

function build(meta: Meta) {
  const options = { numLayers: meta.layers, bias: meta.bias, bidirectional: meta.bidirectional, batchFirst: true };
  if (meta.cell === 'lstm') return new LSTM(meta.I, meta.H, options);
  if (meta.cell === 'gru') return new GRU(meta.I, meta.H, options);
  return new RNN(meta.I, meta.H, { ...options, nonlinearity: meta.cell === 'rnn_relu' ? 'relu' : 'tanh' });
}

bothForms(() => {
  describe.each(Object.entries(fixture.meta) as [string, Meta][])('%s', (name, meta) => {
    test('outputs, final states and gradients', async () => {
      const get = (key: string) => fixture.get(`${name}.${key}`);
      const leaf = (key: string) => tensor(get(key).data, { shape: get(key).shape, requiresGrad: true });
      const model = build(meta);
      const names = fixture.names(`${name}.param.`).map((key) => key.slice(`${name}.param.`.length));
      expect(model.namedParameters().map(([n]) => n)).toEqual(names.sort((a, b) => order(a) - order(b)));
      model.loadStateDict(new Map(names.map((n) => [n, get(`param.${n}`)])));
      const isLstm = model instanceof LSTM;
      const [x, h0] = [leaf('x'), leaf('h0')];
      const c0 = isLstm ? leaf('c0') : undefined;
      const lengths = meta.lengths ? tensor(Int32Array.from(meta.lengths)) : undefined;
      const outputs = step(() => {
        const r = isLstm ? model.forward(x, { h0, c0, lengths }) : model.forward(x, { h0, lengths });
        const weighted = (y: Tensor, w: string) => sum(mul(y, tensor(get(w).data, { shape: get(w).shape })));
        let loss = add(weighted(r.output, 'w_out'), weighted(r.hN, 'w_h'));
        if ('cN' in r) loss = add(loss, weighted(r.cN as Tensor, 'w_c'));
        backward(loss);
        return { ...r, loss };
      });
      await close(outputs.output, get('out'), 'output');
      await close(outputs.hN, get('h_n'), 'hN');
      await close(outputs.loss, get('loss'), 'loss');
      await close(x.grad as Tensor, get('grad_x'), 'gradient of x');
      await close(h0.grad as Tensor, get('grad_h0'), 'gradient of h0');
      if (isLstm) {
        await close((outputs as unknown as { cN: Tensor }).cN, get('c_n'), 'cN');
        await close(c0!.grad as Tensor, get('grad_c0'), 'gradient of c0');
      }
      for (const [n, p] of model.namedParameters()) await close(p.grad as Tensor, get(`grad.${n}`), `gradient of ${n}`);
      model.dispose();
    });
  });
});

/** PyTorch's order: layer, direction, then weight_ih, weight_hh, bias_ih, bias_hh. */
function order(name: string): number {
  const [, kind, layer, reverse] = /^(\w+_[ih]h)_l(\d+)(_reverse)?$/.exec(name)!;
  return Number(layer) * 10 + (reverse ? 5 : 0) + ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].indexOf(kind!);
}

interface GoldenTensor {
  shape: number[];
  data: number[];
}
interface GoldenCell {
  input_size: number;
  hidden_size: number;
  num_layers: number;
  bidirectional: boolean;
  lengths?: number[];
  nonlinearity?: string;
  x: GoldenTensor;
  h0?: GoldenTensor;
  c0?: GoldenTensor;
  output: GoldenTensor;
  hn: GoldenTensor;
  cn?: GoldenTensor;
  grad_weighting?: GoldenTensor;
  params: Record<string, GoldenTensor>;
  grads?: Record<string, GoldenTensor>;
  grad_x?: GoldenTensor;
  grad_h0?: GoldenTensor;
  grad_c0?: GoldenTensor;
}

const golden = '../shared/data/golden/torch-golden.json';

describe('shared golden cases', () => {
  if (!existsSync(golden)) {
    console.warn(`NOT RUN: ${golden} is absent`);
    test.skip('absent', () => {});
    return;
  }
  const cases = (JSON.parse(readFileSync(golden, 'utf8')) as { cases: Record<string, GoldenCell> }).cases;
  bothForms(() => {
    test.each(Object.keys(cases).filter((name) => /^(lstm|gru|rnn)/.test(name)))('%s', async (name) => {
      const c = cases[name]!;
      const hidden = c.hidden_size ?? c.params.weight_hh_l0!.shape[1]!;
      const layers = c.num_layers ?? 1;
      const bidirectional = c.bidirectional ?? 'weight_ih_l0_reverse' in c.params;
      const options = { numLayers: layers, bidirectional, batchFirst: true };
      const Cell = { lstm: LSTM, gru: GRU, rnn: RNN }[name.slice(0, name.indexOf('_')) as 'lstm' | 'gru' | 'rnn'];
      const model = new Cell(c.input_size ?? c.x.shape[2]!, hidden, {
        ...options,
        ...(name.includes('relu') || c.nonlinearity === 'relu' ? { nonlinearity: 'relu' as const } : {}),
      });
      model.loadStateDict(new Map(Object.entries(c.params)));
      const leaf = (t: GoldenTensor | undefined) =>
        t && tensor(Float32Array.from(t.data), { shape: t.shape, requiresGrad: true });
      const [x, h0, c0] = [leaf(c.x)!, leaf(c.h0), leaf(c.c0)];
      const lengths = c.lengths && tensor(Int32Array.from(c.lengths));
      const r = step(() => {
        const out = model instanceof LSTM ? model.forward(x, { h0, c0, lengths }) : model.forward(x, { h0, lengths });
        if (c.grad_weighting)
          backward(
            sum(mul(out.output, tensor(Float32Array.from(c.grad_weighting.data), { shape: c.grad_weighting.shape }))),
          );
        return out;
      });
      await close(r.output, c.output, 'output');
      await close(r.hN, c.hn, 'hN');
      if ('cN' in r) await close(r.cN as Tensor, c.cn!, 'cN');
      for (const [n, p] of model.namedParameters())
        if (c.grads) await close(p.grad as Tensor, c.grads[n]!, `gradient of ${n}`);
      if (c.grad_x) await close(x.grad as Tensor, c.grad_x, 'gradient of x');
      if (c.grad_h0) await close(h0!.grad as Tensor, c.grad_h0, 'gradient of h0');
      if (c.grad_c0) await close(c0!.grad as Tensor, c.grad_c0, 'gradient of c0');
      model.dispose();
    });
  });
});
