// What a data reader found wrong in a file, and what the chosen policy did about it.
import { DataError } from '../errors.ts';

/** `error` stops at the first problem; `skip` drops the sentence; `repair` mends what has one plain reading and drops the rest. */
export type ErrorPolicy = 'error' | 'skip' | 'repair';

export type ProblemKind =
  | 'invalid-utf8'
  | 'bad-json'
  | 'ragged-columns'
  | 'length-mismatch'
  | 'empty-sentence'
  | 'empty-token'
  | 'unknown-label'
  | 'wrong-label-id'
  | 'illegal-transition';

const MESSAGES_KEPT = 20;

/** Counts of a read: what was taken, what was dropped, and how often each kind of problem was met. */
export class ReadReport {
  readonly file: string;
  readonly policy: ErrorPolicy;
  readonly problems = new Map<ProblemKind, number>();
  /** The first messages, each opening with `file:line`. */
  readonly messages: string[] = [];
  sentences = 0;
  tokens = 0;
  skippedSentences = 0;
  repairedSentences = 0;

  constructor(file: string, policy: ErrorPolicy) {
    this.file = file;
    this.policy = policy;
  }

  /** Counts one problem; throws it as a DataError under policy `error`. */
  add(kind: ProblemKind, line: number | undefined, message: string): void {
    const error = new DataError(this.file, line, `${message} [${kind}]`);
    if (this.policy === 'error') throw error;
    this.problems.set(kind, (this.problems.get(kind) ?? 0) + 1);
    if (this.messages.length < MESSAGES_KEPT) this.messages.push(error.message);
  }

  /** One line for the log: `file: 10 sentences, 120 tokens; 2 skipped, 1 repaired (unknown-label 3)`. */
  toString(): string {
    const kinds = [...this.problems].map(([kind, count]) => `${kind} ${count}`).join(', ');
    const trouble = `; ${this.skippedSentences} skipped, ${this.repairedSentences} repaired (${kinds})`;
    return `${this.file}: ${this.sentences} sentences, ${this.tokens} tokens${kinds ? trouble : ''}`;
  }
}
