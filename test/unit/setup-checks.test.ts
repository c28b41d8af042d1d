// The two checks that scripts/setup.sh makes on every run, each in a folder of its own: dependencies against the lock
// file, and the adapter with a stand-in for Dawn, so that neither needs a network or a GPU.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));

let root: string;
const path = (name: string) => join(root, name);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'weft-setup-checks-'));
  cpSync(SCRIPTS, path('scripts'), { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('dependencies-check.mjs', () => {
  const entry = { version: '1.0.0', integrity: 'sha512-a' };

  function check(wanted: object, installed: object | undefined, folders: string[]) {
    writeFileSync(path('package-lock.json'), JSON.stringify({ packages: { '': { name: 'weftgrad' }, ...wanted } }));
    mkdirSync(path('node_modules'), { recursive: true });
    if (installed) writeFileSync(path('node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
    for (const folder of folders) mkdirSync(path(folder), { recursive: true });
    return spawnSync(process.execPath, [path('scripts/dependencies-check.mjs')]).status;
  }

  it('is content with what is locked, whatever the times of the files', () => {
    expect(check({ 'node_modules/a': entry }, { 'node_modules/a': entry }, ['node_modules/a'])).toBe(0);
    utimesSync(path('node_modules/.package-lock.json'), 0, 0);
    expect(spawnSync(process.execPath, [path('scripts/dependencies-check.mjs')]).status).toBe(0);
  });

  it('does without an optional package of another platform', () => {
    const wanted = { 'node_modules/a': entry, 'node_modules/b': { ...entry, optional: true } };
    expect(check(wanted, { 'node_modules/a': entry }, ['node_modules/a'])).toBe(0);
  });

  it.each([
    ['nothing is installed', undefined, []],
    ['a package is absent', {}, ['node_modules/a']],
    ['a version differs', { 'node_modules/a': { ...entry, version: '0.9.0' } }, ['node_modules/a']],
    ['a content differs', { 'node_modules/a': { ...entry, integrity: 'sha512-b' } }, ['node_modules/a']],
    ['a folder was deleted', { 'node_modules/a': entry }, []],
  ])('asks for npm ci when %s', (_, installed, folders) => {
    expect(check({ 'node_modules/a': entry }, installed, folders)).toBe(1);
  });
});

describe('adapter-check.mjs', () => {
  const noise = 'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit x.';

  /** Runs the check with a stand-in for Dawn whose `requestAdapter` is `body`. */
  function check(body: string) {
    const folder = path('node_modules/webgpu');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "name": "webgpu", "type": "module", "exports": "./index.js" }');
    const code = `export const create = () => ({ async requestAdapter(options) { console.error('${noise}'); ${body} } });`;
    writeFileSync(join(folder, 'index.js'), code);
    const run = spawnSync(process.execPath, [path('scripts/adapter-check.mjs')], {
      encoding: 'utf8',
    });
    return { status: run.status, out: run.stdout.trim(), err: run.stderr.trim() };
  }

  it("prints the adapter's name and none of Dawn's notes", () => {
    const info = "{ vendor: 'mesa', architecture: 'software', device: 'd', description: 'llvmpipe: Mesa 25' }";
    expect(check(`return { info: ${info} };`)).toEqual({
      status: 0,
      out: 'llvmpipe: Mesa 25 [mesa software]',
      err: '',
    });
  });

  it('takes a card that has OpenGL ES alone, and no software by it', () => {
    const only = (device: string) =>
      check(
        `return options ? { info: { vendor: 'intel', architecture: 'gen-9', device: '${device}', description: 'OpenGL version 3.2' } } : null;`,
      );
    expect(only('mesa-intel-r-hd-graphics')).toMatchObject({ status: 0, out: 'OpenGL version 3.2 [intel gen-9]' });
    expect(only('llvmpipe-llvm-15')).toMatchObject({ status: 3, out: '' });
  });

  it("exits 3 with Dawn's reason without an adapter", () => {
    expect(check(`console.error('Warning: vkCreateInstance: Found no drivers!'); return null;`)).toEqual({
      status: 3,
      out: '',
      err: 'Dawn finds no GPU adapter (vkCreateInstance: Found no drivers!)',
    });
  });

  it('exits 1 when the driver crashes', () => {
    const { status, err } = check(
      `process.kill(process.pid, 'SIGSEGV'); await new Promise((r) => setTimeout(r, 9000));`,
    );
    expect(err).toContain('Dawn ended with SIGSEGV');
    expect(status).toBe(1);
  });

  it('exits 1 when Dawn cannot load', () => {
    const { status, err } = check(`throw new Error('version GLIBC_2.34 not found');`);
    expect(err).toContain('Dawn cannot run here (Error: version GLIBC_2.34 not found)');
    expect(err).toContain('glibc 2.34');
    expect(status).toBe(1);
  });
});
