// The benches: `npm run bench -- <suite> [--json file] [--quick] [--only part-of-a-name]`, and `readme` for the README's table.
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { newReport } from './machine.ts';
import { writeReadme } from './readme-table.ts';
import type { Suite } from './suites/suite.ts';

const SUITES: Record<string, { about: string; load: () => Promise<Suite> }> = {
  kernels: {
    about: 'every kernel at real shapes; matrix products against rivals',
    load: async () => (await import('./suites/kernels.ts')).kernels,
  },
  training: {
    about: 'one training step of the named taggers, against rivals',
    load: async () => (await import('./suites/training.ts')).training,
  },
  scaling: {
    about: 'time per token and memory as time, batch, width and vocabulary grow',
    load: async () => (await import('./suites/scaling.ts')).scaling,
  },
  step: {
    about: 'dispatches, submits, buffers, bind groups and encoding of one steady step',
    load: async () => (await import('./suites/step.ts')).step,
  },
};

const program = new Command('bench').description(
  'Benchmarks that validate before they time, rivals taking turns in one run.',
);

for (const [name, { about, load }] of Object.entries(SUITES))
  program
    .command(name)
    .description(about)
    .option('--json <file>', 'write the results there')
    .option('--quick', 'few rounds on fewer cases: does it run, not how fast', false)
    .option('--only <text>', 'only cases whose names contain this')
    .action(async (options: { json?: string; quick: boolean; only?: string }) => {
      await run(name, await load(), options);
    });

async function run(
  name: string,
  suite: Suite,
  options: { json?: string; quick: boolean; only?: string },
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'weft-bench-'));
  const start = performance.now();
  try {
    const log = (line: string) =>
      console.error(`[${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s] ${line}`);
    if (process.env.LP_NUM_THREADS)
      log(
        `!!! LP_NUM_THREADS=${process.env.LP_NUM_THREADS} is set: Mesa's software adapter runs on that many threads, not on all cores`,
      );
    const { adapter, results, text } = await suite({ quick: options.quick, only: options.only, log, scratch });
    const report = { ...newReport(adapter), results };
    const { machine, commit } = report;
    console.log(`\n${name} on ${adapter}`);
    console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${commit}, ${report.date}`);
    if (options.quick) console.log('A quick run: the figures only show that everything runs.');
    console.log(`\n${text}`);
    console.log(`took ${((performance.now() - start) / 60_000).toFixed(1)} minutes`);
    if (options.json) {
      await mkdir(dirname(options.json), { recursive: true });
      await writeFile(options.json, `${JSON.stringify(report, null, 1)}\n`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

program
  .command('readme')
  .description('make the README’s table from bench/results/*.json')
  .action(() => console.log(`README.md: made from ${writeReadme()} files of results`));

await program.parseAsync();
process.exit();
