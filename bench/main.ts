// The benches: `npm run bench -- <suite> [--json file] [--quick] [--only part-of-a-name]`, `against` for another checkout, `readme` for
// the README's table.
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { commit, newReport } from './machine.ts';
import { writeReadme } from './readme-table.ts';
import type { Result } from './report.ts';
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
  lanes: {
    about: 'a training step on Mesa’s software adapter at 4, 8 and 16 lanes',
    load: async () => (await import('./suites/lanes.ts')).lanes,
  },
  check: {
    about: 'what it costs a training step to be refused where it is not finite',
    load: async () => (await import('./suites/check.ts')).check,
  },
  step: {
    about: 'dispatches, submits, buffers, bind groups and encoding of one steady step',
    load: async () => (await import('./suites/step.ts')).step,
  },
};

const program = new Command('bench').description(
  'Benchmarks that validate before they time, rivals taking turns in one run.',
);

interface Options {
  json?: string;
  quick: boolean;
  only?: string;
}

/** A command that runs benches. */
const command = (words: string, about: string) =>
  program
    .command(words)
    .description(about)
    .option('--json <file>', 'write the results there')
    .option('--quick', 'few rounds on fewer cases: does it run, not how fast', false)
    .option('--only <text>', 'only cases whose names contain this');

for (const [name, { about, load }] of Object.entries(SUITES))
  command(name, about).action(async (options: Options) => void (await run(name, await load(), options)));

command(
  'against <checkout> [suites...]',
  'weft of this tree beside that of another checkout: training and kernels',
).action(async (checkout: string, chosen: string[], options: Options) => {
  const known = ['training', 'kernels'];
  const suites = chosen.length > 0 ? chosen : known;
  const unknown = suites.find((name) => !known.includes(name));
  if (unknown) throw new Error(`bench against: no suite ${unknown}; there are ${known.join(' and ')}`);
  const { against, slower } = await import('./suites/against.ts');
  const title = `${suites.join(', ')} against ${checkout} (${commit(checkout)})`;
  const results = await run(title, (how) => against(checkout, suites, how), options);
  if (slower(results).length > 0 && !options.quick) process.exitCode = 1;
});

async function run(name: string, suite: Suite, options: Options): Promise<Result[]> {
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
    const { machine, commit: tree } = report;
    console.log(`\n${name} on ${adapter}`);
    console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${tree}, ${report.date}`);
    if (options.quick) console.log('A quick run: the figures only show that everything runs.');
    console.log(`\n${text}`);
    console.log(`took ${((performance.now() - start) / 60_000).toFixed(1)} minutes`);
    if (options.json) {
      await mkdir(dirname(options.json), { recursive: true });
      await writeFile(options.json, `${JSON.stringify(report, null, 1)}\n`);
    }
    return results;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

program
  .command('readme')
  .description('make the README’s table from bench/results/*.json')
  .option('--measure <machine>', 'first run the suites that it shows, into bench/results/<machine>-<suite>.json')
  .action(async ({ measure }: { measure?: string }) => {
    for (const name of measure ? ['kernels', 'training'] : [])
      await run(name, await SUITES[name]!.load(), { quick: false, json: `bench/results/${measure}-${name}.json` });
    console.log(`README.md: made from ${writeReadme()} files of results`);
  });

await program.parseAsync();
process.exit();
