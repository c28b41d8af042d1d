// Writer of safetensors files: bytes out, whole or chunk by chunk, with a hash of the content in the metadata.
import { refuse } from '../check.ts';
import {
  type AnyDtype,
  bitsOf,
  DTYPE_ARRAY,
  DTYPE_BYTES,
  elementCount,
  isReadable,
  MAX_HEADER_BYTES,
  MAX_RANK,
  type SafetensorsArray,
  shorten,
} from './safetensors-header.ts';
import { type ContentHasher, Sha256 } from './sha256.ts';

const OP = 'serializeSafetensors';
/** Metadata key of the file's SHA-256, 64 lower-case hexadecimal digits: of all its bytes, these digits being zeros. */
export const HASH_KEY = 'weft.sha256';

/** Metadata key that says what is hashed: `file`, all of it. Files of older versions lack it; theirs is the data section's. */
export const HASHED_KEY = 'weft.sha256.of';

/**
 * A tensor to write; `data` has the array type of its dtype (F16 and BF16: bits in a Uint16Array, BOOL: 0 or 1). Of a dtype that
 * weft does not read it is the bytes, as `SafetensorsFile.readBytes` gives them.
 */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: AnyDtype;
  readonly shape: readonly number[];
  readonly data: SafetensorsArray;
}

export interface WriteOptions {
  /** Makes the SHA-256; default is weft's own, a native one (node:crypto) is several times faster. */
  createHasher?: () => ContentHasher;
}

/**
 * The bytes of a safetensors file of `tensors`, with `weft.sha256` added to `metadata`. Wider dtypes come first, so that
 * every tensor is aligned; within a width the given order is kept. Throws ArgumentError on what the format cannot hold.
 */
export function serializeSafetensors(
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
  options: WriteOptions = {},
): Uint8Array<ArrayBuffer> {
  const chunks = [...streamSafetensors(tensors, metadata, options)];
  const file = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    file.set(chunk, at);
    at += chunk.length;
  }
  return file;
}

/** As `serializeSafetensors`, in chunks: the header, then each tensor's bytes as a view of its `data`, without a copy. */
export function* streamSafetensors(
  tensors: Iterable<TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
  options: WriteOptions = {},
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  const sorted = [...tensors].sort((a, b) => (bitsOf(b.dtype) ?? 0) - (bitsOf(a.dtype) ?? 0));
  const names = new Set<string>();
  for (const tensor of sorted) {
    checkTensor(tensor);
    if (names.has(tensor.name)) refuse(OP, 'names', 'unique', `"${shorten(tensor.name)}" twice`);
    names.add(tensor.name);
  }
  checkMetadata(metadata);
  const { header, digits } = encodeHeader(sorted, { ...metadata, [HASHED_KEY]: 'file', [HASH_KEY]: ZERO_HASH });
  const hasher = options.createHasher?.() ?? new Sha256();
  hasher.update(header);
  for (const { data } of sorted) hasher.update(bytesOf(data));
  header.set(new TextEncoder().encode(hasher.hex()), digits);
  yield header;
  for (const { data } of sorted) yield bytesOf(data);
}

const ZERO_HASH = '0'.repeat(64);

/** Length and JSON, padded with spaces so that the data starts at a multiple of 8, and where in them the hash's digits go. */
function encodeHeader(
  tensors: readonly TensorToWrite[],
  metadata: Record<string, string>,
): { header: Uint8Array<ArrayBuffer>; digits: number } {
  let offset = 0;
  // Built by hand: an object would move names that look like integers to the front.
  const members = [`"__metadata__":${JSON.stringify(metadata)}`];
  for (const { name, dtype, shape, data } of tensors) {
    const end = offset + data.byteLength;
    members.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${offset},${end}]}`);
    offset = end;
  }
  const text = `{${members.join(',')}}`;
  const json = new TextEncoder().encode(text);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    refuse(OP, 'tensors', `describable in a header of at most ${MAX_HEADER_BYTES} bytes`, `a header of ${length}`);
  }
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  // Within a string of JSON these quotes would be escaped, so this is the key and no other text.
  const key = `"${HASH_KEY}":"`;
  const before = text.slice(0, text.indexOf(key) + key.length);
  return { header, digits: 8 + new TextEncoder().encode(before).length };
}

function checkTensor({ name, dtype, shape, data }: TensorToWrite): void {
  const bits = bitsOf(dtype);
  if (bits === undefined) refuse(OP, 'dtype', `one of ${Object.keys(DTYPE_BYTES).join(', ')}`, `"${dtype}"`);
  if (name === '__metadata__') refuse(OP, 'name', 'other than "__metadata__", which the format reserves', `"${name}"`);
  checkText('name', name);
  const argument = `data of "${shorten(name)}"`;
  const kind = isReadable(dtype) ? DTYPE_ARRAY[dtype] : Uint8Array;
  if (!(data instanceof kind)) refuse(OP, argument, `a ${kind.name} for ${dtype}`, `a ${data?.constructor?.name}`);
  const valid = shape.length <= MAX_RANK && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!valid) refuse(OP, `shape of "${shorten(name)}"`, `at most ${MAX_RANK} non-negative integers`, `[${shape}]`);
  const count = elementCount(shape);
  if (!isReadable(dtype)) {
    const bytes = ((count ?? Number.NaN) * bits) / 8;
    if (bytes !== data.length) refuse(OP, argument, `${bytes} bytes long for ${dtype} [${shape}]`, `${data.length}`);
  } else if (count !== data.length)
    refuse(OP, argument, `${count} elements long for shape [${shape}]`, `${data.length}`);
  if (dtype === 'BOOL' && (data as Uint8Array).some((byte) => byte > 1))
    refuse(OP, argument, 'all 0 or 1', 'other bytes');
}

function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(metadata)) {
    checkText('metadata key', key);
    checkText(`metadata value of "${shorten(key)}"`, value);
  }
}

function checkText(argument: string, text: string): void {
  if (typeof text !== 'string') refuse(OP, argument, 'a string', typeof text);
  if (text === '__proto__') refuse(OP, argument, 'other than "__proto__", which readers refuse', '"__proto__"');
  if (/\p{Surrogate}/u.test(text)) refuse(OP, argument, 'well-formed text', 'half a surrogate pair');
}

function bytesOf(data: SafetensorsArray): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
