// The gate every reader's sentences pass: lengths, tokens, labels and transitions are checked, and the error policy applied.
import { refuse } from '../check.ts';
import { DataError } from '../errors.ts';
import type { Sentence } from './dataset.ts';
import { type ErrorPolicy, type ProblemKind, ReadReport } from './read-report.ts';
import { describeTags, illegalTransitions, isTag, type TagScheme, toIob2, typeOf } from './tag-scheme.ts';

export interface ReadOptions {
  /** What to do with a bad sentence, default `error`. */
  onError?: ErrorPolicy;
  /** How the file writes entities, default `IOB2`; all but `any` come out as IOB2. */
  scheme?: TagScheme;
  /** The labels to accept, in the order of their ids; default: every label of the scheme. */
  labels?: readonly string[];
}

export interface ReadResult {
  sentences: Sentence[];
  report: ReadReport;
}

/** A sentence as a reader found it, with the line of each token, or one line for all of them. */
export interface FoundSentence {
  tokens: string[];
  tags: string[];
  lines: readonly number[] | number | undefined;
  /** The reader already met a problem here: mended (true) or beyond mending (false). */
  mended?: boolean;
}

export class Intake {
  readonly report: ReadReport;
  readonly scheme: TagScheme;
  readonly labels: readonly string[] | undefined;
  private readonly sentences: Sentence[] = [];
  private readonly known: ReadonlySet<string> | undefined;

  constructor(file: string, options: ReadOptions) {
    const policy = oneOf('onError', options.onError ?? 'error', ['error', 'skip', 'repair']);
    this.scheme = oneOf('scheme', options.scheme ?? 'IOB2', ['IOB1', 'IOB2', 'IOBES', 'BILOU', 'any']);
    this.report = new ReadReport(file, policy);
    this.labels = options.labels;
    this.known = options.labels && new Set(options.labels);
  }

  /** Reports a problem; true if the policy asks to mend it and it can be mended. */
  problem(kind: ProblemKind, line: number | undefined, message: string, mendable: boolean): boolean {
    this.report.add(kind, line, message);
    return mendable && this.report.policy === 'repair';
  }

  /** True if label `O` exists, so that an unknown label can be read as it. */
  get canBeOutside(): boolean {
    return this.known ? this.known.has('O') : this.scheme !== 'any';
  }

  /** Takes one sentence in, mended or not at all, as the policy says. */
  add(found: FoundSentence): void {
    const before = this.problemCount();
    const sentence = found.mended === false ? undefined : this.check(found);
    if (!sentence) {
      this.report.skippedSentences++;
      return;
    }
    if (found.mended || this.problemCount() > before) this.report.repairedSentences++;
    this.sentences.push(sentence);
    this.report.sentences++;
    this.report.tokens += sentence.tokens.length;
  }

  /** The sentences taken; throws a DataError if there are none. */
  finish(): ReadResult {
    const { report, sentences } = this;
    if (sentences.length === 0) {
      const skipped = report.skippedSentences;
      const why =
        skipped > 0 ? `all ${skipped} sentences were skipped; the first: ${report.messages[0]}` : 'empty file';
      throw new DataError(report.file, undefined, `expected at least one sentence, got none (${why}).`);
    }
    return { sentences, report };
  }

  private check(found: FoundSentence): Sentence | undefined {
    const { lines } = found;
    const lineOf = (i: number) => (typeof lines === 'object' ? lines[Math.min(i, lines.length - 1)] : lines);
    if (found.tokens.length !== found.tags.length) {
      const counts = `${found.tokens.length} tokens but ${found.tags.length} tags`;
      this.problem('length-mismatch', lineOf(0), `one tag per token expected, got ${counts}.`, false);
      return undefined;
    }
    const kept = this.checkTokens(found, lineOf);
    if (!kept) return undefined;
    if (kept.tokens.length === 0) {
      this.problem('empty-sentence', lineOf(0), 'a sentence needs at least one token, got none.', false);
      return undefined;
    }
    const keptLine = (i: number) => lineOf(kept.positions[Math.min(i, kept.positions.length - 1)]!);
    const tags = this.checkTags(kept.tags, keptLine);
    return tags && { tokens: kept.tokens, tags };
  }

  private checkTokens(found: FoundSentence, lineOf: (i: number) => number | undefined) {
    const kept = { tokens: [] as string[], tags: [] as string[], positions: [] as number[] };
    for (const [i, token] of found.tokens.entries()) {
      if (token === '') {
        if (!this.problem('empty-token', lineOf(i), `token ${i} is an empty string.`, true)) return undefined;
        continue;
      }
      kept.tokens.push(token);
      kept.tags.push(found.tags[i]!);
      kept.positions.push(i);
    }
    return kept;
  }

  private checkTags(raw: readonly string[], lineOf: (i: number) => number | undefined): string[] | undefined {
    let tags = [...raw];
    for (const [i, tag] of tags.entries()) {
      if (isTag(tag, this.scheme)) continue;
      const expected = `${describeTags(this.scheme)} expected in scheme ${this.scheme}`;
      const message = `unknown label ${quote(tag)}: ${expected}; set \`scheme\` if the file uses another.`;
      if (!this.problem('unknown-label', lineOf(i), message, this.canBeOutside)) return undefined;
      tags[i] = 'O';
    }
    for (const t of illegalTransitions(tags, this.scheme)) {
      const pair = `${quote(tags[t] ?? 'end of sentence')} after ${quote(tags[t - 1] ?? 'start of sentence')}`;
      const message = `illegal ${this.scheme} transition: ${pair}; read it with scheme IOB1 or onError 'repair'.`;
      if (!this.problem('illegal-transition', lineOf(t), message, true)) return undefined;
    }
    if (this.scheme !== 'any') tags = toIob2(tags);
    return this.known ? this.keepKnown(tags, this.known, lineOf) : tags;
  }

  private keepKnown(
    tags: string[],
    known: ReadonlySet<string>,
    lineOf: (i: number) => number | undefined,
  ): string[] | undefined {
    let orphaned = false;
    for (const [i, tag] of tags.entries()) {
      // When the tag that opens an entity is not a known one, the rest of the entity goes with it.
      const cut = orphaned && tag.startsWith('I-') && typeOf(tags[i - 1]!) !== typeOf(tag);
      if (known.has(tag) && !cut) continue;
      const message = `unknown label ${quote(tag)}: not one of the ${known.size} labels given.`;
      if (!this.problem('unknown-label', lineOf(i), message, this.canBeOutside)) return undefined;
      tags[i] = 'O';
      orphaned = this.scheme !== 'any';
    }
    return tags;
  }

  private problemCount(): number {
    let sum = 0;
    for (const count of this.report.problems.values()) sum += count;
    return sum;
  }
}

/** A piece of file content as it may stand in a message: quoted, and cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function oneOf<T extends string>(argument: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  refuse('read', argument, `one of ${allowed.join(', ')}`, value);
}
