// Text held as bytes: strict decoding of UTF-8, byte-order mark and CRLF removed, lines numbered from 1.
import { DataError } from '../errors.ts';

/** One line without its line end. */
export interface Line {
  text: string;
  number: number;
  /** What is wrong with its bytes, which then stand as U+FFFD in `text`. */
  fault?: string;
}

const NEWLINE = 0x0a;
/** Files are decoded in blocks of about this many bytes, so that a large file is never one string. */
const BLOCK_BYTES = 1 << 20;

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Yields the lines of `bytes`; never throws on any content, and takes time linear in its size. */
export function* readLines(bytes: Uint8Array): Generator<Line> {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  let start = hasMark ? 3 : 0;
  let number = 1;
  while (start < bytes.length) {
    const end = lineEnd(bytes, start + BLOCK_BYTES);
    const block = bytes.subarray(start, end);
    const text = decodeStrictly(block);
    number =
      text === undefined ? yield* damagedLines(block, number, remedyFor(bytes)) : yield* splitLines(text, number);
    start = end;
  }
}

/**
 * All of `bytes` as text, its byte-order mark removed. Throws a DataError that names file, line and byte where they are not
 * UTF-8, and what they seem to be. A NUL is refused too: no text has one, while UTF-16 without its mark is full of them.
 */
export function readText(bytes: Uint8Array, file: string): string {
  const text = decodeStrictly(bytes);
  if (text !== undefined) return text.startsWith('\ufeff') ? text.slice(1) : text;
  for (const { number, fault } of readLines(bytes)) {
    if (fault !== undefined) throw new DataError(file, number, `${fault} [invalid-utf8]`);
  }
  throw new DataError(file, undefined, `${bytes.length} bytes are too long for one string: cut the file into parts.`);
}

function* splitLines(block: string, first: number): Generator<Line, number> {
  const lines = block.split('\n');
  if (block.endsWith('\n')) lines.pop();
  let number = first;
  for (const text of lines) yield { text: withoutReturn(text), number: number++ };
  return number;
}

/** A newline byte is never part of a longer UTF-8 sequence, so lines decoded one by one show which of them is bad. */
function* damagedLines(block: Uint8Array, first: number, remedy: string): Generator<Line, number> {
  let number = first;
  for (let from = 0; from < block.length; ) {
    const next = lineEnd(block, from);
    const bytes = block.subarray(from, block[next - 1] === NEWLINE ? next - 1 : next);
    const good = decodeStrictly(bytes);
    const text = good ?? lenientDecoder.decode(bytes);
    const line = { text: withoutReturn(text), number: number++ };
    yield good === undefined ? { ...line, fault: `bytes are not UTF-8 (${firstBad(bytes, text)}); ${remedy}` } : line;
    from = next;
  }
  return number;
}

/** The first byte of a damaged line that is no UTF-8, or is NUL; `decoded` has U+FFFD there. */
function firstBad(bytes: Uint8Array, decoded: string): string {
  let at = 0;
  for (const character of decoded) {
    const isOwn = bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
    if (character === '\0' || (character === '\ufffd' && !isOwn)) break;
    const code = character.codePointAt(0)!;
    at += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return `byte ${at + 1} of the line is 0x${bytes[at]!.toString(16).padStart(2, '0')}`;
}

/** What to do with a file that is not UTF-8, by what its first bytes say that it is. */
function remedyFor(bytes: Uint8Array): string {
  const [a, b, c, d] = bytes;
  if (a === 0x1f && b === 0x8b) return 'it is gzip: unpack it, or give it a name that ends in .gz.';
  if (a === 0x50 && b === 0x4b && c === 3 && d === 4) return 'it is a zip archive: unpack it first.';
  const sixteen = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (bytes.length > 3 && (!a || !b));
  return sixteen ? 'it seems to be UTF-16: convert the file to UTF-8 first.' : 'convert the file to UTF-8 first.';
}

/** The offset just past the first newline at or after `from`, or the end of the file. */
function lineEnd(bytes: Uint8Array, from: number): number {
  const newline = from < bytes.length ? bytes.indexOf(NEWLINE, from) : -1;
  return newline < 0 ? bytes.length : newline + 1;
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    const text = strictDecoder.decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
