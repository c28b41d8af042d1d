// Reader of safetensors files, tensor by tensor from any source of bytes; it trusts nothing the file says.
import { FormatError } from '../errors.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from './float16.ts';
import {
  DTYPE_ARRAY,
  DTYPE_BYTES,
  isReadable,
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsArray,
  type SafetensorsHeader,
  shorten,
  type TensorEntry,
} from './safetensors-header.ts';
import { HASH_KEY, HASHED_KEY } from './safetensors-writer.ts';
import { type ContentHasher, Sha256 } from './sha256.ts';

export {
  type AnyDtype,
  isReadable,
  type SafetensorsArray,
  type SafetensorsDtype,
  type TensorEntry,
} from './safetensors-header.ts';
export {
  HASH_KEY,
  HASHED_KEY,
  serializeSafetensors,
  streamSafetensors,
  type TensorToWrite,
  type WriteOptions,
} from './safetensors-writer.ts';
export type { ContentHasher } from './sha256.ts';

/** Random access to bytes: a file, a Blob, an HTTP range, memory. */
export interface ByteSource {
  /** Path or address, named in errors. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Exactly the `length` bytes from `offset`, the caller's to keep and change; rejects where they cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface OpenOptions {
  /** Compare the file with the `weft.sha256` of its metadata, where there is one; reads it once through. Default true. */
  verify?: boolean;
  /** Makes the SHA-256; default is weft's own, a native one (node:crypto) is several times faster. */
  createHasher?: () => ContentHasher;
}

const HASH_CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Opens a safetensors file: reads and checks its header, and its content hash where it has one; tensors are read later.
 * Throws FormatError, naming the file and the tensor at fault, on any breach of the format.
 */
export async function openSafetensors(source: ByteSource, options: OpenOptions = {}): Promise<SafetensorsFile> {
  const { name, size } = source;
  if (size < 8) throw new FormatError(name, `must start with the 8 bytes of its header's length, got ${size} bytes`);
  const prefix = await readExactly(source, 0, 8);
  // As BigInt: a double would round lengths over 2^53, and a 32-bit read would drop their upper half.
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new FormatError(
      name,
      `the header must have at most ${MAX_HEADER_BYTES} bytes, got ${length}; is it safetensors?`,
    );
  }
  const headerBytes = Number(length);
  if (headerBytes > size - 8) {
    throw new FormatError(name, `the header must fit the file, ${size - 8} bytes after its length, got ${headerBytes}`);
  }
  const text = decodeHeader(name, await readExactly(source, 8, headerBytes));
  const header = parseHeader(name, text, 8 + headerBytes, size - 8 - headerBytes);
  if (options.verify ?? true) await verifyContent(source, header, text, 8 + headerBytes, options.createHasher);
  return new SafetensorsFile(source, header);
}

/** Opens a safetensors file that lies in memory as `bytes`; `name` stands for the file in errors. */
export function parseSafetensors(bytes: Uint8Array, name: string, options?: OpenOptions): Promise<SafetensorsFile> {
  const read = async (offset: number, length: number) => bytes.slice(offset, offset + length);
  return openSafetensors({ name, size: bytes.length, read }, options);
}

/** An open safetensors file: what it declares, and its tensors on demand. */
export class SafetensorsFile {
  readonly name: string;
  /** Free text of the writer; an object without a prototype. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Tensors by name, in the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  private readonly source: ByteSource;

  constructor(source: ByteSource, header: SafetensorsHeader) {
    this.name = source.name;
    this.source = source;
    this.metadata = header.metadata;
    this.tensors = header.tensors;
  }

  /**
   * Reads one tensor, its elements as stored: F16 and BF16 as bits in a Uint16Array, BOOL as 0 or 1 in a Uint8Array. Throws
   * FormatError for a dtype that `isReadable` does not know.
   */
  async read(name: string): Promise<SafetensorsArray> {
    const { dtype, bytes } = this.entry(name);
    if (!isReadable(dtype)) {
      const known = Object.keys(DTYPE_BYTES).join(', ');
      const remedy = 'save it as one of these, or take its bytes with readBytes';
      throw new FormatError(this.name, `must be ${known} to be read, got ${dtype}; ${remedy}`, shorten(name));
    }
    const width = DTYPE_BYTES[dtype];
    const raw = aligned(await this.readBytes(name), width);
    // Typed arrays are little-endian, as is the format, on every platform that has WebGPU.
    const array = new DTYPE_ARRAY[dtype](raw.buffer, raw.byteOffset, bytes / width);
    if (dtype === 'BOOL') {
      const bad = (array as Uint8Array).findIndex((byte) => byte > 1);
      if (bad >= 0)
        throw new FormatError(this.name, `must hold 0 or 1 as BOOL, got ${array[bad]} at ${bad}`, shorten(name));
    }
    return array;
  }

  /** The bytes of one tensor as they are, of any dtype. */
  async readBytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { offset, bytes } = this.entry(name);
    return aligned(await readExactly(this.source, offset, bytes, name), 1);
  }

  /** Reads a float tensor as float32: F16 and BF16 exactly, F64 rounded. Throws FormatError for other dtypes. */
  async readFloat32(name: string): Promise<Float32Array<ArrayBuffer>> {
    const { dtype } = this.entry(name);
    if (!['F32', 'F16', 'BF16', 'F64'].includes(dtype)) {
      throw new FormatError(
        this.name,
        `must be F32, F16, BF16 or F64 to be read as float32, got ${dtype}`,
        shorten(name),
      );
    }
    const array = await this.read(name);
    if (array instanceof Uint16Array) return dtype === 'F16' ? float16ToFloat32(array) : bfloat16ToFloat32(array);
    return array instanceof Float32Array ? array : new Float32Array(array as Float64Array);
  }

  /** Reads an integer tensor as int32. Throws FormatError for float dtypes and for values that int32 cannot hold. */
  async readInt32(name: string): Promise<Int32Array<ArrayBuffer>> {
    const { dtype } = this.entry(name);
    if (!['I32', 'I64', 'U32', 'U8', 'BOOL'].includes(dtype)) {
      throw new FormatError(
        this.name,
        `must be I32, I64, U32, U8 or BOOL to be read as int32, got ${dtype}`,
        shorten(name),
      );
    }
    const array = await this.read(name);
    if (array instanceof Int32Array) return array;
    const out = new Int32Array(array.length);
    for (let i = 0; i < out.length; i++) {
      const value = array[i]!;
      if (value > 0x7fffffff || value < -0x80000000) {
        throw new FormatError(
          this.name,
          `must hold values of 32 bits to be read as int32, got ${value} at ${i}`,
          shorten(name),
        );
      }
      out[i] = Number(value);
    }
    return out;
  }

  private entry(name: string): TensorEntry {
    const entry = this.tensors.get(name);
    if (entry !== undefined) return entry;
    throw new FormatError(this.name, `is not among the ${this.tensors.size} tensors of the file`, shorten(name));
  }
}

function decodeHeader(name: string, bytes: Uint8Array): string {
  if (bytes[0] !== 0x7b) throw new FormatError(name, `the header must start with "{", got ${describeByte(bytes[0])}`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(name, 'the header must be UTF-8, got bytes that are not');
  }
}

async function verifyContent(
  source: ByteSource,
  header: SafetensorsHeader,
  text: string,
  dataStart: number,
  createHasher: (() => ContentHasher) | undefined,
): Promise<void> {
  const { name } = source;
  const { [HASH_KEY]: expected, [HASHED_KEY]: hashed } = header.metadata;
  if (expected === undefined && hashed === undefined) return;
  if (!/^[0-9a-f]{64}$/.test(expected ?? '')) {
    const found = expected === undefined ? 'none' : `"${shorten(expected)}"`;
    throw new FormatError(name, `the metadata key "${HASH_KEY}" must be 64 hexadecimal digits, got ${found}`);
  }
  if (hashed !== undefined && hashed !== 'file') {
    const remedy = 'the header is damaged, or a newer weft wrote it';
    throw new FormatError(name, `the metadata key "${HASHED_KEY}" must be "file", got "${shorten(hashed)}"; ${remedy}`);
  }
  const hasher = createHasher?.() ?? new Sha256();
  // Files of older versions have the hash of the data section alone.
  if (hashed) hasher.update(await zeroedHeader(source, text, expected!, dataStart));
  for (let at = dataStart; at < source.size; at += HASH_CHUNK_BYTES) {
    hasher.update(await readExactly(source, at, Math.min(HASH_CHUNK_BYTES, source.size - at)));
  }
  const actual = hasher.hex();
  if (actual === expected) return;
  const what = hashed ? 'header or data is' : 'the data is';
  throw new FormatError(
    name,
    `the content must hash to ${expected}, got ${actual}; ${what} damaged, fetch or save it again`,
  );
}

/** The bytes before the data, with zeros for the digits of the hash, which cannot be hashed themselves. */
async function zeroedHeader(source: ByteSource, text: string, digits: string, dataStart: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(await readExactly(source, 0, dataStart));
  const before = text.indexOf(digits);
  // Written with escapes, the digits are not found: nobody writes them so.
  if (before < 0)
    throw new FormatError(source.name, `the digits of "${HASH_KEY}" must stand in the header as they are`);
  const at = 8 + new TextEncoder().encode(text.slice(0, before)).length;
  return bytes.fill(0x30, at, at + digits.length);
}

async function readExactly(source: ByteSource, offset: number, length: number, tensor?: string): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0);
  const bytes = await source.read(offset, length);
  if (bytes.length === length) return bytes;
  const message = `${length} bytes must be readable at ${offset}, got ${bytes.length}; the file changed or was cut short`;
  throw new FormatError(source.name, message, tensor === undefined ? undefined : shorten(tensor));
}

/** `bytes` at a multiple of `width` in an unshared buffer, copied only where they are not. */
function aligned(bytes: Uint8Array, width: number): Uint8Array<ArrayBuffer> {
  const fits = bytes.byteOffset % width === 0 && bytes.buffer instanceof ArrayBuffer;
  return fits ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

function describeByte(byte: number | undefined): string {
  return byte === undefined ? 'an empty header' : `byte 0x${byte.toString(16).padStart(2, '0')}`;
}
