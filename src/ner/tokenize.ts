// Splitting plain text into sentences and words, for prediction on text that nobody tokenised; and reading text that somebody did.

/** A word and where it stands in the text. */
export interface Word {
  text: string;
  start: number;
  end: number;
}

// A number with its separators; a word with inner apostrophes, hyphens and the dots of abbreviations such as "U.S."; any other sign.
const WORD =
  /\p{N}+(?:[.,:]\p{N}+)*|(?:\p{Lu}\.){2,}|[\p{L}\p{N}\p{M}]+(?:['’ʼ\-–][\p{L}\p{N}\p{M}]+)*|[^\s\p{L}\p{N}]/gu;
const SENTENCE_END = /^[.!?…]$/u;
const CLOSING = /^["”»’')\]]$/u;

/** The words of a text, with their places. */
export function words(text: string): Word[] {
  return Array.from(text.matchAll(WORD), (m) => ({ text: m[0], start: m.index, end: m.index + m[0].length }));
}

/**
 * Sentences of a text as lists of words. A sentence ends at `. ! ? …` before a capital, a quote or the text's end, at a blank
 * line, and with its line where `lines` is set.
 */
export function sentences(text: string, { lines = false } = {}): Word[][] {
  const found: Word[][] = [];
  let open: Word[] = [];
  const all = words(text);
  const close = () => {
    if (open.length > 0) found.push(open);
    open = [];
  };
  all.forEach((word, i) => {
    const before = all[i - 1];
    if (before) {
      const gap = text.slice(before.end, word.start);
      if (/\n\s*\n/.test(gap) || (lines && gap.includes('\n'))) close();
    }
    open.push(word);
    const next = all[i + 1];
    const ended =
      SENTENCE_END.test(word.text) ||
      (CLOSING.test(word.text) && before !== undefined && SENTENCE_END.test(before.text));
    if (ended && (!next || (next.start > word.end && /^[\p{Lu}\p{N}"“«„—–-]/u.test(next.text)))) close();
  });
  close();
  return found;
}

/**
 * The words of tokenised text: one sentence a line, words between spaces or tabs. A blank line is a sentence of no words, so that
 * the n-th sentence is the n-th line. Other blanks, such as U+00A0 between the digits of a number, are part of their word.
 */
export function tokenisedLines(text: string): string[][] {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => line.split(/[ \t]+/).filter((word) => word !== ''));
}
