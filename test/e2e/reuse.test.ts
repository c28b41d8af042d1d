// The package as others get it: built, packed, installed into an empty folder, and used from there as its README says.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Ended, root, run } from './child.ts';

/** Valid as JavaScript and as strict TypeScript. It leaves the device as it is: the process must end all the same. */
const TRAIN = `import { backward, init, Linear, manualSeed, mseLoss, SGD, step, tensor } from 'weftgrad';

await init();
manualSeed(1);
const points = [{ a: 0, b: 0 }, { a: 1, b: 0 }, { a: 0, b: 1 }, { a: 1, b: 1 }, { a: 2, b: -1 }, { a: -1, b: 2 }];
const x = tensor(points.map(({ a, b }) => [a, b]));
const y = tensor(points.map(({ a, b }) => [2 * a - 3 * b + 0.5]));
const model = new Linear(2, 1);
const optimizer = new SGD(model.parameters(), { lr: 0.5 });
const train = () => step(() => {
  const loss = mseLoss(model.forward(x), y);
  backward(loss);
  optimizer.step();
  optimizer.zeroGrad();
  return loss;
});
const first = await train().item();
for (let n = 0; n < 150; n++) train().dispose();
const last = await train().item();
const found = [];
for (const parameter of model.parameters()) found.push(...await parameter.data());
console.log(JSON.stringify({ first, last, found }));
`;

/** Uses what `weftgrad/*` declare, with nothing of the reader's own but the language: no DOM, no Node, no @webgpu/types. */
const TYPES = `import { type Device, LSTM, Module, type Tensor, tensor } from 'weftgrad';
import { EntityF1, TAGGER_SCHEMA, Vocabulary } from 'weftgrad/data';
import { type TaggerConfig, trainTagger } from 'weftgrad/ner';
import { Trainer, type TrainerOptions } from 'weftgrad/train';

export class Encoder extends Module {
  readonly lstm = new LSTM(4, 8, { bidirectional: true });
  forward(x: Tensor, lengths?: Tensor): Tensor {
    return this.lstm.forward(x, { lengths }).output;
  }
}
export const trainer = (options: TrainerOptions<number, Tensor>): Promise<boolean> => new Trainer(options).fit(1);
export const rate = (config: TaggerConfig): number => config.training.epochs;
export const read = async (x: Tensor, device: Device): Promise<[number, string]> => [await x.item(), device.info.name];
export const session: Promise<unknown> = trainTagger({} as Parameters<typeof trainTagger>[0]);
export const data = [EntityF1, TAGGER_SCHEMA, Vocabulary];
// @ts-expect-error a tensor is made of numbers
tensor('1');
// @ts-expect-error sizes are numbers
new LSTM('4', 8);
`;

const NODE_TYPES = `import { type LoadedSafetensors, loadSafetensors, openDataset } from 'weftgrad/node';

export const names = async (path: string): Promise<string[]> => {
  const { tensors }: LoadedSafetensors = await loadSafetensors(path);
  return [...tensors.keys()];
};
export const data = openDataset;
// @ts-expect-error a path is text
openDataset(1);
`;

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2022'],
  outDir: 'out',
};
const RESOLUTION = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

let base: string;
let app: string;
/** Files of the package as packed. */
let packed: { path: string }[];

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'weft-reuse-'));
  app = join(base, 'app');
  succeeded(await run('npm', ['run', '-s', 'build'], { env: clean(), timeout: 100_000 }));
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', base];
  const [tarball] = JSON.parse(succeeded(await run('npm', pack, { env: clean() }))) as [
    { filename: string; files: typeof packed },
  ];
  packed = tarball.files;
  const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await emptyApp(`file:../${tarball.filename}`);
  succeeded(await run('npm', install, { cwd: app, env: clean(), timeout: 100_000 }));
}, 240_000);

afterAll(() => rm(base, { recursive: true, force: true }));

test('the package holds what was built and its papers, nothing else', async () => {
  const outside = packed.map(({ path }) => path).filter((path) => !/^dist\/[\w./-]+\.(js|d\.ts)$/.test(path));
  expect(outside.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
});

test('plain JavaScript trains a linear model to the known solution, and the process ends by itself', async () => {
  await writeFile(join(app, 'train.mjs'), TRAIN);
  expectTrained(await run(process.execPath, ['train.mjs'], { cwd: app }));
});

describe.each(['nodenext', 'bundler'] as const)('strict TypeScript, moduleResolution %s', (kind) => {
  test('core, train and ner with the bare language', async () => {
    const program = `declare const console: { log(text: string): void };\n${TRAIN}`;
    await typecheck({ 'train.ts': program, 'types.ts': TYPES }, { ...RESOLUTION[kind], types: [] });
    // Bundlers take the compiled module from here; Node runs it as it is.
    if (kind === 'nodenext') expectTrained(await run(process.execPath, ['out/train.js'], { cwd: app }));
  });

  test('node with @types/node', async () => {
    const typeRoots = [join(root, 'node_modules/@types')];
    await typecheck({ 'node.ts': NODE_TYPES }, { ...RESOLUTION[kind], types: ['node'], typeRoots });
  });
});

test.each([
  ['07-custom-op', /agrees with its reference, forward and backward\n$/],
  ['08-custom-optimiser', /as in plain JavaScript: true\n$/],
])('%s from outside, in strict TypeScript', async (name, said) => {
  const example = await readFile(join(root, `examples/${name}.ts`), 'utf8');
  await typecheck(
    { [`${name}.ts`]: `declare const console: { log(...words: unknown[]): void };\n${example}` },
    { ...RESOLUTION.nodenext, types: [] },
  );
  const { out } = await run(process.execPath, [`out/${name}.js`], { cwd: app });
  expect(out).toMatch(said);
});

test('npx weft --help lists the commands', async () => {
  const out = succeeded(await run('npx', ['--no-install', 'weft', '--help'], { cwd: app, env: clean() }));
  expect(out).toMatch(/^Usage: weft /);
  for (const command of ['train', 'evaluate', 'predict', 'inspect'])
    expect(out).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
});

test('importing weftgrad loads its own modules alone: no package, nothing of Node’s, so it opens no file', async () => {
  const hook = `import { writeSync } from 'node:fs';
export async function resolve(name, context, next) {
  const found = await next(name, context);
  if (context.parentURL?.includes('/weftgrad/dist/')) writeSync(1, found.url + '\\n');
  return found;
}`;
  await writeFile(join(app, 'hook.mjs'), hook);
  await writeFile(
    join(app, 'register.mjs'),
    `import { register } from 'node:module';\nregister('./hook.mjs', import.meta.url);`,
  );
  await writeFile(
    join(app, 'import.mjs'),
    `await import('weftgrad');\nconsole.log('imported');\nawait (await import('weftgrad')).init();`,
  );
  const out = succeeded(await run(process.execPath, ['--import', './register.mjs', 'import.mjs'], { cwd: app }));
  const [core = '', later = ''] = out.split('imported\n');
  const loaded = core.trim().split('\n');
  expect(loaded.length).toBeGreaterThan(50);
  expect(loaded.filter((url) => !url.includes('/node_modules/weftgrad/dist/'))).toEqual([]);
  expect(
    later
      .trim()
      .split('\n')
      .filter((url) => !url.includes('/weftgrad/')),
  ).toEqual([expect.stringContaining('/node_modules/webgpu/')]);
});

/** Bytes, minified and gzipped, of what a program loads when it starts. What a device loads for software adapters alone is no part of it. */
const BUDGETS = {
  small: {
    bytes: 34_000,
    program: `import { backward, init, matmul, SGD, sum, tensor } from 'weftgrad';

await init();
const w = tensor([[1, 2], [3, 4]], { requiresGrad: true });
const optimizer = new SGD([w], { lr: 0.01 });
backward(sum(matmul(matmul(w, w), w)));
optimizer.step();
console.log(JSON.stringify([...await w.data()]));
`,
  },
  tagger: {
    bytes: 63_000,
    program: `export { Adam, backward, compile, crossEntropy, Embedding, init, Linear, LSTM, Module } from 'weftgrad';
export { parseSafetensors, serializeSafetensors, tensor } from 'weftgrad';`,
  },
};

describe('bundled for browsers', () => {
  const entries = ['weftgrad', 'weftgrad/data', 'weftgrad/ner', 'weftgrad/train'];
  test.each(entries)('%s needs nothing but itself', async (entry) => {
    const { weight, inputs, imports } = await bundle(`export * from '${entry}';`);
    expect(imports).toEqual([]);
    expect(inputs.filter((path) => path !== '<stdin>' && !path.startsWith('node_modules/weftgrad/dist/'))).toEqual([]);
    expect(inputs).not.toContain('node_modules/weftgrad/dist/platform/node.js');
    if (entry === 'weftgrad') expect(inputs).toContain('node_modules/weftgrad/dist/platform/browser.js');
    console.log(`${entry} in a browser: ${kilobytes(weight)} gzipped`);
  });

  test.each(Object.entries(BUDGETS))('a %s program keeps to its budget', async (name, { program, bytes }) => {
    const { weight, inputs } = await bundle(program);
    console.log(`a ${name} program in a browser: ${kilobytes(weight)} of ${kilobytes(bytes)} gzipped`);
    expect(weight).toBeLessThanOrEqual(bytes);
    for (const part of ['gpu/texels.js', 'gpu/shaders-texel.gen.js', 'gpu/profiler.js', 'profile/'])
      expect(inputs.filter((path) => path.includes(part))).toEqual([]);
  });

  test('what is left after tree shaking trains on navigator.gpu', async () => {
    expectTrained(await runBundled(TRAIN));
  });

  test('gradients meet in a program that adds nothing itself', async () => {
    // L = 1ᵀWWW1 has dL/dW = 1(W²1)ᵀ + (Wᵀ1)(W1)ᵀ + (Wᵀ)²1·1ᵀ.
    const stepped = JSON.parse(succeeded(await runBundled(BUDGETS.small.program)));
    const [w, gradient] = [
      [1, 2, 3, 4],
      [51, 87, 67, 111],
    ];
    for (const [i, value] of w.entries()) expect(stepped[i]).toBeCloseTo(value - 0.01 * gradient[i]!, 5);
  });
});

/** Runs a bundled program with Dawn in the browser's stead; the bundle itself has no way to find it. */
async function runBundled(program: string): Promise<Ended> {
  const browser = `import { create } from 'webgpu';
Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
await import('./bundled/stdin.js');`;
  await mkdir(join(app, 'bundled'), { recursive: true });
  for (const { path, text } of (await bundle(program)).files) await writeFile(path, text);
  await writeFile(join(app, 'browser.mjs'), browser);
  return run(process.execPath, ['browser.mjs'], { cwd: app });
}

/** An empty folder that depends on the package, with the versions our lock file names: what `npm ci` cached serves offline. */
async function emptyApp(tarball: string): Promise<void> {
  await mkdir(app);
  const read = async (name: string) => JSON.parse(await readFile(join(root, name), 'utf8'));
  const { version, dependencies, bin } = await read('package.json');
  const wanted = { weftgrad: tarball };
  const locked = Object.entries((await read('package-lock.json')).packages as Record<string, { dev?: boolean }>);
  const packages = {
    '': { dependencies: wanted },
    'node_modules/weftgrad': { version, resolved: tarball, dependencies, bin },
    ...Object.fromEntries(locked.filter(([path, entry]) => path !== '' && !entry.dev)),
  };
  await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: wanted }));
  await writeFile(join(app, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
}

async function typecheck(files: Record<string, string>, options: object): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(app, name), text);
  const compilerOptions = { ...STRICT, ...options };
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const { out, error } = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], { cwd: app });
  expect(out + error).toBe('');
}

interface Bundle {
  /** The entry and its chunks. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** Bytes, gzipped, of all that is loaded when the program starts. */
  readonly weight: number;
  /** Where they come from. */
  readonly inputs: string[];
  /** What any of them imports from elsewhere. */
  readonly imports: unknown[];
}

async function bundle(contents: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: app },
    absWorkingDir: app,
    bundle: true,
    splitting: true,
    outdir: 'bundled',
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
    metafile: true,
  });
  const { outputs } = metafile;
  const start = new Set(['bundled/stdin.js']);
  for (const path of start)
    for (const { kind, path: next, external } of outputs[path]!.imports)
      if (kind !== 'dynamic-import' && !external) start.add(next);
  const loaded = outputFiles.filter(({ path }) => start.has(relative(app, path)));
  return {
    files: outputFiles,
    weight: gzipSync(loaded.map(({ text }) => text).join(''), { level: 9 }).length,
    inputs: [...start].flatMap((path) => Object.keys(outputs[path]!.inputs)),
    imports: Object.values(outputs).flatMap((output) => output.imports.filter(({ external }) => external)),
  };
}

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;

function expectTrained(ended: Ended): void {
  const { first, last, found } = JSON.parse(succeeded(ended));
  expect(first).toBeGreaterThan(1);
  expect(last).toBeLessThan(1e-9);
  for (const [i, value] of [2, -3, 0.5].entries()) expect(found[i]).toBeCloseTo(value, 4);
}

function succeeded({ code, signal, out, error }: Ended): string {
  expect({ code, signal }, `${out}\n${error}`).toEqual({ code: 0, signal: null });
  return out;
}

/** The environment without what `npm test` puts there, which would have npm work on this repository again. */
function clean(): NodeJS.ProcessEnv {
  const own = /^npm_(package_|lifecycle_|config_local_prefix$|config_node_gyp$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
