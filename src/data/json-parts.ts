// Reader of a whole data set in one JSON file: `{"train": [records], "valid": [records], "test": [records]}`.
import { DataError } from '../errors.ts';
import { Intake, quote, type ReadOptions, type ReadResult } from './intake.ts';
import { takeRecord } from './json-record.ts';
import { parseJson } from './jsonl.ts';
import { readText } from './lines.ts';

/** Reads every part of the file by its name; DataErrors name file, line, part and record. */
export function readJsonParts(bytes: Uint8Array, file: string, options: ReadOptions = {}): Map<string, ReadResult> {
  const root = parseJson(bytes, file);
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    throw new DataError(file, 1, 'expected {"train": [...], "valid": [...], "test": [...]}.');
  }
  const parts = new Map<string, ReadResult>();
  const lines = new RecordLines(readText(bytes, file));
  for (const [part, records] of Object.entries(root)) {
    if (!Array.isArray(records))
      throw new DataError(file, lines.of(part, 0), `${quote(part)} must be an array of records.`);
    const intake = new Intake(file, options);
    for (const [i, record] of records.entries()) {
      takeRecord(record, { line: lines.of(part, i), prefix: `${quote(part)} record ${i}: ` }, intake);
    }
    parts.set(part, intake.finish());
  }
  if (parts.size === 0) throw new DataError(file, 1, 'expected at least one part ("train", "valid", "test"), got {}.');
  return parts;
}

/** The line each record starts on, which JSON.parse does not tell: one pass over a text known to be JSON. */
class RecordLines {
  private readonly starts = new Map<string, number[]>();

  constructor(text: string) {
    this.scan(text);
  }

  of(part: string, record: number): number | undefined {
    const starts = this.starts.get(part);
    return starts?.[Math.min(record, starts.length - 1)];
  }

  private scan(text: string): void {
    let depth = 0;
    let line = 1;
    let starts: number[] = [];
    let awaiting = false;
    for (let i = 0; i < text.length; i++) {
      const char = text[i]!;
      if (char === '\n') line++;
      if (char <= ' ') continue;
      if (awaiting) starts.push(line);
      awaiting = depth === 2 && char === ',';
      if (char === '"') {
        const end = stringEnd(text, i);
        if (depth === 1) this.starts.set(JSON.parse(text.slice(i, end)) as string, (starts = []));
        i = end - 1;
      } else if (char === '[' || char === '{') awaiting = ++depth === 2;
      else if (char === ']' || char === '}') depth--;
    }
  }
}

/** The offset just past the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}
