// One JSON record of tagged tokens: `{"tokens": [...], "tags" | "ner_tags": [names or ids]}`.
import { type FoundSentence, type Intake, quote } from './intake.ts';

/** Where a record stands, for its messages, and what already happened to it. */
export interface RecordPlace {
  line: number | undefined;
  /** Words that open a message where the line alone does not tell the record, else empty. */
  prefix: string;
  /** Set if its text had to be mended (true) or could not be (false). */
  mended?: boolean;
}

/** Checks the form of one record and hands it to the intake. */
export function takeRecord(value: unknown, place: RecordPlace, intake: Intake): void {
  const found: FoundSentence = { tokens: [], tags: [], lines: place.line };
  if (place.mended !== undefined) found.mended = place.mended;
  readRecord(value, place, intake, found);
  intake.add(found);
}

function readRecord(value: unknown, place: RecordPlace, intake: Intake, found: FoundSentence): void {
  const tokens = fieldOf(value, 'tokens');
  const tags = fieldOf(value, 'tags') ?? fieldOf(value, 'ner_tags');
  if (!isStrings(tokens) || !Array.isArray(tags)) {
    const form = '{"tokens": [strings], "tags" or "ner_tags": [names or ids]}';
    const message = `${place.prefix}expected ${form}, got ${describe(value)}.`;
    found.mended = intake.problem('bad-json', place.line, message, false);
    return;
  }
  found.tokens = tokens;
  for (const [i, tag] of tags.entries()) {
    const name = typeof tag === 'string' ? tag : nameOf(tag, intake.labels);
    if (name === undefined) mendId(tag, i, place, intake, found);
    found.tags.push(name ?? 'O');
  }
}

function nameOf(id: unknown, names: readonly string[] | undefined): string | undefined {
  return typeof id === 'number' && names ? names[id] : undefined;
}

function mendId(id: unknown, i: number, place: RecordPlace, intake: Intake, found: FoundSentence): void {
  const names = intake.labels;
  const expected = names
    ? `a label name or an id from 0 to ${names.length - 1}`
    : 'a label name (for ids, give the label list as `labels`)';
  const message = `${place.prefix}tag ${i} must be ${expected}, got ${quote(String(JSON.stringify(id)))}.`;
  const mended = intake.problem('wrong-label-id', place.line, message, names !== undefined && intake.canBeOutside);
  found.mended = mended && found.mended !== false;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value !== 'object' || value === null) return quote(String(value));
  return `an object with keys ${quote(Object.keys(value).slice(0, 8).join(', '))}`;
}
