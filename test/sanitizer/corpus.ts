// Dispatches recorded from the tests of the ops: what a mutant of a kernel is asked to do again. The tests hold what these dispatches
// made against references, so a mutant that makes something else is one that they find.
import { readFileSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { POISON_WORD } from '../../src/gpu/poison.ts';
import type { Dispatch, Executable, TexelView } from './execute.ts';

/** A texture as it is stored; `Uint32Array` is a buffer. */
interface StoredTexture {
  readonly width: number;
  readonly height: number;
  readonly words: Uint32Array;
}

export interface Recorded {
  readonly views: readonly (readonly [number, Uint32Array | StoredTexture])[];
  readonly params: Uint32Array;
  readonly grid: readonly [number, number, number];
  readonly subgroupSize: number;
  /** What the buffers held afterwards, where that is something else. */
  readonly made: readonly (readonly [number, Uint32Array])[];
  /** Rounds of loops that it took. */
  readonly steps: number;
}

/** The dispatches of one kernel with one set of overrides. */
export interface Entry {
  readonly kernel: string;
  readonly overrides: Readonly<Record<string, number>>;
  readonly dispatches: Recorded[];
}

/**
 * Dispatches of one entry that are kept: of other parameters, grids or sizes; like an earlier one, of other numbers, or of other
 * numbers with an infinity or NaN among them; of many words.
 */
const KEPT = { other: 32, alike: 16, special: 16, large: 2 };
/** Words that a dispatch may bind to be kept; to be one of many of an entry; to be kept for its numbers alone. */
const WORDS = { most: 400_000, many: 60_000, alike: 4_000 };

const wordsOf = (view: Uint32Array | StoredTexture | TexelView) => (view instanceof Uint32Array ? view : view.words);

export class Corpus {
  readonly #entries = new Map<string, Entry>();
  readonly #seen = new Set<string>();
  readonly #kept = new Map<string, number>();

  /** Runs a dispatch, and keeps it if it is like none before. */
  record<T>(executable: Executable, overrides: Readonly<Record<string, number>>, dispatch: Dispatch, run: () => T): T {
    const kernel = executable.compiled.text.name;
    const key = `${kernel} ${JSON.stringify(overrides)}`;
    const entry = this.#entries.get(key) ?? { kernel, overrides, dispatches: [] };
    const memory = [...dispatch.views.values()].map(wordsOf);
    const words = memory.reduce((sum, { length }) => sum + length, 0);
    let like = `${key} ${dispatch.params.join()} ${dispatch.grid.join()} ${memory.map(({ length }) => length).join()}`;
    const alike = this.#seen.has(like);
    if (alike && words <= WORDS.alike) like += ` ${hashOf(memory)}`;
    const kind = words > WORDS.many ? 'large' : !alike ? 'other' : memory.some(isSpecial) ? 'special' : 'alike';
    const counter = `${key} ${kind}`;
    const kept = this.#kept.get(counter) ?? 0;
    if (this.#seen.has(like) || kept >= KEPT[kind] || words > WORDS.most) return run();
    this.#kept.set(counter, kept + 1);
    this.#seen.add(like);
    this.#entries.set(key, entry);
    const views = [...dispatch.views].map(([binding, view]) => [binding, stored(view)] as const);
    const params = dispatch.params.slice();
    const result = run();
    const made = views.flatMap(([binding, before]) => {
      const after = dispatch.views.get(binding)!;
      if (!(after instanceof Uint32Array) || !(before instanceof Uint32Array)) return [];
      return after.every((word, i) => word === before[i]) ? [] : [[binding, after.slice()] as const];
    });
    const { grid, subgroupSize } = dispatch;
    entry.dispatches.push({ views, params, grid, subgroupSize, made, steps: executable.steps });
    return result;
  }

  save(path: string): void {
    writeFileSync(path, serialize([...this.#entries.values()]));
  }
}

export function loadCorpus(path: string): Entry[] {
  return deserialize(readFileSync(path)) as Entry[];
}

/** The memory of a recorded dispatch, fresh. */
export function dispatchOf({ views, params, grid, subgroupSize }: Recorded): Dispatch {
  const made = views.map(([binding, view]): [number, Uint32Array | TexelView] => {
    if (view instanceof Uint32Array) return [binding, view.slice()];
    const { buffer, byteOffset, length } = view.words;
    return [binding, { ...view, floats: new Float32Array(buffer, byteOffset, length) }];
  });
  return { views: new Map(made), params, grid, subgroupSize };
}

/** Whether a word of it is an infinity or NaN as a float, and not memory that nobody wrote. */
const isSpecial = (words: Uint32Array) =>
  words.some((word) => (word & 0x7f800000) === 0x7f800000 && word !== POISON_WORD);

function hashOf(memory: readonly Uint32Array[]): number {
  let hash = 0x811c9dc5;
  for (const words of memory) for (const word of words) hash = Math.imul(hash ^ word ^ (word >>> 15), 0x01000193);
  return hash;
}

function stored(view: Uint32Array | TexelView): Uint32Array | StoredTexture {
  if (view instanceof Uint32Array) return view.slice();
  const { width, height, words } = view;
  return { width, height, words: words.slice() };
}
