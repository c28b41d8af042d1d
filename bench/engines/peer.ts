// The benches' side of the protocol: an engine in a child process that stays alive between its turns.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  type GemmReply,
  type GemmRequest,
  type GemmRun,
  type GemmRunReply,
  type Hello,
  MARK,
  type Request,
  type TrainRun,
  type TrainRunReply,
} from '../protocol.ts';
import type { EngineName } from '../report.ts';

type Answer<R extends Request> = R extends GemmRequest
  ? GemmReply
  : R extends GemmRun
    ? GemmRunReply
    : R extends TrainRun
      ? TrainRunReply
      : Record<string, never>;

/** Where each engine's program is; Python's are run by the first Python that can import torch. */
const PROGRAMS: Record<EngineName, string> = {
  weft: 'engines/weft',
  'weft-op-by-op': 'engines/weft-op-by-op',
  'tfjs-webgpu': 'rivals/tfjs',
  'jax-js-webgpu': 'rivals/jax-js',
  'gpu.js': 'rivals/gpu-js',
  'torch-cpu': 'rivals/pytorch.py',
  'torch-cuda': 'rivals/pytorch.py',
};

/** `bench/`, or where bundle.ts has put everything, this file's code beside the folders. */
const FROM_SOURCE = import.meta.url.endsWith('/engines/peer.ts');
const FOLDER = new URL(FROM_SOURCE ? '..' : '.', import.meta.url);
const EXTENSION = FROM_SOURCE ? '.ts' : '.mjs';

const PYTHONS = [process.env.WEFT_PYTHON, '/usr/bin/python3', 'python3', 'python'].filter((p) => p !== undefined);

/** How many threads PyTorch is given: small steps are faster on one than on all, so each has a turn, and the better counts. */
const TORCH_THREADS = [...new Set([1, 2, availableParallelism()])].filter((n) => n <= availableParallelism());

export interface PeerOptions {
  /** Threads of PyTorch on the processor. */
  threads?: number;
  /** A program of Node in place of the engine's own, e.g. that of another checkout, with its arguments. */
  program?: readonly string[];
  /** Beside the environment of this process. */
  env?: NodeJS.ProcessEnv;
}

export class Peer {
  readonly engine: EngineName;
  /** Where the engine was given a number of threads. */
  readonly threads: number | undefined;
  readonly adapter: string;
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #replies: AsyncIterator<string>;
  #gone = false;

  private constructor(
    engine: EngineName,
    child: ChildProcess,
    replies: AsyncIterator<string>,
    hello: { adapter: string; version: string },
    { threads }: PeerOptions,
  ) {
    this.engine = engine;
    this.threads = threads;
    this.#child = child;
    this.#replies = replies;
    this.adapter = hello.adapter;
    this.version = hello.version;
  }

  /** Starts an engine; where it cannot run here, says why. */
  static async start(
    engine: EngineName,
    options: PeerOptions = {},
  ): Promise<Peer | { engine: EngineName; unavailable: string }> {
    const program = fileURLToPath(new URL(PROGRAMS[engine], FOLDER));
    if (!program.endsWith('.py')) {
      const words = options.program ?? [program + EXTENSION];
      return Peer.#launch(engine, options, process.execPath, [...process.execArgv, ...words]);
    }
    const reasons: string[] = [];
    for (const python of PYTHONS) {
      if (python.includes('/') && !existsSync(python)) continue;
      const kind = engine === 'torch-cuda' ? ['cuda'] : ['cpu', String(options.threads)];
      const peer = await Peer.#launch(engine, options, python, [program, ...kind]);
      if (peer instanceof Peer) return peer;
      reasons.push(`${python}: ${peer.unavailable}`);
    }
    return { engine, unavailable: reasons[0] ?? 'no Python found' };
  }

  static async #launch(engine: EngineName, options: PeerOptions, command: string, args: string[]) {
    const env = { ...process.env, ...options.env };
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    let noise = '';
    child.stderr.on('data', (chunk: Buffer) => {
      noise = (noise + chunk).slice(-2000);
    });
    child.stdin.on('error', () => {}); // told by the end of its output
    const replies = marked(child);
    const failed = new Promise<string>((resolve) => child.once('error', (error) => resolve(error.message)));
    const first = await Promise.race([
      replies.next().then(({ value }) => value as string | undefined),
      failed.then(() => undefined),
    ]);
    const hello: Hello =
      first === undefined ? { unavailable: lastWords(noise) || (await quickly(failed)) } : (JSON.parse(first) as Hello);
    if ('unavailable' in hello) {
      child.kill();
      return { engine, unavailable: hello.unavailable };
    }
    return new Peer(engine, child, replies, hello, options);
  }

  /** One request and its answer. Throws with the engine's own words where it fails. */
  async ask<R extends Request>(request: R): Promise<Answer<R>> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#replies.next();
    this.#gone = done === true;
    if (done)
      throw new Error(`${this.engine} ended (exit code ${this.#child.exitCode}, signal ${this.#child.signalCode})`);
    const reply = JSON.parse(value) as Answer<R> | { error: string };
    if ('error' in reply) throw new Error(`${this.engine}: ${reply.error}`);
    return reply;
  }

  /**
   * What `work` gives; where it throws, a rival is left out of `what`, loudly: undefined. weft's own failures are thrown. An engine
   * that has ended is told of once.
   */
  async attempt<T>(what: string, log: (line: string) => void, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#gone) return undefined;
    try {
      return await work();
    } catch (error) {
      if (this.engine === 'weft') throw error;
      const rest = this.#gone ? ' and of all that follows' : '';
      log(`!!! ${this.engine} IS LEFT OUT of ${what}${rest}: ${(error as Error).message.split('\n')[0]}`);
      return undefined;
    }
  }

  /** Frees what a handle stands for. */
  async close(handle: string): Promise<void> {
    if (!this.#gone) await this.ask({ do: 'close', handle });
  }

  async stop(): Promise<void> {
    if (this.#gone) return;
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  }
}

async function* marked(child: ChildProcess): AsyncGenerator<string> {
  for await (const line of createInterface({ input: child.stdout! }))
    if (line.startsWith(MARK)) yield line.slice(MARK.length);
}

/** What an engine died of, from its error output. */
function lastWords(noise: string): string {
  const lines = noise.trim().split('\n');
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? '';
}

function quickly(reason: Promise<string>): Promise<string> {
  return Promise.race([reason, new Promise<string>((resolve) => setTimeout(resolve, 200, 'ended without a word'))]);
}

/** Starts the engines, PyTorch on the processor once for each number of threads; those that cannot run here are told loudly and left out. */
export async function startAll(engines: readonly EngineName[], log: (line: string) => void): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const engine of engines)
    for (const threads of engine === 'torch-cpu' ? TORCH_THREADS : [undefined]) {
      const peer = await Peer.start(engine, { threads });
      if (!(peer instanceof Peer)) {
        log(`!!! ${engine} IS LEFT OUT: it cannot run here (${peer.unavailable})`);
        break;
      }
      log(`${engine}: ${peer.version} on ${peer.adapter}`);
      peers.push(peer);
    }
  return peers;
}
