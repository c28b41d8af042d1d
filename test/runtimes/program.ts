// The program that every runtime runs: does the work and says what came of it, to the page's server or on standard output.
import { work } from './work.ts';

/** Stands before the line that says it; runtimes print other things too. */
const MARK = '@runtime ';

const { process, document } = globalThis as { process?: { argv: string[] }; document?: object };
const options = document === undefined ? JSON.parse(process?.argv[2] ?? '{}') : {};
const told = JSON.stringify(
  await work(options).catch((error: Error) => ({ refused: error.stack ?? String(error), afterMs: Number.NaN })),
);
if (document) await fetch('/told', { method: 'POST', body: told });
else console.log(MARK + told);
// A device that was not destroyed, after an error, would keep some runtimes.
if (document === undefined) (process as unknown as { exit(): void }).exit();
