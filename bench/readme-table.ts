// The README's table of benches, made from the results of named machines in bench/results/*.json.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from '../src/node/table.ts';
import { better, type EngineName, ms, type Report, type Result } from './report.ts';

const BEGIN = '<!-- benches: made by `npm run bench -- readme`, do not edit -->';
const END = '<!-- /benches -->';

const COLUMNS: readonly [title: string, engine: EngineName][] = [
  ['weft', 'weft'],
  ['weft op by op', 'weft-op-by-op'],
  ['tfjs-webgpu', 'tfjs-webgpu'],
  ['jax-js-webgpu', 'jax-js-webgpu'],
  ['gpu.js', 'gpu.js'],
  ['PyTorch CPU', 'torch-cpu'],
  ['PyTorch CUDA', 'torch-cuda'],
];

/** A table for each machine: rows are cases, columns engines; a rival's time is followed by its ratio to weft's. */
export function readmeTables(reports: readonly Report[]): string {
  const machines = new Map<string, Report[]>();
  for (const report of reports) {
    const key = `${report.adapter}|${report.machine.cpu}|${report.machine.cores}`;
    machines.set(key, [...(machines.get(key) ?? []), report]);
  }
  return [...machines.values()].map(oneMachine).join('\n');
}

function oneMachine(reports: readonly Report[]): string {
  const { adapter, machine } = reports[0]!;
  // The suites with rivals, each run's ratios by its own figures: `step` has the same cases once more.
  const results = reports
    .flatMap((report) => report.results)
    .filter(({ suite }) => suite === 'training' || suite === 'kernels');
  const main = results.filter(({ base }) => base === undefined);
  const raced = [...new Set(main.filter(({ engine }) => engine !== 'weft').map(({ name }) => name))];
  const find = (name: string, engine: EngineName) => better(results, name, engine);
  const shown = COLUMNS.filter(([, engine]) => raced.some((name) => find(name, engine)));
  const rows = raced.map((name) => [name, ...shown.map(([, engine]) => cell(find(name, engine), find(name, 'weft')))]);
  const [from, to] = [
    reports.map((r) => r.date.slice(0, 10)).sort()[0],
    [...new Set(reports.map((r) => r.commit.slice(0, 7)))],
  ];
  return `${adapter}; ${machine.cpu}, ${machine.cores} cores; Node ${machine.node}; ${from}, commit ${to.join(', ')}. Median milliseconds of
one product or training step, and in brackets how many times weft's that is. PyTorch on the processor ran with one thread and with more,
taking turns: the faster is shown, with its threads.

${markdownTable(rows, { header: ['case', ...shown.map(([title]) => title)], align: `l${'r'.repeat(shown.length)}` })}`;
}

function cell(result: Result | undefined, weft: Result | undefined): string {
  if (!result) return '';
  const notes = [
    ...(weft && result !== weft ? [`${(result.medianMs / weft.medianMs).toFixed(1)}×`] : []),
    ...(result.threads ? [result.threads === 1 ? '1 thread' : `${result.threads} threads`] : []),
  ];
  return ms(result.medianMs) + (notes.length > 0 ? ` (${notes.join(', ')})` : '');
}

/** The text with what stands between the markers replaced. Throws where it has no markers. */
export function withTables(text: string, tables: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the README has no block from "${BEGIN}" to "${END}"`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${tables}\n${text.slice(end)}`;
}

/** Rewrites the README's block. Returns how many files it was made from. */
export function writeReadme(folder = 'bench/results', readme = 'README.md'): number {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();
  const reports = files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report);
  writeFileSync(readme, withTables(readFileSync(readme, 'utf8'), readmeTables(reports)));
  return files.length;
}
