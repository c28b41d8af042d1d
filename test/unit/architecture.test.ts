// The layers of the house: who may import whom (ARCHITECTURE.md). Reads import lines; fails on any other arrow and on any cycle.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const ENGINE = ['models', 'nn', 'optim', 'ops', 'autograd', 'tensor', 'io', 'data', 'metrics', 'gpu'];
const MAY_IMPORT: Record<string, readonly string[]> = {
  cli: ['entry', 'node', 'ner', 'train', ''],
  entry: ['ner', 'train', ...ENGINE],
  node: ['ner', 'train', 'profile', ...ENGINE],
  profile: ['gpu'],
  ner: ['train', 'models', 'nn', 'optim', 'ops', 'autograd', 'tensor', 'io', 'data', 'metrics'],
  train: ['models', 'nn', 'optim', 'ops', 'autograd', 'tensor', 'io', 'data', 'metrics'],
  models: ['nn', 'ops', 'io', 'tensor'],
  nn: ['ops', 'autograd', 'tensor', 'gpu'],
  optim: ['tensor', 'gpu'],
  ops: ['autograd', 'tensor', 'gpu'],
  autograd: ['tensor'],
  io: ['tensor'],
  tensor: ['gpu'],
  gpu: ['platform'],
  platform: [],
  data: [],
  metrics: [],
};
/** Leaves that anyone may use. */
const LEAVES = new Set(['check.ts', 'errors.ts', 'options.ts', 'random.ts', 'tensor/shape.ts']);
/** Packages each layer may load; the core loads none but Dawn, in Node. */
const PACKAGES: Record<string, readonly string[]> = {
  platform: ['webgpu'],
  node: ['yaml', 'cli-progress', 'picocolors', 'echarts'],
  cli: ['commander', 'picocolors'],
};
const OPENS_FILES = new Set(['node', 'cli']);

const root = 'src';
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm)].map(
    (m) => (m[1] ?? m[2] ?? m[3])!,
  );
}

const layerOf = (file: string) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '');

test('every import points down the layers', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const layer = layerOf(file);
    if (layer === '') continue; // entries and leaves at the top
    expect(MAY_IMPORT, `src/${layer} is not a layer of the house`).toHaveProperty(layer);
    for (const target of importsOf(file)) {
      if (target === '#platform') {
        if (layer !== 'gpu') wrong.push(`${file} imports #platform`);
      } else if (!target.startsWith('.')) {
        const builtin = target.startsWith('node:');
        const name = target.split('/')[0]!;
        if (builtin ? !OPENS_FILES.has(layer) : !PACKAGES[layer]?.includes(name))
          wrong.push(`${file} imports ${target}`);
      } else {
        const to = relative(root, join(root, dirname(file), target));
        if (LEAVES.has(to) || layerOf(to) === layer) continue;
        if (!MAY_IMPORT[layer]!.includes(layerOf(to))) wrong.push(`${file} imports ${to}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

/** Files of package.json's `exports`. */
const ENTRIES = Object.values(
  JSON.parse(readFileSync('package.json', 'utf8')).exports as Record<string, { source?: string }>,
).flatMap(({ source }) => (source ? [relative(root, source)] : []));

test('the command and the examples import public entries only', () => {
  const wrong = files
    .filter((file) => layerOf(file) === 'cli')
    .flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith('..'))
        .map((target) => relative(root, join(root, dirname(file), target)))
        .filter((to) => !ENTRIES.includes(to))
        .map((to) => `${file} imports ${to}`),
    );
  const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
  for (const file of examples)
    for (const target of importsOf(join('..', 'examples', file)))
      if (target.startsWith('.') && relative('examples', join('examples', dirname(file), target)).startsWith('..'))
        wrong.push(`examples/${file} imports ${target}`);
  expect(examples.length).toBeGreaterThan(0);
  expect(wrong).toEqual([]);
});

test('leaves import nothing but leaves', () => {
  for (const leaf of LEAVES)
    for (const target of importsOf(leaf))
      expect(LEAVES.has(relative(root, join(root, dirname(leaf), target))), `${leaf} imports ${target}`).toBe(true);
});

/** What a file imports of the house, types and what is loaded later included. */
const housemates = (file: string) =>
  importsOf(file)
    .filter((target) => target.startsWith('.'))
    .map((target) => relative(root, join(root, dirname(file), target)));

test('no file is part of a circle, types included', () => {
  const circles: string[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'open') circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (state.has(file)) return;
    state.set(file, 'open');
    for (const next of housemates(file)) visit(next, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

test('the house has files of readable length', () => {
  const long = files
    .filter((f) => !f.endsWith('.gen.ts'))
    .map((f) => [f, readFileSync(join(root, f), 'utf8').split('\n').length - 1] as const);
  expect(long.filter(([, lines]) => lines > 320)).toEqual([]);
});
