// Packs the benches into single files for a machine that has Node, Dawn and a GPU driver, but neither npm nor this repository:
//   npx tsx -C source bench/bundle.ts [folder, .gpu/bench by default]
//   node .gpu/bench/main.mjs training --json h200.json      # there, with the package `webgpu` in a node_modules beside it
import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { commit } from './machine.ts';

const PACKAGES = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-layers',
  '@tensorflow/tfjs-backend-webgpu',
  '@jax-js/jax',
  'gpu.js',
];
const PROGRAMS = ['main', 'engines/weft', 'engines/weft-op-by-op', 'rivals/tfjs', 'rivals/jax-js', 'rivals/gpu-js'];

/** In place of rivals/packages.ts: every package by its literal name, so that it is packed too. */
const named: Plugin = {
  name: 'packages by name',
  setup({ onLoad }) {
    onLoad({ filter: /rivals\/packages\.ts$/ }, ({ path }) => ({
      resolveDir: dirname(path),
      loader: 'js',
      contents: `${PACKAGES.map((name, i) => `import v${i} from '${join(process.cwd(), 'node_modules', name, 'package.json')}';`).join('\n')}
const load_ = { ${PACKAGES.map((name) => `'${name}': () => import('${name}')`).join(', ')} };
const versions = { ${PACKAGES.map((name, i) => `'${name}': v${i}.version`).join(', ')} };
export const load = async (name) => load_[name]();
export const versionOf = (name) => name + ' ' + versions[name];`,
    }));
  },
};

const out = process.argv[2] ?? '.gpu/bench';
for (const program of PROGRAMS)
  await build({
    entryPoints: [`bench/${program}.ts`],
    outfile: join(out, `${program}.mjs`),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    external: ['webgpu', 'gl'],
    logLevel: 'error',
    minifySyntax: true,
    plugins: [named],
    define: { 'process.env.WEFT_BENCH_COMMIT': JSON.stringify(commit()) },
    // CommonJS inside asks for Node's own modules, and some of it for where it lies.
    banner: {
      js: `import { createRequire as r_ } from 'node:module'; import { fileURLToPath as f_ } from 'node:url'; const require = r_(import.meta.url); const __filename = f_(import.meta.url); const __dirname = f_(new URL('.', import.meta.url));`,
    },
  });
mkdirSync(join(out, 'rivals'), { recursive: true });
copyFileSync('bench/rivals/pytorch.py', join(out, 'rivals/pytorch.py'));
for (const program of PROGRAMS) {
  const file = join(out, `${program}.mjs`);
  if (!existsSync(file)) throw new Error(`${file} was not made`);
  console.log(`${file}  ${(statSync(file).size / 1024).toFixed(0)} KiB`);
}
