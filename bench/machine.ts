// What a report says about where its figures come from: processor, Node, commit.
import { execFileSync } from 'node:child_process';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import type { Machine, Report } from './report.ts';

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    platform: `${platform()}-${arch()}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

/** The commit of a tree, `+dirty` behind it where tracked files have changes, `unknown` outside a clone. */
export function commit(folder = '.'): string {
  if (process.env.WEFT_BENCH_COMMIT) return process.env.WEFT_BENCH_COMMIT; // set while packing
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
    const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
    return git('rev-parse', 'HEAD') + (dirty ? '+dirty' : '');
  } catch {
    return 'unknown';
  }
}

/** A report of now, without results yet. */
export function newReport(adapter: string): Report {
  return { adapter, machine: machine(), date: new Date().toISOString(), commit: commit(), results: [] };
}
