// Configurations: defaults, overrides, and every refusal with file, line, key and what was probably meant.

import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { METRICS, TAGGER_SCHEMA, type TaggerConfig } from '../../src/ner/config-schema.ts';
import { integer, list, oneOf, section } from '../../src/ner/schema.ts';
import { loadConfig, parseConfig, saveConfig } from '../../src/node/config.ts';
import { folderStore } from '../../src/node/run-folder.ts';
import { nearest } from '../../src/options.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-config-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const parse = (text: string, ...overrides: string[]) => parseConfig(text, 'a.yaml', TAGGER_SCHEMA, overrides);
function refusal(text: string, ...overrides: string[]): string {
  try {
    parse(text, ...overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return 'accepted';
}

describe('defaults', () => {
  test("an empty file is the study's network, its rows ending at their own length, under Adam", () => {
    const config: TaggerConfig = parse('');
    expect(config.model).toEqual({
      cell: 'lstm',
      embedding: 512,
      hidden: 512,
      layers: 3,
      bidirectional: true,
      dropout: 0.2,
      embeddingDropout: 0,
      outputDropout: 0,
      layerNorm: true,
      activation: 'relu',
      packed: true,
      nonlinearity: 'tanh',
      embeddingStd: 1,
    });
    expect(config.optimizer).toMatchObject({ name: 'adam', lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 });
    expect(config.optimizer.clipNorm).toBeUndefined();
    expect(config.scheduler).toEqual({ name: 'none', every: 'epoch', startEpoch: 0, warmup: 0 });
    expect(config.training.keepBest).toEqual({ metric: 'validation.f1', mode: 'max' });
  });

  test("each optimiser has PyTorch's own", () => {
    const of = (name: string) => parse(`optimizer: { name: ${name} }`).optimizer;
    expect([of('adamw').weightDecay, of('adam').weightDecay]).toEqual([0.01, 0]);
    expect([of('rmsprop').lr, of('sgd').lr]).toEqual([0.01, 0.001]);
    expect(parse('optimizer: { name: adamw, weightDecay: 0 }').optimizer.weightDecay).toBe(0);
  });

  test('every key of the reference is a key, with its own default', () => {
    const config = parse('') as unknown as Record<string, unknown>;
    for (const { key, default: value } of TAGGER_SCHEMA.rows([])) {
      const found = key
        .split('.')
        .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], config);
      expect([key, found]).toEqual([key, value]);
    }
    expect(TAGGER_SCHEMA.rows([]).find(({ key }) => key === 'scheduler.gamma')?.when).toBe(
      'name: step, multistep, exponential',
    );
    expect(TAGGER_SCHEMA.rows([]).filter(({ doc }) => doc === '')).toEqual([]);
  });
});

describe('reading', () => {
  test('all kinds of values', () => {
    const config = parse(`
data: { path: corpus, padTo: 48, lowercase: true }
optimizer: { name: sgd, lr: 1.0e-1, momentum: 0.9, nesterov: true, clipNorm: 5 }
scheduler: { name: multistep, milestones: [10, 20], gamma: 0.3, warmup: 2 }
loss: { classWeights: [0.5, 1, 1] }
training:
  keepBest: { metric: validation.loss, mode: min }
`);
    expect(config.data).toMatchObject({ path: 'corpus', padTo: 48, lowercase: true });
    expect(config.optimizer).toMatchObject({ name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true, clipNorm: 5 });
    expect(config.scheduler).toMatchObject({ milestones: [10, 20], gamma: 0.3, warmup: 2 });
    expect(config.loss.classWeights).toEqual([0.5, 1, 1]);
    expect(config.training.keepBest).toEqual({ metric: 'validation.loss', mode: 'min' });
  });

  test('a key left empty is nothing where nothing is allowed, and anchors are followed', () => {
    expect(parse('optimizer: { clipNorm: }').optimizer.clipNorm).toBeUndefined();
    expect(parse('training:').training.epochs).toBe(30);
    expect(refusal('training: { epochs: }')).toBe(
      'a.yaml:1: "training.epochs" must be an integer from 1, got nothing.',
    );
    const config = parse('model: { embedding: &width 64, hidden: *width }');
    expect(config.model.hidden).toBe(64);
  });

  test('what was read and saved reads the same again', async () => {
    for (const name of ['none', 'step', 'plateau', 'onecycle']) {
      const config = parse(`scheduler: { name: ${name} }\noptimizer: { name: sgd, momentum: 0.9 }`);
      const path = join(folder, `${name}.yaml`);
      await saveConfig(path, config);
      expect(await loadConfig(path, TAGGER_SCHEMA)).toEqual(config);
    }
  });

  const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /configs\/.*\.yaml$/.test(file),
  );
  test.each(examples)('example %s', async (file) => {
    expect((await loadConfig(join('examples', file), TAGGER_SCHEMA)).training.epochs).toBeGreaterThan(0);
  });
});

describe('overrides', () => {
  test('win over the file and take YAML', () => {
    const text = 'model: { hidden: 64 }\noptimizer: { name: adam }';
    const config = parse(
      text,
      'model.hidden=32',
      'optimizer.betas=[0.8, 0.9]',
      'data.path=a=b',
      'training.keepBest.metric=trainLoss',
      'training.keepBest.mode=min',
    );
    expect(config.model.hidden).toBe(32);
    expect(config.optimizer.betas).toEqual([0.8, 0.9]);
    expect(config.data.path).toBe('a=b');
    expect(config.training.keepBest).toEqual({ metric: 'trainLoss', mode: 'min' });
    expect(parse('', 'optimizer={name: sgd, momentum: 0.5}', 'optimizer.momentum=0.6').optimizer.momentum).toBe(0.6);
  });

  test.each([
    ['model.hiden=3', 'override "model.hiden=3": "model.hiden" is not a key of "model"; did you mean "hidden"?'],
    ['model.hidden=0', 'override "model.hidden=0": "model.hidden" must be an integer from 1, got 0.'],
    [
      'optimizer.betas=[0.9, 1]',
      'override "optimizer.betas=[0.9, 1]": "optimizer.betas.1" must be a number from 0 below 1, got 1.',
    ],
    ['model.hidden', 'override "model.hidden": must be key=value, such as model.hidden=64.'],
    ['=3', 'override "=3": must be key=value, such as model.hidden=64.'],
    ['__proto__.x=1', 'override "__proto__.x=1": must be key=value, such as model.hidden=64.'],
    ['data.path=[', 'override "data.path=[": "data.path" must have a value in YAML, got "[".'],
  ])('%s is refused by its own name', (override, message) => {
    expect(refusal('model: { hidden: 64 }', override)).toBe(message);
  });

  test("a key of the file stays the file's beside overrides", () => {
    expect(refusal('model:\n  hidden: 0\n', 'model.layers=1')).toBe(
      'a.yaml:2: "model.hidden" must be an integer from 1, got 0.',
    );
  });
});

describe('refusals', () => {
  test.each([
    [
      'model:\n  hidden: 64\n  dropuot: 0.1\n',
      'a.yaml:3: "model.dropuot" is not a key of "model"; did you mean "dropout"?',
    ],
    ['modle: {}', 'a.yaml:1: "modle" is not a key; did you mean "model"?'],
    ['\nxyz: 1', 'a.yaml:2: "xyz" is not a key; the keys are data, model, optimizer, scheduler, loss, training.'],
    ['model: { cell: lstn }', 'a.yaml:1: "model.cell" must be one of rnn, gru, lstm, got "lstn"; did you mean "lstm"?'],
    ['model: { cell: transformer }', 'a.yaml:1: "model.cell" must be one of rnn, gru, lstm, got "transformer".'],
    ['model: { dropout: 1 }', 'a.yaml:1: "model.dropout" must be a number from 0 below 1, got 1.'],
    ['model: { dropout: .nan }', 'a.yaml:1: "model.dropout" must be a number from 0 below 1, got NaN.'],
    ['model: { layers: 1.5 }', 'a.yaml:1: "model.layers" must be an integer from 1, got 1.5.'],
    [
      'model: { layers: "2" }',
      'a.yaml:1: "model.layers" must be an integer from 1, got "2" as text; leave out the quotes.',
    ],
    ['model: { bidirectional: yes }', 'a.yaml:1: "model.bidirectional" must be true or false, got "yes".'],
    ['data: { padTo: row }', 'a.yaml:1: "data.padTo" must be one of batch, set, or an integer from 1, got "row".'],
    ['data: { padTo: 0 }', 'a.yaml:1: "data.padTo" must be one of batch, set, or an integer from 1, got 0.'],
    ['data: 5', 'a.yaml:1: "data" must be a group of keys, got 5.'],
    ['- 1', 'a.yaml: must be a group of keys, got [1].'],
    [
      'optimizer:\n  betas:\n    - 0.9\n    - 2',
      'a.yaml:4: "optimizer.betas.1" must be a number from 0 below 1, got 2.',
    ],
    [
      'optimizer: { betas: [0.9] }',
      'a.yaml:1: "optimizer.betas" must be a list of 2, each a number from 0 below 1, got [0.9].',
    ],
    [
      'loss: { classWeights: [] }',
      'a.yaml:1: "loss.classWeights" must be a list of one or more, each a number from 0, got [].',
    ],
    ['training: { seed: -1 }', 'a.yaml:1: "training.seed" must be an integer from 0, got -1.'],
    ['optimizer: { clipNorm: 0 }', 'a.yaml:1: "optimizer.clipNorm" must be a number above 0, got 0.'],
  ])('%j', (text, message) => expect(refusal(text)).toBe(message));

  test.each([
    [
      'optimizer: { name: sgd, betas: [0.5, 0.6] }',
      '"optimizer.betas" belongs to name adam, adamw, not to sgd; leave it out.',
    ],
    [
      'scheduler: { name: cosine, gamma: 0.5 }',
      '"scheduler.gamma" belongs to name step, multistep, exponential, not to cosine; leave it out.',
    ],
    ['scheduler: { patience: 3 }', '"scheduler.patience" belongs to name plateau, not to none; leave it out.'],
    [
      'scheduler: { name: multistep }',
      '"scheduler.milestones" is required: a list of one or more, each an integer from 1, for name multistep.',
    ],
    [
      'scheduler: { name: plateau, every: batch }',
      '"scheduler.every" must be epoch for name plateau, whose metric comes once an epoch; got "batch".',
    ],
    [
      'scheduler: { name: plateau, metric: validation.f1 }',
      '"scheduler.mode" must be max for metric validation.f1, got "min".',
    ],
    ['optimizer: { name: sgd, nesterov: true }', '"optimizer.nesterov" must be false where momentum is 0, got true.'],
    ['data: { unknown: none, wordDropout: 0.1 }', '"data.wordDropout" must be 0 where unknown is none, got 0.1.'],
    ['data: { unknown: none, minCount: 2 }', '"data.minCount" must be 1 where unknown is none, got 2.'],
    ['model: { nonlinearity: relu }', '"model.nonlinearity" must be tanh for cell lstm, got "relu".'],
    [
      'training: { keepBest: { metric: validation.loss } }',
      '"training.keepBest.mode" must be min for metric validation.loss, got "max".',
    ],
    [
      'training: { keepBest: { metric: test.f1 } }',
      `"training.keepBest.metric" must be one of ${METRICS.join(', ')}, got "test.f1".`,
    ],
  ])('what does not go together: %s', (text, message) => {
    expect(refusal(text).replace(/^a\.yaml:1: /, '')).toBe(message);
  });

  test('YAML that is none, twice the same key, or a bomb', () => {
    expect(refusal('model:\n  hidden: [1\n')).toMatch(/^a\.yaml:\d: not YAML: .+\.$/);
    expect(refusal('model: {}\nmodel: {}\n')).toBe('a.yaml:2: not YAML: Map keys must be unique.');
    const bomb = Array.from({ length: 12 }, (_, i) => `x${i}: &a${i} [${i ? `*a${i - 1}, `.repeat(9) : '1'}]`).join(
      '\n',
    );
    expect(refusal(bomb)).toBe(
      'a.yaml: not a configuration: Excessive alias count indicates a resource exhaustion attack.',
    );
  });

  test('`__proto__` and the names of Object are unknown keys like others', () => {
    expect(refusal('__proto__: { data: 1 }')).toContain('a.yaml:1: "__proto__" is not a key');
    expect(refusal('model: { constructor: 1 }')).toContain('"model.constructor" is not a key of "model"');
    expect(({} as Record<string, unknown>).data).toBeUndefined();
  });

  test('a file that is not there', async () => {
    const path = join(folder, 'none/such.yaml');
    await expect(loadConfig(path, TAGGER_SCHEMA)).rejects.toThrow(
      `${path}: cannot be read: there is no such file (ENOENT).`,
    );
  });

  test('fields of the error', () => {
    try {
      parse('model:\n  hidden: 0');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: 'ConfigError', file: 'a.yaml:2', key: 'model.hidden' });
    }
  });
});

describe('schema', () => {
  test('a required key is told with the line of its group', () => {
    const schema = section({
      size: section({ width: integer({ min: 1, doc: 'w' }), unit: oneOf(['px'], { doc: 'u', default: 'px' }) }),
    });
    expect(() => parseConfig('\nsize:\n  unit: px', 'b.yaml', schema)).toThrow(
      'b.yaml:2: "size.width" is required: an integer from 1.',
    );
    expect(() => parseConfig('', 'b.yaml', schema)).toThrow('b.yaml: "size.width" is required: an integer from 1.');
    expect(() => parseConfig('size: { width: 1, unit: em }', 'b.yaml', schema)).toThrow(
      '"size.unit" must be px, got "em".',
    );
    expect(() => parseConfig('a: [1, x]', 'b.yaml', section({ a: list(integer({ doc: '' }), { doc: '' }) }))).toThrow(
      '"a.1" must be an integer, got "x".',
    );
  });

  test.each([
    ['hiden', 'hidden'],
    ['epcohs', 'epochs'],
    ['batchsize', 'batchSize'],
    ['wordDropuot', 'wordDropout'],
    ['learningRate', 'lr'],
    ['batch_size', 'batchSize'],
    ['zzz', undefined],
    ['', undefined],
  ])('nearest to %j is %j', (word, expected) => {
    expect(nearest(word, ['hidden', 'epochs', 'batchSize', 'dropout', 'wordDropout', 'lr'])).toBe(expected);
  });
});

describe('folderStore', () => {
  test('gives back what was written, and undefined for what was not', async () => {
    const store = folderStore(join(folder, 'run'));
    expect(await store.open('last.safetensors')).toBeUndefined();
    const bytes = await readFile('test/fixtures/dtypes.safetensors');
    await store.write('last.safetensors', [bytes.subarray(0, 10), bytes.subarray(10)]);
    expect((await store.open('last.safetensors'))!.tensors.size).toBeGreaterThan(0);
    await store.write('broken.safetensors', [bytes.subarray(0, 50)]);
    await expect(store.open('broken.safetensors')).rejects.toThrow('broken.safetensors: ');
  });
});
