// Configurations: YAML files read by a schema, with overrides; what is wrong is told with file, line, key and the nearest right one.
import { readFile } from 'node:fs/promises';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, stringify } from 'yaml';
import { readText } from '../data/index.ts';
import { ConfigError } from '../errors.ts';
import type { Schema } from '../ner/schema.ts';
import { reasonOf, writeAtomic } from './files.ts';

/** More uses of anchors than this are taken for an attack on memory (the "billion laughs"). */
const MAX_ALIASES = 100;
const OVERRIDE = /^([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)=(.*)$/s;

/**
 * Reads a YAML file by a schema. Overrides are dotted keys with values in YAML, such as `model.hidden=64` or
 * `optimizer.betas=[0.9, 0.98]`; they win over the file. Throws ConfigError with `file:line` (or the override) and the key, DataError where it is not UTF-8.
 */
export async function loadConfig<T>(path: string, schema: Schema<T>, overrides: readonly string[] = []): Promise<T> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new ConfigError(path, undefined, `cannot be read: ${reasonOf(error)}.`);
  }
  return parseConfig(readText(bytes, path), path, schema, overrides);
}

/** As `loadConfig`, for a text at hand; `file` stands for it in errors. */
export function parseConfig<T>(text: string, file: string, schema: Schema<T>, overrides: readonly string[] = []): T {
  const source = parseYaml(text, file);
  const places = new Map<string, string>();
  const value = overrides.reduce((root, override) => applyOverride(root, override, places), source.value);
  return schema.read(value, {
    path: [],
    fail(path, message) {
      const key = path.join('.');
      const line = source.lineOf(path);
      const where = overrideOf(path, places) ?? (line === undefined ? file : `${file}:${line}`);
      throw new ConfigError(where, key === '' ? undefined : key, message.endsWith('?') ? message : `${message}.`);
    },
  });
}

/** Writes a configuration as YAML, every key with its value, so that the run can be repeated from it. */
export async function saveConfig(path: string, config: object): Promise<void> {
  await writeAtomic(path, stringify(config, { lineWidth: 0 }));
}

interface Source {
  value: unknown;
  /** Line of the key at a path, or of the nearest key around it; undefined in an empty file. */
  lineOf(path: readonly string[]): number | undefined;
}

function parseYaml(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [error] = document.errors;
  if (error) {
    const [reason] = error.message.split(/ at line \d+|\n/);
    throw new ConfigError(`${file}:${error.linePos?.[0].line ?? 1}`, undefined, `not YAML: ${reason}.`);
  }
  const lineAt = (node: Node | null | undefined) => node?.range && lines.linePos(node.range[0]).line;
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value, lineOf: (path) => lineAt(nodeAt(document, path)) ?? undefined };
  } catch (problem) {
    throw new ConfigError(file, undefined, `not a configuration: ${(problem as Error).message}.`);
  }
}

/** The key of a map, or the item of a list, that a path names; as far as the document goes. */
function nodeAt(document: Document, path: readonly string[]): Node | undefined {
  let place: Node | undefined;
  let node = document.contents as Node | null | undefined;
  for (const part of path) {
    const inner = isAlias(node) ? node.resolve(document) : node;
    if (isMap<Node, Node | null>(inner)) {
      const found = inner.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (!found) break;
      place = found.key;
      node = found.value;
    } else if (isSeq<Node>(inner)) {
      node = inner.items[Number(part)];
      place = node ?? place;
    } else break;
  }
  return place;
}

/** A copy of `root` with one value replaced; remembers which override spoke for the key. */
function applyOverride(root: unknown, override: string, places: Map<string, string>): unknown {
  const where = `override "${override}"`;
  const [, key, text] = OVERRIDE.exec(override) ?? [];
  if (key === undefined || text === undefined) {
    throw new ConfigError(where, undefined, 'must be key=value, such as model.hidden=64.');
  }
  const document = parseDocument(text);
  if (document.errors.length > 0)
    throw new ConfigError(where, key, `must have a value in YAML, got ${JSON.stringify(text)}.`);
  places.set(key, where);
  return withValue(root, key.split('.'), document.toJS({ maxAliasCount: MAX_ALIASES }));
}

function withValue(root: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const isGroup = typeof root === 'object' && root !== null && !Array.isArray(root);
  const group: Record<string, unknown> = isGroup ? { ...root } : {};
  // Not by assignment, which would take the key `__proto__` for an order.
  const inner = Object.hasOwn(group, key) ? group[key] : undefined;
  Object.defineProperty(group, key, {
    value: withValue(inner, rest, value),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return group;
}

/** The override that a refused path comes from: the last one that set it, a part of it, or a group around it. */
function overrideOf(path: readonly string[], places: ReadonlyMap<string, string>): string | undefined {
  const key = path.join('.');
  let found: string | undefined;
  for (const [set, where] of places) {
    if (key === set || key.startsWith(`${set}.`)) found = where;
  }
  return found;
}
