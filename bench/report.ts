// What a run of the benches leaves behind: the shape of its JSON, medians and percentiles, and tables for people.
import { type Cell, textTable } from '../src/node/table.ts';

export type EngineName =
  | 'weft'
  | 'weft-op-by-op'
  | 'tfjs-webgpu'
  | 'jax-js-webgpu'
  | 'gpu.js'
  | 'torch-cpu'
  | 'torch-cuda';

/** One engine's figures for one case. Where a field does not apply it is left out. */
export interface Result {
  suite: string;
  /** The case, e.g. `gemm-1024` or `bilstm-tagger`; variants carry a suffix, e.g. `bilstm-tagger-gru`. */
  name: string;
  engine: EngineName;
  /** Milliseconds of one product, call or training step. */
  medianMs: number;
  p95Ms: number;
  /** Threads that PyTorch was given on the processor; it has a result for each number, and `better` chooses. */
  threads?: number;
  /** Timings that the median was taken from. */
  samples: number;
  gflops?: number;
  gbps?: number;
  /** Share of the measured ceiling, 0..1: arithmetic or memory, whichever the case comes nearer to. */
  ceilingShare?: number;
  dispatches?: number;
  submits?: number;
  buffersCreated?: number;
  bindGroupsCreated?: number;
  encodeUs?: number;
  aheadUs?: number;
  /** Most bytes of GPU memory that were handed out at one time. */
  gpuBytes?: number;
  /** Where the name has a suffix that no rival knows (`-scan`): the case that it is a variant of. */
  base?: string;
  /** How the case was checked before it was timed. */
  validated?: string;
  [extra: string]: string | number | boolean | undefined;
}

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  platform: string;
  memoryGiB: number;
}

export interface Report {
  adapter: string;
  machine: Machine;
  /** ISO 8601, UTC. */
  date: string;
  /** Commit of the tree, with `+dirty` where it has changes. */
  commit: string;
  results: Result[];
}

/** Half of the values are at most this; the mean of the middle two where their number is even. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The smallest value that at least the share `p` of the values do not exceed (nearest rank). NaN for none. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

/** The figures that every result has, from its timings in milliseconds. */
export function timing(samples: readonly number[]): { medianMs: number; p95Ms: number; samples: number } {
  return { medianMs: median(samples), p95Ms: percentile(samples, 0.95), samples: samples.length };
}

/** The median of each field; nothing for no records. */
export function medians<T extends object>(records: readonly T[]): Partial<T> {
  const keys = Object.keys(records[0] ?? {}) as (keyof T)[];
  return Object.fromEntries(keys.map((key) => [key, median(records.map((r) => r[key] as number))])) as Partial<T>;
}

/** A time as people read it: three digits that count. */
export function ms(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

/** How an engine's time stands to weft's on the same case: `6.2× slower`, `1.8× faster`, or nothing without weft's. */
export function against(result: Result, weft: Result | undefined): string {
  if (!weft || result === weft) return '';
  const ratio = result.medianMs / weft.medianMs;
  return ratio >= 1 ? `${ratio.toFixed(2)}× slower` : `${(1 / ratio).toFixed(2)}× faster`;
}

/** An engine's result for a case: of several, with other numbers of threads, the one with the lowest median. */
export function better(results: readonly Result[], name: string, engine: EngineName): Result | undefined {
  const same = results.filter((r) => r.name === name && r.engine === engine);
  return same.sort((a, b) => a.medianMs - b.medianMs)[0];
}

export interface Column {
  title: string;
  cell(result: Result, weft: Result | undefined): Cell;
}

const count = (value: number | undefined) => value?.toLocaleString('en-US');
const percent = (value: number | undefined) => (value === undefined ? undefined : `${Math.round(value * 100)} %`);

/** A table leaves out the columns that are empty in every row. */
export const COLUMNS: readonly Column[] = [
  { title: 'case', cell: (r) => r.name },
  { title: 'engine', cell: (r) => r.engine },
  { title: 'threads', cell: (r) => r.threads },
  { title: 'median ms', cell: (r) => ms(r.medianMs) },
  { title: 'p95 ms', cell: (r) => ms(r.p95Ms) },
  { title: 'against weft', cell: against },
  { title: 'GFLOP/s', cell: (r) => r.gflops?.toFixed(1) },
  { title: 'GB/s', cell: (r) => r.gbps?.toFixed(1) },
  { title: 'of ceiling', cell: (r) => percent(r.ceilingShare) },
  { title: 'dispatches', cell: (r) => count(r.dispatches) },
  { title: 'submits', cell: (r) => count(r.submits) },
  { title: 'buffers', cell: (r) => count(r.buffersCreated) },
  { title: 'bind groups', cell: (r) => count(r.bindGroupsCreated) },
  { title: 'encode µs', cell: (r) => count(r.encodeUs && Math.round(r.encodeUs)) },
  { title: 'ahead µs', cell: (r) => count(r.aheadUs && Math.round(r.aheadUs)) },
  { title: 'GPU MiB', cell: (r) => r.gpuBytes && (r.gpuBytes / 2 ** 20).toFixed(1) },
];

/** Results as a table of text, in their order; `more` are columns of this table alone. Rows of one case stand together. */
export function resultTable(results: readonly Result[], more: readonly Column[] = []): string {
  const weft = new Map(results.filter((r) => r.engine === 'weft').map((r) => [r.name, r]));
  if (results.length === 0) return '';
  const columns = [...COLUMNS, ...more];
  const rows = results.map((r) => columns.map(({ cell }) => cell(r, weft.get(r.base ?? r.name)) || undefined));
  const shown = columns.flatMap((_, i) => (rows.some((row) => row[i] !== undefined) ? [i] : []));
  let last: string | undefined;
  const cells = rows.map((row, r) => {
    const { name } = results[r]!;
    const kept = shown.map((i) => (i === 0 && name === last ? '' : row[i]));
    last = name;
    return kept;
  });
  return textTable(cells, {
    header: shown.map((i) => columns[i]!.title),
    align: shown.map((i) => (i < 2 ? 'l' : 'r')).join(''),
  });
}
