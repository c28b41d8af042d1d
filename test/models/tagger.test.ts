// Ten training steps of a two-layer bidirectional LSTM tagger against PyTorch: every loss within 1e-4, padded and packed.
import { describe, expect, test } from 'vitest';
import { IGNORE_INDEX } from '../../src/data/index.ts';
import { Tagger } from '../../src/models/tagger.ts';
import { flatScores } from '../../src/ner/evaluate.ts';
import { backward } from '../../src/ops/backward.ts';
import { crossEntropy } from '../../src/ops/index.ts';
import { Adam } from '../../src/optim/adam.ts';
import { tensor } from '../../src/tensor/create.ts';
import { step } from '../../src/tensor/scope.ts';
import { expectClose } from '../check-op.ts';
import { loadFixture } from '../fixtures/load.ts';
import { useDevice } from '../gpu-device.ts';

useDevice();

const fixture = await loadFixture('tagger.safetensors');
const meta = fixture.meta.tagger as {
  vocabulary: number;
  embedding: number;
  hidden: number;
  layers: number;
  tags: number;
  lr: number;
  steps: number;
};

describe.each([
  ['tagger_padded', false],
  ['tagger_packed', true],
] as const)('%s', (name, packed) => {
  test('losses, first gradients and final parameters', async () => {
    const { vocabulary, embedding, hidden, layers, tags, lr } = meta;
    const model = new Tagger({ vocabularySize: vocabulary, embedding, hidden, layers, tags, cell: 'lstm', packed });
    const names = [...model.stateDict().keys()];
    expect([...names].sort()).toEqual(
      fixture
        .names('tagger.init.')
        .map((n) => n.slice('tagger.init.'.length))
        .sort(),
    );
    model.loadStateDict(new Map(names.map((n) => [n, fixture.get(`tagger.init.${n}`)])));
    const optimizer = new Adam(model.parameters(), { lr });
    const losses: number[] = [];
    for (let n = 0; n < meta.steps; n++) {
      const batch = (key: string) => fixture.ints(`tagger.batch${n}.${key}`);
      const [ids, labels, lengths] = [batch('ids'), batch('tags'), batch('lengths')].map(({ data, shape }) =>
        tensor(data, { shape }),
      );
      const loss = step(() => {
        const flat = flatScores(model.forward({ ids: ids!, lengths }), labels!);
        const value = crossEntropy(flat.scores, flat.labels, { ignoreIndex: IGNORE_INDEX });
        backward(value);
        return value;
      });
      losses.push(await loss.item());
      if (n === 0)
        for (const [key, p] of model.namedParameters()) {
          const grad = p.grad!;
          if ('data' in grad)
            expectClose(await grad.data(), fixture.get(`${name}.grad0.${key}`).data, 1e-4, 1e-5, `gradient of ${key}`);
        }
      step(() => optimizer.step());
      optimizer.zeroGrad();
    }
    const expected = fixture.get(`${name}.losses`).data;
    for (const [n, loss] of losses.entries())
      expect(Math.abs(loss - expected[n]!), `loss of step ${n}`).toBeLessThan(1e-4);
    for (const [key, p] of model.namedParameters())
      expectClose(await p.data(), fixture.get(`${name}.final.${key}`).data, 1e-3, 1e-4, `final ${key}`);
    model.dispose();
  });
});
