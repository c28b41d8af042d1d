// What a tagger's checkpoint carries beside the run state, and whether a run may be taken up under a configuration.
import { ConfigError, FormatError } from '../errors.ts';
import type { SafetensorsFile } from '../io/safetensors.ts';
import { type EpochEvent, type RunState, runState } from '../train/index.ts';
import type { TaggerConfig } from './config-schema.ts';
import type { DataPrint } from './data-print.ts';

export interface BestEpoch {
  epoch: number;
  value: number;
}

/** So that prediction needs that one file. */
export interface Extra {
  config: TaggerConfig;
  vocabulary: unknown;
  labels: readonly string[];
  /** What the run is trained on; absent in files of version 1. */
  data?: DataPrint;
  best: BestEpoch | null;
  history: readonly Omit<EpochEvent, 'seconds' | 'tokensPerSecond'>[];
  /** Tuned choices of kernels, by class of shapes: a run keeps the ones it began with. Absent in files of older versions. */
  kernels?: Readonly<Record<string, string>>;
}

/** The tagger's part of a checkpoint's run state. Throws FormatError where a field of it is missing. */
export function extraOf(file: SafetensorsFile): Extra {
  const { version, extra: kept } = runState(file);
  const extra = kept as unknown as Extra;
  const fields = [
    'config',
    'vocabulary',
    'labels',
    'best',
    'history',
    ...(version === 1 ? [] : ['data' as const]),
  ] as const;
  for (const field of fields)
    if (extra?.[field] === undefined)
      throw new FormatError(file.name, `is no tagger's checkpoint: its run state has no "extra.${field}"`);
  const { best } = extra;
  if (best && !(Number.isInteger(best.epoch) && typeof best.value === 'number'))
    throw new FormatError(
      file.name,
      `has a run state whose extra.best must be an epoch and a value, got ${JSON.stringify(best)}`,
    );
  // A model goes on as it was trained: before version 2 rows ran over the padding where nothing else was said.
  if (version === 1) extra.config.model.packed ??= false;
  // An option of earlier versions that changed no bits.
  delete (extra.config.optimizer as { lazy?: unknown } | undefined)?.lazy;
  return extra;
}

/** Keys that say how long a run goes, where its files lie and what is told of it; all others make it another run. */
const FREE = ['data.path', 'data.format', 'training.epochs', 'training.out', 'training.logEvery'];

/**
 * Throws ConfigError, naming the key, where `own` would not go on with the run that `saved` began. Another schedule is allowed:
 * it starts where the run stands. Returns whether the schedule is the same.
 */
export function checkSameRun(file: string, saved: TaggerConfig, own: TaggerConfig): boolean {
  const [before, now] = [flat(saved), flat(own)];
  let sameSchedule = true;
  for (const key of new Set([...before.keys(), ...now.keys()])) {
    const [was, is] = [before.get(key), now.get(key)];
    if (was === is || FREE.includes(key)) continue;
    if (!key.startsWith('scheduler.'))
      throw new ConfigError(
        file,
        key,
        `was ${was ?? 'not set'} when the run began and is ${is ?? 'not set'} now: the run cannot be resumed so. Put it back, or begin a new run in another folder.`,
      );
    sameSchedule = false;
  }
  return sameSchedule;
}

/** Throws FormatError where so many batches an epoch cannot have led to where the run stands: files of version 1 do not say what data they began on. */
export function checkPosition(file: string, { position }: RunState, batchesPerEpoch: number): void {
  const { epoch, batch, step } = position;
  if (batch <= batchesPerEpoch && step === epoch * batchesPerEpoch + batch) return;
  throw new FormatError(
    file,
    `stands at step ${step}, ${epoch} epochs and ${batch} batches in, and this data gives ${batchesPerEpoch} batches an epoch: the run began on other data. Resume it on that, or begin a new run in another folder.`,
  );
}

/** Values by dotted key, as JSON; what is undefined is left out. */
function flat(value: unknown, prefix = '', out = new Map<string, string>()): Map<string, string> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    for (const [key, item] of Object.entries(value)) flat(item, prefix ? `${prefix}.${key}` : key, out);
  } else if (value !== undefined) out.set(prefix, JSON.stringify(value));
  return out;
}
