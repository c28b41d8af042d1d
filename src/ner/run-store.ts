// Where a run keeps its files, and the refusal to write over those of an earlier run.
import { FormatError, WeftError } from '../errors.ts';
import type { SafetensorsFile } from '../io/safetensors.ts';
import { extraOf } from './resume.ts';

/** Where a session keeps its files; `weftgrad/node` has one over a folder. */
export interface RunStore {
  /** Replaces a file as a whole, or leaves the old one. */
  write(name: string, chunks: readonly Uint8Array[]): Promise<void>;
  /** A file of the run, undefined where there is none. */
  open(name: string): Promise<SafetensorsFile | undefined>;
  /** Takes a file away, if it is there. */
  remove(name: string): Promise<void>;
}

export const LAST = 'last.safetensors';
export const BEST = 'best.safetensors';

/**
 * Throws WeftError, naming the file and how far its run came, where a store holds one already. With `resume`, of a store without a
 * last checkpoint: a best one of the first epoch is let pass, for a run that ends between its first two files begins again.
 */
export async function refuseEarlierRun(store: RunStore, resume = false): Promise<void> {
  for (const name of [LAST, BEST]) {
    const found = await earlier(store, name, resume);
    if (found !== undefined)
      throw new WeftError(
        `${found}, which this run would overwrite. Train into another folder (--out), replace it (--overwrite), or go on with it (--resume).`,
      );
  }
}

async function earlier(store: RunStore, name: string, resume: boolean): Promise<string | undefined> {
  try {
    const file = await store.open(name);
    if (!file) return undefined;
    const { history, best, config } = extraOf(file);
    if (resume && history.length <= 1) return undefined;
    const score = best ? `, best ${config.training.keepBest.metric} ${best.value.toFixed(4)}` : '';
    return `${file.name}: is of an earlier run (${history.length} of ${config.training.epochs} epochs${score})`;
  } catch (error) {
    // Also what cannot be read was somebody's.
    if (error instanceof FormatError) return `${error.file}: is a file that is here already`;
    throw error;
  }
}
