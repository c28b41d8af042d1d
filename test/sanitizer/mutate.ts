// npm run mutate -- --seed 1 --mutants 600 [--kernel name]: changes the kernels one place at a time and asks the dispatches that the
// tests of the ops made whether anybody would notice. Prints the survivors with line and change.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Kernel } from '../../src/gpu/kernel.ts';
import { permutation } from '../../src/random.ts';
import { KERNELS as kernels } from '../kernels.ts';
import { fileOf } from './adapter.ts';
import { dispatchOf, type Entry, loadCorpus, type Recorded } from './corpus.ts';
import { EQUIVALENT } from './equivalent-mutants.ts';
import { Executable } from './execute.ts';
import { allMutants, type Mutant } from './mutants.ts';
import { filesOnDisk, kernelText, SHADERS } from './source.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    mutants: { type: 'string', default: '600' },
    kernel: { type: 'string' },
  },
});

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the corpus rests on: kernels, ops, optimisers and their tests. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const folder of [
    SHADERS,
    join(SHADERS, 'lib'),
    ...['src/ops', 'src/optim', 'test/ops', 'test/optim', 'test/sanitizer'].map((f) => join(root, f)),
  ])
    for (const name of readdirSync(folder).sort())
      if (/\.(wgsl|ts)$/.test(name)) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}

/** The recorded dispatches, from a run of the sanitizer's own tests where there is none of this tree. */
function corpus(): Entry[] {
  const folder = join(root, 'node_modules', '.cache', 'weft');
  const path = join(folder, `corpus-${fingerprint()}.bin`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    console.log('recording the dispatches of the tests …');
    const { status, stdout } = spawnSync(
      'npx',
      ['vitest', 'run', '--project', 'sanitizer', 'test/sanitizer/kernels.test.ts'],
      {
        cwd: root,
        env: { ...process.env, WEFT_RECORD: path },
        encoding: 'utf8',
      },
    );
    if (status !== 0 || !existsSync(path)) throw new Error(`the tests of the kernels fail:\n${stdout}`);
  }
  return loadCorpus(path);
}

/** Files that a kernel is made of. */
function filesOf(kernel: Kernel): Set<string> {
  const found = new Set([`${fileOf(kernel)}.wgsl`]);
  const visit = (text: string) => {
    let used = text;
    for (const [name, value] of Object.entries(kernel.source.values))
      used = used.replaceAll(`\${${name}}`, value).replaceAll(`$${name}`, value);
    for (const [, lib] of used.matchAll(/^\/\/ @use (\w+)$/gm)) {
      const file = `lib/${lib}.wgsl`;
      if (found.has(file)) continue;
      found.add(file);
      visit(filesOnDisk(file));
    }
  };
  visit(filesOnDisk(`${fileOf(kernel)}.wgsl`));
  return found;
}

/** Kernels whose every number is held to a few units in its last place, by test/ops/arithmetic.test.ts. */
const EXACT = /^(unary|binary)/;

/** Whether buffers differ by more than the tests of the ops allow. */
function differs(kernel: Kernel, binding: number, got: Uint32Array, wanted: Uint32Array, params: Uint32Array): boolean {
  const { type } = kernel.bindings.find((b) => b.index === binding)!;
  const isFloat = /f32|vec\df|Unit/.test(type);
  const at = kernel.params.findIndex((p) => p.name === 'size');
  // Past the last element of a tensor lies what no test ever sees.
  const size =
    at >= 0 && wanted.length - params[at]! > 0 && wanted.length - params[at]! < 4 ? params[at]! : wanted.length;
  if (!isFloat) {
    for (let i = 0; i < size; i++) if (got[i] !== wanted[i]) return true;
    return false;
  }
  const a = new Float32Array(got.buffer, got.byteOffset, size);
  const b = new Float32Array(wanted.buffer, wanted.byteOffset, size);
  let largest = 0;
  for (const v of b) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
  const isExact = EXACT.test(kernel.name);
  for (let i = 0; i < size; i++) {
    if (got[i] === wanted[i] || (Number.isNaN(a[i]) && Number.isNaN(b[i]))) continue;
    const allowed = isExact ? 1e-6 * Math.abs(b[i]!) + 1e-37 : 1e-6 + 1e-5 * largest;
    if (!(Math.abs(a[i]! - b[i]!) <= allowed) || !Number.isFinite(a[i]!)) return true;
  }
  return false;
}

type Verdict = 'compiles not' | 'fault' | 'result' | 'endless' | undefined;

function verdictOf(executable: Executable, kernel: Kernel, recorded: Recorded): Verdict {
  executable.budget = 1000 + 4 * recorded.steps;
  const dispatch = dispatchOf(recorded);
  const faults = executable.run(dispatch);
  if (faults.length > 0) return faults[0]!.kind === 'steps' ? 'endless' : 'fault';
  const made = new Map(recorded.made);
  for (const [binding, before] of recorded.views) {
    if (!(before instanceof Uint32Array)) continue;
    const got = dispatch.views.get(binding) as Uint32Array;
    if (differs(kernel, binding, got, made.get(binding) ?? before, recorded.params)) return 'result';
  }
  return undefined;
}

const entries = new Map<string, Entry[]>();
for (const entry of corpus()) entries.set(entry.kernel, [...(entries.get(entry.kernel) ?? []), entry]);
const used = new Map(Object.values(kernels).map((kernel) => [kernel, filesOf(kernel)]));
const originals = new Map<Entry, string>();

function originalOf(entry: Entry, kernel: Kernel): string {
  let source = originals.get(entry);
  if (source === undefined) {
    source = new Executable(kernelText(kernel.name, fileOf(kernel), kernel.source), entry.overrides).compiled.source;
    originals.set(entry, source);
  }
  return source;
}

function trial(mutant: Mutant): Verdict {
  const files = (path: string) => (path === mutant.file ? mutant.made : filesOnDisk(path));
  for (const [kernel, its] of used) {
    if (!its.has(mutant.file)) continue;
    const text = kernelText(kernel.name, fileOf(kernel), kernel.source, files);
    for (const entry of entries.get(kernel.name) ?? []) {
      let executable: Executable;
      try {
        executable = new Executable(text, entry.overrides, { stopAtFirst: true });
      } catch {
        return 'compiles not';
      }
      if (executable.compiled.source === originalOf(entry, kernel)) continue;
      for (const recorded of entry.dispatches) {
        const verdict = verdictOf(executable, kernel, recorded);
        if (verdict) return verdict;
      }
    }
  }
  return undefined;
}

const wanted = values.kernel === undefined ? undefined : kernels[values.kernel];
if (values.kernel !== undefined && !wanted) throw new Error(`there is no kernel ${values.kernel}`);
const known = new Set([...used].filter(([kernel]) => !wanted || kernel === wanted).flatMap(([, files]) => [...files]));
const places = allMutants().filter(({ file }) => known.has(file));
const drawn = permutation(places.length, Number(values.seed), 0).subarray(0, Number(values.mutants));

const reasonOf = ({ file, text, change }: Mutant) =>
  EQUIVALENT.find((e) => e.file === file && e.text === text && e.change === change)?.why;
const counts = new Map<string, number>();
const survivors: Mutant[] = [];
const start = performance.now();
for (const at of drawn) {
  const mutant = places[at]!;
  const verdict = trial(mutant) ?? 'survived';
  counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  if (verdict !== 'survived') continue;
  survivors.push(mutant);
  const { file, line, text, change } = mutant;
  const why = reasonOf(mutant);
  console.log(
    `${why ? 'equivalent' : 'SURVIVED'} ${file}:${line}\n    - ${text}\n    + ${change}${why ? `\n    ${why}` : ''}`,
  );
}
const total = drawn.length;
const equivalent = survivors.filter(reasonOf).length;
const killed = total - survivors.length;
console.log(
  `${total} of ${places.length} mutants, seed ${values.seed}, ${Math.round((performance.now() - start) / 1000)} s: ` +
    `${killed} killed (${((100 * killed) / total).toFixed(1)} %; ${[...counts]
      .filter(([k]) => k !== 'survived')
      .map(([k, n]) => `${k} ${n}`)
      .join(', ')}), ` +
    `${survivors.length} survived, ${equivalent} of them known to be equivalent`,
);
if (survivors.length > equivalent) process.exitCode = 1;
