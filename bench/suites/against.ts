// Command `against`: weft of this tree beside weft of another checkout, case by case, taking turns in one run.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { textTable } from '../../src/node/table.ts';
import { Peer } from '../engines/peer.ts';
import {
  CELLS,
  caseName,
  GEMM_SHAPES,
  gemmName,
  NAMED_STEPS,
  type StepSpec,
  startingWeights,
  writeArrays,
  zipfBatches,
} from '../named-steps.ts';
import type { StepVariant } from '../protocol.ts';
import { median, ms, type Result, timing } from '../report.ts';
import { alternate, type Contender } from '../rounds.ts';
import { CASES } from './families.ts';
import { check, GEMM_MODES, problem } from './gemm.ts';
import { type SuiteOptions, type SuiteOutcome, wanted } from './suite.ts';
import { PLAIN, variants } from './training.ts';

/** The two trees, in the order in which they are shown. */
const TREES = ['before', 'after'] as const;
type Tree = (typeof TREES)[number];
type Pair = Record<Tree, Peer>;

/** One case: how a tree makes it ready and takes a turn of about so many milliseconds. */
interface Case {
  suite: string;
  name: string;
  turnMs: number;
  /** Throws where the result is wrong, or the tree does not know the case. What it returns must agree between the trees. */
  prepare(peer: Peer): Promise<number[]>;
  /** Does the work `count` times; milliseconds of one. */
  run(peer: Peer, tree: Tree, count: number): Promise<number>;
}

/** A case that is slower by more than this is named, and the command fails. */
export const ALLOWED = 1.05;
const ROUNDS = { rounds: 7, atLeast: 5, limitMs: 15_000 };
/** Where the medians stand further apart than this, noise is given more time to go away. */
const CLOSE = 0.03;
const MORE_ROUNDS = { rounds: 14, atLeast: 2, limitMs: 20_000 };

const ABOUT = `The same cases by weft of two checkouts: before is the other one, after is this tree. Milliseconds of one step, product or call, medians
over the rounds, each tree once in every round · ratio: after by before · rounds: the ratios of single rounds, lowest and highest

`;

export async function against(folder: string, suites: readonly string[], options: SuiteOptions): Promise<SuiteOutcome> {
  const checkout = resolve(folder);
  for (const [file, remedy] of [
    ['bench/engines/weft.ts', 'it is no checkout of this repository'],
    ['node_modules', 'run `npm ci` there, or link this tree’s'],
    ['src/gpu/shaders.gen.ts', 'run `npm run shaders` there'],
  ] as const)
    if (!existsSync(join(checkout, file))) throw new Error(`bench against: ${checkout} has no ${file}: ${remedy}`);
  const roots: Record<Tree, string> = { before: checkout, after: fileURLToPath(new URL('../..', import.meta.url)) };
  const results: Result[] = [];
  let adapter = '';
  for (const [suite, program, cases] of [
    ['training', (root) => [join(root, 'bench/engines/weft.ts')], trainingCases(options)],
    ['kernels', (root) => [join(root, 'bench/engines/weft.ts')], productCases(options)],
    ['kernels', (root) => [join(roots.after, 'bench/engines/kernels.ts'), root], familyCases(options)],
  ] as [string, (root: string) => string[], Case[]][]) {
    if (!suites.includes(suite) || cases.length === 0) continue;
    const pair: Partial<Pair> = {};
    try {
      for (const tree of TREES) {
        const peer = await Peer.start('weft', { program: program(roots[tree]) });
        if (!(peer instanceof Peer)) throw new Error(`weft of ${roots[tree]} does not run here (${peer.unavailable})`);
        pair[tree] = peer;
        adapter = peer.adapter;
      }
      for (const one of cases) {
        options.log(one.name);
        results.push(...(await race(one, pair as Pair, options)));
      }
    } finally {
      await Promise.all(Object.values(pair).map((peer) => peer.stop()));
    }
  }
  return { adapter, results, text: ABOUT + comparisonTable(results) };
}

async function race(one: Case, pair: Pair, { log, quick }: SuiteOptions): Promise<Result[]> {
  const { suite, name } = one;
  const first: Partial<Record<Tree, number[]>> = {};
  let count = Number.POSITIVE_INFINITY;
  try {
    for (const tree of TREES) {
      first[tree] = await one.prepare(pair[tree]);
      // The first time kernels are compiled; what takes much longer than that is not done twice to know how long it takes.
      const once = await one.run(pair[tree], tree, 1);
      const steady = once > 6_000 ? once : await one.run(pair[tree], tree, 1);
      count = Math.min(count, Math.max(1, Math.round(one.turnMs / steady)));
    }
    first.before!.forEach((want, i) => {
      const got = first.after![i]!;
      if (!(Math.abs(got - want) <= 1e-4 * Math.abs(want)))
        throw new Error(`the loss of step ${i + 1} is ${got}, and ${want} before`);
    });
  } catch (error) {
    log(`!!! ${name} IS LEFT OUT: ${(error as Error).message.split('\n')[0]}`);
    for (const tree of TREES) if (first[tree]) await pair[tree].close(name);
    return [];
  }
  const contenders = TREES.map((tree): Contender & { tree: Tree } => ({
    tree,
    label: `${tree} ${name}`,
    turn: async () => [await one.run(pair[tree], tree, quick ? 1 : count)],
  }));
  const times: Record<Tree, number[]> = { before: [], after: [] };
  const rounds = async (how: Parameters<typeof alternate>[1]) => {
    for (const [{ tree }, samples] of await alternate(contenders, how)) times[tree].push(...samples);
    return median(times.after) / median(times.before);
  };
  let ratio = await rounds(quick ? { rounds: 2, atLeast: 2, limitMs: 0 } : ROUNDS);
  if (!quick && Math.abs(ratio - 1) > CLOSE) ratio = await rounds(MORE_ROUNDS);
  for (const tree of TREES) await pair[tree].close(name);
  const single = times.after.map((after, i) => after / times.before[i]!);
  return TREES.map((tree) => ({
    suite,
    name,
    engine: 'weft',
    ...timing(times[tree]),
    tree,
    ...(tree === 'after' && { ratio, lowest: Math.min(...single), highest: Math.max(...single) }),
  }));
}

function trainingCases(options: SuiteOptions): Case[] {
  return NAMED_STEPS.flatMap((named) =>
    CELLS.flatMap((cell) => {
      const spec: StepSpec = { ...named, cell };
      const name = caseName(spec.name, cell);
      const kinds: [string, StepVariant][] = [['', PLAIN], ...variants('weft', spec)];
      return kinds
        .filter(([suffix]) => wanted(name + suffix, options, spec.name === 'uk-small' && cell === 'lstm'))
        .map(([suffix, variant]) => trainingCase(spec, name + suffix, variant, options));
    }),
  );
}

function trainingCase(spec: StepSpec, name: string, variant: StepVariant, { scratch }: SuiteOptions): Case {
  const batches = { before: zipfBatches(spec), after: zipfBatches(spec) };
  const handle = name;
  return {
    suite: 'training',
    name,
    turnMs: 500,
    async prepare(peer) {
      const weights = writeArrays(scratch, caseName(spec.name, spec.cell), startingWeights(spec));
      await peer.ask({ do: 'train', handle, spec, weights, variant });
      const first = zipfBatches(spec, 1);
      const few = Array.from({ length: spec.layers > 1 ? 1 : 3 }, () => first.next().value);
      return (await peer.ask({ do: 'train-run', handle, batches: few })).losses;
    },
    async run(peer, tree, count) {
      const some = Array.from({ length: count }, () => batches[tree].next().value);
      const done = await peer.ask({ do: 'train-run', handle, batches: some });
      return median(done.ms);
    },
  };
}

function productCases(options: SuiteOptions): Case[] {
  return GEMM_SHAPES.flatMap((shape) =>
    GEMM_MODES.map((mode): Case => {
      const name = gemmName(shape) + (mode === 'nn' ? '' : `-${mode}`);
      return {
        suite: 'kernels',
        name,
        turnMs: 80,
        async prepare(peer) {
          const { arrays, probe, want } = problem(shape, mode, options.scratch);
          const request = { do: 'gemm', handle: name, ...shape, mode, tf32: false, arrays, probe } as const;
          check(name, shape, (await peer.ask(request)).values, want, false);
          return [];
        },
        run: async (peer, _, count) => (await peer.ask({ do: 'gemm-run', handle: name, count })).ms,
      };
    }),
  ).filter(({ name }) => wanted(name, options, name.includes('1024x200')));
}

function familyCases(options: SuiteOptions): Case[] {
  return CASES.filter(({ name, flops, bytes }) => wanted(name, options, flops <= 1e8 && bytes <= 2e7)).map(
    ({ name }): Case => ({
      suite: 'kernels',
      name,
      turnMs: 60,
      async prepare(peer) {
        await peer.ask({ do: 'kernel', handle: name, name });
        return [];
      },
      run: async (peer, _, count) => (await peer.ask({ do: 'gemm-run', handle: name, count })).ms,
    }),
  );
}

/** Those whose ratio is over what is allowed. */
export function slower(results: readonly Result[]): Result[] {
  return results.filter(({ ratio }) => typeof ratio === 'number' && ratio > ALLOWED);
}

/** A line for each case that both trees ran, and which are slower. */
export function comparisonTable(results: readonly Result[]): string {
  const before = new Map(results.filter(({ tree }) => tree === 'before').map((r) => [r.name, r]));
  const after = results.filter(({ tree }) => tree === 'after');
  const two = (value: unknown) => Number(value).toFixed(3);
  const rows = after.map((r) => [
    r.name,
    ms(before.get(r.name)!.medianMs),
    ms(r.medianMs),
    two(r.ratio),
    `${two(r.lowest)} … ${two(r.highest)}`,
    r.samples,
    Number(r.ratio) > ALLOWED ? 'SLOWER' : undefined,
  ]);
  const header = ['case', 'before', 'after', 'ratio', 'single rounds', 'rounds', ''];
  const over = slower(results).map(({ name, ratio }) => `${name} ${two(ratio)}`);
  const verdict = `${after.length} cases, slower by more than ${Math.round((ALLOWED - 1) * 100)} %: ${over.join(', ') || 'none'}\n`;
  return `${textTable(rows, { header, align: 'lrrrrrl' })}\n${verdict}`;
}
