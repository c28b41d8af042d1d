// Products of matrices against rivals: every engine's result is checked at sampled entries, then they take turns.
import { type Peer, startAll } from '../engines/peer.ts';
import {
  type ArrayFile,
  GEMM_SHAPES,
  type GemmShape,
  GPU_GEMM_SHAPES,
  gemmName,
  noise,
  writeArrays,
} from '../named-steps.ts';
import { type EngineName, type Result, timing } from '../report.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type SuiteOptions, wanted } from './suite.ts';

const ENGINES: readonly EngineName[] = ['weft', 'jax-js-webgpu', 'tfjs-webgpu', 'gpu.js', 'torch-cpu', 'torch-cuda'];
/** Which operand is stored transposed. */
export const GEMM_MODES = ['nn', 'nt', 'tn'] as const;
type Mode = (typeof GEMM_MODES)[number];

interface Turn extends Contender {
  peer: Peer;
  name: string;
  base: string;
  /** Of a first product. */
  onceMs: number;
}

/** What an engine is asked for, by the suffix of the case's name. */
function variants(engine: EngineName): { suffix: string; mode: Mode; tf32: boolean }[] {
  const plain = { suffix: '', mode: 'nn', tf32: false } as const;
  if (engine === 'torch-cuda') return [plain, { suffix: '-tf32', mode: 'nn', tf32: true }];
  if (engine !== 'weft') return [plain];
  return [plain, { suffix: '-nt', mode: 'nt', tf32: false }, { suffix: '-tn', mode: 'tn', tf32: false }];
}

/** `cpuClass`: whether the adapter is a software one, which the largest products are not asked of. */
export async function gemmResults(options: SuiteOptions, cpuClass: boolean): Promise<Result[]> {
  const shapes = [...GEMM_SHAPES, ...(cpuClass ? [] : GPU_GEMM_SHAPES)].filter((shape) =>
    wanted(gemmName(shape), options, shape.m * shape.k * shape.n < 2 ** 26.5),
  );
  if (shapes.length === 0) return [];
  const peers = await startAll(ENGINES, options.log);
  if (!peers.some(({ engine }) => engine === 'weft')) throw new Error('weft itself does not run here');
  const results: Result[] = [];
  const rates: Rates = new Map();
  try {
    for (const shape of shapes) {
      options.log(gemmName(shape));
      results.push(...(await oneShape(shape, peers, rates, options)));
    }
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
  return results;
}

/** Multiply-adds a millisecond, the fastest so far. */
type Rates = Map<Peer, number>;

async function oneShape(
  shape: GemmShape,
  peers: readonly Peer[],
  rates: Rates,
  options: SuiteOptions,
): Promise<Result[]> {
  const name = gemmName(shape);
  const contenders: Turn[] = [];
  const problems = new Map(GEMM_MODES.map((mode) => [mode, problem(shape, mode, options.scratch)]));
  for (const peer of peers)
    for (const { suffix, mode, tf32 } of variants(peer.engine)) {
      const { arrays, probe, want } = problems.get(mode)!;
      const full = name + suffix;
      const seconds = (shape.m * shape.k * shape.n) / (rates.get(peer) ?? Number.POSITIVE_INFINITY) / 1000;
      if (seconds > 20) {
        options.log(`!!! ${peer.engine} IS LEFT OUT of ${full}: one product would take it ${seconds.toFixed(0)} s`);
        continue;
      }
      const made = await peer.attempt(full, options.log, async () => {
        const { values } = await peer.ask({ do: 'gemm', handle: full, ...shape, mode, tf32, arrays, probe });
        check(`${peer.engine} ${full}`, shape, values, want, tf32);
        return contender(peer, full, name, options);
      });
      if (made) rates.set(peer, Math.max(rates.get(peer) ?? 0, (shape.m * shape.k * shape.n) / made.onceMs));
      if (made) contenders.push(made);
    }
  const timings = await alternate(contenders, {
    rounds: options.quick ? 2 : 15,
    atLeast: options.quick ? 1 : 5,
    limitMs: 45_000,
  });
  for (const { peer, name: handle } of contenders) await peer.close(handle);
  const order = ({ base, name: full, peer }: Turn) =>
    variants(peer.engine).findIndex(({ suffix }) => base + suffix === full) * peers.length + peers.indexOf(peer);
  return [...timings]
    .filter(([, samples]) => samples.length > 0)
    .sort(([a], [b]) => order(a) - order(b))
    .map(([{ peer, name: full, base }, samples]) => {
      const figures = timing(samples);
      return {
        suite: 'kernels',
        name: full,
        engine: peer.engine,
        ...(peer.threads && { threads: peer.threads }),
        ...figures,
        gflops: (2 * shape.m * shape.k * shape.n) / figures.medianMs / 1e6,
        ...(full !== base && { base }),
        validated: 'entries against float64',
      };
    });
}

/** A turn lasts about 80 ms, so that the wait at its end does not count; engines that need seconds take fewer turns. */
async function contender(peer: Peer, name: string, base: string, { quick, log }: SuiteOptions): Promise<Turn> {
  const run = async (count: number) => (await peer.ask({ do: 'gemm-run', handle: name, count })).ms;
  const once = await run(1); // the product was compiled and run when it was checked
  const count = quick || once > 80 ? 1 : Math.min(64, Math.round(80 / (await run(4))) || 1);
  let left = Math.max(2, Math.floor(12_000 / once));
  const turn = async () => (left-- > 0 ? ((await peer.attempt(name, log, async () => [await run(count)])) ?? []) : []);
  return { label: `${peer.engine} ${name}`, peer, name, base, onceMs: once, turn };
}

/** Operands as they are stored, which entries are looked at, and what they must be. */
export function problem(
  shape: GemmShape,
  mode: Mode,
  scratch: string,
): { arrays: ArrayFile; probe: number[]; want: number[] } {
  const { m, k, n } = shape;
  const [a, b] = [noise(m * k, 1, 1), noise(k * n, 2, 1)];
  const arrays = writeArrays(scratch, `${gemmName(shape)}-${mode}`, [
    { name: 'a', shape: mode === 'tn' ? [k, m] : [m, k], data: mode === 'tn' ? transposed(a, m, k) : a },
    { name: 'b', shape: mode === 'nt' ? [n, k] : [k, n], data: mode === 'nt' ? transposed(b, k, n) : b },
  ]);
  const size = m * n;
  const places = Math.min(size, 10_000);
  // Corners, and a walk by a step that has no factor in common with the sizes.
  const probe = [
    ...new Set([0, n - 1, size - n, size - 1, ...Array.from({ length: places }, (_, i) => (i * 7919) % size)]),
  ];
  const want = probe.map((at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let i = 0; i < k; i++) sum += a[row * k + i]! * b[i * n + column]!;
    return sum;
  });
  return { arrays, probe, want };
}

function transposed(x: Float32Array<ArrayBuffer>, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(x.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c]!;
  return out;
}

/** f32 sums of k products of numbers in ±1; products rounded to fewer bits are over this, unless they may. */
export function check(
  what: string,
  { k }: GemmShape,
  values: readonly number[],
  want: readonly number[],
  tf32: boolean,
): void {
  const share = tf32 ? 2e-3 : 2e-5;
  want.forEach((w, i) => {
    const off = Math.abs(values[i]! - w);
    if (!(off <= share * (Math.sqrt(k) + Math.abs(w)))) throw new Error(`${what} is wrong: ${values[i]} for ${w}`);
  });
}
