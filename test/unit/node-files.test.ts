// Files: what was saved is what is read, refusals name the path, and a kill at any moment leaves a whole file.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { TensorToWrite } from '../../src/io/safetensors.ts';
import { fileSource, readBytes, writeAtomic } from '../../src/node/files.ts';
import { loadSafetensors, openSafetensorsFile, saveSafetensors } from '../../src/node/model-files.ts';

let folder = '';
beforeAll(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'weft-files-'));
});
afterAll(() => fs.rm(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const text = async (path: string) => fs.readFile(path, 'utf8');
const messageOf = (promise: Promise<unknown>) =>
  promise.then(String, (error: Error) => `${error.name}: ${error.message}`);
const temporaries = async (of: string) => (await fs.readdir(of)).filter((name) => name.endsWith('.tmp'));
const filled = (value: number, count = 1000): TensorToWrite => ({
  name: 'weight',
  dtype: 'F32',
  shape: [count],
  data: new Float32Array(count).fill(value),
});

describe('reading', () => {
  test('fileSource gives exact ranges and stays the file it was opened as', async () => {
    const path = join(folder, 'old-and-new');
    await writeAtomic(path, 'the old content');
    const source = await fileSource(path);
    await writeAtomic(path, 'and the new');
    expect(source.size).toBe(15);
    expect(Buffer.from(await source.read(4, 3)).toString()).toBe('old');
    expect(await messageOf(source.read(10, 9))).toBe(
      `FormatError: ${path}: 9 bytes must be readable at 10, got 5; the file was cut short`,
    );
    await source.close();
    await source.close();
    expect(await messageOf(source.read(0, 1))).toBe(`FormatError: ${path}: cannot be read: the file was closed`);
  });

  test('fileSource refuses what is no file', async () => {
    const missing = join(folder, 'missing.safetensors');
    expect(await messageOf(fileSource(missing))).toBe(
      `FormatError: ${missing}: cannot be opened: there is no such file (ENOENT)`,
    );
    expect(await messageOf(fileSource(folder))).toBe(`FormatError: ${folder}: must be a file, got a folder`);
  });

  test('readBytes unpacks .gz and nothing else', async () => {
    const packed = gzipSync('слово');
    await writeAtomic(join(folder, 'a.txt.gz'), packed);
    await writeAtomic(join(folder, 'a.bin'), packed);
    expect(Buffer.from(await readBytes(join(folder, 'a.txt.gz'))).toString()).toBe('слово');
    expect(Buffer.from(await readBytes(join(folder, 'a.bin')))).toEqual(packed);
  });

  test('readBytes refuses a missing file, broken gzip and a bomb', async () => {
    const path = join(folder, 'b.gz');
    expect(await messageOf(readBytes(path))).toBe(
      `DataError: ${path}: cannot be read: there is no such file (ENOENT).`,
    );
    await writeAtomic(path, 'not gzip');
    expect(await messageOf(readBytes(path))).toBe(
      `DataError: ${path}: cannot be unpacked as gzip: incorrect header check.`,
    );
    await writeAtomic(path, gzipSync(new Uint8Array(1 << 20)));
    expect(await messageOf(readBytes(path, { maxBytes: 1000 }))).toBe(
      `DataError: ${path}: cannot be unpacked as gzip: it unpacks to more than maxBytes = 1000.`,
    );
  });
});

describe('writeAtomic', () => {
  test('takes text, bytes and pieces, makes the folder, keeps links and modes', async () => {
    const path = join(folder, 'deep/er/file');
    const link = join(folder, 'link');
    await writeAtomic(path, 'текст');
    expect(await text(path)).toBe('текст');
    await fs.chmod(path, 0o640);
    await fs.symlink(path, link);
    await writeAtomic(link, [Buffer.from('in '), Buffer.from('pieces')]);
    expect(await text(path)).toBe('in pieces');
    expect((await fs.lstat(link)).isSymbolicLink()).toBe(true);
    expect((await fs.stat(path)).mode & 0o777).toBe(0o640);
    await writeAtomic(
      path,
      (async function* () {
        yield new Uint8Array([104, 105]);
      })(),
    );
    expect(await text(path)).toBe('hi');
  });

  test('syncs the file before it takes the name, and the folder after', async () => {
    const path = join(folder, 'ordered/file');
    await writeAtomic(path, 'old');
    const seen: string[] = [];
    const handle = await fs.open(path);
    const prototype = Object.getPrototypeOf(handle) as fs.FileHandle;
    await handle.close();
    const sync = prototype.sync;
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: fs.FileHandle) {
      const kind = (await this.stat()).isDirectory() ? 'folder' : `file of ${(await this.stat()).size}`;
      seen.push(`${kind} while ${await text(path)}`);
      return sync.call(this);
    });
    await writeAtomic(path, 'newer');
    expect(seen).toEqual(['file of 5 while old', 'folder while newer']);
  });

  test('leaves the old file and no other where the content fails', async () => {
    const path = join(folder, 'kept/file');
    await writeAtomic(path, 'old');
    const failing = (function* () {
      yield Buffer.from('half');
      throw new Error('no more');
    })();
    expect(await messageOf(writeAtomic(path, failing))).toBe(`WeftError: ${path}: cannot be written: no more.`);
    expect(await text(path)).toBe('old');
    expect(await fs.readdir(join(folder, 'kept'))).toEqual(['file']);
  });

  test('refuses a path it cannot make', async () => {
    await writeAtomic(join(folder, 'plain'), '');
    const path = join(folder, 'plain/file');
    expect(await messageOf(writeAtomic(path, ''))).toMatch(/plain\/file: cannot be written: .*(ENOTDIR|EEXIST)/);
  });

  test('sweeps temporary files of killed writers once they are an hour old, and only its own', async () => {
    const inside = join(folder, 'swept');
    await writeAtomic(join(inside, 'model'), '');
    const old = new Date(Date.now() - 3_700_000);
    const files = ['.model.0123456789ab.tmp', '.model.ba9876543210.tmp', '.other.0123456789ab.tmp', '.model.notes.tmp'];
    for (const name of files) {
      await fs.writeFile(join(inside, name), '');
      if (name !== files[1]) await fs.utimes(join(inside, name), old, old);
    }
    await writeAtomic(join(inside, 'model'), '');
    expect((await temporaries(inside)).sort()).toEqual(files.slice(1).sort());
  });
});

describe('safetensors', () => {
  test('round trip, whole and tensor by tensor', async () => {
    const path = join(folder, 'model.safetensors');
    const ids: TensorToWrite = { name: 'ids', dtype: 'I64', shape: [2], data: new BigInt64Array([-1n, 5n]) };
    await saveSafetensors(path, [filled(0.5), ids], { step: '7' });
    const { tensors, metadata } = await loadSafetensors(path);
    expect(metadata.step).toBe('7');
    expect(tensors.get('ids')).toEqual(ids);
    expect(tensors.get('weight')).toEqual(filled(0.5));
    expect(await (await openSafetensorsFile(path)).readFloat32('weight')).toEqual(filled(0.5).data);
    const before = await fs.readFile(path);
    await saveSafetensors(path, tensors.values(), { step: metadata.step! });
    expect(await fs.readFile(path)).toEqual(before);
  });

  test('a file damaged after it was saved is refused, one that cannot be saved leaves the old', async () => {
    const path = join(folder, 'damaged.safetensors');
    await saveSafetensors(path, [filled(1)]);
    const wrong = { ...filled(2), shape: [3] };
    expect(await messageOf(saveSafetensors(path, [wrong]))).toContain(
      'must be 3 elements long for shape [3], got 1000',
    );
    const bytes = await fs.readFile(path);
    expect((await loadSafetensors(path)).tensors.get('weight')!.data[0]).toBe(1);
    bytes[bytes.length - 1]! ^= 1;
    await fs.writeFile(path, bytes);
    expect(await messageOf(loadSafetensors(path))).toContain(`FormatError: ${path}: the content must hash to`);
    expect(await messageOf(openSafetensorsFile(path))).toContain('header or data is damaged');
  });

  test('loads a file with a tensor of a dtype that weft does not read, and saves it again with its bytes', async () => {
    const path = join(folder, 'foreign.safetensors');
    const positions = { name: 'pos', dtype: 'I16', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
    await saveSafetensors(path, [filled(0.5), positions]);
    const { tensors } = await loadSafetensors(path);
    expect(tensors.get('pos')).toEqual(positions);
    expect(tensors.get('weight')).toEqual(filled(0.5));
    await saveSafetensors(`${path}.2`, tensors.values());
    expect(await fs.readFile(`${path}.2`)).toEqual(await fs.readFile(path));
    const file = await openSafetensorsFile(path);
    expect(await messageOf(file.read('pos'))).toContain(`FormatError: ${path}: tensor "pos" must be F64, I64`);
  });
});

/** Saves versions 1, 2, … of one file until it is killed; says when the first one stands. */
const SAVER = `
import { saveSafetensors } from ${JSON.stringify(fileURLToPath(new URL('../../src/node/model-files.ts', import.meta.url)))};
const data = new Float32Array(1 << 18);
for (let version = Number(process.argv[3]); ; version++) {
  await saveSafetensors(process.argv[2], [{ name: 'weight', dtype: 'F32', shape: [1 << 18], data: data.fill(version) }], { version: String(version) });
  if (version === Number(process.argv[3])) console.log('saving');
}`;

describe('kill -9 while saving', () => {
  const KILLS = 30;

  test(`the file is whole after each of ${KILLS} kills`, { timeout: 60_000 }, async () => {
    const script = join(folder, 'saver.mjs');
    const stdin = { contents: SAVER, resolveDir: folder, loader: 'ts' as const };
    await build({ stdin, outfile: script, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
    const inside = join(folder, 'killed');
    const path = join(inside, 'model.safetensors');
    let version = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [script, path, String(version)], { stdio: ['ignore', 'pipe', 'inherit'] });
      await killed(child, Math.random() * 40);
      const { tensors, metadata } = await loadSafetensors(path);
      const found = Number(metadata.version);
      expect(found).toBeGreaterThanOrEqual(version);
      expect((tensors.get('weight')!.data as Float32Array).every((value) => value === found)).toBe(true);
      version = found + 1;
    }
    // A kill inside a write leaves its temporary file behind: were there none, the kills would have proved nothing.
    expect((await temporaries(inside)).length).toBeGreaterThan(0);
    expect(existsSync(path)).toBe(true);
  });

  async function killed(child: ChildProcess, afterMs: number): Promise<void> {
    const started = await Promise.race([once(child.stdout!, 'data'), once(child, 'exit').then(() => undefined)]);
    if (!started) throw new Error('the saver ended before its first save; what it said stands above.');
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
