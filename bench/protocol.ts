// What the benches say to an engine in a process of its own, one JSON object a line, and what it answers.
import type { ArrayFile, Batch, StepSpec } from './named-steps.ts';

/** Stands before every line that belongs to the protocol; engines print other things too. */
export const MARK = '@bench ';

/** First line of an engine: what it runs on, or why it cannot. */
export type Hello = { adapter: string; version: string } | { unavailable: string };

/** A matrix product; `a` and `b` lie row by row in the file, `[m, k]` and `[k, n]`, or transposed by `mode`. */
export interface GemmRequest {
  do: 'gemm';
  handle: string;
  m: number;
  k: number;
  n: number;
  /** Which operand is stored transposed: none, b, or a. Rivals are asked for nn alone. */
  mode: 'nn' | 'nt' | 'tn';
  arrays: ArrayFile;
  /** Whether PyTorch on a card may round operands to TF32. */
  tf32: boolean;
  /** Elements of the product to send back. */
  probe: number[];
}

/** One of the kernel cases, by its name. */
export interface KernelRequest {
  do: 'kernel';
  handle: string;
  name: string;
}

/** Times `count` products, or calls of a kernel case, in a row, from the first call until the last one is complete. */
export interface GemmRun {
  do: 'gemm-run';
  handle: string;
  count: number;
}

/** How an engine runs a step; what it does not know it ignores. */
export interface StepVariant {
  /** Which form of the recurrence; the adapter's own choice by default. */
  form: 'default' | 'scan' | 'steps';
  /** Whether the step is recorded once and replayed. */
  recorded: boolean;
  /** Whether the norm of the gradients is clipped, and whether a step that is not finite is refused, too. */
  norm: 'none' | 'clipped' | 'checked';
  /** Whether PyTorch on a card may round operands to TF32. */
  tf32: boolean;
}

export interface TrainRequest {
  do: 'train';
  handle: string;
  spec: StepSpec;
  weights: ArrayFile;
  variant: StepVariant;
}

/** Trains on the batches in turn, each with its loss read back. */
export interface TrainRun {
  do: 'train-run';
  handle: string;
  batches: Batch[];
}

export interface CloseRequest {
  do: 'close';
  handle: string;
}

export type Request = GemmRequest | KernelRequest | GemmRun | TrainRequest | TrainRun | CloseRequest;

export interface GemmReply {
  values: number[];
}

export interface GemmRunReply {
  ms: number;
}

/** Counters of one steady step. */
export interface StepCounters {
  dispatches: number;
  submits: number;
  buffersCreated: number;
  bindGroupsCreated: number;
  /** Uploads and encoding before the step is handed over. */
  encodeUs: number;
  /** Encoding of the step to come while the device works on this one. */
  aheadUs: number;
  gpuBytes: number;
}

export interface TrainRunReply {
  losses: number[];
  /** Milliseconds of each step, from the batch on the host to its loss on the host and the update done. */
  ms: number[];
  /** Where the engine counts: of the last step. */
  counters?: StepCounters;
}
