// A folder as the place of a run's files.
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BEST, LAST, type RunStore } from '../ner/index.ts';
import { writeAtomic } from './files.ts';
import { openSafetensorsFile } from './model-files.ts';

/** Keeps a run's checkpoints in a folder, which the first write makes; each write leaves the old file or the new one, whole. */
export function folderStore(folder: string): RunStore {
  return {
    write: (name, chunks) => writeAtomic(join(folder, name), chunks),
    async open(name) {
      const path = join(folder, name);
      return (await exists(path)) ? openSafetensorsFile(path) : undefined;
    },
    remove: (name) => rm(join(folder, name), { force: true }),
  };
}

/** `folder`, or where it holds a run the first of `folder-2`, `folder-3`, … that holds none. */
export async function freeFolder(folder: string): Promise<string> {
  for (let n = 1; ; n++) {
    const path = n === 1 ? folder : `${folder}-${n}`;
    if (!(await exists(join(path, LAST))) && !(await exists(join(path, BEST)))) return path;
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
