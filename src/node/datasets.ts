// Opening a data set by its path: parts, labels, and a validation part cut from the training part where there is none.
import { refuse } from '../check.ts';
import {
  type ConllOptions,
  LabelSet,
  type ReadReport,
  type ReadResult,
  readConll,
  readJsonl,
  readJsonParts,
  readLabelList,
  type Sentence,
  TaggedSentences,
} from '../data/index.ts';
import { DataError } from '../errors.ts';
import { streamOf, uniform } from '../random.ts';
import { type DatasetFiles, type DatasetFormat, findDataset, PART_NAMES, type PartName } from './dataset-files.ts';
import { readBytes } from './files.ts';

export interface OpenDatasetOptions extends ConllOptions {
  /** How the files are written; default: as their names say. */
  format?: DatasetFormat;
  /** Where there is no validation part: one sentence of every so many of train becomes it, default 10; 0 for none. */
  validationEvery?: number;
  /** Which one of every `validationEvery`, default 0. */
  seed?: number;
}

/** What was opened, for the log. */
export interface DatasetReport {
  path: string;
  format: DatasetFormat;
  /** The file of every part; a validation part cut from train has none. */
  files: ReadonlyMap<PartName, string>;
  /** What each reader met, in the order train, validation, test. */
  reads: readonly ReadReport[];
  /** Where the validation part is from. */
  validation: 'file' | 'train' | 'none';
  /** Other data sets in the same folder, as paths to open. */
  others: readonly string[];
  /** Lines for the log: one for each read, and what was done beside. */
  toString(): string;
}

export interface OpenedDataset {
  train: TaggedSentences;
  validation?: TaggedSentences;
  test?: TaggedSentences;
  /** Labels of all parts: of the label list where there is one, else as `LabelSet.of` orders them. */
  labels: LabelSet;
  report: DatasetReport;
}

/** Number of the random stream that draws validation sentences; no other use of the seed has it. */
const SPLIT_STREAM = streamOf(0x5e7, 0);

/**
 * Opens a data set: a folder, a set of a folder (`ner-uk/v1`), one JSON of all parts, or a file that is all training. Without
 * a validation part, of every 10 consecutive training sentences one, drawn by `seed`, is moved there: the same ones each time.
 * Throws DataError with the path and what was looked for, or `file:line` of the first bad sentence (see `onError`).
 */
export async function openDataset(path: string, options: OpenDatasetOptions = {}): Promise<OpenedDataset> {
  const every = options.validationEvery ?? 10;
  if (!(every === 0 || (Number.isSafeInteger(every) && every >= 2))) {
    const expected = '0, or an integer from 2';
    refuse('openDataset', 'validationEvery', expected, every);
  }
  const files = await findDataset(path, options.format);
  const listed = options.labels ?? (files.labels && readLabelList(await readBytes(files.labels), files.labels));
  const read = await readParts(files, listed ? { ...options, labels: listed } : options);
  const reports = [...read.values()].map(({ report }) => report);
  const parts = new Map([...read].map(([part, { sentences }]) => [part, sentences]));
  const labels = listed ? new LabelSet(listed) : LabelSet.of([...parts.values()].flat().map(({ tags }) => tags));
  let validation: DatasetReport['validation'] = parts.has('validation') ? 'file' : 'none';
  if (validation === 'none' && every > 0 && parts.get('train')!.length >= every) {
    const [train, held] = holdOut(parts.get('train')!, every, options.seed ?? 0);
    parts.set('train', train).set('validation', held);
    validation = 'train';
  }
  const { format, others } = files;
  const base = { path, format, files: filesOf(files, read), reads: reports, validation, others };
  const report: DatasetReport = { ...base, toString: () => describe(base, parts, every) };
  const tagged = (part: PartName) => {
    const sentences = parts.get(part);
    return sentences && { [part]: new TaggedSentences(sentences, labels, `${path} (${part})`) };
  };
  return { train: tagged('train')!.train!, ...tagged('validation'), ...tagged('test'), labels, report };
}

async function readParts(
  { format, parts }: DatasetFiles,
  options: OpenDatasetOptions,
): Promise<Map<PartName, ReadResult>> {
  if (format === 'json') return jsonParts(parts.get('train')!, options);
  const read = new Map<PartName, ReadResult>();
  for (const part of ['train', 'validation', 'test'] as const) {
    const file = parts.get(part);
    if (file === undefined) continue;
    const bytes = await readBytes(file);
    read.set(part, format === 'jsonl' ? readJsonl(bytes, file, options) : readConll(bytes, file, options));
  }
  return read;
}

async function jsonParts(file: string, options: OpenDatasetOptions): Promise<Map<PartName, ReadResult>> {
  const read = new Map<PartName, ReadResult>();
  for (const [name, result] of readJsonParts(await readBytes(file), file, options)) {
    const part = PART_NAMES[name];
    if (!part || read.has(part)) {
      const names = 'train, valid (validation, val, dev) and test, each once';
      throw new DataError(file, undefined, `part ${JSON.stringify(name)} is not expected: the parts are ${names}.`);
    }
    read.set(part, result);
  }
  if (!read.has('train')) {
    throw new DataError(file, undefined, `no training part: looked for "train", found ${[...read.keys()].join(', ')}.`);
  }
  return read;
}

/** Moves one sentence of every full block of `every` to a second list; both keep the order of the file. */
export function holdOut(
  sentences: readonly Sentence[],
  every: number,
  seed: number,
): [kept: Sentence[], held: Sentence[]] {
  const kept: Sentence[] = [];
  const held: Sentence[] = [];
  for (let start = 0; start < sentences.length; start += every) {
    const block = sentences.slice(start, start + every);
    const drawn = block.length < every ? -1 : Math.floor(uniform(seed, SPLIT_STREAM, start / every) * every);
    block.forEach((sentence, i) => {
      (i === drawn ? held : kept).push(sentence);
    });
  }
  return [kept, held];
}

function filesOf(files: DatasetFiles, read: ReadonlyMap<PartName, ReadResult>): Map<PartName, string> {
  return new Map([...read].map(([part, { report }]) => [part, files.parts.get(part) ?? report.file]));
}

function describe(
  { reads, validation, others }: Omit<DatasetReport, 'toString'>,
  parts: ReadonlyMap<PartName, readonly Sentence[]>,
  every: number,
): string {
  const lines = reads.map(String);
  if (validation === 'train') {
    const count = parts.get('validation')!.length;
    lines.push(`no validation part: one sentence of every ${every} of train was set aside, ${count} in all`);
  }
  if (others.length > 0) lines.push(`other data sets beside it: ${others.join(', ')}`);
  return lines.join('\n');
}
