// Modules beside the recurrent ones: values, gradients and state of PyTorch's (test/fixtures/cases/reach.py), trees, buffers, printing.
import { describe, expect, test } from 'vitest';
import {
  BatchNorm1d,
  Conv1d,
  calculateGain,
  constant_,
  Dropout,
  Embedding,
  GRUCell,
  kaimingUniform_,
  Linear,
  LSTMCell,
  Module,
  ModuleDict,
  ModuleList,
  normal_,
  ReLU,
  RMSNorm,
  RNNCell,
  readStateDict,
  Sequential,
  xavierUniform_,
} from '../../src/nn/index.ts';
import { backward } from '../../src/ops/backward.ts';
import { add, mul, sum } from '../../src/ops/index.ts';
import { compile } from '../../src/tensor/compile.ts';
import { tensor, zeros } from '../../src/tensor/create.ts';
import { Generator } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const fixture = await loadFixture('reach.safetensors');
const MODULES: Record<string, () => Module> = {
  BatchNorm1d: () => new BatchNorm1d(3),
  BatchNorm1d_sequence: () => new BatchNorm1d(3, { momentum: 0.3, eps: 1e-3 }),
  BatchNorm1d_plain: () => new BatchNorm1d(3, { affine: false, trackRunningStats: false }),
  Conv1d: () => new Conv1d(2, 3, 3, { padding: 1 }),
  RMSNorm: () => new RMSNorm(6),
  RNNCell: () => new RNNCell(3, 4),
  RNNCell_relu: () => new RNNCell(3, 4, { nonlinearity: 'relu' }),
  GRUCell: () => new GRUCell(3, 4),
  LSTMCell: () => new LSTMCell(3, 4),
};

const given = (name: string) => {
  try {
    return fixture.get(name);
  } catch {
    return fixture.ints(name);
  }
};
const leaf = (name: string) => tensor(given(name).data, { shape: given(name).shape });
const stateOf = (prefix: string) =>
  new Map(fixture.names(prefix).map((name) => [name.slice(prefix.length), given(name)] as const));

test.each(Object.keys(fixture.meta).filter((name) => fixture.meta[name]!.module))('%s', async (name) => {
  const module = MODULES[name]!() as Module & {
    forward(x: Tensor, state?: unknown): Tensor | { h: Tensor; c: Tensor };
  };
  module.loadStateDict(stateOf(`${name}.before.`));
  const outputs: Tensor[] = [];
  let state: Tensor | { h: Tensor; c: Tensor } | undefined;
  for (let i = 0; i < fixture.meta[name]!.inputs; i++) {
    state = name.includes('Cell')
      ? module.forward(leaf(`${name}.x${i}`), state)
      : module.forward(leaf(`${name}.x${i}`));
    outputs.push('h' in state ? state.h : state);
  }
  const loss = outputs.map((y, i) => sum(mul(y, leaf(`${name}.up${i}`)))).reduce((a, b) => add(a, b));
  if (loss.node) backward(loss);
  for (const [i, y] of outputs.entries())
    expectClose(await y.data(), given(`${name}.out${i}`).data, 1e-5, 1e-6, `out${i}`);
  for (const [key, p] of module.namedParameters())
    expectClose(await (p.grad as Tensor).data(), given(`${name}.grad.${key}`).data, 1e-5, 1e-5, `gradient of ${key}`);
  const after = await readStateDict(module);
  expect([...after.keys()].sort()).toEqual([...stateOf(`${name}.after.`).keys()].sort());
  for (const [key, { data }] of after) expectClose(data, given(`${name}.after.${key}`).data, 1e-6, 1e-6, key);
  if (!fixture.has(`${name}.eval`)) return;
  module.eval();
  expectClose(
    await (module.forward(leaf(`${name}.x0`)) as Tensor).data(),
    given(`${name}.eval`).data,
    1e-5,
    1e-6,
    'eval',
  );
});

test('running statistics move in replays of a compiled step as they do without', async () => {
  const batches = [1, 2, 3, 4].map((n) =>
    tensor(
      Float32Array.from({ length: 6 }, (_, i) => Math.sin(n * i)),
      { shape: [3, 2] },
    ),
  );
  const states = [];
  for (const compiled of [false, true]) {
    const norm = new BatchNorm1d(2);
    const run = ({ x }: { x: Tensor }) => norm.forward(x);
    const step = compiled ? compile(run) : run;
    for (const x of batches) step({ x });
    states.push(await readStateDict(norm));
  }
  expect(states[1]).toEqual(states[0]);
  expect([...states[0]!.get('num_batches_tracked')!.data]).toEqual([4]);
});

class Tree extends Module {
  readonly scale = tensor([2], { requiresGrad: true });
  readonly table = zeros([3]);
  readonly list = [tensor([1], { requiresGrad: true }), tensor([5])];
  readonly byName = new Map([['left', new Linear(2, 2)]]);
  readonly plain = {
    deep: { weight: tensor([1], { requiresGrad: true }) },
    layers: [new Linear(1, 1, { bias: false })],
  };
}

describe('trees', () => {
  test('tensors and modules in arrays, maps and objects are found; those without requiresGrad are buffers', () => {
    const tree = new Tree();
    expect(tree.namedParameters().map(([name]) => name)).toEqual([
      'scale',
      'list.0',
      'plain.deep.weight',
      'by_name.left.weight',
      'by_name.left.bias',
      'plain.layers.0.weight',
    ]);
    expect(tree.namedBuffers().map(([name]) => name)).toEqual(['table', 'list.1']);
    expect([...tree.stateDict().keys()].length).toBe(8);
  });

  test('a parameter that is frozen stays one, in a clone too', () => {
    const tree = new Tree();
    tree.requireGrad(false);
    for (const one of [tree, tree.clone()]) {
      expect(one.parameters().length).toBe(6);
      expect(one.parameters().every((p) => !p.requiresGrad)).toBe(true);
      expect(one.buffers().length).toBe(2);
    }
    const frozen = Embedding.fromPretrained(new Float32Array(4), [2, 2]);
    expect([frozen.parameters().length, frozen.buffers().length]).toEqual([1, 0]);
  });

  test('registerBuffer', async () => {
    class Counting extends Module {
      constructor() {
        super();
        this.registerBuffer('seen', zeros([2]));
        this.registerBuffer('cache', zeros([2]), { persistent: false });
      }
    }
    const module = new Counting();
    expect(module.namedBuffers().map(([name]) => name)).toEqual(['seen', 'cache']);
    expect([...module.stateDict().keys()]).toEqual(['seen']);
    module.loadStateDict(new Map([['seen', { shape: [2], data: [3, 4] }]]));
    expect([...(await module.buffers()[0]!.data())]).toEqual([3, 4]);
    expect(() => module.registerBuffer('w', tensor([1], { requiresGrad: true }))).toThrow(
      'registerBuffer: tensor must be without requiresGrad, got a parameter. Give it to a field instead.',
    );
  });

  test('ModuleList and ModuleDict', () => {
    class Both extends Module {
      readonly layers = new ModuleList([new Linear(2, 2, { bias: false })]);
      readonly heads = new ModuleDict({ aB: new Linear(2, 1, { bias: false }) });
    }
    const both = new Both();
    both.layers.append(new Linear(2, 2, { bias: false }));
    expect([...both.stateDict().keys()]).toEqual(['layers.0.weight', 'layers.1.weight', 'heads.aB.weight']);
    expect([both.layers.length, [...both.layers].length, both.layers.at(-1)?.weight.shape]).toEqual([2, 2, [2, 2]]);
    expect([...both.heads.keys()]).toEqual(['aB']);
    expect(both.clone().heads.get('aB')?.weight.shape).toEqual([1, 2]);
  });

  test('String(model)', () => {
    const model = new Sequential(new Linear(2, 3), new Sequential(new ReLU(), new Dropout(0.1)));
    expect(`${model}`).toBe(
      'Sequential(\n  (0): Linear(2, 3)\n  (1): Sequential(\n    (0): ReLU()\n    (1): Dropout(0.1)\n  )\n)',
    );
    expect((model as unknown as Record<symbol, () => string>)[Symbol.for('nodejs.util.inspect.custom')]!()).toBe(
      `${model}`,
    );
  });
});

describe('nn.init', () => {
  test('deviations and bounds', async () => {
    const w = zeros([200, 100], { requiresGrad: true });
    const spread = async () => {
      const data = Float64Array.from(await w.data());
      return [
        Math.sqrt(data.reduce((s, v) => s + v * v, 0) / data.length),
        data.reduce((m, v) => Math.max(m, Math.abs(v)), 0),
      ] as const;
    };
    expect(xavierUniform_(w, { gain: calculateGain('relu') })).toBe(w);
    const bound = Math.SQRT2 * Math.sqrt(6 / 300);
    const [std, most] = await spread();
    expect(std).toBeCloseTo(bound / Math.sqrt(3), 2);
    expect(most).toBeLessThanOrEqual(bound);
    kaimingUniform_(w, { a: Math.sqrt(5), generator: new Generator(1) });
    expect((await spread())[1]).toBeLessThanOrEqual(0.1 + 1e-7);
    normal_(w, 0, 0.5);
    expect((await spread())[0]).toBeCloseTo(0.5, 1);
    expect([...new Set(await constant_(w, 3).data())]).toEqual([3]);
    expect(w.requiresGrad).toBe(true);
  });
});

test('refusals', () => {
  expect(() => new BatchNorm1d(2).forward(zeros([1, 2]))).toThrow(
    'BatchNorm1d: x must be more than one value per feature while training, got [1, 2].',
  );
  expect(() => new Conv1d(3, 4, 2, { groups: 2 })).toThrow(
    'Conv1d: inChannels / groups must be a whole number >= 1, got 1.5.',
  );
  expect(() => new LSTMCell(2, 3).forward(zeros([1, 2]), { h0: zeros([1, 3]) } as never)).toThrow(
    'LSTMCell: options must be among h, c, got "h0". Did you mean "h"?',
  );
  expect(() => new RMSNorm(3).forward(zeros([2, 2]))).toThrow('RMSNorm: x must be […, 3], got [2, 2].');
});
