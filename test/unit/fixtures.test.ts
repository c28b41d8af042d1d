// The golden files themselves: whole, small, and right where plain arithmetic can tell.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Fixture, loadFixture } from '../fixtures/load.ts';

const FOLDER = new URL('../fixtures/', import.meta.url);
const FILES = ['recurrent', 'ops', 'losses', 'optimizers', 'tagger'];
const fixtures = new Map<string, Fixture>();
for (const file of FILES) fixtures.set(file, await loadFixture(`${file}.safetensors`));
const { recurrent, ops, losses, optimizers, tagger } = Object.fromEntries(fixtures) as Record<string, Fixture>;

describe('golden files', () => {
  it('stay under 1.75 MB together', () => {
    const made = readdirSync(FOLDER).filter((name) => /\.(safetensors|json)$/.test(name));
    const bytes = made.reduce((total, name) => total + statSync(new URL(name, FOLDER)).size, 0);
    expect(bytes).toBeLessThan(1.75e6);
    const script = readFileSync(new URL('make.py', FOLDER), 'utf8');
    for (const name of made.filter((file) => file.endsWith('.safetensors'))) expect(script).toContain(`"${name}"`);
  });

  it('have a case for every tensor and tensors for every case, all finite but the means over nothing', () => {
    for (const fixture of fixtures.values()) {
      for (const name of fixture.names()) {
        expect(fixture.meta).toHaveProperty(name.split('.')[0]!);
        const { shape, data } = /\.(lengths|ids|tags|targets\w*)$/.test(name) ? fixture.ints(name) : fixture.get(name);
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        const overNothing = name === 'cross_entropy_all_ignored_mean.loss';
        expect((data as Float32Array).every(Number.isFinite), name).toBe(!overNothing);
      }
      for (const name of Object.keys(fixture.meta)) expect(fixture.names(`${name}.`).length).toBeGreaterThan(0);
    }
  });

  it('refuse names that are not there and integers read as floats', () => {
    expect(() => recurrent!.get('lstm_bi2.nothing')).toThrow(
      'recurrent.safetensors: no float tensor "lstm_bi2.nothing"',
    );
    expect(() => recurrent!.get('lstm_bi2_ragged.lengths')).toThrow('no float tensor');
    expect(() => recurrent!.ints('lstm_bi2.x')).toThrow('no integer tensor');
  });
});

describe('their content', () => {
  it('recurrent: every cell in every variant, padding zero in outputs and input gradients', () => {
    expect(Object.keys(recurrent!.meta)).toHaveLength(4 * 6);
    let padded = 0;
    for (const [name, { lengths, B, T }] of Object.entries(recurrent!.meta)) {
      if (lengths === null) continue;
      expect([...recurrent!.ints(`${name}.lengths`).data]).toEqual(lengths);
      for (const key of ['out', 'grad_x']) {
        const { shape, data } = recurrent!.get(`${name}.${key}`);
        expect(shape.slice(0, 2)).toEqual([B, T]);
        const width = shape[2]!;
        for (let row = 0; row < B; row++) {
          for (let t = 0; t < T; t++) {
            const cell = data.subarray((row * T + t) * width, (row * T + t + 1) * width);
            expect(cell.some((value) => value !== 0)).toBe(t < lengths[row]);
            if (t >= lengths[row]) padded++;
          }
        }
      }
    }
    expect(padded).toBeGreaterThan(100);
  });

  it('recurrent: one step of an LSTM in float64 gives the first output', () => {
    const { I, H } = recurrent!.meta.lstm_uni1!;
    const at = (name: string) => recurrent!.get(`lstm_uni1.${name}`).data;
    const [x, h, c, wi, wh] = [at('x'), at('h0'), at('c0'), at('param.weight_ih_l0'), at('param.weight_hh_l0')];
    const [bi, bh] = [at('param.bias_ih_l0'), at('param.bias_hh_l0')];
    const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
    for (let j = 0; j < H; j++) {
      const [i, f, g, o] = [0, 1, 2, 3].map((gate) => {
        const row = gate * H + j;
        let sum = bi[row]! + bh[row]!;
        for (let k = 0; k < I; k++) sum += wi[row * I + k]! * x[k]!;
        for (let k = 0; k < H; k++) sum += wh[row * H + k]! * h[k]!;
        return sum;
      }) as [number, number, number, number];
      const cell = sigmoid(f) * c[j]! + sigmoid(i) * Math.tanh(g);
      expect(at('out')[j]).toBeCloseTo(sigmoid(o) * Math.tanh(cell), 6);
    }
  });

  it('ops: probabilities sum to one, relu is relu', () => {
    const { shape, data } = ops!.get('softmax_wide.out');
    const sum = data.subarray(0, shape[1]).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(1, 6);
    expect(ops!.get('unary_relu.out').data).toEqual(ops!.get('unary.x').data.map((value) => Math.max(value, 0)));
  });

  it('losses: the mean is the sum over the rows that count', () => {
    const at = (name: string) => losses!.get(`cross_entropy_ignored_${name}.loss`).data;
    expect(at('sum')[0]! / 9).toBeCloseTo(at('mean')[0]!, 6);
    expect(at('none').reduce((a, b) => a + b, 0)).toBeCloseTo(at('sum')[0]!, 4);
  });

  it('optimizers: the first step of plain SGD', () => {
    const at = (name: string) => optimizers!.get(name).data;
    const expected = at('shared.init.a').map((value, i) => value - 0.1 * at('shared.grad0.a')[i]!);
    at('sgd.step0.a').forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });

  it('tagger: the loss falls, the padding row of the embedding stays zero, packing matters', () => {
    for (const variant of ['tagger_padded', 'tagger_packed']) {
      const { data } = tagger!.get(`${variant}.losses`);
      expect(data).toHaveLength(10);
      expect(data[9]).toBeLessThan(0.95 * data[0]!);
      const row = tagger!.get(`${variant}.final.embedding.weight`).data.subarray(0, 12);
      expect([...row]).toEqual(Array(12).fill(0));
    }
    expect(tagger!.get('tagger_padded.losses').data[0]).not.toBe(tagger!.get('tagger_packed.losses').data[0]);
  });
});
