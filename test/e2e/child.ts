// Runs a command in a process of its own and hands back how it ended and what it said.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Ended {
  code: number | null;
  signal: string | null;
  /** Standard output and standard error, without what Dawn says about the adapter's limits. */
  out: string;
  error: string;
}

/** The root of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Waits for the command's own end; one that takes longer than `timeout` milliseconds is killed and has a signal. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd = root, env = process.env, timeout = 60_000 }: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Promise<Ended> {
  const child = spawn(command, args, { cwd, env, timeout, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, error] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  [out, error] = [out, error].map((text) => text.replace(/^Warning: max.*\n/gm, '')) as [string, string];
  return { code, signal, out, error };
}

/** Runs a TypeScript file of the repository from its sources. */
export function runSource(file: string, args: readonly string[] = [], options?: Parameters<typeof run>[2]) {
  return run(process.execPath, ['-C', 'source', '--import', 'tsx', file, ...args], options);
}
