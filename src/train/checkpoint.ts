// A checkpoint: everything a run needs to go on bit for bit, in one safetensors file.
import { FormatError } from '../errors.ts';
import type { SafetensorsFile } from '../io/safetensors.ts';
import { streamSafetensors } from '../io/safetensors.ts';
import type { Module } from '../nn/module.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { Scheduler } from '../optim/schedule.ts';
import type { Generator } from '../tensor/random.ts';
import { formatShape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Where a run stands. `batch` counts the batches of `epoch` that are done. */
export interface Position {
  epoch: number;
  batch: number;
  /** Optimiser steps since the beginning. */
  step: number;
}

/** The parts of a run that a checkpoint holds. */
export interface RunParts {
  model: Module;
  optimizer: Optimizer;
  scheduler?: Scheduler | undefined;
  generator: Generator;
}

/** The version of run states that is written; older ones are read. 2 came with rows that end at their own length by default. */
const VERSION = 2;

/** What is saved beside the tensors: plain JSON. */
export interface RunState {
  version: 1 | 2;
  position: Position;
  optimizer: unknown;
  scheduler: unknown;
  generator: { seed: number; step: number };
  /** What the trainer accumulates within an epoch. */
  progress: unknown;
  /** The caller's own: configuration, vocabulary, labels, metrics of the best epoch. */
  extra: Record<string, unknown>;
}

const STATE_KEY = 'weft.run';
const MODEL = 'model.';
const OPTIMIZER = 'optimizer.';

/** Reads everything back from the device and lays it out as the chunks of a file. The same run gives the same bytes. */
export async function checkpointChunks(
  parts: RunParts,
  rest: Pick<RunState, 'position' | 'progress' | 'extra'>,
): Promise<Uint8Array[]> {
  const named: [string, Tensor][] = [
    ...[...parts.model.stateDict()].map(([name, t]) => [MODEL + name, t] as [string, Tensor]),
    ...[...parts.optimizer.stateTensors()].map(([name, t]) => [OPTIMIZER + name, t] as [string, Tensor]),
  ];
  const tensors = [];
  for (const [name, t] of named)
    tensors.push({ name, dtype: t.dtype.toUpperCase() as 'F32' | 'I32' | 'U32', shape: t.shape, data: await t.data() });
  const state: RunState = {
    version: VERSION,
    ...rest,
    optimizer: parts.optimizer.stateJson(),
    scheduler: parts.scheduler?.stateDict() ?? null,
    generator: { seed: parts.generator.seed, step: parts.generator.step },
  };
  return [...streamSafetensors(tensors, { [STATE_KEY]: JSON.stringify(state) })];
}

/** The JSON part of a checkpoint, checked for its version and fields. */
export function runState(file: SafetensorsFile): RunState {
  const text = file.metadata[STATE_KEY];
  if (text === undefined) throw new FormatError(file.name, 'is no weft checkpoint: it holds tensors but no run state');
  const state = parsed(file.name, text);
  if (state.version !== 1 && state.version !== VERSION)
    throw new FormatError(
      file.name,
      typeof state.version === 'number'
        ? `was written by a newer weft (run state version ${state.version}, this one reads 1 to ${VERSION})`
        : 'has a run state without "version"',
    );
  for (const field of ['position', 'optimizer', 'scheduler', 'generator', 'progress', 'extra'] as const)
    if (!(field in state)) throw new FormatError(file.name, `has a run state without "${field}"`);
  checkCounts(file.name, 'position', state.position, ['epoch', 'batch', 'step']);
  checkCounts(file.name, 'generator', state.generator, ['seed', 'step']);
  return state;
}

function parsed(file: string, text: string): RunState {
  let state: unknown;
  try {
    state = JSON.parse(text);
  } catch (error) {
    throw new FormatError(file, `has a run state that is no JSON: ${(error as Error).message}`);
  }
  if (state === null || typeof state !== 'object') throw new FormatError(file, 'has a run state that is no object');
  return state as RunState;
}

/** A field that is missing or wrong must not be taken for 0: the run would go on, and be another one. */
function checkCounts(file: string, name: string, value: unknown, fields: readonly string[]): void {
  for (const field of fields) {
    const count = (value as Record<string, unknown> | null)?.[field];
    if (!Number.isSafeInteger(count) || (count as number) < 0)
      throw new FormatError(
        file,
        `has a run state whose ${name}.${field} must be a whole number >= 0, got ${JSON.stringify(count)}`,
      );
  }
}

/** Puts the parameters of a checkpoint, or of a plain state dict, into a model. Names and shapes are checked before anything is written. */
export async function loadModel(file: SafetensorsFile, model: Module): Promise<void> {
  const prefix = file.metadata[STATE_KEY] === undefined ? '' : MODEL;
  const state = new Map<string, { shape: readonly number[]; data: Float32Array<ArrayBuffer> }>();
  const wanted = model.stateDict();
  for (const [name, info] of file.tensors) {
    if (!name.startsWith(prefix)) continue;
    const own = name.slice(prefix.length);
    const p = wanted.get(own);
    if (p && !sameShape(p.shape, info.shape))
      throw new FormatError(
        file.name,
        `has shape ${formatShape(info.shape)}, the model's is ${formatShape(p.shape)}`,
        name,
      );
    state.set(own, { shape: info.shape, data: p ? await file.readFloat32(name) : new Float32Array(0) });
  }
  model.loadStateDict(state);
}

/**
 * Puts a run back to where the checkpoint was made, and returns its state. `parts` without a scheduler leave that of the
 * checkpoint out: a new one may start there. Throws FormatError where anything the run needs is missing, or left over.
 */
export async function restore(file: SafetensorsFile, parts: RunParts): Promise<RunState> {
  const state = runState(file);
  if (parts.scheduler && state.scheduler === null)
    throw new FormatError(file.name, 'has no state for the schedule: it is of a run without one');
  await loadModel(file, parts.model);
  const arrays = new Map<string, Float32Array<ArrayBuffer>>();
  for (const name of file.tensors.keys())
    if (name.startsWith(OPTIMIZER)) arrays.set(name.slice(OPTIMIZER.length), await file.readFloat32(name));
  const unused = new Set(arrays.keys());
  parts.optimizer.loadState(state.optimizer, (name) => {
    const data = arrays.get(name);
    if (!data) throw new FormatError(file.name, 'is missing from the checkpoint', OPTIMIZER + name);
    unused.delete(name);
    return data;
  });
  for (const name of unused)
    throw new FormatError(file.name, 'belongs to no parameter that the run state names', OPTIMIZER + name);
  if (parts.scheduler) parts.scheduler.loadStateDict(state.scheduler as never);
  parts.generator.manualSeed(state.generator.seed);
  parts.generator.step = state.generator.step;
  return state;
}
