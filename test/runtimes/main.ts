// `npm run runtimes`: the same work in every WebGPU runtime that is here, and a table of what came of it.
//   --only <text>   those whose names contain it      --install   first fetch from npm, into .runtimes/, what npm has
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { Command } from 'commander';
import { textTable } from '../../src/node/table.ts';
import { FOLDER, FROM_NPM, type Row, RUNTIMES, runAll } from './runtimes.ts';

const options = new Command('npm run runtimes --')
  .description('Train three taggers and try ops in every WebGPU runtime that is here; losses are held against Node’s.')
  .option('--only <text>', 'those whose names contain this', '')
  .option('--install', 'first fetch Deno and Bun from npm (some 200 MB) into .runtimes/')
  .parse()
  .opts<{ only: string; install?: true }>();

if (options.install) {
  mkdirSync(FOLDER, { recursive: true });
  const packages = Object.entries(FROM_NPM).map(([name, version]) => `${name}@${version}`);
  const args = ['install', '--prefix', FOLDER, '--no-save', '--no-audit', '--no-fund', ...packages];
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(1);
}

const runtimes = RUNTIMES.filter(({ name }) => name.toLowerCase().includes(options.only.toLowerCase()));
if (runtimes.length === 0) throw new Error(`no runtime is called "${options.only}"`);
const rows = await runAll(runtimes, { tell: (row) => console.error(`${row.runtime} ${outcome(row)}`) });
console.log(`\nThree taggers (LSTM, GRU, RNN) trained, and ops held against plain JavaScript in float64, by each WebGPU runtime.
losses: the largest relative difference of a loss from Node’s (Dawn) · op: the largest difference from float64, by the op’s largest value
lanes: of a subgroup, 0 where they vary or are not known · seconds: all of it, compiling included\n`);
console.log(table(rows));
for (const { runtime, problem } of rows) if (problem) console.log(`${runtime}: ${problem}`);
process.exit(rows.some(({ problem }) => problem) ? 1 : 0);

function outcome({ install, problem, done }: Row): string {
  if (install) return `is not here: ${install}`;
  return problem ? 'FAILED' : `took ${done!.seconds.toFixed(1)} s`;
}

function table(all: readonly Row[]): string {
  const power = (value: number | undefined) => (value === 0 ? '0' : value?.toExponential(1));
  const cells = all.map(({ runtime, install, problem, done, losses, worst }) => [
    problem ? `${runtime}: FAILED` : runtime,
    done?.adapter ?? (install && `not here: ${install}`),
    done?.lanes,
    done?.kernels,
    power(losses),
    worst && `${power(worst.error)} ${worst.op}`,
    done?.seconds.toFixed(1),
  ]);
  const header = ['runtime', 'adapter', 'lanes', 'kernels', 'losses', 'op', 'seconds'];
  return textTable(cells, { header, align: 'llrlrlr' });
}
