// Tagged sentences to look at: entities in colour on a terminal, in brackets without colour, and as an HTML page that stands alone.
import colors from 'picocolors';
import { refuse } from '../check.ts';
import type { Sentence } from '../data/index.ts';
import { chunksOf } from '../metrics/index.ts';

export interface HighlightOptions {
  /** Default: colour if `stream` is a terminal and TERM is not dumb; FORCE_COLOR turns it on and NO_COLOR off everywhere. */
  color?: boolean;
  /** Where the text is going, default `process.stdout`. */
  stream?: { isTTY?: boolean };
  /** Entity types in the order of their colours, such as `labels.types`; default: those met, in alphabetical order. */
  types?: readonly string[];
  /** A last line that shows the colour of every type met, default true; brackets need none. */
  legend?: boolean;
}

export interface HighlightHtmlOptions {
  /** Entity types in the order of their colours; default: those met, in alphabetical order. */
  types?: readonly string[];
  /** Heading of the page, default `Entities`. */
  title?: string;
}

type Piece = { text: string; type?: string };

const paint = colors.createColors(true);
/** Black on backgrounds that carry it, in three styles, so that eighteen types look different. */
const BACKGROUNDS = [paint.bgCyan, paint.bgYellow, paint.bgGreen, paint.bgMagenta, paint.bgRedBright, paint.bgWhite];
const STYLES = [paint.bold, paint.underline, paint.italic];
/** Hues of backgrounds, which are light enough for dark text, and of their borders. */
const HUES = [205, 45, 130, 300, 15, 260, 180, 75, 330, 230, 100, 0, 160];

/**
 * Sentences with their entities marked, one a line: `[PERS Name Surname] lives in [LOC Kyiv] .` without colour, and with it
 * painted, with a legend. Tags that spell no legal entity are read as conlleval reads them; control characters are shown as �.
 */
export function highlight(sentences: readonly Sentence[], options: HighlightOptions = {}): string {
  const color = options.color ?? wantsColor(options.stream ?? process.stdout);
  const lines = sentences.map(piecesOf);
  const types = typesOf(lines, options.types);
  const mark = ({ text, type }: Piece) => {
    if (type === undefined) return text;
    return color ? paintAs(types.indexOf(type), ` ${text} `) : `[${type} ${text}]`;
  };
  const body = lines.map((pieces) => `${pieces.map(mark).join(' ')}\n`).join('');
  const met = new Set(lines.flat().map(({ type }) => type));
  const legend = types.flatMap((type, i) => (met.has(type) ? [paintAs(i, ` ${type} `)] : []));
  return color && options.legend !== false && legend.length > 0 ? `${body}\n${legend.join(' ')}\n` : body;
}

/** An HTML page of the sentences, entities marked and named, readable in light and dark; it loads nothing and runs nothing. */
export function highlightHtml(sentences: readonly Sentence[], options: HighlightHtmlOptions = {}): string {
  const lines = sentences.map(piecesOf);
  const types = typesOf(lines, options.types);
  const title = escapeHtml(options.title ?? 'Entities');
  const mark = ({ text, type }: Piece) =>
    type === undefined ? escapeHtml(text) : markHtml(text, type, types.indexOf(type));
  const counts = new Map<string, number>();
  for (const { type } of lines.flat()) if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + 1);
  const legend = types.map((type, i) => `<li>${markHtml(`${counts.get(type) ?? 0}`, type, i)}</li>`).join('\n');
  const items = lines.map((pieces) => `<li>${pieces.map(mark).join(' ')}</li>`).join('\n');
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
${STYLE}
${types.map((_, i) => `.t${i} { --hue: ${hueOf(i)}; }`).join('\n')}
</style>
</head>
<body>
<h1>${title}</h1>
<ul class="legend">
${legend}
</ul>
<ol>
${items}
</ol>
</body>
</html>
`;
}

const STYLE = `:root { color-scheme: light dark; }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/2 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.4rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.6rem; padding: 0; list-style: none; }
ol { padding-left: 3rem; }
ol li { margin: 0.3rem 0; overflow-wrap: anywhere; }
ol li::marker { color: #808080; font-size: 0.8em; }
mark { padding: 0.1em 0.3em; border: 1px solid hsl(var(--hue) 60% 45%); border-radius: 0.3em; background: hsl(var(--hue) 85% 88%);
  color: #111; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
mark b { margin-left: 0.4em; font-size: 0.65em; letter-spacing: 0.04em; color: hsl(var(--hue) 70% 25%); }`;

function markHtml(text: string, type: string, index: number): string {
  return `<mark class="t${index}">${escapeHtml(text)}<b>${escapeHtml(type)}</b></mark>`;
}

/** Golden-angle steps past the hues chosen by hand. */
function hueOf(index: number): number {
  return HUES[index] ?? Math.round(index * 137.5) % 360;
}

function paintAs(index: number, text: string): string {
  const background = BACKGROUNDS[index % BACKGROUNDS.length]!;
  const style = STYLES[Math.floor(index / BACKGROUNDS.length) % STYLES.length]!;
  return style(background(paint.black(text)));
}

/** Words outside of entities one by one, and entities as one piece each. */
function piecesOf({ tokens, tags }: Sentence): Piece[] {
  if (tokens.length !== tags.length) {
    const actual = `${tokens.length} tokens and ${tags.length} tags`;
    refuse('highlight', 'sentence', 'one tag per token', actual);
  }
  const pieces: Piece[] = [];
  let next = 0;
  const plainUpTo = (end: number) => {
    for (; next < end; next++) pieces.push({ text: printable(tokens[next]!) });
  };
  for (const { type, start, end } of chunksOf(tags)) {
    plainUpTo(start);
    pieces.push({ text: printable(tokens.slice(start, end).join(' ')), type: printable(type) });
    next = end;
  }
  plainUpTo(tokens.length);
  return pieces;
}

function typesOf(lines: readonly Piece[][], given: readonly string[] = []): string[] {
  const met = new Set(lines.flat().flatMap(({ type }) => (type === undefined ? [] : [type])));
  return [...given, ...[...met].filter((type) => !given.includes(type)).sort()];
}

/** Control characters of a text would steer the terminal of whoever looks at it; direction marks would reorder the line. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (char) => names[char]!);
}

function wantsColor(stream: { isTTY?: boolean }): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return stream.isTTY === true && TERM !== 'dumb';
}
