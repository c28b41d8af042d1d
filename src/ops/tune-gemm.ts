// Tuning of matrix products: the methods that a device can run, timed side by side on the shapes that a model has.
import type { Device } from '../gpu/device.ts';
import { empty } from '../tensor/create.ts';
import { normal } from '../tensor/random.ts';
import { step } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gemm } from './gemm.ts';
import {
  canRun,
  formatChoice,
  GEMM_METHODS,
  type GemmChoice,
  type GemmShape,
  gemmChoice,
  gemmClass,
  parseChoice,
} from './gemm-choice.ts';
import type { Matrix } from './gemm-product.ts';

/** A product to tune for: its shape, and which operands are stored by columns. */
export interface GemmSample extends GemmShape {
  readonly transposedA: boolean;
  readonly transposedB: boolean;
}

export interface TunedGemm {
  /** Class of shapes, as `gemmClass` names it. */
  readonly key: string;
  readonly choice: string;
  /** Median milliseconds of the choice, and of what the table says. */
  readonly ms: number;
  readonly tableMs: number;
}

/** The first product of every class of shapes that `fn` queues on the device. */
export function samplesOf(device: Device, fn: () => void): Map<string, GemmSample> {
  const samples = new Map<string, GemmSample>();
  const before = device.onChoice;
  device.onChoice = (key, sample) => {
    if (!samples.has(key)) samples.set(key, sample as GemmSample);
  };
  try {
    fn();
  } finally {
    device.onChoice = before;
  }
  return samples;
}

const ROUNDS = 5;
/** Milliseconds that a timing takes at least: many products one after the other, for clocks are coarse. */
const LEAST_MS = 8;
/** A choice must be so much faster than the table's, or the table's stays. */
const GAIN = 0.95;
/** Methods far behind after their first timing are not asked again. */
const HOPELESS = 1.5;

/**
 * Times what could compute each sample, in alternating rounds, and has the device choose the fastest from then on. What does not
 * compute the same numbers on this device (within rounding) is left out. Nothing else may use the device meanwhile.
 */
export async function tuneGemm(device: Device, samples: Iterable<GemmSample>): Promise<TunedGemm[]> {
  const tuned: TunedGemm[] = [];
  for (const sample of samples) {
    const key = gemmClass(sample);
    device.choices.delete(key);
    const table = formatChoice(gemmChoice(device, sample));
    const times = await timeCandidates(device, key, sample, [...new Set([table, ...candidates(device, sample)])]);
    device.choices.delete(key);
    const tableMs = times.get(table)!;
    const [best, ms] = [...times].reduce((a, b) => (b[1] < a[1] ? b : a));
    const choice = ms < GAIN * tableMs ? best : table;
    device.choices.set(key, choice);
    tuned.push({ key, choice, ms: times.get(choice)!, tableMs });
  }
  return tuned;
}

function candidates(device: Device, { m, n, k, batch }: GemmSample): string[] {
  const slabs = batch > 1 || m * n > 512 * 512 ? [1] : [1, 2, 4, 8, 16].filter((s) => k % s === 0 && k / s >= 64);
  const methods = GEMM_METHODS.filter((method) => canRun(device, method));
  return methods.flatMap((method) => slabs.map((s): GemmChoice => ({ method, slabs: s }))).map(formatChoice);
}

async function timeCandidates(
  device: Device,
  key: string,
  sample: GemmSample,
  choices: readonly string[],
): Promise<Map<string, number>> {
  const [a, b] = operands(device, sample);
  const { m, n, k, batch } = sample;
  const product = () => gemm({ a, b, m, n, k, batch, label: 'tune' });
  const run = async (choice: string, times: number): Promise<number> => {
    device.choices.set(key, choice);
    await device.synchronize();
    const start = performance.now();
    for (let i = 0; i < times; i++) step(() => void product());
    await device.synchronize();
    return (performance.now() - start) / times;
  };
  try {
    let expected: Float32Array | undefined;
    const found = new Map<string, { repeats: number; ms: number[] }>();
    for (const choice of choices) {
      device.choices.set(key, choice);
      const out = step(product);
      const values = (await out.data()) as Float32Array;
      out.dispose();
      expected ??= values;
      if (!close(values, expected, k)) continue;
      await run(choice, 1);
      const once = await run(choice, 1);
      found.set(choice, { repeats: Math.max(1, Math.ceil(LEAST_MS / once)), ms: [once] });
    }
    const fastest = Math.min(...[...found.values()].map(({ ms }) => ms[0]!));
    for (const [choice, { ms }] of found)
      if (ms[0]! > HOPELESS * fastest && choice !== choices[0]) found.delete(choice);
    for (const entry of found.values()) entry.ms.length = 0;
    for (let round = 0; round < ROUNDS; round++)
      for (const [choice, { repeats, ms }] of found) ms.push(await run(choice, repeats));
    return new Map([...found].map(([choice, { ms }]) => [choice, ms.sort((x, y) => x - y)[ROUNDS >> 1]!]));
  } finally {
    a.tensor.dispose();
    b.tensor.dispose();
  }
}

function operands(device: Device, { m, n, k, batch, transposedA, transposedB }: GemmSample): [Matrix, Matrix] {
  const make = (rows: number, columns: number, transposed: boolean): Matrix => ({
    tensor: filled(device, batch * rows * columns),
    batchStride: batch > 1 ? rows * columns : 0,
    rowStride: transposed ? 1 : columns,
    colStride: transposed ? rows : 1,
  });
  return [make(m, k, transposedA), make(k, n, transposedB)];
}

/** Numbers of which few are drawn and the rest copied: it is their spread that counts. */
function filled(device: Device, size: number): Tensor {
  const drawn = normal([Math.min(size, 4096)], 0, 1, undefined, device);
  const out = empty([size], { device, label: 'tune' });
  for (let at = 0; at < size; at += drawn.size) {
    const bytes = 4 * Math.min(drawn.size, size - at);
    device.copy({ ...drawn.view, bytes }, { ...out.view, offset: 4 * at, bytes });
  }
  drawn.dispose();
  return out;
}

/** Sums of k products of standard normal numbers, in whatever order. */
function close(values: Float32Array, expected: Float32Array, k: number): boolean {
  const tolerance = 1e-4 * Math.sqrt(k) + 1e-5;
  return values.every((v, i) => Math.abs(v - expected[i]!) <= tolerance);
}

/** Takes choices that were written down earlier; those this device cannot run, or that are none, are left out. Returns how many it took. */
export function takeChoices(device: Device, choices: Readonly<Record<string, string>>): number {
  let taken = 0;
  for (const [key, text] of Object.entries(choices)) {
    const { method, slabs } = parseChoice(text);
    if (!GEMM_METHODS.includes(method) || !canRun(device, method) || !Number.isInteger(slabs) || slabs < 1) continue;
    device.choices.set(key, text);
    taken++;
  }
  return taken;
}
