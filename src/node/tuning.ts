// What was tuned on this machine: choices by adapter and version of weft, in one JSON file of the user's cache folder.
import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeAtomic } from './files.ts';

export type Choices = Readonly<Record<string, string>>;

/** `weft/tuning-<version>.json` under `XDG_CACHE_HOME`, or under `.cache` of the home folder. */
export function tuningFile(version: string): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'weft', `tuning-${version}.json`);
}

/** Choices for an adapter; none where there is no file or it is damaged, for tuning again costs seconds. */
export async function readTuning(file: string, adapter: string): Promise<Choices> {
  return (await readAll(file))[adapter] ?? {};
}

/** Adds choices for an adapter to those in the file. */
export async function writeTuning(file: string, adapter: string, choices: Choices): Promise<void> {
  const all = await readAll(file);
  await mkdir(dirname(file), { recursive: true });
  await writeAtomic(file, `${JSON.stringify({ ...all, [adapter]: { ...all[adapter], ...choices } }, null, 2)}\n`);
}

async function readAll(file: string): Promise<Record<string, Choices>> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    const all: unknown = JSON.parse(text);
    return all !== null && typeof all === 'object' ? (all as Record<string, Choices>) : {};
  } catch {
    return {};
  }
}
