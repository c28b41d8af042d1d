// What is decided by the class of an adapter, in one place: which kernels run on a device, and how their work is cut.
import { refuse } from '../check.ts';

/**
 * `gpu`: tiles in workgroup memory, many small invocations. `software`: texel kernels where they run, few long invocations.
 * `portable`: what any WebGPU has: no subgroups, no timestamp queries, no immediates, default limits; work cut as for the adapter.
 */
export const KERNEL_SETS = ['gpu', 'software', 'portable'] as const;
export type KernelSet = (typeof KERNEL_SETS)[number];

/** Subgroup sizes that the texel kernels are written for. */
const TEXEL_LANES = [4, 8, 16] as const;
export type TexelLanes = (typeof TEXEL_LANES)[number];

/** The decisions; ops read these and never ask what the adapter is. None changes a sum's order but those about kernels' methods. */
export interface Tuning {
  readonly kernels: KernelSet;
  /** Lanes by which products read their operands as texels; 0 where they do not. */
  readonly texelLanes: TexelLanes | 0;
  /** Whether products go by tiles in workgroup memory; else by texels where `texelLanes` says so, or straight from storage. */
  readonly tiles: boolean;
  /** Side of the square workgroups that compute a tile: each invocation four rows and columns of it, or eight. */
  readonly tileSide: 8 | 16;
  /** Lanes by which recurrent kernels read their weights as texels; 0 for the plain kernels. */
  readonly recurrentLanes: TexelLanes | 0;
  /** Recurrent layers of at most `hidden` units and at least `rows` rows (of all directions) go by one dispatch, others by steps. */
  readonly scan: { readonly hidden: number; readonly rows: number };
  /** Whether plain scans hand states on in workgroup memory where they fit; else in storage. */
  readonly localStates: boolean;
  /** `scan` or `step` for all recurrent layers that can, against `scan`: for tests and benches. */
  readonly recurrentForm: 'scan' | 'step' | undefined;
  /** Invocations that elementwise work is spread over before any takes a second vec4. */
  readonly stripInvocations: number;
  /** Elements of a row that one invocation of `index_select` copies at most. */
  readonly copiedRun: number;
  /** Invocations beside each other on one row of a table in updates row by row, at most. */
  readonly rowLanes: number;
  /** Milliseconds that the thread may sleep at a time while it waits: results are late by as much at most. */
  readonly longestNapMs: number;
  /** Work by which ceilings are measured: invocations of multiply-adds, bytes of a stream, slices that it is walked in. */
  readonly ceilings: { readonly invocations: number; readonly bytes: number; readonly slices: number };
}

const GPU = {
  tiles: true,
  scan: { hidden: 256, rows: 1 },
  localStates: true,
  stripInvocations: 65_536,
  copiedRun: 1,
  rowLanes: 8, // side by side, for wide loads
  longestNapMs: 0.1,
  ceilings: { invocations: 2 ** 20, bytes: 2 ** 28, slices: 1 },
};
const SOFTWARE = {
  tiles: false,
  scan: { hidden: 104, rows: 32 },
  localStates: true,
  stripInvocations: 512,
  copiedRun: 32,
  rowLanes: 1,
  longestNapMs: 1,
  // Several times the caches in all, slice by slice, for a whole round takes too long.
  ceilings: { invocations: 2 ** 14, bytes: 2 ** 23, slices: 8 },
};

/** What the decisions rest on. */
export interface TuningQuery {
  /** The set asked for; undefined for that of the adapter's class. */
  readonly kernels?: KernelSet | undefined;
  readonly kind: 'cpu' | 'gpu';
  /** Lanes of a subgroup where they are all of one size, else 0. */
  readonly subgroupSize: number;
  readonly hasSubgroups: boolean;
  /** Whether WGSL may read storage textures. */
  readonly readsTextures: boolean;
  /** Invocations that a workgroup may have. */
  readonly maxWorkgroupSize: number;
}

export function tuningOf(query: TuningQuery): Tuning {
  const { kernels, kind, subgroupSize, hasSubgroups, readsTextures, maxWorkgroupSize } = query;
  const own = kind === 'cpu' ? 'software' : 'gpu';
  const chosen = kernels ?? own;
  const texels = chosen === 'software' && hasSubgroups && readsTextures;
  const lanes = (texels && TEXEL_LANES.find((size) => size === subgroupSize)) || 0;
  const table = (chosen === 'portable' ? own : chosen) === 'gpu' ? GPU : SOFTWARE;
  const tileSide = maxWorkgroupSize >= 256 ? 16 : 8;
  return { ...table, kernels: chosen, tileSide, texelLanes: lanes, recurrentLanes: lanes, recurrentForm: undefined };
}

/** The set that an option or the environment names. Throws ArgumentError where it is none. */
export function kernelSet(value: string, argument: string): KernelSet {
  const found = KERNEL_SETS.find((set) => set === value);
  if (found) return found;
  refuse('init', argument, `one of ${KERNEL_SETS.map((set) => `"${set}"`).join(', ')}`, `"${value}"`);
}
