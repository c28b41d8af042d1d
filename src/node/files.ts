// Files: random access for readers, whole reads that unpack gzip, and writes that leave the old file or the new one, never half.
import { randomBytes } from 'node:crypto';
import { close, fstat, open, read, type Stats } from 'node:fs';
import { mkdir, open as openHandle, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DataError, FormatError, WeftError } from '../errors.ts';
import type { ByteSource } from '../io/safetensors.ts';

/** Text as UTF-8, bytes, or bytes in pieces. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A file open for reading; `close` is there for those who want it closed now, else it closes when it is garbage. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

export interface ReadBytesOptions {
  /** Largest number of bytes to unpack a `.gz` to, default 2^31: a damaged or hostile file is refused there. */
  maxBytes?: number;
}

const MAX_READ_BYTES = 2 ** 30;
const MAX_UNPACKED_BYTES = 2 ** 31;
/** A temporary file nobody has written to for so long was left by a process that was killed. */
const STALE_MS = 3_600_000;

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile: (descriptor: number) => Promise<Stats> = promisify(fstat);
const readFrom = promisify(read);
const unpack = promisify(gunzip);

/** Closes the files of sources that nobody holds any more; a FileHandle left to the collector warns, and later Nodes throw. */
const abandoned = new FinalizationRegistry<number>((descriptor) => close(descriptor, () => {}));

/**
 * Opens a file for `openSafetensors`. It stays the file it was, also after `writeAtomic` put another in its place, and
 * closes itself when the source is garbage. Throws FormatError, naming the path, where there is no file to open.
 */
export async function fileSource(path: string): Promise<FileSource> {
  let descriptor: number | undefined;
  try {
    descriptor = await openFile(path, 'r');
    const stats = await statFile(descriptor);
    if (!stats.isFile())
      throw new FormatError(path, `must be a file, got a ${stats.isDirectory() ? 'folder' : 'device'}`);
    return new DescriptorSource(path, stats.size, descriptor);
  } catch (error) {
    if (descriptor !== undefined) await closeFile(descriptor);
    throw error instanceof WeftError ? error : new FormatError(path, `cannot be opened: ${reasonOf(error)}`);
  }
}

class DescriptorSource implements FileSource {
  readonly name: string;
  readonly size: number;
  private readonly descriptor: number;
  private isOpen = true;

  constructor(name: string, size: number, descriptor: number) {
    this.name = name;
    this.size = size;
    this.descriptor = descriptor;
    abandoned.register(this, descriptor, this);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      // Asked at every turn, which also keeps this object, and so the file, alive while a read is under way.
      if (!this.isOpen) throw new FormatError(this.name, 'cannot be read: the file was closed');
      const wanted = Math.min(length - at, MAX_READ_BYTES);
      const { bytesRead } = await readFrom(this.descriptor, bytes, at, wanted, offset + at);
      if (bytesRead === 0) {
        const found = `${length} bytes must be readable at ${offset}, got ${at}`;
        throw new FormatError(this.name, `${found}; the file was cut short`);
      }
      at += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    abandoned.unregister(this);
    await closeFile(this.descriptor);
  }
}

/** All bytes of a file, unpacked if its name ends in `.gz`. Throws DataError, naming the path, where it cannot. */
export async function readBytes(path: string, options: ReadBytesOptions = {}): Promise<Uint8Array> {
  const { maxBytes = MAX_UNPACKED_BYTES } = options;
  let raw: Uint8Array;
  try {
    raw = await readFile(path);
  } catch (error) {
    throw new DataError(path, undefined, `cannot be read: ${reasonOf(error)}.`);
  }
  if (!path.endsWith('.gz')) return raw;
  try {
    return await unpack(raw, { maxOutputLength: maxBytes });
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const reason = tooLarge ? `it unpacks to more than maxBytes = ${maxBytes}` : reasonOf(error);
    throw new DataError(path, undefined, `cannot be unpacked as gzip: ${reason}.`);
  }
}

/**
 * Writes a file, making its folder, so that at every moment `path` is the whole old file or the whole new one, also after a
 * crash: sibling temporary file, fsync, rename, fsync of the folder. Throws WeftError, naming the path; the old file is then
 * untouched and the temporary one removed.
 */
export async function writeAtomic(path: string, content: FileContent): Promise<void> {
  // A link stays a link: what it points at is replaced.
  const target = await realpath(path).catch(() => path);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    await removeStale(target);
    const mode = await stat(target).then(
      (stats) => stats.mode & 0o7777,
      () => undefined,
    );
    await writeDurably(temporary, content, mode);
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (error) {
    // What went wrong first is what is told.
    await rm(temporary, { force: true }).catch(() => {});
    if (error instanceof WeftError) throw error;
    throw Object.assign(new WeftError(`${path}: cannot be written: ${reasonOf(error)}.`), { cause: error });
  }
}

async function writeDurably(path: string, content: FileContent, mode: number | undefined): Promise<void> {
  const handle = await openHandle(path, 'wx');
  try {
    await writeFile(handle, content);
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the rename itself outlast a power cut; some systems and file systems do not know the operation. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await openHandle(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

async function removeStale(target: string): Promise<void> {
  const folder = dirname(target);
  const start = `.${basename(target)}.`;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(start) || !/^[0-9a-f]{12}\.tmp$/.test(name.slice(start.length))) continue;
    const file = join(folder, name);
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE_MS) await rm(file, { force: true });
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is not a folder',
};

/** Why the system refused, in words where they are known. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS[code] ? `${REASONS[code]} (${code})` : message;
}
