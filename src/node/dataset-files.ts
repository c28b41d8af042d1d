// Which files of a folder are the parts of a data set: by their names, plain or gzipped, several sets side by side told apart.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '../errors.ts';

export type DatasetFormat = 'json' | 'jsonl' | 'conll';
export type PartName = 'train' | 'validation' | 'test';

/** The files of one data set. */
export interface DatasetFiles {
  format: DatasetFormat;
  /** One file for each part found; for `json` all parts are in the same file. */
  parts: Map<PartName, string>;
  /** JSON array of label names in the order of their ids, where one lies beside. */
  labels?: string | undefined;
  /** Other data sets of the same folder, as paths that `findDataset` opens. */
  others: string[];
}

/** What the parts are called in file names and in JSON. */
export const PART_NAMES: Readonly<Record<string, PartName>> = {
  train: 'train',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
  testa: 'validation',
  test: 'test',
  testb: 'test',
};

const FORMATS: Readonly<Record<string, DatasetFormat>> = {
  json: 'json',
  jsonl: 'jsonl',
  txt: 'conll',
  conll: 'conll',
  conll2003: 'conll',
  iob: 'conll',
  iob2: 'conll',
  bio: 'conll',
  tsv: 'conll',
};

/** `<set>.<part>.<format>[.gz]`, of which set and format may be missing: `v1.train.jsonl.gz`, `train.txt`, `eng.testa`. */
const PART_FILE = new RegExp(`^(?:(.+)[._-])?(${Object.keys(PART_NAMES).join('|')})(?:\\.([a-z0-9]+))?$`, 'i');

export const LOOKED_FOR =
  'one .json of {"train", "valid", "test"}, or files train, validation (valid, dev) and test as .jsonl, .txt, .conll, ' +
  '.iob, .iob2, .bio or .tsv, each plain or .gz, with or without a set\'s name before ("v1.train.jsonl.gz")';

/**
 * Finds a data set: `path` is a file, a folder, or a folder and the name of one of its sets (`ner-uk/v1`). In a folder of
 * several sets the one without a name is taken, else the one with a label list of its own. Throws DataError where there is none.
 */
export async function findDataset(path: string, format?: DatasetFormat): Promise<DatasetFiles> {
  const kind = await kindOf(path);
  if (kind === 'file') return singleFile(path, format);
  const folder = kind === 'folder' ? path : dirname(path);
  if (kind === undefined && (await kindOf(folder)) !== 'folder') {
    throw new DataError(path, undefined, 'no data set there: neither the path nor its folder exists.');
  }
  const names = (await readdir(folder)).sort();
  const sets = setsOf(folder, names, format);
  const set = kind === 'folder' ? pick(path, sets, names, format) : sets.get(basename(path));
  if (!set) {
    const known = [...sets.keys()].filter((name) => name !== '');
    const choice = known.length > 0 ? `sets ${known.map((name) => JSON.stringify(name)).join(', ')}` : 'no named set';
    throw new DataError(path, undefined, `no such file or folder, and ${folder} holds ${choice}.`);
  }
  if (!set.parts.has('train')) {
    const found = [...set.parts.values()].map((file) => basename(file)).join(', ');
    throw new DataError(path, undefined, `no training part: found ${found}, looked for train beside it.`);
  }
  const others = [...sets].filter(([, other]) => other !== set).map(([name]) => join(folder, name));
  return { ...set, labels: labelFile(folder, names, set.name), others };
}

interface FoundSet extends Omit<DatasetFiles, 'labels' | 'others'> {
  name: string;
}

function setsOf(folder: string, names: readonly string[], only: DatasetFormat | undefined): Map<string, FoundSet> {
  const sets = new Map<string, FoundSet>();
  for (const file of names) {
    const match = PART_FILE.exec(file.replace(/\.gz$/, ''));
    if (!match) continue;
    const [, name = '', part, extension] = match;
    const format = FORMATS[extension?.toLowerCase() ?? 'conll'];
    if (!format || format === 'json' || (only && format !== only)) continue;
    const set = sets.get(name) ?? { name, format, parts: new Map<PartName, string>() };
    const role = PART_NAMES[part!.toLowerCase()]!;
    const before = set.parts.get(role);
    if (before || set.format !== format) {
      const rival = basename(before ?? [...set.parts.values()][0]!);
      const remedy = 'Keep one of them, or give `format`.';
      throw new DataError(folder, undefined, `${rival} and ${file} do not make one data set. ${remedy}`);
    }
    set.parts.set(role, join(folder, file));
    sets.set(name, set);
  }
  return sets;
}

function pick(
  path: string,
  sets: ReadonlyMap<string, FoundSet>,
  names: readonly string[],
  format: DatasetFormat | undefined,
): FoundSet {
  const trainable = [...sets.values()].filter(({ parts }) => parts.has('train'));
  const labelled = trainable.filter(({ name }) => names.includes(`${name}.labels.json`));
  for (const choice of [trainable.filter(({ name }) => name === ''), labelled, trainable]) {
    if (choice.length === 1) return choice[0]!;
  }
  if (trainable.length > 1) {
    const known = trainable.map(({ name }) => join(path, name)).join(', ');
    throw new DataError(path, undefined, `${trainable.length} data sets, of which one must be chosen: ${known}.`);
  }
  const whole = names.filter((name) => /\.json(\.gz)?$/.test(name) && !/(^|\.)labels\.json/.test(name));
  if (whole.length === 1 && sets.size === 0 && (format ?? 'json') === 'json') {
    return { name: '', ...singleFile(join(path, whole[0]!), 'json') };
  }
  if (sets.size > 0) return [...sets.values()][0]!;
  throw new DataError(path, undefined, `no data set there. Looked for ${LOOKED_FOR}; found ${listed(names)}.`);
}

/** A file by itself: all parts of a JSON data set, or a training part. */
function singleFile(path: string, format: DatasetFormat | undefined): DatasetFiles {
  const name = basename(path).replace(/\.gz$/, '');
  const found = format ?? FORMATS[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
  if (!found) {
    const known = [...new Set(Object.values(FORMATS))].join(', ');
    const remedy = `Give the format (${known}), or name it .${Object.keys(FORMATS).join(', .')}.`;
    throw new DataError(path, undefined, `unknown kind of data file. ${remedy}`);
  }
  return { format: found, parts: new Map([['train', path]]), others: [] };
}

/** `v1.hfshape` is served by `v1.hfshape.labels.json`, `v1.labels.json` and `labels.json`, in this order. */
function labelFile(folder: string, names: readonly string[], set: string): string | undefined {
  for (let name = set; ; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    const file = name === '' ? 'labels.json' : `${name}.labels.json`;
    if (names.includes(file)) return join(folder, file);
    if (name === '') return undefined;
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats) return undefined;
  return stats.isDirectory() ? 'folder' : 'file';
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return 'an empty folder';
  return names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', ');
}
