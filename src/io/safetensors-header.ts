// Strict reader of a safetensors header: scans its JSON itself, so that duplicate keys are seen, and checks the layout.
import { FormatError } from '../errors.ts';

/** Bytes of one element of each dtype whose elements weft reads and writes. */
export const DTYPE_BYTES = { F64: 8, I64: 8, F32: 4, I32: 4, U32: 4, F16: 2, BF16: 2, U8: 1, BOOL: 1 } as const;

export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** Bits of one element of the format's other dtypes: listed, their bytes handed on, their elements not read. */
const FOREIGN_BITS = {
  U64: 64,
  C64: 64,
  I16: 16,
  U16: 16,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
} as const;

/** A dtype as a header may name it: one that weft reads, another of the format's, or one that a later version of it has. */
export type AnyDtype = SafetensorsDtype | keyof typeof FOREIGN_BITS | (string & {});

/** Limit of the format on the header's length in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;

/** PyTorch's limit on dimensions; keeps a hostile shape from costing more memory than its text. */
export const MAX_RANK = 64;

/** Where a tensor lies: `offset` is its first byte in the file, `bytes` its length. */
export interface TensorEntry {
  /** `isReadable` tells whether weft reads its elements; of others there are only the bytes. */
  readonly dtype: AnyDtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly bytes: number;
}

/** Elements as read and written: F16 and BF16 are their bits in a Uint16Array, BOOL is 0 or 1 in a Uint8Array; else bytes. */
export type SafetensorsArray =
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** The typed array that holds each dtype. */
export const DTYPE_ARRAY = {
  F64: Float64Array,
  I64: BigInt64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

export interface SafetensorsHeader {
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, TensorEntry>;
}

/**
 * Reads the header `text` of a file whose data section starts at byte `dataStart` and is `dataBytes` long.
 * Throws FormatError on anything but a JSON object of well-formed tensors that fill the data section without hole or overlap.
 */
export function parseHeader(file: string, text: string, dataStart: number, dataBytes: number): SafetensorsHeader {
  const scan = new HeaderScanner(file, text);
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> | undefined;
  scan.object((key) => {
    if (key === '__metadata__') {
      if (metadata !== undefined) scan.fail('has the key "__metadata__" twice');
      metadata = readMetadata(scan);
    } else {
      if (tensors.has(key)) throw new FormatError(file, 'is declared twice in the header', shorten(key));
      tensors.set(key, readEntry(scan, key, dataStart));
    }
  });
  scan.end();
  checkContiguous(file, tensors, dataStart, dataBytes);
  return { metadata: metadata ?? Object.create(null), tensors };
}

/** Number of elements of `shape`, or undefined where the product (zeros left out) passes 2^53 - 1. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  let empty = false;
  for (const dimension of shape) {
    if (dimension === 0) empty = true;
    else count *= dimension;
    if (count > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return empty ? 0 : count;
}

/** Bounds what a hostile name may add to a message. */
export function shorten(name: string): string {
  return name.length > 200 ? `${name.slice(0, 200)}…` : name;
}

function readMetadata(scan: HeaderScanner): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  scan.object((key) => {
    if (key in metadata) scan.fail(`has the metadata key "${shorten(key)}" twice`);
    metadata[key] = scan.string(`the value of the metadata key "${shorten(key)}"`);
  });
  return metadata;
}

function readEntry(scan: HeaderScanner, name: string, dataStart: number): TensorEntry {
  const refuse = (message: string): never => {
    throw new FormatError(scan.file, message, shorten(name));
  };
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let range: number[] | undefined;
  scan.tensor = name;
  scan.object((field) => {
    if (field === 'dtype' && dtype === undefined) dtype = scan.string('dtype');
    else if (field === 'shape' && shape === undefined) shape = scan.integers('shape', MAX_RANK);
    else if (field === 'data_offsets' && range === undefined) range = scan.integers('data_offsets', 2);
    else if (['dtype', 'shape', 'data_offsets'].includes(field)) refuse(`has the field "${field}" twice`);
    else refuse(`has the unknown field "${shorten(field)}"; only dtype, shape and data_offsets are known`);
  });
  scan.tensor = undefined;
  if (dtype === undefined) return refuse('has no dtype');
  if (shape === undefined) return refuse('has no shape');
  if (range === undefined) return refuse('has no data_offsets');
  // A dtype that nobody knows yet must not close the file for the tensors beside it; what is no name of a dtype does.
  if (!/^[A-Z][A-Z0-9_]{0,31}$/.test(dtype)) {
    return refuse(`has dtype "${shorten(dtype)}"; weft reads ${Object.keys(DTYPE_BYTES).join(', ')}`);
  }
  const [begin, end] = range;
  if (begin === undefined || end === undefined) {
    return refuse(`must have two data_offsets [begin, end], got ${range.length}`);
  }
  if (begin > end) refuse(`has data_offsets [${begin}, ${end}] that end before they begin`);
  const bits = bitsOf(dtype);
  const bytes = bits === undefined ? end - begin : ((elementCount(shape) ?? Number.NaN) * bits) / 8;
  if (bytes > Number.MAX_SAFE_INTEGER || Number.isNaN(bytes)) {
    refuse(`has shape [${shape}], whose size in bytes passes 2^53 - 1`);
  }
  if (bytes !== end - begin) {
    refuse(`must have ${bytes} bytes for ${dtype} [${shape}], got ${end - begin} at data_offsets [${begin}, ${end}]`);
  }
  return { dtype, shape, offset: dataStart + begin, bytes };
}

/** True for a dtype whose elements weft reads and writes. */
export function isReadable(dtype: AnyDtype): dtype is SafetensorsDtype {
  return Object.hasOwn(DTYPE_BYTES, dtype);
}

/** Bits of one element, undefined for a dtype that is not the format's. */
export function bitsOf(dtype: AnyDtype): number | undefined {
  if (isReadable(dtype)) return 8 * DTYPE_BYTES[dtype];
  return Object.hasOwn(FOREIGN_BITS, dtype) ? FOREIGN_BITS[dtype as keyof typeof FOREIGN_BITS] : undefined;
}

function checkContiguous(
  file: string,
  tensors: ReadonlyMap<string, TensorEntry>,
  dataStart: number,
  dataBytes: number,
): void {
  // Empty tensors share their offset with the next one, hence the second key.
  const byOffset = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  let expected = 0;
  for (const [name, entry] of byOffset) {
    const begin = entry.offset - dataStart;
    if (begin !== expected) {
      const fault = begin > expected ? 'leaves a hole' : 'overlaps the tensor before it';
      throw new FormatError(file, `${fault}: it must begin at data byte ${expected}, got ${begin}`, shorten(name));
    }
    expected = begin + entry.bytes;
    if (expected > dataBytes) {
      const message = `ends at data byte ${expected}, but the file has ${dataBytes}; it was cut short, fetch it again`;
      throw new FormatError(file, message, shorten(name));
    }
  }
  if (expected !== dataBytes) {
    const surplus = dataBytes - expected;
    throw new FormatError(file, `the last tensor must end at the end of the file, got ${surplus} bytes after it`);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A cursor over the header's JSON that knows the few forms a header may have and refuses all others. */
class HeaderScanner {
  readonly file: string;
  /** Tensor under the cursor, named in refusals. */
  tensor: string | undefined;
  private readonly text: string;
  private at = 0;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  fail(message: string): never {
    const tensor = this.tensor === undefined ? undefined : shorten(this.tensor);
    throw new FormatError(this.file, `${tensor === undefined ? 'header ' : ''}${message}`, tensor);
  }

  /** Calls `member` with each key, the cursor on its value; `member` must read the value. */
  object(member: (key: string) => void): void {
    this.expect('{');
    if (this.accept('}')) return;
    do {
      const key = this.string('a key');
      if (key === '__proto__') this.fail('has the key "__proto__", which is refused');
      this.expect(':');
      member(key);
    } while (this.accept(','));
    this.expect('}');
  }

  /** Reads `[...]` of at most `limit` non-negative integers. */
  integers(what: string, limit: number): number[] {
    const values: number[] = [];
    this.expect('[');
    if (this.accept(']')) return values;
    do {
      if (values.length === limit) this.fail(`must have at most ${limit} numbers in ${what}`);
      values.push(this.integer(what));
    } while (this.accept(','));
    this.expect(']');
    return values;
  }

  string(what: string): string {
    this.space();
    const { text } = this;
    if (text.charCodeAt(this.at) !== QUOTE) this.unexpected(`a string for ${what}`);
    const start = this.at++;
    let escaped = false;
    for (;;) {
      const code = text.charCodeAt(this.at++);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        this.at++;
      }
      if (Number.isNaN(code)) this.fail(`ends inside the string for ${what}`);
      if (code < 0x20) this.fail(`has a control character in the string for ${what}`);
    }
    const value = escaped ? this.unescape(text.slice(start, this.at), what) : text.slice(start + 1, this.at - 1);
    if (/\p{Surrogate}/u.test(value)) this.fail(`has half a surrogate pair in the string for ${what}`);
    return value;
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) this.unexpected('nothing after its closing brace');
  }

  private unescape(literal: string, what: string): string {
    try {
      return JSON.parse(literal);
    } catch {
      return this.fail(`has a bad escape in the string for ${what}`);
    }
  }

  private integer(what: string): number {
    this.space();
    const start = this.at;
    while (isDigit(this.text.charCodeAt(this.at))) this.at++;
    const digits = this.text.slice(start, Math.min(this.at, start + 17));
    if (digits === '' || /[.eE]/.test(this.text[this.at] ?? '')) this.unexpected(`non-negative integers in ${what}`);
    if (digits.length > 1 && digits.startsWith('0')) this.fail(`has a number with a leading zero in ${what}`);
    const value = Number(digits);
    if (digits.length > 16 || value > Number.MAX_SAFE_INTEGER) this.fail(`has a number over 2^53 - 1 in ${what}`);
    return value;
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  private accept(character: string): boolean {
    this.space();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private expect(character: string): void {
    if (!this.accept(character)) this.unexpected(`"${character}"`);
  }

  private unexpected(wanted: string): never {
    const found = this.at < this.text.length ? JSON.stringify(this.text[this.at]) : 'its end';
    this.fail(`must have ${wanted}, got ${found} at character ${this.at}`);
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
