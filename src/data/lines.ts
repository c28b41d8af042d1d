// Lines of a UTF-8 file held as bytes: strict decoding, byte-order mark and CRLF removed, numbered from 1.

/** One line without its line end; `valid` is false where bytes were not UTF-8 and stand as U+FFFD in `text`. */
export interface Line {
  text: string;
  number: number;
  valid: boolean;
}

/** What to say of a line that is not valid. */
export const NOT_UTF8 = 'bytes are not UTF-8; convert the file to UTF-8 first.';

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
    number = text === undefined ? yield* damagedLines(block, number) : yield* splitLines(text, number);
    start = end;
  }
}

/** All of `bytes` as text, its byte-order mark removed, or the first line that is not UTF-8 (none: too long for one string). */
export function readText(bytes: Uint8Array): { text: string } | { invalidLine: number | undefined } {
  const text = decodeStrictly(bytes);
  if (text !== undefined) return { text: text.startsWith('\ufeff') ? text.slice(1) : text };
  for (const line of readLines(bytes)) if (!line.valid) return { invalidLine: line.number };
  return { invalidLine: undefined };
}

function* splitLines(block: string, first: number): Generator<Line, number> {
  const lines = block.split('\n');
  if (block.endsWith('\n')) lines.pop();
  let number = first;
  for (const text of lines) yield { text: withoutReturn(text), number: number++, valid: true };
  return number;
}

/** A newline byte is never part of a longer UTF-8 sequence, so lines decoded one by one show which of them is bad. */
function* damagedLines(block: Uint8Array, first: number): Generator<Line, number> {
  let number = first;
  for (let from = 0; from < block.length; ) {
    const next = lineEnd(block, from);
    const bytes = block.subarray(from, block[next - 1] === NEWLINE ? next - 1 : next);
    const text = decodeStrictly(bytes);
    yield { text: withoutReturn(text ?? lenientDecoder.decode(bytes)), number: number++, valid: text !== undefined };
    from = next;
  }
  return number;
}

/** The offset just past the first newline at or after `from`, or the end of the file. */
function lineEnd(bytes: Uint8Array, from: number): number {
  const newline = from < bytes.length ? bytes.indexOf(NEWLINE, from) : -1;
  return newline < 0 ? bytes.length : newline + 1;
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
