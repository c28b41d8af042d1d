// Reader of CoNLL column files: one token a line, its tag in another column, a blank line between sentences.
import { refuse } from '../check.ts';
import { type FoundSentence, Intake, quote, type ReadOptions, type ReadResult } from './intake.ts';
import { type Line, readLines } from './lines.ts';

export interface ConllOptions extends ReadOptions {
  /** Column of the token from 0, default 0; negative counts from the last. */
  tokenColumn?: number;
  /** Column of the tag, default -1, the last. */
  tagColumn?: number;
  /** What parts columns: tabs, runs of spaces, or (`auto`, default) tabs in lines that have one and spaces elsewhere. */
  separator?: 'tab' | 'space' | 'auto';
}

/** Reads the sentences of a CoNLL file; lines of `-DOCSTART-` only end a sentence; problems are DataErrors with `file:line`. */
export function readConll(bytes: Uint8Array, file: string, options: ConllOptions = {}): ReadResult {
  const intake = new Intake(file, options);
  const rows = new Rows(intake, options);
  let sentence = rows.start();
  const flush = () => {
    if (sentence.tokens.length > 0 || sentence.mended === false) intake.add(sentence);
    sentence = rows.start();
  };
  for (const line of readLines(bytes)) {
    if (line.text.trim() === '' || line.text.startsWith('-DOCSTART-')) flush();
    else rows.take(line, sentence);
  }
  flush();
  return intake.finish();
}

interface OpenSentence extends FoundSentence {
  lines: number[];
}

/** Turns lines into tokens and tags; the first row that has both columns says how many every row must have. */
class Rows {
  private readonly intake: Intake;
  private readonly tokenColumn: number;
  private readonly tagColumn: number;
  private readonly separator: 'tab' | 'space' | 'auto';
  private columns: number | undefined;

  constructor(intake: Intake, options: ConllOptions) {
    this.intake = intake;
    this.tokenColumn = columnOption('tokenColumn', options.tokenColumn ?? 0);
    this.tagColumn = columnOption('tagColumn', options.tagColumn ?? -1);
    this.separator = options.separator ?? 'auto';
  }

  start(): OpenSentence {
    return { tokens: [], tags: [], lines: [] };
  }

  take(line: Line, sentence: OpenSentence): void {
    if (line.fault) this.note(sentence, this.intake.problem('invalid-utf8', line.number, line.fault, true));
    const cells = this.split(line.text);
    const token = cells.at(this.tokenColumn);
    if (this.isRagged(cells)) {
      const mendable = token !== undefined && cells.length > 0;
      this.note(sentence, this.intake.problem('ragged-columns', line.number, this.raggedMessage(cells), mendable));
    }
    sentence.tokens.push(token ?? '');
    sentence.tags.push(cells.length > 1 ? (cells.at(this.tagColumn) ?? 'O') : 'O');
    sentence.lines.push(line.number);
  }

  /** Remembers the worst that happened to the sentence: once beyond mending, always. */
  private note(sentence: OpenSentence, mended: boolean): void {
    sentence.mended = mended && sentence.mended !== false;
  }

  private isRagged(cells: readonly string[]): boolean {
    const token = index(this.tokenColumn, cells.length);
    const tag = index(this.tagColumn, cells.length);
    const complete = token !== undefined && tag !== undefined && token !== tag;
    if (complete) this.columns ??= cells.length;
    return !complete || cells.length !== this.columns;
  }

  private raggedMessage(cells: readonly string[]): string {
    const wanted = this.columns ?? `a token in column ${this.tokenColumn} and a tag in column ${this.tagColumn}`;
    return `ragged columns: ${wanted} expected, got ${cells.length} in ${quote(cells.join(' '))}.`;
  }

  private split(text: string): string[] {
    const tabs = this.separator === 'tab' || (this.separator === 'auto' && text.includes('\t'));
    return tabs ? text.split('\t') : text.split(' ').filter((cell) => cell !== '');
  }
}

function index(column: number, length: number): number | undefined {
  const position = column < 0 ? length + column : column;
  return position >= 0 && position < length ? position : undefined;
}

function columnOption(argument: string, value: number): number {
  if (Number.isSafeInteger(value)) return value;
  refuse('readConll', argument, 'an integer', value);
}
