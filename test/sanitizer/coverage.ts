// Which kernels ran on the executor, in which forms and at which subgroup sizes, and what of them did not.
import type { Kernel } from '../../src/gpu/kernel.ts';
import { textOf } from './adapter.ts';

interface Runs {
  dispatches: number;
  /** Values that each override had. */
  readonly values: Map<string, Set<number>>;
  readonly forms: Set<string>;
  readonly sizes: Set<number>;
  usesSubgroups: boolean;
}

export class Coverage {
  readonly #runs = new Map<string, Runs>();

  add(kernel: Kernel, overrides: Readonly<Record<string, number>>, size: number, usesSubgroups: boolean): void {
    let runs = this.#runs.get(kernel.name);
    if (!runs) {
      runs = { dispatches: 0, values: new Map(), forms: new Set(), sizes: new Set(), usesSubgroups };
      this.#runs.set(kernel.name, runs);
    }
    runs.dispatches++;
    runs.forms.add(JSON.stringify(overrides));
    runs.sizes.add(size);
    for (const { name, default: fallback } of kernel.overrides) {
      const value = overrides[name] ?? (fallback === 'true' ? 1 : fallback === 'false' ? 0 : Number(fallback));
      const seen = runs.values.get(name) ?? new Set();
      runs.values.set(name, seen.add(value));
    }
  }

  /** A line a kernel. */
  table(): string {
    const rows = [...this.#runs]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, runs]) => {
        const values = [...runs.values]
          .map(([override, seen]) => `${override} ${ranges([...seen].sort((a, b) => a - b))}`)
          .join(', ');
        const sizes = runs.usesSubgroups ? [...runs.sizes].sort((a, b) => a - b).join(' ') : 'any';
        return [name, String(runs.dispatches), String(runs.forms.size), sizes, values];
      });
    const all = [['kernel', 'dispatches', 'forms', 'subgroups', 'overrides'], ...rows];
    const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)));
    return all
      .map((row) =>
        row
          .map((cell, i) => (i < 4 ? cell.padEnd(widths[i]!) : cell))
          .join('  ')
          .trimEnd(),
      )
      .join('\n');
  }

  /**
   * What should have run and did not: kernels, both values of flags, the cases of an override that a kernel switches by. Not both orders
   * of workgroups: two of them that meet are a race in any order. `never` says what no table chooses.
   */
  holes(kernels: Iterable<Kernel>, never: (kernel: string, override: string, value: number) => boolean): string[] {
    const holes: string[] = [];
    for (const kernel of kernels) {
      const runs = this.#runs.get(kernel.name);
      if (!runs) {
        holes.push(kernel.name);
        continue;
      }
      const { code } = textOf(kernel.name)!;
      for (const { name, type } of kernel.overrides) {
        const wanted = type === 'bool' ? [0, 1] : casesOf(code, name);
        const seen = runs.values.get(name)!;
        if (name === 'GROUPS_REVERSED') continue;
        for (const value of wanted)
          if (!seen.has(value) && !never(kernel.name, name, value)) holes.push(`${kernel.name} with ${name} ${value}`);
      }
    }
    return holes;
  }
}

/** The values of the cases of `switch NAME`, the numbers that NAME is compared with. */
function casesOf(code: string, name: string): number[] {
  const found = new Set<number>();
  const open = new RegExp(`switch ${name} \\{([^]*?)\\n  \\}`, 'g');
  for (const [, body] of code.matchAll(open))
    for (const [, list] of body!.matchAll(/case ([^:{]+):/g))
      for (const value of list!.split(',')) found.add(Number.parseInt(value, 10));
  for (const [, value] of code.matchAll(new RegExp(`\\b${name} == (\\d+)u`, 'g'))) found.add(Number(value));
  return [...found];
}

/** 0 1 2 3 7 as `0-3 7`. */
function ranges(values: readonly number[]): string {
  const out: string[] = [];
  for (let i = 0; i < values.length; i++) {
    let end = i;
    while (values[end + 1] === values[end]! + 1) end++;
    out.push(end > i + 1 ? `${values[i]}-${values[end]}` : values.slice(i, end + 1).join(' '));
    i = end;
  }
  return out.join(' ');
}
