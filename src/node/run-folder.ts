// A folder as the place of a run's files.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunStore } from '../ner/index.ts';
import { writeAtomic } from './files.ts';
import { openSafetensorsFile } from './model-files.ts';

/** Keeps a run's checkpoints in a folder, which the first write makes; each write leaves the old file or the new one, whole. */
export function folderStore(folder: string): RunStore {
  return {
    write: (name, chunks) => writeAtomic(join(folder, name), chunks),
    async open(name) {
      const path = join(folder, name);
      const exists = await access(path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return false;
          throw error;
        },
      );
      return exists ? openSafetensorsFile(path) : undefined;
    },
  };
}
