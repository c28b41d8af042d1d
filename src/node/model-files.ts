// Safetensors files on disk: saved atomically, hashed natively, read whole or tensor by tensor.
import { createHash } from 'node:crypto';
import {
  type ContentHasher,
  isReadable,
  type OpenOptions,
  openSafetensors,
  type SafetensorsFile,
  streamSafetensors,
  type TensorToWrite,
} from '../io/safetensors.ts';
import { fileSource, writeAtomic } from './files.ts';

/** All of a safetensors file: its tensors by name, ready to be saved again (bytes where weft does not read the dtype), and its metadata. */
export interface LoadedSafetensors {
  readonly tensors: ReadonlyMap<string, TensorToWrite>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes `tensors` and `metadata` to `path` as `writeAtomic` does. Throws ArgumentError on what the format cannot hold. */
export async function saveSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeAtomic(path, streamSafetensors(tensors, metadata, { createHasher: nativeSha256 }));
}

/** Opens `path` to read tensor by tensor; checks header and hash. Throws FormatError on any breach of the format. */
export async function openSafetensorsFile(path: string, options: OpenOptions = {}): Promise<SafetensorsFile> {
  const source = await fileSource(path);
  try {
    return await openSafetensors(source, { createHasher: nativeSha256, ...options });
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Reads all of `path`; throws FormatError, naming the file and the tensor at fault, on any breach of the format. */
export async function loadSafetensors(path: string, options: OpenOptions = {}): Promise<LoadedSafetensors> {
  const source = await fileSource(path);
  try {
    const file = await openSafetensors(source, { createHasher: nativeSha256, ...options });
    const tensors = new Map<string, TensorToWrite>();
    for (const [name, { dtype, shape }] of file.tensors) {
      const data = isReadable(dtype) ? await file.read(name) : await file.readBytes(name);
      tensors.set(name, { name, dtype, shape, data });
    }
    return { tensors, metadata: file.metadata };
  } finally {
    await source.close();
  }
}

/** The SHA-256 of node:crypto, several times faster than the portable one. */
export function nativeSha256(): ContentHasher {
  const hash = createHash('sha256');
  return { update: (bytes) => hash.update(bytes), hex: () => hash.digest('hex') };
}
