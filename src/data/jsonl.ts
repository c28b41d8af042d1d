// Reader of JSON lines: one `{"tokens", "tags"}` or `{"tokens", "ner_tags"}` record a line, and of label lists.
import { DataError } from '../errors.ts';
import { Intake, type ReadOptions, type ReadResult } from './intake.ts';
import { type RecordPlace, takeRecord } from './json-record.ts';
import { type Line, readLines, readText } from './lines.ts';

/** Reads one sentence a line; ids in `ner_tags` are looked up in `labels`; blank lines are passed over; DataErrors name `file:line`. */
export function readJsonl(bytes: Uint8Array, file: string, options: ReadOptions = {}): ReadResult {
  const intake = new Intake(file, options);
  for (const line of readLines(bytes)) {
    if (line.text.trim() !== '') takeLine(line, intake);
  }
  return intake.finish();
}

/** Reads a JSON array of distinct label names, in the order of their ids. */
export function readLabelList(bytes: Uint8Array, file: string): string[] {
  const names = parseJson(bytes, file);
  const isList = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string');
  if (!isList) throw new DataError(file, 1, 'expected a JSON array of label names, such as ["O", "B-PER", "I-PER"].');
  if (new Set(names).size !== names.length) throw new DataError(file, 1, 'label names must be distinct.');
  return names as string[];
}

/** The value of a whole JSON file; a DataError names the line of the first bad byte or of the syntax error where known. */
export function parseJson(bytes: Uint8Array, file: string): unknown {
  const text = readText(bytes, file);
  if (text.trim() === '') throw new DataError(file, 1, 'expected JSON, got an empty file.');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = reasonOf(error);
    throw new DataError(file, syntaxErrorLine(text, reason), `not JSON: ${reason} [bad-json].`);
  }
}

function takeLine(line: Line, intake: Intake): void {
  const place: RecordPlace = { line: line.number, prefix: '' };
  if (line.fault) place.mended = intake.problem('invalid-utf8', line.number, line.fault, true);
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    const mended = intake.problem('bad-json', line.number, `not JSON: ${reasonOf(error)}.`, false);
    intake.add({ tokens: [], tags: [], lines: line.number, mended });
    return;
  }
  takeRecord(value, place, intake);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Engines tell the place of a JSON error only in words; without them the line is unknown. */
function syntaxErrorLine(text: string, reason: string): number | undefined {
  const position = /position (\d+)/.exec(reason)?.[1];
  if (position !== undefined) return text.slice(0, Number(position)).split('\n').length;
  return /end of JSON/i.test(reason) ? text.split('\n').length : undefined;
}
