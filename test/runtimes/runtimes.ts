// The runtimes with a WebGPU of their own, how each is found and started, and what it says: Node is what the others are held against.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Done, Refused } from './work.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Bundles, caches, profiles, and the runtimes that npm has; git does not see it. */
export const FOLDER = join(ROOT, '.runtimes');
const MARK = '@runtime ';
const TIMEOUT_MS = 900_000; // vectors of 16 lanes compile for a minute and a half, on a busy machine for many

/** Runtimes that npm has, and the versions that were tried. */
export const FROM_NPM: Readonly<Record<string, string>> = { deno: '2.9.6', bun: '1.4.5' };
const INSTALL = 'npm run runtimes -- --install';

/** Losses may differ from Node's by as much, relatively, and an op's results from float64's. */
export const LOSSES_WITHIN = 1e-6;
export const OPS_WITHIN = 1e-5;

export interface Runtime {
  name: string;
  /** How to get it where it is missing. */
  install: string;
  /** The program, or undefined where it is not here. */
  find(): string | undefined;
  run(program: string): Promise<Done | Refused>;
}

/** The first of the programs in the folder of npm's or in PATH. */
function found(...names: string[]): string | undefined {
  const folders = [join(FOLDER, 'node_modules/.bin'), ...(process.env.PATH ?? '').split(delimiter)];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(runs);
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const bundles = new Map<string, Promise<string>>();

/** The program in one file for Node's kind of runtime or for browsers', with the package's own choice of platform. */
function bundle(platform: 'node' | 'browser'): Promise<string> {
  const made = bundles.get(platform) ?? bundled(platform);
  bundles.set(platform, made);
  return made;
}

async function bundled(platform: 'node' | 'browser'): Promise<string> {
  const file = join(FOLDER, `program-${platform}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL('program.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform,
    conditions: ['source'],
    external: ['webgpu'],
    logLevel: 'error',
  });
  return file;
}

/** A child process with all that it starts: browsers are many processes. */
function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const everything = { ...process.env, ...env };
  return spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: everything, cwd: ROOT });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = once(child, 'close');
  process.kill(-child.pid, 'SIGKILL');
  await closed;
}

/** Runs a program that says what it did on standard output. */
async function onConsole(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Done | Refused> {
  const child = start(command, args, env);
  let [out, error] = ['', ''];
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (error += text));
  const timer = setTimeout(() => void end(child), TIMEOUT_MS);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  const said = out.split('\n').find((line) => line.startsWith(MARK));
  if (said) return JSON.parse(said.slice(MARK.length)) as Done | Refused;
  const words = `${out}\n${error}`.trim().split('\n').slice(-8).join('\n');
  throw new Error(`${command} ended (${signal ?? code}) without a word of what it did:\n${words}`);
}

/** Opens a browser on a page that runs the program and posts what it did; nothing but this machine's loopback is in reach. */
async function onPage(
  command: string,
  args: (url: string, profile: string) => readonly string[],
  files: Record<string, string> = {},
): Promise<Done | Refused> {
  const script = readFileSync(await bundle('browser'));
  const profile = mkdtempSync(join(FOLDER, 'profile-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(profile, name), text);
  let tell: (told: Done | Refused) => void;
  const told = new Promise<Done | Refused>((resolve) => (tell = resolve));
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      let body = '';
      for await (const chunk of request) body += chunk;
      tell(JSON.parse(body) as Done | Refused);
      response.end();
      return;
    }
    const isScript = request.url === '/program.mjs';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : PAGE);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const child = start(command, args(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, profile), {
    HOME: profile,
    // The profile goes when the browser does; what a driver compiled is kept.
    MESA_SHADER_CACHE_DIR: join(FOLDER, 'cache'),
    LP_NATIVE_VECTOR_WIDTH: undefined,
  });
  let noise = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (noise = (noise + text).slice(-2000)));
  let timer: NodeJS.Timeout | undefined;
  try {
    const failed = new Promise<never>((_, reject) => {
      const fail = (why: string) => reject(new Error(`${command} ${why}:\n${noise.trim()}`));
      timer = setTimeout(() => fail(`said nothing for ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS);
      child.once('close', (code, signal) => fail(`ended (${signal ?? code}) before it said what it did`));
    });
    return await Promise.race([told, failed]);
  } finally {
    clearTimeout(timer);
    child.removeAllListeners('close');
    await end(child);
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Errors outside of the program's own work, and a script that does not load, are told too. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>weft</title><link rel="icon" href="data:,">
<script>
const tell = (why) => fetch('/told', { method: 'POST', body: JSON.stringify({ refused: String(why), afterMs: null }) });
addEventListener('error', (event) => tell(event.message || 'the program did not load'), true);
addEventListener('unhandledrejection', (event) => tell(event.reason));
</script>
<script type="module" src="program.mjs"></script>`;

/** Where nothing but loopback may be asked, a proxy that is not there answers for the rest of the world. */
const NOWHERE = { host: '127.0.0.1', port: 9 };

const CHROMIUM = [
  '--headless',
  '--no-sandbox',
  '--no-first-run',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--proxy-server=${NOWHERE.host}:${NOWHERE.port}`,
];
/** WebGPU on the processor, so that it runs on a machine without a GPU. */
const CHROMIUM_WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

const FIREFOX = {
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.proxy.type': 1,
  'network.proxy.http': NOWHERE.host,
  'network.proxy.http_port': NOWHERE.port,
  'network.proxy.ssl': NOWHERE.host,
  'network.proxy.ssl_port': NOWHERE.port,
};
const FIREFOX_WEBGPU = {
  'dom.webgpu.enabled': true,
  'gfx.webgpu.force-enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
};
const FIREFOX_OFF = { 'dom.webgpu.enabled': false };

const chromium = (program: string, flags: readonly string[]) =>
  onPage(program, (url, profile) => [...CHROMIUM, ...flags, `--user-data-dir=${profile}`, url]);

const firefox = (program: string, prefs: Record<string, unknown>) => {
  const lines = Object.entries({ ...FIREFOX, ...prefs }).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  return onPage(program, (url, profile) => ['--headless', '--no-remote', '--profile', profile, url], {
    'user.js': lines.join('\n'),
  });
};

async function inNode(options: object = {}, env: NodeJS.ProcessEnv = {}): Promise<Done | Refused> {
  return onConsole(process.execPath, [await bundle('node'), JSON.stringify(options)], env);
}

/** lavapipe compiling for vectors of so many lanes. */
const lavapipe = (lanes: number): Runtime => ({
  name: `Node, lavapipe at ${lanes} lanes`,
  install: 'sh scripts/lavapipe.sh (Debian and Ubuntu), or Mesa’s Vulkan driver for the processor',
  find: () => (hasLavapipe() ? process.execPath : undefined),
  // Compiled kernels of one width are no good to another: the engine keeps them apart where nobody has chosen a folder for all.
  run: () =>
    inNode({ adapter: 'llvmpipe' }, { LP_NATIVE_VECTOR_WIDTH: `${32 * lanes}`, MESA_SHADER_CACHE_DIR: undefined }),
});

const MACHINE = process.arch === 'x64' ? 'x86_64' : 'aarch64';

function hasLavapipe(): boolean {
  const folders = ['/usr/share', '/etc', '/usr/local/share'].map((folder) => join(folder, 'vulkan/icd.d'));
  return folders.some((folder) =>
    ['lvp_icd.json', `lvp_icd.${MACHINE}.json`].some((file) => existsSync(join(folder, file))),
  );
}

function hasEgl(): boolean {
  return [`/usr/lib/${MACHINE}-linux-gnu`, '/usr/lib64', '/usr/lib'].some((f) => existsSync(join(f, 'libEGL.so.1')));
}

const CHROMIUM_NAMES = ['chromium', 'chromium-browser', 'google-chrome'] as const;
const FIREFOX_NAMES = ['firefox-esr', 'firefox'] as const;

export const RUNTIMES: readonly Runtime[] = [
  { name: 'Node (Dawn)', install: '', find: () => process.execPath, run: () => inNode() },
  {
    name: 'Node, portable kernels',
    install: '',
    find: () => process.execPath,
    run: () => inNode({ kernels: 'portable' }),
  },
  ...[4, 8, 16].map(lavapipe),
  {
    name: 'Node, Dawn on OpenGL ES',
    install: 'apt-get install libegl1 libgles2 libgl1-mesa-dri (on Linux)',
    find: () => (hasEgl() ? process.execPath : undefined),
    run: () => inNode({ backend: 'opengles' }, { LIBGL_ALWAYS_SOFTWARE: '1' }),
  },
  {
    name: 'Bun (Dawn)',
    install: INSTALL,
    find: () => found('bun'),
    run: async (program) => onConsole(program, [await bundle('node')]),
  },
  {
    name: 'Deno (wgpu)',
    install: INSTALL,
    find: () => found('deno'),
    run: async (program) =>
      onConsole(program, ['run', '--no-config', '--cached-only', '--unstable-webgpu', '-A', await bundle('browser')]),
  },
  {
    name: 'Chromium (SwiftShader)',
    install: 'apt-get install chromium',
    find: () => found(...CHROMIUM_NAMES),
    run: (program) => chromium(program, CHROMIUM_WEBGPU),
  },
  {
    name: 'Firefox (wgpu)',
    install: 'apt-get install firefox-esr',
    find: () => found(...FIREFOX_NAMES),
    run: (program) => firefox(program, FIREFOX_WEBGPU),
  },
];

/** Browsers whose WebGPU is off or has no adapter, with their own switch, which they must name at once. */
export const WITHOUT_WEBGPU: readonly (Runtime & { switch: string })[] = [
  {
    name: 'Chromium without an adapter',
    install: 'apt-get install chromium',
    find: () => found(...CHROMIUM_NAMES),
    run: (program) => chromium(program, []),
    switch: 'chrome://flags/#enable-unsafe-webgpu',
  },
  {
    name: 'Firefox without WebGPU',
    install: 'apt-get install firefox-esr',
    find: () => found(...FIREFOX_NAMES),
    run: (program) => firefox(program, FIREFOX_OFF),
    switch: 'dom.webgpu.enabled',
  },
];

/** How a runtime did beside Node. */
export interface Row {
  runtime: string;
  /** How to get it, where it is not here; nothing else is known then. */
  install?: string;
  /** What went wrong, in words; undefined where everything is as in Node. */
  problem?: string;
  done?: Done;
  /** The largest relative difference of a loss from Node's. */
  losses?: number;
  /** The op that is furthest from float64, and by how much of its largest value. */
  worst?: { op: string; error: number };
}

/** Holds what a runtime did against what Node did. */
export function judge(runtime: string, done: Done | Refused, node: Done): Row {
  if ('refused' in done) return { runtime, problem: done.refused };
  const pairs = Object.entries(node.losses).flatMap(([cell, want]) =>
    want.map((loss, n) => Math.abs(done.losses[cell]![n]! - loss) / loss),
  );
  const losses = Math.max(...pairs);
  const [op, error] = Object.entries(done.errors).sort(([, a], [, b]) => b - a)[0]!;
  const problems = [
    !(losses <= LOSSES_WITHIN) && `losses differ by ${losses.toExponential(1)}`,
    !(error <= OPS_WITHIN) && `${op} is off by ${error.toExponential(1)}`,
    done.replayed !== node.replayed && `${done.replayed} steps were replayed, in Node ${node.replayed}`,
    ...Object.entries(done.losses).map(
      ([cell, all]) => !(all.at(-1)! < 0.8 * all[0]!) && `the ${cell} does not learn (${all[0]} → ${all.at(-1)})`,
    ),
  ].filter((problem) => problem !== false);
  const row: Row = { runtime, done, losses, worst: { op, error } };
  return problems.length > 0 ? { ...row, problem: problems.join('; ') } : row;
}

/** Runs those that are here, `atOnce` at a time, Node first; `tell` has each row as soon as it is known. */
export async function runAll(
  runtimes: readonly Runtime[],
  { atOnce = 1, tell = () => {} }: { atOnce?: number; tell?: (row: Row) => void } = {},
): Promise<Row[]> {
  const node = await inNode();
  if ('refused' in node) throw new Error(`Node has no WebGPU here: ${node.refused}`);
  const rows = new Map<Runtime, Row>();
  const waiting = runtimes.values();
  const worker = async () => {
    for (const one of waiting) {
      const program = one.find();
      const run = () =>
        one.run(program!).then(
          (done) => judge(one.name, done, node),
          (error: Error): Row => ({ runtime: one.name, problem: error.message }),
        );
      const row = program ? await run() : { runtime: one.name, install: one.install };
      rows.set(one, row);
      tell(row);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return runtimes.map((one) => rows.get(one)!);
}
