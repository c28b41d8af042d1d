// scripts/setup.sh and lavapipe.sh, run for real in a copy of the repository's layout whose PATH holds fakes of apt,
// node, npm, sudo and id: each fake notes its arguments in a log and acts on a small folder of state.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));
const REAL_TOOLS = 'sh dirname sed awk mktemp rm cp mkdir chmod touch cat tail grep true'.split(' ');

const FAKES: Record<string, string> = {
  node: `case "$*" in
    --version) cat "$STATE/node-version" ;;
    *dependencies-check*) [ -e "$STATE/dependencies" ] ;;
    *adapter-check*) if [ -e "$STATE/driver" ]; then echo 'llvmpipe [test]'; else echo 'Dawn finds no GPU adapter' >&2; exit 3; fi ;;
  esac`,
  npm: 'touch "$STATE/dependencies"',
  'apt-get': `case "$*" in
    *indextargets*ORIGIN*) cat "$STATE/targets" ;;
    *indextargets*) sed 's/^[^ ]* \\([^ ]*\\) .*/\\1/' "$STATE/targets" ;;
    *sourceparts=*update) parts=\${*#*sourceparts=} && cp "\${parts%% *}"/* "$STATE/seen/" ;;
    *install*) touch "$STATE/driver" ;;
  esac`,
  'apt-cache': `case "$*" in *Default-Release*) from=backport ;; *) from=candidate ;; esac
    echo 'mesa-vulkan-drivers:'; echo '  Installed: (none)'; echo "  Candidate: $(cat "$STATE/$from")"`,
  'apt-config': `printf "list='%s'\\nparts='%s/'\\nlists='%s/'\\n" "$STATE/apt/sources.list" "$STATE/apt/parts" "$STATE/apt/lists"`,
  id: 'cat "$STATE/uid"',
  sudo: '[ "$1" != -n ] || shift; exec "$@"',
  uname: 'cat "$STATE/system"',
};

let root: string;
let env: Record<string, string>;

const path = (name: string) => join(root, name);
const state = (name: string, text: string) => writeFileSync(path(`state/${name}`), `${text}\n`);
const calls = (name: string) =>
  readFileSync(path('state/log'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name} `));
const installs = () => calls('apt-get').filter((call) => call.includes(' install '));

function program(name: string, body: string) {
  const file = path(`bin/${name}`);
  writeFileSync(file, `#!/bin/sh\nprintf '%s\\n' "${name} $*" >>"$STATE/log"\n${body}\n`);
  chmodSync(file, 0o755);
}

function debian12() {
  state('candidate', '22.3.6-1+deb12u2');
  state('backport', '25.0.7-2~bpo12+1');
  state('targets', 'Debian bookworm http://mirror.test/debian\nDebian bookworm-updates http://mirror.test/debian');
}

function ubuntu(candidate: string) {
  state('candidate', candidate);
  state('backport', candidate);
  state('targets', 'Ubuntu noble http://mirror.test/ubuntu');
}

function setup(extra: Record<string, string> = {}) {
  const run = spawnSync('/bin/sh', [path('scripts/setup.sh')], { env: { ...env, ...extra }, encoding: 'utf8' });
  return { status: run.status, output: run.stdout + run.stderr };
}

/** The same at a pseudo-terminal, where a person types `answer`. */
function setupAtTerminal(answer: string, extra: Record<string, string> = {}) {
  const command = `sh '${path('scripts/setup.sh')}'`;
  const options = { env: { ...env, SHELL: '/bin/sh', ...extra }, input: answer, encoding: 'utf8' as const };
  const run = spawnSync('/usr/bin/script', ['-qec', command, '/dev/null'], options);
  return { status: run.status, output: run.stdout + run.stderr };
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'weft-setup-test-'));
  for (const folder of ['bin', 'state/seen', 'state/apt/parts', 'state/apt/lists', 'tmp']) {
    mkdirSync(path(folder), { recursive: true });
  }
  cpSync(SCRIPTS, path('scripts'), { recursive: true });
  for (const tool of REAL_TOOLS) {
    const real = ['/bin', '/usr/bin'].map((folder) => join(folder, tool)).find(existsSync);
    if (!real) throw new Error(`setup.test: no ${tool} in /bin or /usr/bin`);
    symlinkSync(real, path(`bin/${tool}`));
  }
  for (const [name, body] of Object.entries(FAKES)) program(name, body);
  env = { PATH: path('bin'), STATE: path('state'), TMPDIR: path('tmp') };
  state('log', '');
  state('node-version', 'v20.19.0');
  state('uid', '0');
  state('system', 'Linux');
  state('dependencies', '');
  state('apt/sources.list', 'deb http://mirror.test/debian bookworm main');
  state('apt/parts/own.sources', 'Types: deb');
  state('apt/lists/mirror.test_dists_bookworm_InRelease', 'index');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('setup.sh: Node and dependencies', () => {
  it.each(['v18.20.4', 'v20.18.3'])('refuses Node %s in one sentence', (version) => {
    state('node-version', version);
    const { status, output } = setup();
    expect(status).toBe(1);
    expect(output.trim()).toBe(
      `setup: weft needs Node 20.19 or newer with npm, and this is Node ${version}: install a newer Node, then run this again.`,
    );
  });

  it.each(['v20.19.0', 'v22.1.0', 'v100.0.0'])('accepts Node %s', (version) => {
    state('node-version', version);
    state('driver', '');
    expect(setup().status).toBe(0);
  });

  it('says what is missing without Node', () => {
    rmSync(path('bin/node'));
    expect(setup()).toMatchObject({ status: 1, output: expect.stringContaining('there is no node in PATH') });
  });

  it('runs npm ci once, with the development tools and no install scripts', () => {
    rmSync(path('state/dependencies'));
    state('driver', '');
    expect(setup().status).toBe(0);
    expect(setup().status).toBe(0);
    expect(calls('npm')).toHaveLength(1);
    expect(calls('npm')[0]).toMatch(/^npm ci --include=dev --ignore-scripts /);
  });

  it('stops with a remedy when npm ci fails', () => {
    rmSync(path('state/dependencies'));
    program('npm', 'exit 1');
    expect(setup()).toMatchObject({ status: 1, output: expect.stringContaining('npm ci failed') });
  });
});

describe('setup.sh: the driver', () => {
  it('takes it from backports on Debian 12, and leaves the sources and indexes as they were', () => {
    debian12();
    const before = readdirSync(path('state/apt'), { recursive: true }).sort();
    const { status, output } = setup();
    expect(output).toContain('installing mesa-vulkan-drivers 25.0.7-2~bpo12+1 from bookworm-backports');
    expect(output).toContain('setup: ready on llvmpipe [test]');
    expect(status).toBe(0);
    expect(installs()).toHaveLength(1);
    expect(installs()[0]).toContain('APT::Default-Release=bookworm-backports');

    expect(readdirSync(path('state/seen')).sort()).toEqual(['own.sources', 'weft-backports.list']);
    expect(readFileSync(path('state/seen/weft-backports.list'), 'utf8')).toMatch(
      /^deb (\[signed-by=\S+\] )?http:\/\/mirror\.test\/debian bookworm-backports main\n$/,
    );
    expect(readdirSync(path('state/apt'), { recursive: true }).sort()).toEqual(before);
    expect(readdirSync(path('tmp'))).toEqual([]);
  });

  it('adds no list where the machine has backports already', () => {
    debian12();
    state(
      'targets',
      `${readFileSync(path('state/targets'), 'utf8')}Debian bookworm-backports http://mirror.test/debian`,
    );
    expect(setup().status).toBe(0);
    expect(readdirSync(path('state/seen'))).toEqual(['own.sources']);
    expect(installs()[0]).toContain('APT::Default-Release=bookworm-backports');
  });

  it('repeats nothing in a second run', () => {
    debian12();
    setup();
    state('log', '');
    expect(setup().status).toBe(0);
    expect(readFileSync(path('state/log'), 'utf8').trim().split('\n')).toEqual([
      'node --version',
      'node scripts/dependencies-check.mjs',
      'node scripts/adapter-check.mjs',
    ]);
  });

  it("takes the release's own on Ubuntu 24.04", () => {
    ubuntu('24.0.5-1ubuntu1');
    expect(setup().status).toBe(0);
    expect(installs()).toHaveLength(1);
    expect(installs()[0]).not.toContain('-o Dir::');
    expect(readdirSync(path('state/seen'))).toEqual([]);
  });

  it.each([
    ['23.2.1-1ubuntu3', 'Dawn needs 24.0 or newer: use a newer release'],
    ['(none)', 'apt knows no package mesa-vulkan-drivers'],
  ])('installs nothing on an Ubuntu whose candidate is %s', (candidate, sentence) => {
    ubuntu(candidate);
    expect(setup()).toMatchObject({ status: 1, output: expect.stringContaining(sentence) });
    expect(installs()).toEqual([]);
  });

  it('installs nothing when the backports are too old as well', () => {
    debian12();
    state('backport', '22.3.6-1+deb12u2');
    expect(setup()).toMatchObject({ status: 1, output: expect.stringContaining('bookworm-backports at') });
    expect(installs()).toEqual([]);
    expect(readdirSync(path('tmp'))).toEqual([]);
  });

  it('names the variable that hides the new driver', () => {
    ubuntu('24.0.5-1ubuntu1');
    program('apt-get', ':');
    const { status, output } = setup({ VK_DRIVER_FILES: '/nonexistent' });
    expect(status).toBe(1);
    expect(output).toContain('VK_DRIVER_FILES=/nonexistent limits the Vulkan loader to that driver: unset it.');
  });

  it('uses sudo without a password prompt when nobody is at the terminal', () => {
    debian12();
    state('uid', '1000');
    expect(setup().status).toBe(0);
    expect(calls('sudo')).toEqual(['sudo -n true', 'sudo -n sh scripts/lavapipe.sh']);
  });

  it('says how to install it by hand without root or sudo', () => {
    debian12();
    state('uid', '1000');
    rmSync(path('bin/sudo'));
    expect(setup()).toMatchObject({
      status: 1,
      output: expect.stringContaining('run "sh scripts/lavapipe.sh" as root'),
    });
    expect(calls('apt-get')).toEqual([]);
  });

  it('never installs with WEFT_SETUP=no', () => {
    debian12();
    expect(setup({ WEFT_SETUP: 'no' })).toMatchObject({ status: 1, output: expect.stringContaining('nothing was') });
    expect(calls('apt-get')).toEqual([]);
  });

  it.each([
    ['Linux', 'dnf', "Mesa's lavapipe (sudo dnf install mesa-vulkan-drivers)"],
    ['Linux', 'pacman', "Mesa's lavapipe (sudo pacman -S vulkan-swrast)"],
    ['Linux', 'nothing', "Mesa's lavapipe (version 24.0 or newer)"],
    ['Darwin', 'nothing', 'Dawn needs a GPU with Metal'],
    ['MINGW64_NT-10.0', 'nothing', 'Direct3D 12'],
  ])('gives one sentence on %s with %s', (system, manager, sentence) => {
    state('system', system);
    rmSync(path('bin/apt-get'));
    program(manager, ':');
    const { status, output } = setup();
    expect(status).toBe(1);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(output).toContain(sentence);
    expect(calls(manager)).toEqual([]);
  });
});

const terminal = process.platform === 'linux' && existsSync('/usr/bin/script');
if (!terminal)
  console.warn('setup.test: NOT RUN, the questions at a terminal: they need /usr/bin/script of util-linux.');

describe.runIf(terminal)('setup.sh: a person at the terminal', () => {
  const question = 'install it with apt now? [Y/n]';

  it.each(['y\n', '\n', 'Yes\n'])('is asked, and %j installs', (answer) => {
    debian12();
    const { status, output } = setupAtTerminal(answer);
    expect(output).toContain(question);
    expect(installs()).toHaveLength(1);
    expect(status).toBe(0);
  });

  it.each(['n\n', 'what\n', ''])('is asked, and %j installs nothing', (answer) => {
    debian12();
    const { status, output } = setupAtTerminal(answer);
    expect(output).toContain(question);
    expect(output).toContain('nothing was installed');
    expect(calls('apt-get')).toEqual([]);
    expect(status).toBe(1);
  });

  it.each<Record<string, string>>([{ CI: 'true' }, { CI: '1' }, { WEFT_SETUP: 'yes' }])(
    'is not asked with %o',
    (extra) => {
      debian12();
      const { status, output } = setupAtTerminal('', extra);
      expect(output).not.toContain(question);
      expect(installs()).toHaveLength(1);
      expect(status).toBe(0);
    },
  );

  it('is asked with CI=false', () => {
    debian12();
    expect(setupAtTerminal('n\n', { CI: 'false' }).output).toContain(question);
  });

  it('is not asked when an adapter is there', () => {
    debian12();
    state('driver', '');
    expect(setupAtTerminal('').output).not.toContain(question);
  });
});
